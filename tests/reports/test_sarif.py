import json
from pathlib import Path
from typing import Any

from sarif_pydantic import Sarif  # type: ignore[import-untyped]

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Kind
from mingus_gate.reports import sarif
from mingus_gate.reports.sarif import render_sarif
from tests.reports.samples import waived
from tests.tools import write

APP = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
app.secret_key = 'a-literal'
db = SQLAlchemy(app)
"""
FILES = {"app & co/app one.py": APP}


def _render(root: Path) -> Any:
    return json.loads(render_sarif(examine(write(root, FILES), Config())))


def test_it_is_sarif_2_1_0(tmp_path: Path) -> None:
    log = _render(tmp_path)
    assert log["version"] == "2.1.0"
    Sarif.model_validate(log)


def test_only_what_is_broken_at_a_place_is_listed_the_worst_first(tmp_path: Path) -> None:
    report = examine(write(tmp_path, FILES), Config())
    results = json.loads(render_sarif(report))["runs"][0]["results"]
    broken = [o for r in report.results if r.kind is Kind.FAIL for o in r.observations if o.holds is False and o.place]
    assert len(results) == len(broken) > 1
    assert results[0]["ruleId"] == "security-config.secret-key"
    assert [r["level"] for r in results] == sorted((r["level"] for r in results), key=["error", "warning", "note"].index)


def test_a_result_points_to_its_rule_and_an_escaped_path_and_keeps_its_fingerprint(tmp_path: Path) -> None:
    run = _render(tmp_path)["runs"][0]
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app%20%26%20co/app%20one.py"
    assert place["region"]["startLine"] == 5
    rule = run["tool"]["driver"]["rules"][first["ruleIndex"]]
    assert rule["id"] == first["ruleId"]
    assert rule["helpUri"].endswith("docs/checks/security-config.md#secret-key")
    moved = {path: "\n\n" + text for path, text in FILES.items()}
    again = json.loads(render_sarif(examine(write(tmp_path, moved), Config())))["runs"][0]["results"][0]
    assert again["partialFingerprints"] == first["partialFingerprints"]


def test_what_is_waived_is_suppressed_with_its_reason_and_stands_last() -> None:
    log = json.loads(render_sarif(waived()))
    Sarif.model_validate(log)
    results = log["runs"][0]["results"]
    found = [(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], r["suppressions"]) for r in results]
    in_source = {"kind": "inSource", "status": "accepted", "justification": "a sandbox, see #12 (a comment, without end; app/payments.py:48)"}
    terms = "one worker until the move (ana@example.com, until 2026-12-31; pyproject.toml:12)"
    assert found == [
        ("app/payments.py", [in_source]),
        ("app/hooks.py", []),
        ("app/config.py", []),
        ("app/__init__.py", [{"kind": "external", "status": "accepted", "justification": terms}]),
    ]


def test_no_more_results_than_github_shows(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 1)
    run = _render(tmp_path)["runs"][0]
    assert len(run["results"]) == len(run["tool"]["driver"]["rules"]) == 1
