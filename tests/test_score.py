"""The policy of DESIGN, "Score", line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus_gate.model import Check, Kind, Place, Result, Rule, Score, Severity, Waiver, broken, holds
from mingus_gate.score import judge, judge_checks, recommend


def rule(name: str, severity: Severity = Severity.WARNING, points: int | None = None) -> Rule:
    return Rule(name, severity, "A title", "Do this.", "something", "Because.", own_points=points)


def result(kind: Kind, value: float | None = None, severity: Severity = Severity.WARNING, points: int | None = None, name: str = "a.b") -> Result:
    return Result(rule(name, severity, points), kind, value, "static", "seen")


def passed(points: int = 1, severity: Severity = Severity.INFO) -> Result:
    return result(Kind.PASS, 1.0, severity, points)


def failed(points: int = 1, share: float = 0.0, severity: Severity = Severity.WARNING, name: str = "a.b") -> Result:
    return result(Kind.FAIL, share, severity, points, name)


def unknown(points: int = 1) -> Result:
    return result(Kind.UNKNOWN, None, points=points)


def outside(points: int = 1) -> Result:
    return result(Kind.NOT_APPLICABLE, None, points=points)


WAIVER = Waiver("a.b", "a reason", "ana", None, Place("pyproject.toml"))


def waived(points: int = 1, held: int = 0, open_: int = 0, severity: Severity = Severity.WARNING, name: str = "a.b") -> Result:
    """A failure of which one place is waived, `open_` are not, and `held` hold."""
    seen = (replace(broken("no"), waiver=WAIVER), *[broken("no")] * open_, *[holds("yes")] * held)
    return replace(failed(points, held / len(seen), severity, name), observations=seen)


def score(*checks: list[Result], weights: tuple[int, ...] = (), **settings: object) -> Score:
    answers = {Check(f"c{i}", "A check", "Is it?", weights[i] if weights else 1): results for i, results in enumerate(checks)}
    return judge(judge_checks(answers), **settings)  # type: ignore[arg-type]


def test_points_follow_severity_unless_the_rule_says_otherwise() -> None:
    assert [rule("a", s).points for s in Severity] == [1, 2, 5]
    assert rule("a", Severity.INFO, 4).points == 4


def test_a_check_is_the_mean_of_its_assessed_rules_by_points() -> None:
    assert score([passed(3), failed(1), unknown(10), outside(10)]).value == 75.0


def test_a_failure_earns_the_share_that_holds() -> None:
    assert score([failed(2, share=0.9)]).value == 90.0


def test_the_whole_is_the_mean_of_checks_by_weight_over_those_with_an_assessed_rule() -> None:
    assert score([passed()], [failed()], [unknown()], weights=(3, 1, 90)).value == 75.0


def test_coverage_is_the_weighted_share_of_applicable_points_assessed() -> None:
    assert score([passed(1), unknown(3)], [outside()], [passed()], weights=(1, 5, 1)).coverage == pytest.approx(0.625)


def test_the_range_is_the_score_if_every_unknown_failed_and_if_every_unknown_passed() -> None:
    judged = score([passed(1), unknown(1)], [unknown(1)])
    assert (judged.low, judged.value, judged.high) == (25.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("share", "grade"),
    [(1.0, "EXCELLENT"), (0.9, "EXCELLENT"), (0.899, "GOOD"), (0.8, "GOOD"), (0.799, "FAIR"), (0.6, "FAIR"), (0.599, "POOR"), (0, "POOR")],
)
def test_grades(share: float, grade: str) -> None:
    assert score([failed(share=share)]).grade == grade


def test_the_grade_is_that_of_the_figure_people_are_shown() -> None:
    judged = score([failed(share=0.89996)])
    assert (judged.value, judged.grade) == (90.0, "EXCELLENT")


def test_never_above_fair_while_a_critical_issue_is_open() -> None:
    judged = score([passed(999), failed(1, severity=Severity.CRITICAL)], fail_on="never")
    assert judged.value is not None
    assert judged.value > 99
    assert (judged.grade, judged.verdict) == ("FAIR", "not-ready")


def test_under_half_coverage_is_provisional_and_not_ready() -> None:
    judged = score([passed(1), unknown(2)])
    assert (judged.grade, judged.provisional, judged.verdict) == ("EXCELLENT", True, "not-ready")
    assert "33%" in judged.why


def test_nothing_assessed_has_no_score() -> None:
    judged = score([unknown()], [outside()])
    assert (judged.value, judged.grade, judged.provisional, judged.verdict) == (None, "UNKNOWN", False, "not-ready")
    assert (judged.low, judged.high) == (0.0, 100.0)
    assert judged.why.startswith("nothing could be assessed")


@pytest.mark.parametrize(
    ("severity", "fail_on", "verdict"),
    [
        (Severity.CRITICAL, "critical", "blocked"),
        (Severity.CRITICAL, "never", "not-ready"),
        (Severity.WARNING, "critical", "ready"),
        (Severity.WARNING, "warning", "blocked"),
        (Severity.INFO, "warning", "ready"),
    ],
)
def test_what_blocks(severity: Severity, fail_on: str, verdict: str) -> None:
    judged = score([passed(99), failed(1, severity=severity, name="a.broken")], fail_on=fail_on)
    assert judged.verdict == verdict
    assert judged.blocking == (("a.broken",) if verdict == "blocked" else ())


def test_a_score_under_the_minimum_blocks_unless_nothing_may() -> None:
    assert score([failed(share=0.85)], min_score=90.0).verdict == "blocked"
    assert score([failed(share=0.85)], min_score=85.0).verdict == "ready"
    assert score([failed(share=0.85)], min_score=90.0, fail_on="never").verdict == "ready"
    assert score([unknown()], min_score=90.0).verdict == "not-ready"


def test_what_is_waived_is_left_out_of_the_score_and_stays_in_the_raw_one() -> None:
    judged = score([passed(1), waived(1)])
    assert (judged.value, judged.raw, judged.coverage) == (100.0, 50.0, 1.0)
    judged = score([waived(held=2, open_=1)])
    assert (judged.value, judged.raw) == (66.7, 50.0)
    judged = score([passed(1)], [waived(1)])
    assert (judged.value, judged.raw) == (100.0, 50.0)
    assert score([passed(1), failed(1)]).raw == 50.0


def test_what_is_waived_does_not_block_and_is_counted_in_the_sentence() -> None:
    judged = score([passed(9), waived(severity=Severity.CRITICAL)], fail_on="warning")
    assert (judged.verdict, judged.grade, judged.blocking) == ("ready", "EXCELLENT", ())
    assert judged.why == "no critical issue is open (1 waived)"
    judged = score([passed(9), waived(severity=Severity.CRITICAL, open_=1)])
    assert (judged.verdict, judged.blocking, judged.why) == ("blocked", ("a.b",), "1 issue blocks this merge")


def test_with_all_waived_there_is_nothing_to_be_ready_by() -> None:
    judged = score([waived()])
    assert (judged.value, judged.raw, judged.grade, judged.verdict) == (None, 0.0, "UNKNOWN", "not-ready")
    assert judged.why == "nothing is left to judge by: all that was assessed is waived"


def test_a_check_with_something_waived_is_a_warning_not_a_pass() -> None:
    for results, status in (([waived(severity=Severity.CRITICAL)], "warn"), ([waived(), passed()], "warn"), ([passed()], "pass")):
        assert judge_checks({Check("a", "A", "Is it?", 1): results})[0].status == status


def test_what_is_waived_is_not_recommended_and_the_gain_is_of_the_score_that_is_shown() -> None:
    ranked = recommend(judge_checks({Check("a", "A", "Is it?", 1): [passed(1), failed(1, name="a.open"), waived(8)]}))
    assert [(r.rule.code, r.gain) for r in ranked] == [("a.open", 50.0)]
    ranked = recommend(judge_checks({Check("a", "A", "Is it?", 1): [waived(1, held=1, open_=1)]}))
    assert [r.gain for r in ranked] == [50.0]


def test_recommendations_put_critical_first_then_what_gains_most() -> None:
    results = [failed(1, name="a.small"), failed(1, severity=Severity.CRITICAL, name="a.critical"), failed(5, share=0.5, name="a.large"), passed(3)]
    ranked = recommend(judge_checks({Check("a", "A", "Is it?", 1): results}))
    assert [(r.rule.code, r.gain) for r in ranked] == [("a.critical", 10.0), ("a.large", 25.0), ("a.small", 10.0)]


RESULTS = st.lists(
    st.builds(
        lambda k, v, p: result(k, {Kind.PASS: 1.0, Kind.FAIL: v}.get(k), points=p), st.sampled_from(Kind), st.floats(0, 0.99), st.integers(1, 9)
    ),
    max_size=6,
)


@given(st.lists(RESULTS, min_size=1, max_size=5))
def test_the_score_lies_in_its_range_and_coverage_in_0_to_1(checks: list[list[Result]]) -> None:
    judged = score(*checks)
    assert 0 <= judged.low <= judged.high <= 100
    assert 0 <= judged.coverage <= 1
    if judged.coverage == 1 and judged.value is not None:
        assert judged.low == judged.value == judged.high


@given(st.lists(RESULTS, min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 2))
def test_waivers_never_lower_the_score_and_never_change_coverage(checks: list[list[Result]], held: int, open_: int) -> None:
    judged = score([*checks[0], waived(2, held, open_)], *checks[1:])
    bare = score([*checks[0], failed(2, held / (held + open_ + 1))], *checks[1:])
    assert (judged.raw, judged.coverage) == (bare.value, bare.coverage)
    assert judged.value is None or judged.raw is None or judged.value >= judged.raw


@given(st.lists(RESULTS, min_size=1, max_size=4))
def test_a_rule_turned_to_pass_never_lowers_a_check(checks: list[list[Result]]) -> None:
    for before in judge_checks({Check(str(i), "A", "Is it?", 1): results for i, results in enumerate(checks)}):
        mended = [passed(r.rule.points) if r.kind is Kind.FAIL else r for r in before.results]
        after = judge_checks({before.check: mended})[0]
        assert (after.score or 0) >= (before.score or 0)
