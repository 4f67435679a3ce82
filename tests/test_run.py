from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Check, Kind, Observation, Place, Result, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.run import assess
from tests.tools import write

RULE = Rule("a.rule", Severity.WARNING, "A title", "Do this.", "`Flask(`", "Because.")
HERE = Place("app.py", 2)


def ask(root: Path, *seen: Observation, crash: Exception | None = None, reads: bool = False, **settings: object) -> Result:
    def rule(repo: Repo) -> Iterator[Observation]:
        if reads:
            list(repo.python(b"Flask"))
        yield from seen
        if crash:
            raise crash

    check = Check("a", "A", "Is it?", 1, static={RULE: rule})
    return assess([check], Repo(root), **settings)[check][0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "kind", "value"),
    [
        ([], Kind.UNKNOWN, None),
        ([holds("yes")], Kind.PASS, 1.0),
        ([holds("yes"), broken("no")], Kind.FAIL, 0.5),
        ([broken("no")], Kind.FAIL, 0.0),
        ([holds("yes"), unclear("from `x()`")], Kind.UNKNOWN, None),
        ([broken("no"), unclear("from `x()`")], Kind.FAIL, 0.0),
        ([absent("looked for x")], Kind.NOT_APPLICABLE, None),
        ([absent("looked for x"), holds("yes")], Kind.PASS, 1.0),
    ],
)
def test_observations_fold(tmp_path: Path, seen: list[Observation], kind: Kind, value: float | None) -> None:
    result = ask(tmp_path, *seen)
    assert (result.kind, result.value) == (kind, value)


def test_no_observation_says_what_was_looked_for(tmp_path: Path) -> None:
    assert ask(tmp_path).reason == "found nothing that bears on it; looked for `Flask(`"


def test_a_crash_is_unknown_with_its_type_and_never_its_text(tmp_path: Path) -> None:
    result = ask(tmp_path, holds("yes"), crash=ValueError("the password is hunter2"))
    assert (result.kind, result.reason) == (Kind.UNKNOWN, "the rule could not finish (ValueError)")


def test_several_broken_places_are_counted_in_the_message(tmp_path: Path) -> None:
    assert ask(tmp_path, broken("no", HERE), broken("nor here", Place("b.py", 1))).message == "no (and 1 more)"


@pytest.mark.parametrize("seen", [holds("yes"), absent("looked for x"), broken("nowhere")], ids=["pass", "absence", "failure without a place"])
def test_a_file_that_does_not_parse_is_not_called_passing(tmp_path: Path, seen: Observation) -> None:
    write(tmp_path, {"bad.py": "from flask import Flask\ndef broken(:\n"})
    result = ask(tmp_path, seen, reads=True)
    assert result.kind is Kind.UNKNOWN
    assert "bad.py:2" in result.reason


def test_a_failure_with_a_place_stands_whatever_else_does_not_parse(tmp_path: Path) -> None:
    write(tmp_path, {"bad.py": "Flask def broken(:\n"})
    assert ask(tmp_path, broken("no", HERE), reads=True).kind is Kind.FAIL


def test_only_the_rule_that_read_the_file_is_blind(tmp_path: Path) -> None:
    write(tmp_path, {"bad.py": "Flask def broken(:\n"})
    assert ask(tmp_path, holds("yes"), reads=False).kind is Kind.PASS


def test_a_disabled_rule_is_not_asked_and_says_so(tmp_path: Path) -> None:
    for name in ("a", "a.rule"):
        result = ask(tmp_path, broken("no"), disabled=[name])
        assert (result.kind, result.reason) == (Kind.NOT_APPLICABLE, "disabled in [tool.mingus-gate]")


def test_the_fingerprint_stays_when_lines_move_and_changes_with_the_code(tmp_path: Path) -> None:
    def print_at(text: str, line: int) -> str:
        return ask(write(tmp_path, {"app.py": text}), broken("no", Place("app.py", line))).fingerprint

    first = print_at("import os\ndebug = True\n", 2)
    assert print_at("import os\n\n\n  debug  =  True\n".replace("  debug  =", "debug ="), 4) == first
    assert print_at("import os\ndebug = False\n", 2) != first


def test_the_garbage_collector_waits_and_is_left_as_it_was(tmp_path: Path) -> None:
    gc.enable()  # another test's command may have switched it off
    during: list[bool] = []
    examine(tmp_path, Config(), only=["monitoring"], progress=lambda _check: during.append(gc.isenabled()))
    assert during == [False]
    assert gc.isenabled()
