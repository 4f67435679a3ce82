"""The report as GitHub Markdown: pull request comment, job summary and `--format markdown`, all from report.md.j2."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from mingus_gate.model import Base, CheckResult, Kind, Place, Report, Result, Severity, told
from mingus_gate.reports.escape import Markdown, code, escape
from mingus_gate.reports.links import DOCS, Links
from mingus_gate.score import GRADES, SCORING_VERSION

VERDICTS = {"blocked": ("🔴", "Blocked"), "ready": ("🟢", "Ready"), "not-ready": ("🟡", "Not ready")}
STATUS = {"pass": "✅", "warn": "⚠️", "fail": "❌", "unknown": "❔", "not-applicable": "➖"}
MARKS = {Severity.CRITICAL: "❌", Severity.WARNING: "⚠️", Severity.INFO: "💡"}
MOST_TELLING = (Kind.FAIL, Kind.PASS, Kind.UNKNOWN, Kind.NOT_APPLICABLE)

LENGTHS = (1000, 12, 4)
"""Entries a fold shows, tried in turn until the page is within its limit."""

NAMED = 8
"""Rules named in a row before "and N more"."""

SECTIONS = 60
"""Sections of the checklist that are named; ours has 27."""

FOLDS = ("checks", "what to do next", "waivers", "not verified", "checklist")
"""In the order of the page; they fall from the end where shorter folds were not enough."""


def render_markdown(
    report: Report,
    links: Links | None = None,
    *,
    name: str = "",
    rows: int = 1000,
    limit: int | None = None,
    timed: bool = True,
    notes: Sequence[str] = (),
) -> str:
    """The report for a person on GitHub.

    `name` tells several gates of one repository apart, `rows` bounds the table of what blocks, `timed` shows how long the
    run took, `notes` stand below the headline. The page is kept within `limit` bytes by shorter folds, then by fewer; what blocks always stays.
    """
    links = links or Links(report.tree)
    view = {**_view(report), **_writers(links), "name": name, "notes": notes, "most": rows, "footer": _footer(report, links, timed)}
    for length, folds in [*((length, FOLDS) for length in LENGTHS), *((LENGTHS[-1], FOLDS[:kept]) for kept in reversed(range(len(FOLDS))))]:
        page = _template().render(view, length=length, folds=folds, left_out=FOLDS[len(folds) :], more=partial(_more, length))
        if limit is None or len(page.encode()) <= limit:
            break
    return re.sub(r"\n{3,}", "\n\n", page)


def one_line(report: Report) -> str:
    """The report as one line of plain text, made of our own words and numbers only."""
    critical = len(report.critical)
    parts = [_grade(report), f"{report.score.coverage:.0%} verified"]
    if critical:
        parts.append(f"{critical} critical {'issue' if critical == 1 else 'issues'}")
    return f"{VERDICTS[report.score.verdict][1]}: {', '.join(parts)}"


@cache
def _template() -> Template:
    # `finalize` makes escaping the rule and Markdown the exception, so the template cannot forget it
    environment = Environment(  # noqa: S701  (escaping HTML would not make Markdown safe)
        loader=PackageLoader("mingus_gate.reports", "."),
        finalize=lambda value: value if isinstance(value, Markdown | int) else escape(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.md.j2")


def _view(report: Report) -> dict[str, Any]:
    """What the template shows."""
    failed = {r.rule.code: r for r in report.results if r.is_open}
    unknown = sorted((r for r in report.results if r.kind is Kind.UNKNOWN), key=lambda r: -r.rule.points)
    silent = [r for r in unknown if r.reason.endswith(r.rule.looks_for)]
    blocking = [failed[code] for code in dict.fromkeys(report.score.blocking) if code in failed] or list(report.critical)
    by_score = not blocking and report.score.verdict == "blocked"
    if by_score:
        blocking = [failed[r.rule.code] for r in report.recommendations[:5]]
    return {
        "report": report,
        "headline": Markdown(
            f"{' '.join(VERDICTS[report.score.verdict])} · {_grade(report)}{delta_of(report)} · {report.score.coverage:.0%} verified"
        ),
        "why": _why(report, helps=by_score),
        "counts": counts_of(report, list(failed.values()), len(unknown)),
        "way_up": way_up(report),
        "blocking": sorted(blocking, key=lambda r: (r.change != "new", -r.rule.severity, -r.rule.points)),
        "changes": changes_of(report),
        "loosened": _loosened(report),
        "tally": _tally(report),
        "checks": [(check, STATUS[check.status], verified_of(check), telling_of(check)) for check in report.checks],
        "advised": [(Markdown(f"+{r.gain:.1f}"), failed[r.rule.code]) for r in report.recommendations if failed[r.rule.code] not in blocking],
        "waivers": _waivers(report),
        "unknown": len(unknown),
        "silent": by_reason(silent, lambda r: r.rule.looks_for),
        "stopped": by_reason([r for r in unknown if r not in silent], lambda r: r.reason),
        "contradicted": [item for item in report.checklist.items if item.verdict == "contradicted"],
        "sections": _sections(report),
        "docs": DOCS,
        "score": partial(_score, report.base),
        "ticked": _ticked(report),
    }


def _writers(links: Links) -> dict[str, Any]:
    """What the template calls to show a result's place, its message and its rule."""

    def where(result: Result) -> Markdown:
        _, place, address, more = seen_of(result)
        return Markdown(links.place(place, address) + (f" and {more} more" if more else ""))

    def rules(results: Sequence[Result]) -> Markdown:
        shown = ", ".join(links.rule(result.rule) for result in results[:NAMED])
        return Markdown(shown + (f" and {len(results) - NAMED} more" if len(results) > NAMED else ""))

    return {
        "where": where,
        "mark": lambda result: Markdown(MARKS[result.rule.severity] + (" **new:**" if result.change == "new" else "")),
        "what": lambda result: seen_of(result)[0],
        "rule": links.rule,
        "rules": rules,
        "told": told,
        "written": lambda w: links.place(w.place) if w.lines or w.place.path == "pyproject.toml" else code(str(w.place)),
        "links": links,
        "place": lambda file: links.place(Place(file.path, file.line)),
    }


