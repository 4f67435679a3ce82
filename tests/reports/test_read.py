"""A report is read back as it was, whatever was said of it; what is no report is refused without a trace of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mingus_gate import HOME
from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config
from mingus_gate.model import Base, Observation, Place, Report, Scanned, Unread, Waiver, absent, broken, holds, unclear
from mingus_gate.redact import Redactor
from mingus_gate.reports.json import render_json
from mingus_gate.reports.links import Links
from mingus_gate.reports.markdown import render_markdown
from mingus_gate.reports.read import LARGEST, ReportError, Reread, parse_report, read_report
from mingus_gate.run import fold
from mingus_gate.score import judge, judge_checks, recommend
from tests.reports import samples

WORST = "rate-limiting.shared-storage"
PLACE = Place("app/limits.py", 31, 5)


def whole(seen: Mapping[str, tuple[Observation, ...]] | None = None) -> Report:
    """A report on all rules there are: what is given was seen of some, the others hold."""
    given = {WORST: (broken("limits are counted per process", PLACE), holds("one is shared", PLACE)), **(seen or {})}
    answers = {
        check: [
            fold(rule, "static" if rule in check.static else "live", list(given.get(rule.code, (holds("it is so", PLACE),))), Redactor())
            for rule in check.rules
        ]
        for check in CHECKS
    }
    checks = judge_checks(answers)
    return replace(samples.blocked(), checks=checks, score=judge(checks), recommendations=recommend(checks))


def rewritten(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(render_json(whole())) | changes
    return made


def result(made: dict[str, Any], code: str = WORST) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in made["results"] if r["rule"] == code)
    return found


def read(made: object, config: Config | None = None) -> Reread:
    return parse_report(json.dumps(made).encode(), config or Config())


def page(report: Report) -> str:
    return render_markdown(report, Links("https://github.com/acme/shop/blob/f00/"))


SEEN = {
    "tls.hsts": (unclear("it comes from `settings.load()`", PLACE),),
    "payments.signed-webhook": (absent("`stripe` is not used"),),
    "cache.bounded": (),
}
WAIVED = replace(broken("there is no limit", PLACE), waiver=Waiver(WORST, "one worker", "ana", date(2026, 12, 31), Place("pyproject.toml", 3)))


@pytest.mark.parametrize(
    "report",
    [
        whole(),
        whole({code: seen for code, seen in SEEN.items() if code in RULES}),
        replace(whole(), scanned=Scanned(9, 7, (Unread("old.py", "SyntaxError", 3),), (Unread("big.bin", "too large"),), "git")),
        replace(whole(), base=Base("main", "ba5e000", judge(whole().checks))),
        replace(whole(), base=Base("main", reason="no base to compare with")),
        replace(whole(), base=Base("main", "ba5e000", judge(whole().checks), loosened=("fail-on goes from critical to never",))),
        replace(whole(), waivers=(samples.TABLE, samples.COMMENT, samples.ENDED)),
    ],
)
def test_the_same_comes_back(report: Report) -> None:
    reread = parse_report(render_json(report).encode(), Config())
    assert page(reread.report) == page(report)
    assert (reread.report.score, reread.left_out) == (report.score, 0)


def test_a_waiver_counts_as_it_did() -> None:
    checks = whole().checks
    mark: dict[str, Any] = {WORST: {"value": 0.0, "observations": (WAIVED,)}}
    marked = judge_checks({c.check: [replace(r, **mark.get(r.rule.code, {})) for r in c.results] for c in checks})
    report = replace(whole(), checks=marked, score=judge(marked), recommendations=recommend(marked))
    reread = parse_report(render_json(report).encode(), Config()).report
    assert reread.score.blocking == ()
    assert page(reread) == page(report)


def test_score_verdict_and_words_of_rules_are_ours() -> None:
    made = rewritten(score=100, grade="EXCELLENT", verdict="ready", blocking=[], why="trust me", recommendations=[], checks=[])
    result(made).update(title="fine", fix="run curl", severity="info", points=0, value=1.0, check="nothing")
    report = read(made).report
    assert report.score == whole().score
    assert report.score.blocking == (WORST,)
    assert "run curl" not in page(report)
    assert RULES[WORST].fix[:20] in page(report)


def test_the_configuration_decides() -> None:
    assert read(rewritten(), Config().model_copy(update={"fail_on": "never"})).report.score.verdict == "not-ready"


def test_a_rule_that_is_not_ours_is_left_out_and_counted() -> None:
    made = rewritten()
    made["results"] += [{**result(made), "rule": "evil.rule"}, {**result(made), "rule": "tls.none"}]
    reread = read(made)
    assert reread.left_out == 2
    assert reread.report.score == whole().score


def test_of_a_rule_that_is_not_told_of_nothing_is_known() -> None:
    made = rewritten(results=[])
    assert read(made).report.score.why == "nothing could be assessed: no rule found evidence for or against"
    made = rewritten()
    made["results"].remove(result(made))
    assert read(made).report.score.coverage < 1


def set_in(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda made: made.update(values)


def set_result(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda made: result(made).update(values)


def set_seen(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda made: result(made)["observations"][0].update(values)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another schema": (set_in(schema="mingus-gate/report/2"), "schema: Input should be 'mingus-gate/report/1'"),
    "results are no list": (set_in(results={}), "results: Input should be a valid list"),
    "a result is a number": (set_in(results=[1]), "results.0: "),
    "something is missing": (lambda made: made.pop("checklist"), "checklist: Field required"),
    "too many results": (set_in(results=[{}] * 1001), "results"),
    "a kind that is none": (set_result(kind="fine"), "kind: Input should be"),
    "a change that is none": (set_result(change="@everyone"), "change: Input should be"),
    "a text is a number": (set_result(message=7), "message: Input should be a valid string"),
    "a text is a list": (set_result(message=["a"]), "message: Input should be a valid string"),
    "a text without end": (set_result(message="x" * 10_001), "message: String should have at most 10000 characters"),
    "it holds as a word": (set_seen(holds="yes"), "holds: Input should be a valid boolean"),
    "it holds as a number": (set_seen(holds=1), "holds: Input should be a valid boolean"),
    "a line that is a truth": (set_seen(line=True), "line: Input should be a valid integer"),
    "a line before the first": (set_seen(line=0), "line: Input should be greater"),
    "a line far behind the last": (set_seen(line=10**30), "line: Input should be less"),
    "half a line": (set_seen(line=1.5), "line: Input should be a valid integer"),
    "a path that climbs out": (set_seen(path="../../../evil/repository"), "path: Value error, not a path in the tree"),
    "a path that climbs in between": (set_seen(path="a/../../b"), "path: Value error, not a path in the tree"),
    "a path from the root": (set_seen(path="/etc/passwd"), "path: Value error, not a path in the tree"),
    "no path": (set_seen(path=""), "path: Value error, not a path in the tree"),
    "a file that climbs out": (
        lambda made: made["scanned"].update(not_parsed=[{"path": "../x", "line": 1, "reason": ""}]),
        "path: Value error, not a path in the tree",
    ),
    "a half character": (set_result(message="\ud800"), "message: Input should be a valid string"),
    "a pass with something broken": (set_result(kind="pass"), "said to pass, and what was seen says otherwise"),
    "a failure without anything broken": (set_result(kind="fail", observations=[]), "said to fail, and what was seen says otherwise"),
    "a commit that is Markdown": (set_in(base={**rewritten()["tool"], "commit": "`[x](y)"}), "base."),
    "too long": (set_in(seconds=float("inf")), "not JSON as it should be"),
    "a count of minus one": (lambda made: made["scanned"].update(files=-1), "files: Input should be greater"),
    "two results of a rule": (lambda made: made["results"].append(result(made)), "a rule has two results"),
    "a waiver for ever and a day": (
        set_seen(waiver={"owner": "a", "reason": "", "expires": "<script>", "place": "a:1"}),
        "expires: Value error, neither a date nor never",
    ),
    "a waiver from nowhere": (set_seen(waiver={"owner": "a", "reason": "", "expires": "never", "place": "nowhere"}), "place: String should match"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    change, words = WRONG[name]
    made = rewritten()
    change(made)
    with pytest.raises(ReportError) as caught:
        read(made)
    assert words in str(caught.value)
    assert not any(theirs in str(caught.value) for theirs in ("evil", "everyone", "script", "nowhere"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"7",
        b"[]",
        b'"report"',
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b"<html>not found",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"schema": "mingus-gate/report/1", "results": ' + b"[" * 900 + b"]" * 900 + b"}",
        json.dumps({"schema": "mingus-gate/report/1"}).encode("utf-16"),
        render_json(whole()).replace('"holds": false', '"holds": true, "holds": false').encode(),
        render_json(whole()).replace('"seconds": ', '"seconds": 1e999, "was": ').encode(),
        b" " * (LARGEST + 1),
    ],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        parse_report(data, Config())


@pytest.mark.parametrize(
    "make", [lambda _: None, Path.mkdir, lambda p: p.symlink_to("/proc/self/environ"), lambda p: p.write_bytes(b" " * 5_000_001)]
)
def test_a_file_that_is_none(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "report.json")
    with pytest.raises(ReportError):
        read_report(tmp_path / "report.json", Config())


def test_what_takes_long_is_not_taken() -> None:
    """As large as a file may be: a million mistakes are not kept, and as many waivers as findings are not compared with each other."""
    began = time.monotonic()
    mistakes = b'{"observations":[' + b",".join([b"{}"] * 19_999) + b"]}"
    with pytest.raises(ReportError):
        parse_report(b'{"results":[' + b",".join([mistakes] * 80) + b"]}", Config())
    made = rewritten()
    seen = result(made)["observations"][0]
    waivers = [{"owner": str(n), "reason": "", "expires": "never", "place": "a:1"} for n in range(15_000)]
    result(made)["observations"] = [{**seen, "waiver": waiver} for waiver in waivers]
    assert "15000 waived" in page(read(made).report)
    assert time.monotonic() - began < 60, "it is a second or two"


HOSTILE = (
    "\n# x\n@everyone #7 GH-7 <img src=x> <!-- --> [a](//evil.example) ![b](http://evil.example) `|` </details> www.evil.example \u202e ::error::x"
)


def test_no_text_of_the_file_acts() -> None:
    made = json.loads(render_json(replace(whole(), waivers=(samples.TABLE,), base=Base("main", reason="none"))), object_hook=hostile)
    shown = page(read(made).report)
    assert "evil" in shown
    assert_inert(shown)


def assert_inert(shown: str) -> None:
    for live in ("@everyone", "<img", "\u202e", "\n# x", "www.evil", " #7", "<!--"):
        assert live not in shown
    leads_to = re.findall(r"(?:href|src)=\"([^\"]*)", MarkdownIt("commonmark").enable("table").render(shown))
    assert all(url.startswith(("https://github.com/acme/shop/blob/f00/", HOME)) and "/../" not in url for url in leads_to)


def hostile(found: dict[str, Any]) -> dict[str, Any]:
    """Every text that may be anything is that."""
    free = ("message", "reason", "text", "title", "address", "owner", "note", "ref", "listing", "id", "question", "fix", "evidence", "why", "name")
    return {k: HOSTILE if k in free and isinstance(v, str | None) else v for k, v in found.items()}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([HOSTILE, "fail", "never", "a:1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@given(data=st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_anywhere_it_is_a_report_or_refused(data: st.DataObject) -> None:
    """One value of a report is replaced by anything: what is shown afterwards does nothing, or a ReportError says no."""
    made = rewritten()
    made["results"] = [r for r in made["results"] if r["rule"] == WORST]
    at: Any = made
    while True:
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    try:
        told = page(read(made).report)
    except ReportError as error:
        told = str(error)
    assert_inert(told)


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | JSON.map(lambda v: json.dumps(v).encode())
)
@settings(deadline=None)
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        parse_report(data, Config())
