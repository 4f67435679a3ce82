"""The example application is ready; each fault alone breaks its rule, at its file, and no other critical one; its finding's fix mends it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Check, Kind, Report, Result, Severity
from mingus_gate.repo import Repo
from mingus_gate.run import assess

ROOT = Path(__file__).resolve().parent.parent


def _demo() -> ModuleType:
    """`examples/demo.py`, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("examples_demo", ROOT / "examples" / "demo.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


demo = _demo()
FAULTS = [demo.read(name) for name in demo.names()]
WITHOUT_FAULT: dict[str, str] = {}
"""Static rules that no small change to the example breaks, and why."""


@cache
def healthy() -> Report:
    return examine(demo.APP, Config())


def results(repo: Repo, checks: Iterable[Check] = CHECKS) -> dict[str, Result]:
    return {result.rule.code: result for found in assess(checks, repo).values() for result in found}


def critical(found: dict[str, Result]) -> set[str]:
    return {code for code, result in found.items() if result.kind is Kind.FAIL and result.rule.severity is Severity.CRITICAL}


def test_healthy_application_is_ready() -> None:
    score = healthy().score
    assert (score.verdict, score.grade, score.provisional) == ("ready", "EXCELLENT", False)
    assert healthy().critical == ()


def test_healthy_application_leaves_nothing_open() -> None:
    """Each statement that can be told from the source is; what is left does not apply."""
    static = [result for result in healthy().results if result.source == "static"]
    assert [(result.rule.code, result.reason) for result in static if result.kind is Kind.UNKNOWN] == []
    assert [result.rule.code for result in static if result.kind is Kind.NOT_APPLICABLE] == ["performance.toolbar"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_alone_breaks_its_rule(fault: object, tmp_path: Path) -> None:
    assert isinstance(fault, demo.Fault)
    app = demo.copy(tmp_path / "app")
    demo.switch_on(fault, app)
    found = results(Repo(app))
    result = found[fault.rule]
    assert result.kind is Kind.FAIL, (result.message, result.reason)
    assert fault.path in {o.place.path if o.place else "" for o in result.observations if o.holds is False}, result.observations
    assert critical(found) <= {fault.rule}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_the_fix_says_mends_the_fault(fault: object, tmp_path: Path) -> None:
    assert isinstance(fault, demo.Fault)
    app = demo.copy(tmp_path / "app")
    demo.switch_on(fault, app)
    demo.mend(fault, app)
    repo = Repo(app)
    found = results(repo, rule_and_critical(fault.rule))
    result = found[fault.rule]
    assert result.kind is Kind.PASS, (result.message, result.reason)
    assert any(o.holds for o in result.observations)
    assert critical(found) == set()
    assert repo.scanned.not_parsed == ()


def rule_and_critical(code: str) -> list[Check]:
    """Every check with no more static rules than this one and the critical ones."""
    return [
        replace(check, static={rule: ask for rule, ask in check.static.items() if rule.code == code or rule.severity is Severity.CRITICAL})
        for check in CHECKS
    ]


def test_every_fix_mends_a_fault() -> None:
    assert sorted(file.stem for file in demo.FIXES.iterdir()) == demo.names()


def test_every_static_rule_has_a_fault() -> None:
    static = {rule.code for check in CHECKS for rule in check.static}
    assert static - {fault.rule for fault in FAULTS} == set(WITHOUT_FAULT)
    assert {code for code in WITHOUT_FAULT if RULES[code].severity is Severity.CRITICAL} == set()


def test_demo_shows_a_ready_and_a_blocked_run(tmp_path: Path) -> None:
    nobody = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, ROOT / "examples" / "demo.py"], check=False, capture_output=True, text=True, cwd=tmp_path, env=nobody)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = next(line for line in done.stdout.splitlines() if line.startswith("verdict"))
    assert verdicts.split() == ["verdict", "READY", "BLOCKED"]
    assert all(demo.read(name).rule in done.stdout for name in demo.TELLING)


def test_demo_owns_up_when_a_fault_is_not_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    report = {"verdict": "ready", "blocking": [], "results": [{"rule": fault.rule, "kind": "pass"} for fault in FAULTS]}
    faults = [demo.read("two-heads")]
    assert demo._as_promised(faults, report, report, usual=True) == 1
    assert "did not find two-heads" in capsys.readouterr().out


def test_demo_names_an_unknown_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["no-such-fault"]) == 2
    assert "no-such-fault" in capsys.readouterr().err
