import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.reports.json import render_json
from tests.reports.samples import waived
from tests.tools import write

SCHEMA = json.loads(files("mingus_gate.reports").joinpath("report.schema.json").read_text("utf-8"))

CONTRACT = {
    "schema", "scoring_version", "tool", "score", "raw_score", "range", "coverage", "grade", "provisional", "verdict", "blocking",
    "checks", "results", "checklist", "scanned", "recommendations", "started_at", "seconds",
}  # fmt: skip


def _report(root: Path) -> Any:
    return json.loads(render_json(examine(root, Config())))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"app.py": ""},
        {"app.py": "from flask import Flask\nimport sqlalchemy\napp = Flask(__name__)\napp.secret_key = 'dev'\n", "bad.py": "def Flask(:"},
    ],
    ids=["no file", "an empty file", "an application and a broken file"],
)
def test_the_report_follows_its_published_schema(tmp_path: Path, files: dict[str, str]) -> None:
    report = _report(write(tmp_path, files))
    jsonschema.validate(report, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert report.keys() >= CONTRACT


def test_the_schema_itself_is_valid_and_names_everything_that_is_written(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    report = _report(write(tmp_path, {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}))
    assert report.keys() == set(SCHEMA["properties"])
    assert report["results"][0].keys() == set(SCHEMA["properties"]["results"]["items"]["properties"])


def test_results_and_checks_stand_in_report_order(tmp_path: Path) -> None:
    report = _report(tmp_path)
    order = [check["id"] for check in report["checks"]]
    assert len(order) == 14
    assert [r["check"] for r in report["results"]] == sorted((r["check"] for r in report["results"]), key=order.index)


def test_waivers_stand_at_what_they_waive_and_in_a_list() -> None:
    report = json.loads(render_json(waived()))
    jsonschema.validate(report, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert (report["score"], report["raw_score"], report["blocking"]) == (33.3, 22.2, ["payments.signed-webhook"])
    results = {result["rule"]: result for result in report["results"]}
    shown = {"owner": "ana@example.com", "reason": "one worker until the move", "expires": "2026-12-31", "place": "pyproject.toml:12"}
    assert results["rate-limiting.shared-storage"]["kind"] == "fail"
    assert results["rate-limiting.shared-storage"]["waiver"] == shown
    webhook = results["payments.signed-webhook"]
    comment = {"owner": None, "reason": "a sandbox, see #12", "expires": "never", "place": "app/payments.py:48"}
    assert (webhook["waiver"], [o["waiver"] for o in webhook["observations"]]) == (None, [comment, None])
    assert [w["state"] for w in report["waivers"]] == ["used", "used", "unused", "ending", "invalid"]
    assert report["waivers"][0] == {"rule": "rate-limiting.shared-storage", **shown, "state": "used", "note": None}


def test_the_schema_names_everything_a_waiver_has() -> None:
    report = json.loads(render_json(waived()))
    assert report["waivers"][0].keys() == set(SCHEMA["properties"]["waivers"]["items"]["properties"])
    result = SCHEMA["properties"]["results"]["items"]["properties"]
    assert result["waiver"]["properties"].keys() == report["results"][2]["waiver"].keys()
    assert report["results"][0]["observations"][0].keys() == set(result["observations"]["items"]["properties"])
