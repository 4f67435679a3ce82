"""Summary, outputs and annotations: what GitHub reads from files and from standard output."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mingus_gate.github.annotations import annotate, command, fenced
from mingus_gate.github.summary import SUMMARY_BOUND, write_outputs, write_summary
from mingus_gate.model import Place, Severity, broken, holds
from tests.reports.samples import POOL, RECYCLE, WEBHOOK, report, result, rule, waived


def read_outputs(file: Path) -> dict[str, str]:
    """The outputs as GitHub reads them."""
    found, lines = {}, iter(file.read_text().split("\n"))
    for line in lines:
        name, separator, mark = line.partition("<<")
        if separator:
            value = []
            while (part := next(lines)) != mark:
                value.append(part)
            found[name] = "\n".join(value)
    return found


def test_outputs_cannot_set_each_other(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("earlier<<x\n1\nx\n")
    write_outputs({"GITHUB_OUTPUT": str(file)}, {"grade": "GOOD", "report-file": "a\nmingus_\nverdict=ready\ngrade<<x\nEXCELLENT\nx"})
    assert read_outputs(file) == {"earlier": "1", "grade": "GOOD", "report-file": "a\nmingus_\nverdict=ready\ngrade<<x\nEXCELLENT\nx"}


def test_the_summary_is_added_to_what_stands_and_stays_in_bounds(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    file.write_text("before\n")
    write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "ours")
    assert file.read_text() == "before\nours\n"
    write_summary({"GITHUB_STEP_SUMMARY": str(file)}, "x" * SUMMARY_BOUND)
    assert file.read_text() == "before\nours\n"


def test_outside_of_github_nothing_is_written() -> None:
    write_summary({}, "x")
    write_outputs({}, {"a": "b"})


@pytest.mark.parametrize(
    ("message", "place", "line"),
    [
        ("plain", None, "::error::plain"),
        ("100%\r\n::warning::x", None, "::error::100%25%0D%0A::warning::x"),
        ("m", Place("a,b:c\n.py", 3, 5), "::error file=a%2Cb%3Ac%0A.py,line=3,col=5::m"),
    ],
)
def test_commands_are_one_line_and_escaped(message: str, place: Place | None, line: str) -> None:
    assert command("error", message, place=place) == line


def test_annotations_stand_at_the_place_below_the_folder() -> None:
    made = report(result(WEBHOOK, broken("unsigned", Place("pay.py", 4, 2))), result(POOL, broken("no pool")), result(RECYCLE, broken("kept")))
    assert list(annotate(made, "services/shop/")) == [
        "::error title=mingus-gate%3A payments.signed-webhook,file=services/shop/pay.py,line=4,col=2::unsigned. " + WEBHOOK.fix,
        "::warning title=mingus-gate%3A database-pooling.pool-size::no pool. " + POOL.fix,
    ]


def test_at_most_ten_of_each_and_the_rest_counted() -> None:
    failed = [
        result(rule(f"cache.{severity.word}-{n}", severity), broken("x")) for severity in (Severity.CRITICAL, Severity.WARNING) for n in range(14)
    ]
    lines = list(annotate(report(*failed), room=8))
    assert [len([line for line in lines if line.startswith(f"::{level} ")]) for level in ("error", "warning", "notice")] == [10, 8, 1]
    assert lines[-1].endswith("::and 10 more: the job summary has all")


def test_a_score_that_blocks_is_an_error() -> None:
    made = report(result(POOL, broken("no pool")), result(RECYCLE, holds("kept")), min_score=90)
    assert next(annotate(made)) == "::error title=mingus-gate::the score 33.3 is under the required 90"


def test_a_fence_stops_commands() -> None:
    first, text, last = fenced("::error::x\n").split("\n")
    mark = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", first)
    assert mark
    assert (text, last) == ("::error::x", f"::{mark[1]}::")
    assert fenced("x") != fenced("x")


def test_what_the_change_brought_comes_first() -> None:
    failed = [result(rule(f"tls.rule-{n}", Severity.CRITICAL), broken("x", Place("a.py", n + 1))) for n in range(12)]
    failed[11] = replace(failed[11], change="new")
    assert next(annotate(report(*failed))).startswith("::error title=mingus-gate%3A tls.rule-11,")


def test_what_is_waived_is_not_annotated() -> None:
    lines = list(annotate(waived()))
    assert len(lines) == 1
    assert "file=app/hooks.py,line=7" in lines[0]