def _more(length: int, entries: Sequence[object]) -> str:
    return f"… and {len(entries) - length} more" if len(entries) > length else ""


def _footer(report: Report, links: Links, timed: bool) -> Markdown:
    commit = links.commit or report.commit
    parts = [f"judged `{commit[:7]}`" if commit else ""]
    if report.base:
        parts.append(f"compared with `{report.base.commit[:7]}`" if report.base.score else escape(report.base.reason))
    parts += [f"scoring {SCORING_VERSION}", f"{report.scanned.files:,} files"]
    if report.scanned.not_parsed:
        parts.append(f"{len(report.scanned.not_parsed)} not parsed")
    if timed:
        parts.append(f"{report.seconds:.1f} s")
    if links.report:
        parts.append(f"[full report]({links.report})")
    parts.append(f"[how the score is made]({DOCS}/score.md)")
    return Markdown(" · ".join(part for part in parts if part))


def _grade(report: Report) -> str:
    score = report.score
    if score.value is None:
        return "no score"
    return f"{score.value:g} {score.grade}" + (" (provisional)" if score.provisional else "")


def delta_of(report: Report) -> str:
    return f" ({_signed(report.delta)})" if report.delta else ""


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−")


def _score(base: Base | None, check: CheckResult) -> Markdown:
    """A check's score, and how many points it gained or lost: `40 (−45)`."""
    alike = not any(r.source == "live" and r.assessed for r in check.results)
    before = base.checks.get(check.check.id) if base and alike else None
    gained = round(check.score) - round(before) if check.score is not None and before is not None else 0
    return Markdown("" if check.score is None else f"{check.score:.0f}" + (f"&nbsp;({_signed(gained)})" if gained else ""))


def _ticked(report: Report) -> Markdown:
    """How many items more, or fewer, are done than at the base: ` (+2)`."""
    before = report.base.checklist if report.base else None
    gained = report.checklist.counts["done"] - before.counts["done"] if before else 0
    return Markdown(f" ({_signed(gained)})" if gained else "")


def changes_of(report: Report) -> str:
    """What the branch did, and what is waived whoever did it: `1 new · 2 fixed · 5 unchanged · 1 waived, the next end 2026-12-31`."""
    if not (report.base and report.base.score):
        return ""
    found = ["waived" if result.waiver else result.change for result in report.results]
    words = (("new", "new"), ("fixed", "fixed"), ("existing", "unchanged"), ("waived", "waived"))
    shown = " · ".join(f"{found.count(change)} {word}" for change, word in words if change in found) or "nothing changed"
    ends = [w.expires for w in report.waivers if w.expires and w.state in ("used", "ending")]
    return shown + (f", the next end {min(ends)}" if ends and "waived" in found else "")


