"""The forms a report can take: format name → function of the Report that returns the text."""

from __future__ import annotations

from collections.abc import Callable

from mingus_gate.model import Report
from mingus_gate.reports.html import render_html
from mingus_gate.reports.json import render_json
from mingus_gate.reports.junit import render_junit
from mingus_gate.reports.markdown import render_markdown
from mingus_gate.reports.sarif import render_sarif
from mingus_gate.reports.text import render_text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": render_text,
    "json": render_json,
    "markdown": render_markdown,
    "sarif": render_sarif,
    "junit": render_junit,
    "html": render_html,
}
