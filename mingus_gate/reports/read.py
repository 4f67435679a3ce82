"""From JSON back to a Report, where its author is not trusted: what he wrote is data, what it comes to is judged anew.

Only a run's claims are taken: of our own rules what was seen and where, the waivers, the checklist and the base. Titles,
fixes, severities, points, score and verdict are ours. Evidence is left out, since no comment shows it.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config
from mingus_gate.model import (
    Base,
    Checklist,
    ChecklistItem,
    ChecklistSection,
    Kind,
    Observation,
    Place,
    Report,
    Result,
    Rule,
    Scanned,
    Score,
    Unread,
    Waiver,
)
from mingus_gate.score import judge, judge_checks, recommend

LARGEST = 5_000_000
"""Bytes of a file that are read: about ten thousand findings."""


class ReportError(Exception):
    """The file is no report. The text says where and holds nothing of the file."""


class Reread(NamedTuple):
    """The report, and how many of its results were left out because they are of no rule of ours."""

    report: Report
    left_out: int


def read_report(file: Path, config: Config) -> Reread:
    """The report in `file`, judged by `config`. Raises ReportError."""
    try:
        if file.is_symlink() or not file.is_file():
            raise ReportError("no such file; did the first workflow upload it?")
        with file.open("rb") as stream:
            return parse_report(stream.read(LARGEST + 1), config)
    except OSError as error:
        raise ReportError(f"cannot be read ({type(error).__name__})") from None


def parse_report(data: bytes, config: Config) -> Reread:
    """The report in the JSON text `data`, judged by `config`. Raises ReportError."""
    if len(data) > LARGEST:
        raise ReportError(f"larger than {LARGEST:,} bytes")
    try:
        said = _Report.model_validate(_parse(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ReportError(f"no report of mingus-gate: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from None
    known = [result for result in said.results if result.rule in RULES]
    results = {result.rule: result for result in known}
    if len(results) < len(known):
        raise ReportError("no report of mingus-gate: a rule has two results")
    checks = judge_checks(
        {check: [_result(rule, results.get(rule.code), "static" if rule in check.static else "live") for rule in check.rules] for check in CHECKS}
    )
    report = Report(
        score=judge(checks, fail_on=config.fail_on, min_score=config.min_score),
        checks=checks,
        checklist=said.checklist.made(),
        scanned=said.scanned.made(),
        recommendations=recommend(checks),
        started_at=said.started_at,
        seconds=said.seconds,
        commit=said.commit or "",
        base=said.base.made() if said.base else None,
        waivers=tuple(waiver.made(waiver.rule, state=waiver.state, note=waiver.note or "") for waiver in said.waivers),
    )
    return Reread(report, len(said.results) - len(known))


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise ReportError("no report of mingus-gate: not JSON as it should be") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):  # which of the two would be read is anybody's guess
        raise ReportError("no report of mingus-gate: a name stands twice in one object")
    return made


def _refused(_: str) -> None:
    raise ValueError


def _result(rule: Rule, said: _Result | None, source: Literal["static", "live"]) -> Result:
    """What the file says of a rule of ours; of one it is silent about nothing is known."""
    if said is None:
        silent = "the report says nothing of it"
        return Result(rule, Kind.UNKNOWN, None, source, silent, silent)
    seen = tuple(o.made(rule.code, said.kind) for o in said.observations)
    held = [o.holds for o in seen if o.holds is not None]
    if said.kind in ("pass", "fail") and (not held or all(held) is (said.kind == "fail")):
        raise ReportError(f"no report of mingus-gate: {rule.code} is said to {said.kind}, and what was seen says otherwise")
    value = sum(held) / len(held) if said.kind in ("pass", "fail") else None
    return Result(rule, Kind(said.kind), value, source, said.message, said.reason or "", seen, said.fingerprint or "", change=said.change)


# -- what stands in the file, with a bound on everything; a list ends at its first mistake, or a million would be kept ---


def _leads_out(path: str) -> bool:
    return not {"", ".", ".."}.isdisjoint(path.split("/"))


def _inside(path: str) -> str:
    if _leads_out(path):  # it would make a link to anywhere
        raise ValueError("not a path in the tree")
    return path


def _day(text: object) -> date | None:
    try:
        return None if text == "never" else date.fromisoformat(str(text))
    except ValueError:
        raise ValueError("neither a date nor never") from None


Text = Annotated[str, Field(max_length=10_000)]
Code = Annotated[str, Field(max_length=200)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{0,64}$")]
InTree = Annotated[str, Field(max_length=5_000), AfterValidator(_inside)]
Line = Annotated[int, Field(ge=1, le=1_000_000_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Percent = Annotated[float, Field(ge=0, le=100)]
Grade = Literal["EXCELLENT", "GOOD", "FAIR", "POOR", "UNKNOWN"]
Verdict = Literal["blocked", "ready", "not-ready"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class _Waiver(_Strict):
    owner: Text | None
    reason: Text
    expires: Annotated[date | None, BeforeValidator(_day)]
    place: Annotated[str, Field(max_length=5_000, pattern=r":[1-9][0-9]{0,8}$")]

    def made(self, rule: str, **more: Any) -> Waiver:
        path, _, line = self.place.rpartition(":")
        place = Place(path, int(line))
        # a comment has no owner, and is linked to
        lines = () if self.owner or _leads_out(path) else (place.line,)
        return Waiver(rule, self.reason, self.owner or "", self.expires, place, path, lines=lines, **more)


class _ListedWaiver(_Waiver):
    rule: Text
    state: Literal["used", "ending", "unused", "idle", "invalid"]
    note: Text | None


class _Observation(_Strict):
    holds: bool | None
    message: Text
    path: InTree | None
    line: Line | None
    column: Line | None
    address: Text | None
    fingerprint: Hex | None
    waiver: _Waiver | None

    def made(self, rule: str, kind: str) -> Observation:
        place = Place(self.path, self.line or 1, self.column or 1) if self.path is not None else None
        waiver = self.waiver.made(rule) if self.waiver and self.holds is False else None
        applies = self.holds is not None or kind != "not-applicable"
        address, fingerprint = self.address or "", self.fingerprint or ""
        return Observation(self.holds, self.message, place, address, applies=applies, fingerprint=fingerprint, waiver=waiver)


class _Result(_Strict):
    rule: Code
    kind: Literal["pass", "fail", "not-applicable", "unknown"]
    message: Text
    reason: Text | None
    fingerprint: Hex | None
    change: Literal["new", "existing", "fixed"] | None
    observations: Annotated[list[_Observation], Field(max_length=20_000, fail_fast=True)]


class _Item(_Strict):
    id: Code
    text: Text
    line: Line | None
    done: bool
    rules: Annotated[list[Code], Field(max_length=100, fail_fast=True)]
    verdict: Literal["verified", "contradicted", "unknown"] | None

    def made(self) -> ChecklistItem:
        return ChecklistItem(self.id, self.text, self.line or 1, self.done, tuple(self.rules), self.verdict or "")


class _Section(_Strict):
    title: Text
    items: Annotated[list[_Item], Field(max_length=1_000, fail_fast=True)]


class _Checklist(_Strict):
    path: Text | None
    sections: Annotated[list[_Section], Field(max_length=1_000, fail_fast=True)]

    def made(self) -> Checklist:
        return Checklist(self.path or "", tuple(ChecklistSection(s.title, 1, tuple(item.made() for item in s.items)) for s in self.sections))


class _Unread(_Strict):
    path: InTree
    line: Line | None = None
    reason: Text

    def made(self) -> Unread:
        return Unread(self.path, self.reason, self.line or 1)


class _Scanned(_Strict):
    files: Count
    parsed: Count
    not_parsed: Annotated[list[_Unread], Field(max_length=20_000, fail_fast=True)]
    skipped_files: Annotated[list[_Unread], Field(max_length=20_000, fail_fast=True)]
    listing: Code

    def made(self) -> Scanned:
        not_parsed, skipped = (tuple(file.made() for file in files) for files in (self.not_parsed, self.skipped_files))
        return Scanned(self.files, self.parsed, not_parsed, skipped, self.listing)


class _Base(_Strict):
    ref: Text | None
    commit: Hex | None
    score: Percent | None
    grade: Grade | None
    verdict: Verdict | None
    reason: Text | None
    loosened: Annotated[list[Text], Field(max_length=1_000, fail_fast=True)] = []

    def made(self) -> Base:
        """The base as the run judged it; only the figure is shown, as the difference."""
        score = None
        if self.grade and self.verdict:
            score = Score(self.score, 0.0, 100.0, 0.0, self.grade, False, self.verdict, (), "")
        return Base(self.ref or "", self.commit or "", score, self.reason or "", tuple(self.loosened))


class _Report(_Strict):
    schema_: Literal["mingus-gate/report/1"] = Field(alias="schema")
    results: Annotated[list[_Result], Field(max_length=1_000, fail_fast=True)]
    checklist: _Checklist
    scanned: _Scanned
    waivers: Annotated[list[_ListedWaiver], Field(max_length=5_000, fail_fast=True)]
    commit: Hex | None
    base: _Base | None
    started_at: Code
    seconds: Annotated[float, Field(ge=0, le=1_000_000)]
