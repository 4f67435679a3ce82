"""The report for a person at a terminal: readable at a glance, plain text where colour is not wanted."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mingus_gate.model import Base, CheckResult, Kind, Report, Result, Severity, told

WIDTH = 110
PLACES = 3
"""Places shown of one finding."""

SHOWN = 10
"""Findings, unknowns and skipped files listed before "and N more"; the JSON report has all."""

VERDICT_STYLE = {"blocked": "bold white on red", "ready": "bold white on green", "not-ready": "bold black on yellow"}
STATUS = {
    "pass": ("✔", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✖", "red"),
    "unknown": ("?", "magenta"),
    "not-applicable": ("–", "dim"),
}
SEVERITY_STYLE = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def render_text(report: Report, *, color: bool = False, width: int = WIDTH) -> str:
    """The report as lines of at most `width` columns; escape codes only with `color`."""
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=color, color_system="standard" if color else None, highlight=False, soft_wrap=False)
    for part in _parts(report):
        console.print(part)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _parts(report: Report) -> Iterator[RenderableType]:
    yield _headline(report)
    yield Text(report.score.why[0].upper() + report.score.why[1:] + ".")
    if report.base:
        yield Text(_compared(report, report.base))
        yield from (Text(f"This change loosens the gate: {line}.", "yellow") for line in report.base.loosened)
    failed = [r for r in report.results if r.is_open]
    for severity in (Severity.CRITICAL, Severity.WARNING, Severity.INFO):
        found = [r for r in failed if r.rule.severity is severity]
        if found:
            yield _title({"CRITICAL": "Critical", "WARNING": "Warnings", "INFO": "Good to have"}[severity.name], len(found))
            yield from (_finding(result) for result in found[: SHOWN if severity is not Severity.CRITICAL else None])
            if severity is not Severity.CRITICAL and len(found) > SHOWN:
                yield Text(f"   … and {len(found) - SHOWN} more", "dim")
    yield from _waivers(report)
    yield _title("The fourteen checks" if len(report.checks) == 14 else "Checks")
    yield _checks(report)
    yield from _unknown(report)
    yield from _checklist(report)
    yield from _next(report)
    yield from _scanned(report)


def _headline(report: Report) -> Text:
    score = report.score
    line = Text()
    line.append(f" {score.verdict.upper().replace('-', ' ')} ", VERDICT_STYLE[score.verdict])
    line.append(f"  {score.value:.1f} {score.grade}" if score.value is not None else "  no score (UNKNOWN)", "bold")
    if score.provisional:
        line.append(" provisional", "yellow")
    if score.raw is not None and score.raw != score.value:
        line.append(f"  {score.raw:g} before waivers", "dim")
    if score.value is not None and score.low != score.high:
        line.append(f"  between {score.low:g} and {score.high:g}", "dim")
    if report.delta is not None:
        line.append(f"  {report.delta:+.1f}", "green" if report.delta >= 0 else "red")
    line.append(f"  {score.coverage:.0%} verified")
    return line


def _compared(report: Report, base: Base) -> str:
    if base.reason:
        return base.reason[0].upper() + base.reason[1:] + "."
    changes = ["waived" if result.waiver else result.change for result in report.results]
    counted = ", ".join(f"{changes.count(change)} {word}" for change, word in (("new", "new"), ("fixed", "fixed"), ("existing", "unchanged")))
    waived = f", {changes.count('waived')} waived" if "waived" in changes else ""
    return f"Against {base.ref} ({base.commit[:7]}): {counted}{waived}."


def _title(text: str, count: int | None = None) -> Text:
    return Text(f"\n{text}" + (f" ({count})" if count is not None else ""), "bold")


def _finding(result: Result) -> RenderableType:
    style = SEVERITY_STYLE[result.rule.severity]
    mark = "✖" if result.rule.severity is Severity.CRITICAL else "!"
    broken = result.telling
    parts: list[RenderableType] = [
        _hanging(
            Text(mark, style),
            Text.assemble((result.rule.code, f"bold {style}"), ("  new" if result.change == "new" else "", "bold"), "  ", result.rule.title),
        )
    ]
    for seen in broken[:PLACES]:
        where = str(seen.place) if seen.place else seen.address
        parts.append(_hanging(Text(""), Text.assemble((where, "bold"), ": " if where else "", seen.message)))
    if len(broken) > PLACES:
        parts.append(_hanging(Text(""), Text(f"… and {len(broken) - PLACES} more places", "dim")))
    parts.append(_hanging(Text(""), Text(f"fix: {result.rule.fix}", "dim")))
    return Group(*parts)


def _hanging(mark: Text, text: Text) -> Table:
    """A mark and a text whose further lines stay right of the mark."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2, justify="right")
    grid.add_column()
    grid.add_row(mark, text)
    return grid


