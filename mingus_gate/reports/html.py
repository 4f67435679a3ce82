"""The report as one page for a browser that asks nothing of anybody: no script, no request. Its template is report.html.j2."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from mingus_gate import __version__
from mingus_gate.model import ChecklistItem, CheckResult, Kind, Observation, Report, Result, Severity, told
from mingus_gate.reports import history
from mingus_gate.reports import markdown as words
from mingus_gate.reports.escape import shorten
from mingus_gate.reports.links import DOCS, line_url, rule_url
from mingus_gate.score import ENOUGH_COVERAGE, GRADES, SCORING_VERSION

PLACES = 5
"""Places of one finding that are shown; the others are folded."""

NEXT = 10
"""Recommendations that are shown; the others are folded."""

FOLDED = 200
"""Places and files in a fold before "and N more"; the JSON report has all."""

LONGEST = 2000
"""Characters of one text."""

STATUS = {"pass": "holds", "warn": "has warnings", "fail": "fails", "unknown": "not verified", "not-applicable": "does not apply"}
ICON = {Kind.PASS: "pass", Kind.UNKNOWN: "unknown", Kind.NOT_APPLICABLE: "not-applicable"}
FAILED = {Severity.CRITICAL: "fail", Severity.WARNING: "warn", Severity.INFO: "info"}
ITEMS = {"verified": "verified by a rule", "contradicted": "ticked, but a rule says otherwise", "done": "ticked by hand", "open": "open"}


class Group(NamedTuple):
    """Findings that stand together, under `title`."""

    id: str
    title: str
    says: str
    results: list[Result]


def render_html(report: Report) -> str:
    """The whole report as one page of HTML."""
    return _template().render(_view(report)) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mingus_gate.reports", "."),
        autoescape=True,
        # nothing that cannot be seen, or turns the text around it, reaches the page
        finalize=lambda value: value if isinstance(value, Markup | int | float) else shorten(str(value), LONGEST),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "sentence": sentence, "when": when, "breakable": breakable, "day": lambda text: text[:10]}
    return environment.get_template("report.html.j2")


def prose(text: str) -> Markup:
    """Text whose parts in backticks are code."""
    parts = shorten(text, LONGEST).split("`")
    if len(parts) % 2 == 0:
        return escape("`".join(parts))
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 and part else escape(part) for n, part in enumerate(parts))


def breakable(path: str) -> Markup:
    """A path that may go on in the next line after a slash."""
    return Markup("/<wbr>").join(shorten(path, LONGEST).split("/"))


def sentence(text: str) -> str:
    """The text with a capital letter, where it starts with a word."""
    return text[0].upper() + text[1:] if re.match(r"[a-z]+[\s,:]", text) else text


def when(text: str) -> str:
    """`23 November 2026, 12:00 UTC`"""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _view(report: Report) -> dict[str, Any]:
    """What the template shows."""
    unknown = sorted((r for r in report.results if r.kind is Kind.UNKNOWN), key=lambda r: -r.rule.points)
    silent = [r for r in unknown if r.reason.endswith(r.rule.looks_for)]
    failed = {r.rule.code: r for r in report.results if r.is_open}
    gains = {r.rule.code: r.gain for r in report.recommendations}
    return {
        "report": report,
        "version": __version__,
        "scoring": SCORING_VERSION,
        "docs": DOCS,
        "verdict": words.VERDICTS[report.score.verdict][1],
        "why": sentence(report.score.why),
        "counts": words.counts_of(report, list(failed.values()), len(unknown)),
        "delta": words.delta_of(report).strip(" ()"),
        "changes": words.changes_of(report),
        "way_up": words.way_up(report),
        "marks": sorted(int(least) for least, _ in GRADES if least),
        "enough": ENOUGH_COVERAGE,
        "trend": history.draw(report),
        "groups": _groups(report, list(failed.values()), gains),
        "gains": gains,
        "advised": [(failed[r.rule.code], r.gain) for r in report.recommendations],
        "checks": [(check, STATUS[check.status], words.verified_of(check), words.telling_of(check)) for check in report.checks],
        "unknown": unknown,
        "silent": words.by_reason(silent, lambda r: r.rule.looks_for),
        "stopped": words.by_reason([r for r in unknown if r not in silent], lambda r: r.reason),
        "item_words": ITEMS,
        "NEXT": NEXT,
        "PLACES": PLACES,
        "FOLDED": FOLDED,
        **_writers(report),
    }


def _writers(report: Report) -> dict[str, Any]:
    """What the template calls."""
    return {
        "url": lambda place: line_url(report.tree, place),
        "rule_url": rule_url,
        "seen": lambda result: words.seen_of(result)[0],
        "told": _told,
        "icon": lambda result: "waived" if result.waiver else ICON.get(result.kind) or FAILED[result.rule.severity],
        "summed": told,
        "facts": _facts,
        "held": _held,
        "state": _state,
        "share": lambda part, whole: round(100 * part / whole, 1) if whole else 0,
    }


def _groups(report: Report, failed: Sequence[Result], gains: Mapping[str, float]) -> list[Group]:
    """The findings: what blocks, then by severity; in each what is new first, then what gains most."""
    blocking = [r for r in failed if r.rule.code in report.score.blocking]
    rest = [r for r in failed if r.rule.code not in report.score.blocking]
    by = {severity: [r for r in rest if r.rule.severity is severity] for severity in Severity}
    groups = [
        Group("blocking", "Blocks this merge", "Mend these first: as long as one is open, the gate stays shut.", blocking),
        Group("critical", "Critical", "They do not block here, but no release should go out with them.", by[Severity.CRITICAL]),
        Group("warnings", "Warnings", "They do not block. The ones that gain most come first.", by[Severity.WARNING]),
        Group("suggestions", "Suggestions", "Good to have.", by[Severity.INFO]),
    ]
    order = lambda r: (r.change != "new", -r.rule.severity, -gains.get(r.rule.code, 0.0))  # noqa: E731
    return [group._replace(results=sorted(group.results, key=order)) for group in groups if group.results]


def _told(result: Result) -> list[Observation]:
    """The observations that made the result what it is; what would read alike once."""
    return list({(o.place, o.address, o.message, str(o.evidence)): o for o in result.telling}.values())


def _facts(seen: Observation) -> list[tuple[str, str]]:
    """The evidence as pairs of words."""
    return [(name.replace("_", " "), _said(value)) for name, value in seen.evidence.items() if value not in (None, "", [], {})]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return shorten(", ".join(map(str, value)), 200)
    return shorten(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 200)


def _held(check: CheckResult) -> str:
    """What a check's rules came to: `1 fails · 3 hold · 2 not verified`."""
    kinds = [r.kind for r in check.results]
    named = ((Kind.FAIL, "failed"), (Kind.PASS, "held"), (Kind.UNKNOWN, "not verified"), (Kind.NOT_APPLICABLE, "not applicable"))
    return " · ".join(f"{kinds.count(kind)} {word}" for kind, word in named if kind in kinds)


def _state(item: ChecklistItem) -> str:
    return item.verdict if item.verdict in ("verified", "contradicted") else "done" if item.done else "open"