def _loosened(report: Report) -> Markdown:
    """What the change takes away from the gate itself, at most five lines' worth."""
    lines = report.base.loosened if report.base else ()
    more = f" · and {len(lines) - 5} more" if len(lines) > 5 else ""
    return Markdown(" · ".join(escape(line) for line in lines[:5]) + more)


def _waivers(report: Report) -> str:
    """`2 waived · 1 invalid · 1 unused`"""
    found = [waiver.state for waiver in report.noted_waivers]
    waived = [f"{len(report.waived)} waived"] if report.waived else []
    return " · ".join(waived + [f"{found.count(state)} {state}" for state in dict.fromkeys(found)])


def counts_of(report: Report, failed: list[Result], unknown: int) -> str:
    words = {Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "suggestion"}
    counts = {word: sum(r.rule.severity is severity for r in failed) for severity, word in words.items()}
    shown = [f"{count} {word}{'s' if count > 1 and word != 'critical' else ''}" for word, count in counts.items() if count]
    held = sum(r.kind is Kind.PASS for r in report.results)
    shown.append(f"{held} {'rule holds' if held == 1 else 'rules hold'}")
    if unknown:
        shown.append(f"{unknown} not verified, range {report.score.low:.0f} to {report.score.high:.0f}")
    if report.score.raw not in (None, report.score.value):
        shown.append(f"{report.score.raw:g} before waivers")
    return " · ".join(shown)


def way_up(report: Report) -> str:
    """The fixes that lead to the next grade: what is critical first, then what gains most."""
    names = [name for _, name in reversed(GRADES)]
    score, gained = report.score.value, 0.0
    for number, recommendation in enumerate(report.recommendations if score is not None else (), 1):
        gained += recommendation.gain
        reached = next(name for least, name in GRADES if round((score or 0) + gained, 1) >= least)
        if any(r.rule.severity is Severity.CRITICAL for r in report.recommendations[number:]):
            reached = min(reached, "FAIR", key=names.index)
        if names.index(reached) > names.index(report.score.grade):
            return f"{number} {'fix' if number == 1 else 'fixes'}, +{gained:.0f} → {reached} ({(score or 0) + gained:.0f})"
    return ""


def _why(report: Report, *, helps: bool) -> str:
    why = report.score.why[0].upper() + report.score.why[1:]
    if report.score.verdict == "not-ready":
        return f"{why}; this does not block the merge"
    return f"{why}; this would help most" if helps else why


def _tally(report: Report) -> Markdown:
    """`14 checks: 9 ✅ 3 ⚠️ 2 ❌`"""
    counts = {mark: sum(check.status == status for check in report.checks) for status, mark in STATUS.items()}
    return Markdown(
        f"{len(report.checks)} {'check' if len(report.checks) == 1 else 'checks'}: "
        + " · ".join(f"{count} {mark}" for mark, count in counts.items() if count)
    )


def by_reason(results: Sequence[Result], reason: Callable[[Result], str]) -> list[tuple[str, Place | None, list[Result]]]:
    """Results that share a reason, those with most points first."""
    groups: dict[tuple[str, Place | None], list[Result]] = {}
    for result in results:
        groups.setdefault((reason(result), seen_of(result)[1]), []).append(result)
    return [(text, place, group) for (text, place), group in groups.items()]


def _sections(report: Report) -> list[tuple[str, Markdown]]:
    """The checklist's sections: how many items each has open, and which have none."""
    left = [(escape(s.title, 60), s.counts["total"] - s.counts["done"]) for s in report.checklist.sections[:SECTIONS]]
    still_open = ", ".join(f"{title} {count}" for title, count in left if count)
    finished = ", ".join(title for title, count in left if not count)
    return [(title, Markdown(text)) for title, text in (("Open", still_open), ("Finished", finished)) if text]


def verified_of(check: CheckResult) -> str:
    applicable = [r for r in check.results if r.kind is not Kind.NOT_APPLICABLE]
    return f"{sum(r.assessed for r in applicable)} of {len(applicable)}" if applicable else ""


def telling_of(check: CheckResult) -> Result | None:
    """The result that tells most of a check: the worst failure, an open one first, else the evidence, else why it is not known."""
    return min(check.results, key=lambda r: (MOST_TELLING.index(r.kind), r.waiver is not None, -r.rule.severity), default=None)


def seen_of(result: Result) -> tuple[str, Place | None, str, int]:
    """What was seen that made the result what it is: message, place, live address, and in how many more places."""
    seen = result.telling
    if not seen:
        return result.reason or result.message, None, "", 0
    return seen[0].message + (" (waived)" if result.waiver else ""), seen[0].place, seen[0].address, len(seen) - 1
