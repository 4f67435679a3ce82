"""Results → score, grade, verdict and recommendations. The whole policy, pure; explained in docs/score.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mingus_gate.model import Check, CheckResult, FailOn, Kind, Recommendation, Result, Score, Severity

SCORING_VERSION = 1
GRADES = ((90.0, "EXCELLENT"), (80.0, "GOOD"), (60.0, "FAIR"), (0.0, "POOR"))
READY_SCORE = 80.0
ENOUGH_COVERAGE = 0.5
"""Below this share of assessed points a grade is provisional and the verdict is never `ready`."""

FAIL_ON = {"critical": Severity.CRITICAL, "new-critical": Severity.CRITICAL, "warning": Severity.WARNING}


def judge_checks(answers: Mapping[Check, Sequence[Result]]) -> tuple[CheckResult, ...]:
    """The results of each check and what they come to."""
    return tuple(CheckResult(check, _status(results), _mean(results), _coverage(results), tuple(results)) for check, results in answers.items())


def judge(checks: Sequence[CheckResult], *, fail_on: FailOn = "critical", min_score: float | None = None) -> Score:
    """The overall score and the verdict."""
    value = _overall(checks)
    low, high = _overall(checks, unknown=0.0) or 0.0, _overall(checks, unknown=1.0)
    raw = _overall(checks, waivers=False)
    coverage = _total_coverage(checks)
    failed = [r for c in checks for r in c.results if r.is_open]
    waived = sum(r.waiver is not None for c in checks for r in c.results)
    critical = [r for r in failed if r.rule.severity is Severity.CRITICAL]
    least = FAIL_ON.get(fail_on)
    old = {r.rule.code for r in failed if fail_on == "new-critical" and r.change == "existing"}
    blocking = tuple(r.rule.code for r in failed if least is not None and r.rule.severity >= least and r.rule.code not in old)
    grade = _grade(value, bool(critical))
    verdict: Literal["blocked", "ready", "not-ready"]
    if blocking:
        verdict, why = "blocked", f"{len(blocking)} {'issue blocks' if len(blocking) == 1 else 'issues block'} this merge"
    elif min_score is not None and value is not None and value < min_score and fail_on != "never":
        verdict, why = "blocked", f"the score {value:.1f} is under the required {min_score:g}"
    elif value is None and raw is not None:
        verdict, why = "not-ready", "nothing is left to judge by: all that was assessed is waived"
    elif value is None:
        verdict, why = "not-ready", "nothing could be assessed: no rule found evidence for or against"
    elif critical:
        verdict, why = "not-ready", f"{len(critical)} critical {'issue is' if len(critical) == 1 else 'issues are'} open"
    elif coverage < ENOUGH_COVERAGE:
        verdict, why = "not-ready", f"only {coverage:.0%} of what applies was verified; {ENOUGH_COVERAGE:.0%} is needed"
    elif value < READY_SCORE:
        verdict, why = "not-ready", f"the score {value:.1f} is under {READY_SCORE:g}"
    else:
        verdict, why = "ready", "no critical issue is open"
    if waived and value is not None:
        why += f" ({waived} waived)"
    provisional = value is not None and coverage < ENOUGH_COVERAGE
    bounds = _round(low) or 0.0, _round(high) or 0.0
    return Score(_round(value), *bounds, round(coverage, 4), grade, provisional, verdict, blocking, why, _round(raw))


def recommend(checks: Sequence[CheckResult]) -> tuple[Recommendation, ...]:
    """What to do next: critical issues first, then what gains most of the overall score."""
    whole = sum(c.check.weight for c in checks if c.score is not None)
    found = []
    for check in checks:
        points = sum(r.rule.points for r in check.results if r.effective is not None)
        for result in check.results:
            if result.is_open:
                lost = result.rule.points * (1 - (result.effective or 0.0)) / points
                found.append(Recommendation(result.rule, result.rule.fix, round(100 * check.check.weight * lost / whole, 2), result.place))
    return tuple(sorted(found, key=lambda r: (-r.rule.severity, -r.gain, r.rule.code)))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _grade(value: float | None, critical: bool) -> str:
    if value is None:
        return "UNKNOWN"
    # judged on the figure people are shown, so that 89.96 does not print as "90.0 GOOD"
    grade = next(name for least, name in GRADES if round(value, 1) >= least)
    return "FAIR" if critical and grade in ("EXCELLENT", "GOOD") else grade


def _status(results: Sequence[Result]) -> Literal["pass", "warn", "fail", "unknown", "not-applicable"]:
    if any(r.is_open and r.rule.severity is Severity.CRITICAL for r in results):
        return "fail"
    if any(r.kind is Kind.FAIL for r in results):  # also what is waived: it is broken, and blocks nothing
        return "warn"
    if any(r.assessed for r in results):
        return "pass"
    return "unknown" if any(r.kind is Kind.UNKNOWN for r in results) else "not-applicable"


def _mean(results: Sequence[Result], unknown: float | None = None, *, waivers: bool = True) -> float | None:
    """100 · Σ(points · value) / Σ points over assessed rules; `unknown` is the value lent to those that are not known."""
    counted = [(r.rule.points, unknown if r.kind is Kind.UNKNOWN else r.effective if waivers else r.value) for r in results]
    known = [(points, value) for points, value in counted if value is not None]
    total = sum(points for points, _ in known)
    return 100 * sum(points * value for points, value in known) / total if total else None


def _overall(checks: Sequence[CheckResult], unknown: float | None = None, *, waivers: bool = True) -> float | None:
    scores = [(c.check.weight, _mean(c.results, unknown, waivers=waivers)) for c in checks]
    known = [(weight, score) for weight, score in scores if score is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * score for weight, score in known) / total if total else None


def _coverage(results: Sequence[Result]) -> float | None:
    """The share of applicable points that were assessed; None where nothing applies."""
    applicable = sum(r.rule.points for r in results if r.kind is not Kind.NOT_APPLICABLE)
    return sum(r.rule.points for r in results if r.assessed) / applicable if applicable else None


def _total_coverage(checks: Sequence[CheckResult]) -> float:
    applicable = [(c.check.weight, c.coverage) for c in checks if c.coverage is not None]
    total = sum(weight for weight, _ in applicable)
    return sum(weight * coverage for weight, coverage in applicable) / total if total else 0.0
