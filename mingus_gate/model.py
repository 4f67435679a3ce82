"""The nouns of the gate. Imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import IntEnum, StrEnum
from typing import Any, Literal

Ask = Callable[[Any], Iterator["Observation"]]
"""Looks at a Repo (static) or a Target (live) and yields what it sees."""


class Severity(IntEnum):
    """How much a broken rule matters. CRITICAL blocks a merge."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()


POINTS = {Severity.CRITICAL: 5, Severity.WARNING: 2, Severity.INFO: 1}
"""Points of a rule that names none of its own (DESIGN: Score)."""


class Kind(StrEnum):
    """What a rule came to."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a file is for. Rules judge PRODUCTION files unless they say otherwise."""

    PRODUCTION = "production"
    TEST = "test"
    EXAMPLE = "example"
    DOCUMENTATION = "documentation"
    VENDORED = "vendored"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the tree: path relative to its root, line and column counted from 1."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody's word that something broken may stay so, from `[tool.mingus-gate]` or a comment in the code.

    `place` is where it is written. It is for the files that match `path`, the finding with `fingerprint`, or the whole
    rule; a comment's is for `lines` of its file and has no owner: who wrote the line. `expires` is the last day it
    holds, in UTC; None is without end. `note` says what is wrong with it and what to do.
    """

    rule: str
    reason: str
    owner: str
    expires: date | None
    place: Place
    path: str = ""
    fingerprint: str = ""
    lines: tuple[int, ...] = ()
    state: Literal["used", "ending", "unused", "idle", "invalid"] = "idle"
    """ending: used, but not for long; unused: what it was for is no longer found; idle: its rule was not judged; invalid: it waives nothing."""
    note: str = ""

    def unless(self, mistakes: Iterable[str]) -> Waiver:
        """The waiver, invalid where there are mistakes."""
        note = "; ".join(mistakes)
        return replace(self, state="invalid", note=note) if note else self

    @property
    def terms(self) -> str:
        """Who answers for it, and until when."""
        return f"{self.owner or 'a comment'}, {f'until {self.expires}' if self.expires else 'without end'}"


@dataclass(frozen=True, slots=True)
class Observation:
    """Something seen that bears on a rule.

    `holds` is True or False; None says that it could not be told, and `message` then says what stopped us.
    `applies` is False for the proof that the rule has no object here. Build one with `holds`, `broken`, `unclear`
    or `absent`. `address` is the live address asked, without credentials.
    """

    holds: bool | None
    message: str
    place: Place | None = None
    address: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    """The line at `place`, where no secret can stand in it."""
    applies: bool = True
    fingerprint: str = ""
    waiver: Waiver | None = None


def holds(message: str, place: Place | None = None, *, address: str = "", **evidence: Any) -> Observation:
    """The rule is kept here, and this is the evidence."""
    return Observation(True, message, place, address, evidence)


def broken(message: str, place: Place | None = None, *, address: str = "", **evidence: Any) -> Observation:
    """The rule is broken here."""
    return Observation(False, message, place, address, evidence)


def unclear(reason: str, place: Place | None = None, *, address: str = "", **evidence: Any) -> Observation:
    """Something bears on the rule but could not be resolved; `reason` names the expression or variable that stopped us."""
    return Observation(None, reason, place, address, evidence)


def absent(looked_for: str) -> Observation:
    """The rule does not apply; `looked_for` says what was looked for and not found."""
    return Observation(None, looked_for, applies=False)


def told(seen: Sequence[Observation]) -> str:
    """What the first says, and how many more there are."""
    return seen[0].message if len(seen) == 1 else f"{seen[0].message} (and {len(seen) - 1} more)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement that should hold in production.

    `code` is `<check id>.<name>` and is for ever. `looks_for` ends the sentence "unknown: found nothing that bears on
    it; looked for …". `why` and `source` (a URL) are printed by `explain` and stand in the docs.
    """

    code: str
    severity: Severity
    title: str
    fix: str
    looks_for: str
    why: str
    source: str = ""
    own_points: int | None = None

    @property
    def check(self) -> str:
        return self.code.partition(".")[0]

    @property
    def points(self) -> int:
        return self.own_points if self.own_points is not None else POINTS[self.severity]


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One of the fourteen readiness questions. `static` asks a Repo, `live` asks a Target; both in report order."""

    id: str
    title: str
    question: str
    weight: int
    static: Mapping[Rule, Ask] = field(default_factory=dict)
    live: Mapping[Rule, Ask] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.static, *self.live)


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule came to. `value` is the share that holds, 0 to 1, or None where nothing was assessed; waivers do not change it."""

    rule: Rule
    kind: Kind
    value: float | None
    source: Literal["static", "live"]
    message: str
    reason: str = ""
    observations: tuple[Observation, ...] = ()
    fingerprint: str = ""
    seconds: float = 0.0
    change: Literal["new", "existing", "fixed"] | None = None
    """Against the base: a failure that was not there, was there, or a rule that failed there and no longer does."""

    @property
    def assessed(self) -> bool:
        return self.value is not None

    @property
    def waived(self) -> tuple[Observation, ...]:
        """What is broken and may stay so."""
        return tuple(o for o in self.observations if o.waiver)

    @property
    def waiver(self) -> Waiver | None:
        """Who answers for the failure: given where all that is broken is waived."""
        broken = [o.waiver for o in self.observations if o.holds is False]
        return broken[0] if broken and all(broken) else None

    @property
    def is_open(self) -> bool:
        """A failure that counts: not all that is broken is waived."""
        return self.kind is Kind.FAIL and self.waiver is None

    @property
    def effective(self) -> float | None:
        """The value with waived observations left out: they neither earn nor cost. None where none is left."""
        if not self.waived:
            return self.value
        held = [o.holds for o in self.observations if o.holds is not None and not o.waiver]
        return sum(held) / len(held) if held else None

    @property
    def telling(self) -> tuple[Observation, ...]:
        """The observations that made the result what it is; of a failure those that are not waived, if there are any."""
        wanted = {Kind.FAIL: False, Kind.PASS: True}.get(self.kind)
        seen = tuple(o for o in self.observations if o.applies and o.holds is wanted)
        return tuple(o for o in seen if not o.waiver) or seen

    @property
    def place(self) -> Place | None:
        """Where a reader should look first."""
        return next((o.place for o in self.telling if o.place), None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's results and what they come to: score 0 to 100 and coverage 0 to 1, or None."""

    check: Check
    status: Literal["pass", "warn", "fail", "unknown", "not-applicable"]
    score: float | None
    coverage: float | None
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The whole judgement. `value`, `raw` (before waivers) and `low`/`high` are 0 to 100; `coverage` is 0 to 1."""

    value: float | None
    low: float
    high: float
    coverage: float
    grade: str
    provisional: bool
    verdict: Literal["blocked", "ready", "not-ready"]
    blocking: tuple[str, ...]
    why: str
    """One sentence: what decided the verdict."""
    raw: float | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that was not read or not parsed, and why."""

    path: str
    reason: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was looked at: counts of files, and each file that could not be judged."""

    files: int
    parsed: int
    not_parsed: tuple[Unread, ...] = ()
    skipped: tuple[Unread, ...] = ()
    listing: str = ""
    """How the files were listed: "git" or "file system"."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One item of the deployment checklist. `verdict` is what its linked rules say of it."""

    id: str
    text: str
    line: int
    done: bool
    rules: tuple[str, ...]
    verdict: Literal["verified", "contradicted", "unknown", ""] = ""
    """verified: all linked rules that apply pass; contradicted: ticked, but a linked rule fails."""


def count(items: tuple[ChecklistItem, ...]) -> dict[str, int]:
    """How many items there are, are done (verified by a rule, or ticked and not contradicted by one), verified, contradicted."""
    return {
        "total": len(items),
        "done": sum((item.done and item.verdict != "contradicted") or item.verdict == "verified" for item in items),
        "verified": sum(item.verdict == "verified" for item in items),
        "contradicted": sum(item.verdict == "contradicted" for item in items),
    }


@dataclass(frozen=True, slots=True)
class ChecklistSection:
    """One of the checklist's sections; `line` counts from 1."""

    title: str
    line: int
    items: tuple[ChecklistItem, ...]

    @property
    def counts(self) -> dict[str, int]:
        return count(self.items)


@dataclass(frozen=True, slots=True)
class Checklist:
    """The deployment checklist and what the rules say of it. `path` is empty for the one that ships with the gate."""

    path: str
    sections: tuple[ChecklistSection, ...] = ()

    @property
    def items(self) -> tuple[ChecklistItem, ...]:
        return tuple(item for section in self.sections for item in section.items)

    @property
    def counts(self) -> dict[str, int]:
        return count(self.items)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One thing to do next, and what it is worth: points of the overall score gained, 0 to 100."""

    rule: Rule
    text: str
    gain: float
    place: Place | None


FailOn = Literal["critical", "warning", "new-critical", "never"]
"""What blocks: failures of at least this severity; with `new-critical`, critical ones that the base does not have."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the tree is compared with. `score` is None where there is nothing to compare with; `reason` then says why."""

    ref: str
    commit: str = ""
    score: Score | None = None
    reason: str = ""
    loosened: tuple[str, ...] = ()
    """What the tree takes away from the gate itself, a line each."""
    checks: Mapping[str, float | None] = field(default_factory=dict)
    """The score of each check by its id."""
    checklist: Checklist | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier report: when it was made (UTC, ISO 8601), of which commit, and what it came to."""

    started_at: str
    score: float
    scoring_version: int
    verdict: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown to anybody is a pure function of this."""

    score: Score
    checks: tuple[CheckResult, ...]
    checklist: Checklist
    scanned: Scanned
    recommendations: tuple[Recommendation, ...]
    started_at: str
    """UTC, ISO 8601."""
    seconds: float
    commit: str = ""
    tree: str = ""
    """Where the judged folder is shown on the web, at its commit, ending in a slash; empty where that is not known."""
    history: tuple[Past, ...] = ()
    """Earlier reports, the oldest first."""
    base: Base | None = None
    waivers: tuple[Waiver, ...] = ()
    """All that were found, in the configuration and in the code."""

    @property
    def delta(self) -> float | None:
        """Points of score gained against the base; None where the running system was asked too, which has no past."""
        alike = not any(r.source == "live" and r.assessed for r in self.results)
        before = self.base.score.value if self.base and self.base.score and alike else None
        return None if before is None or self.score.value is None else round(self.score.value - before, 1)

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(result for check in self.checks for result in check.results)

    @property
    def critical(self) -> tuple[Result, ...]:
        """Critical issues that are open."""
        return tuple(r for r in self.results if r.is_open and r.rule.severity is Severity.CRITICAL)

    @property
    def waived(self) -> tuple[tuple[Result, Waiver, tuple[Observation, ...]], ...]:
        """What is waived of each result, by each waiver."""
        found: dict[tuple[str, Waiver], tuple[Result, list[Observation]]] = {}
        for result in self.results:
            for seen in result.waived:
                if seen.waiver:
                    found.setdefault((result.rule.code, seen.waiver), (result, []))[1].append(seen)
        return tuple((result, waiver, tuple(seen)) for (_, waiver), (result, seen) in found.items())

    @property
    def noted_waivers(self) -> tuple[Waiver, ...]:
        """Those that somebody should look at: invalid ones first, then those that end soon, then those not needed any more."""
        order = ("invalid", "ending", "unused")
        return tuple(sorted((w for w in self.waivers if w.state in order), key=lambda w: order.index(w.state)))
