"""Every rule is explained, mended, and shown failing and passing; the pages say what the code says."""

import importlib
import importlib.util
from pathlib import Path

import pytest

from mingus_gate.checks import CHECKS, RULES
from mingus_gate.model import Kind, Rule
from tests.tools import ask

ROOT = Path(__file__).resolve().parent.parent
STATIC = [rule for check in CHECKS for rule in check.static]


def _tables(rule: Rule) -> object:
    return importlib.import_module(f"tests.checks.test_{rule.check.replace('-', '_')}")


def test_there_are_fourteen_checks_each_with_three_static_rules_or_more() -> None:
    assert len(CHECKS) == 14
    assert {check.id: len(check.static) for check in CHECKS if len(check.static) < 3} == {}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.code)
def test_a_rule_says_why_how_to_mend_it_and_what_it_looks_for(rule: Rule) -> None:
    assert min(map(len, (rule.title, rule.why, rule.fix, rule.looks_for))) > 10
    assert rule.fix.endswith((".", "`."))
    assert rule.why.endswith(".")
    assert not rule.title.endswith(".")
    assert rule.check in {check.id for check in CHECKS}


@pytest.mark.parametrize("rule", STATIC, ids=lambda r: r.code)
def test_a_rule_has_a_failing_example_and_a_quiet_one_that_passes_with_evidence(rule: Rule) -> None:
    tables = _tables(rule)
    assert tables.REPORTED[rule.code]  # type: ignore[attr-defined]
    result = ask(rule.code, tables.QUIET[rule.code][0][1])  # type: ignore[attr-defined]
    assert result.kind is Kind.PASS, result
    assert any(o.holds for o in result.observations)


def test_the_pages_are_those_the_rules_and_tests_give() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stale = [path.name for path, text in generate.pages().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "run `make docs`"