def _checks(report: Report) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=2, justify="right")
    table.add_column(no_wrap=True, min_width=max(len(check.check.title) for check in report.checks))
    table.add_column(justify="right", min_width=3)
    table.add_column(no_wrap=True, min_width=8, justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for check in report.checks:
        mark, style = STATUS[check.status]
        score = f"{check.score:.0f}" if check.score is not None else ""
        table.add_row(Text(mark, style), Text(check.check.title, style), Text(score, "bold"), Text(_assessed(check), "dim"), Text(_evidence(check)))
    return table


def _assessed(check: CheckResult) -> str:
    applicable = [r for r in check.results if r.kind is not Kind.NOT_APPLICABLE]
    return f"{sum(r.assessed for r in applicable)} of {len(applicable)}" if applicable else ""


def _evidence(check: CheckResult) -> str:
    """The line that tells most: the worst failure, an open one first, else the first pass, else why it is not known."""
    order = {Kind.FAIL: 0, Kind.PASS: 1, Kind.UNKNOWN: 2, Kind.NOT_APPLICABLE: 3}
    ranked = sorted(check.results, key=lambda r: (order[r.kind], r.waiver is not None, -r.rule.severity))
    if not ranked:
        return ""
    first = ranked[0]
    where = f" at {first.place}" if first.place else ""
    return (first.reason or first.message) + where + (" (waived)" if first.waiver else "")


def _waivers(report: Report) -> Iterator[RenderableType]:
    """What is waived, by whom and until when; then the waivers that somebody should look at."""
    if report.waived:
        yield _title("Waived", len(report.waived))
        for result, waiver, seen in report.waived[:SHOWN]:
            where = f" at {seen[0].place}" if seen[0].place else ""
            yield _hanging(Text("–", "dim"), Text.assemble((result.rule.code, "bold"), f"  {told(seen)}{where}"))
            yield _hanging(Text(""), Text(f"{waiver.terms}: {waiver.reason} ({waiver.place})", "dim"))
        if len(report.waived) > SHOWN:
            yield Text(f"   … and {len(report.waived) - SHOWN} more", "dim")
    if report.noted_waivers:
        yield _title("Waivers to look at", len(report.noted_waivers))
        for waiver in report.noted_waivers[:SHOWN]:
            waives = " does not waive:" if waiver.state == "invalid" else ":"
            yield _hanging(Text("!", "yellow"), Text.assemble((f"{waiver.place}", "bold"), f" {waiver.rule}".rstrip(), f"{waives} {waiver.note}"))
        if len(report.noted_waivers) > SHOWN:
            yield Text(f"   … and {len(report.noted_waivers) - SHOWN} more", "dim")


def _unknown(report: Report) -> Iterator[RenderableType]:
    unknown = [r for r in report.results if r.kind is Kind.UNKNOWN]
    if unknown:
        yield _title("Not verified", len(unknown))
        by_reason: dict[str, list[str]] = {}
        for result in sorted(unknown, key=lambda r: -r.rule.points):
            by_reason.setdefault(result.reason, []).append(result.rule.code)
        for reason, codes in list(by_reason.items())[:SHOWN]:
            yield _hanging(Text("?", "magenta"), Text.assemble(", ".join(codes), (f": {reason}", "dim")))
        if len(by_reason) > SHOWN:
            yield Text(f"   … and {len(by_reason) - SHOWN} more reasons", "dim")


def _checklist(report: Report) -> Iterator[RenderableType]:
    counts = report.checklist.counts
    if counts["total"]:
        name = report.checklist.path or "the checklist that ships with mingus-gate"
        yield Text.assemble(
            ("\nChecklist", "bold"),
            f"  {counts['done']} of {counts['total']} done in {len(report.checklist.sections)} sections, "
            f"{counts['verified']} verified by a rule, {counts['contradicted']} contradicted ",
            (f"({name})", "dim"),
        )
        for item in report.checklist.items:
            if item.verdict == "contradicted":
                yield _hanging(Text("!", "yellow"), Text(f"{item.text}: ticked, but the rules say otherwise ({', '.join(item.rules)})"))


def _next(report: Report) -> Iterator[RenderableType]:
    if report.recommendations:
        yield _title("Do next")
        for recommendation in report.recommendations[:3]:
            where = f" ({recommendation.place})" if recommendation.place else ""
            gain = (f"+{recommendation.gain:.1f} points  ", "green")
            yield _hanging(Text("→", "green"), Text.assemble(gain, f"{recommendation.rule.code}{where}: {recommendation.text}"))


def _scanned(report: Report) -> Iterator[RenderableType]:
    scanned = report.scanned
    unread = [*scanned.not_parsed, *scanned.skipped]
    for file in unread[:SHOWN]:
        yield Text(f"{'not parsed' if file in scanned.not_parsed else 'skipped'}: {file.path}:{file.line}: {file.reason}", "yellow")
    if len(unread) > SHOWN:
        yield Text(f"… and {len(unread) - SHOWN} more files not read", "yellow")
    files = "1 file" if scanned.files == 1 else f"{scanned.files:,} files"
    yield Text(
        f"\n{files} (listed by {scanned.listing}), {scanned.parsed:,} parsed, {len(scanned.not_parsed)} not parsed, "
        f"{len(scanned.skipped)} skipped · {report.seconds:.1f} s",
        "dim",
    )
