"""Lines on standard output that GitHub reads as commands: annotations of the changed files, and a fence around other text."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from mingus_gate.model import Place, Report, Result, Severity
from mingus_gate.reports.escape import shorten

MOST = 10
"""Errors, and warnings, that GitHub shows of one step."""


def command(level: str, message: str, *, title: str = "", place: Place | None = None) -> str:
    """`::error file=…,line=…::message`, its values escaped as GitHub's toolkit does."""
    properties = {"title": title, **({"file": place.path, "line": str(place.line), "col": str(place.column)} if place else {})}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if shown else ''}{shown}::{_data(message)}"


def annotate(report: Report, folder: str = "", *, room: int = MOST) -> Iterator[str]:
    """One line for each failed rule, what the change brought first.

    `folder` leads from the repository's root to the tree judged; `room` warnings fit.
    """
    failed = sorted((r for r in report.results if r.is_open), key=lambda r: (r.change != "new", -r.rule.severity, -r.rule.points))
    blocking = set(report.score.blocking)
    errors = [r for r in failed if r.rule.code in blocking or r.rule.severity is Severity.CRITICAL]
    warnings = [r for r in failed if r not in errors and r.rule.severity is Severity.WARNING]
    if report.score.verdict == "blocked" and not errors:  # by the score
        yield command("error", report.score.why, title="mingus-gate")
    for level, results, most in (("error", errors, MOST), ("warning", warnings, room)):
        yield from (_annotation(level, result, folder) for result in results[: max(most, 0)])
    if more := max(len(errors) - MOST, 0) + max(len(warnings) - max(room, 0), 0):
        yield command("notice", f"and {more} more: the job summary has all", title="mingus-gate")


def fenced(text: str) -> str:
    """`text` with GitHub told to take no command from it."""
    mark = uuid.uuid4().hex
    return f"::stop-commands::{mark}\n{text.rstrip()}\n::{mark}::"


def _annotation(level: str, result: Result, folder: str) -> str:
    place = result.place
    shown = Place(f"{folder}{place.path}", place.line, place.column) if place else None
    return command(level, f"{shorten(result.message, 300)}. {result.rule.fix}", title=f"mingus-gate: {result.rule.code}", place=shown)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
