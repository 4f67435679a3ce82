"""What a change takes away from the gate is listed; what it adds is not; and `new-critical` lets old issues be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mingus_gate.config import Config, load
from mingus_gate.gate import examine
from mingus_gate.model import Report
from mingus_gate.reports.links import Links
from mingus_gate.reports.markdown import render_markdown
from mingus_gate.reports.text import render_text
from tests.repo.test_base import git
from tests.tools import write

TODAY = date(2026, 6, 1)
STEP = "jobs:\n  gate:\n    steps:\n      - uses: mingus-gate/mingus-gate@{} # v1\n"
GATE = ".github/workflows/gate.yml"
WEAK = "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'changeme'\n"


def changed(root: Path, before: dict[str, str], after: dict[str, str | None], **asked: object) -> Report:
    git(write(root, {"app.py": WEAK, **before}), "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "before")
    for name, text in after.items():
        if text is None:
            (root / name).unlink()
        else:
            write(root, {name: text})
    git(root, "add", ".")
    config = load(root).model_copy(update=asked)
    return examine(root, config, only=["security-config"], base="HEAD", today=TODAY)


def settings(text: str) -> dict[str, str]:
    return {"pyproject.toml": f"[tool.mingus-gate]\n{text}\n"}


def loosened(report: Report) -> list[str]:
    assert report.base is not None
    return list(report.base.loosened)


WAIVER = """\
[[tool.mingus-gate.waivers]]
rule = "security-config.secret-key"
owner = "ann"
reason = "until the vault is there"
expires = 2026-07-01
"""


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (settings('fail-on = "critical"'), settings('fail-on = "never"'), "fail-on goes from critical to never"),
        (settings('fail-on = "warning"'), settings(""), "fail-on goes from warning to critical"),
        (settings("min-score = 80"), settings("min-score = 60"), "min-score goes from 80 to 60"),
        (settings("min-score = 80"), settings(""), "min-score goes from 80 to nothing"),
        ({}, settings('disable = ["tls"]'), "tls is no longer asked"),
        ({}, settings('exclude = ["old/*"]'), "files that match old/* are no longer judged"),
        ({}, {"pyproject.toml": WAIVER}, "security-config.secret-key is waived (ann, until 2026-07-01)"),
        (
            {},
            {"app.py": WEAK.replace("'changeme'\n", "'changeme'  # mingus: accept security-config.secret-key -- a demo\n")},
            "security-config.secret-key is waived in app.py (a comment, without end)",
        ),
        ({GATE: STEP.format("a" * 40)}, {GATE: None}, f"{GATE} no longer runs the gate"),
        ({GATE: STEP.format("a" * 40)}, {GATE: "jobs: {}\n"}, f"{GATE} no longer runs the gate"),
        (
            {GATE: STEP.format("a" * 40)},
            {GATE: STEP.format("a" * 40) + "        continue-on-error: true\n"},
            f"{GATE} lets the job pass whatever the gate finds",
        ),
    ],
)
def test_what_lets_more_pass_is_listed(tmp_path: Path, before: dict[str, str], after: dict[str, str | None], words: str) -> None:
    report = changed(tmp_path, before, after)
    assert loosened(report) == [words]
    assert words in render_text(report)
    assert "This change loosens the gate:" in render_markdown(report, Links())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (settings('fail-on = "never"'), settings('fail-on = "warning"')),
        (settings("min-score = 60"), settings("min-score = 80")),
        (settings('disable = ["tls"]'), settings("")),
        ({"pyproject.toml": WAIVER}, settings("")),
        ({"pyproject.toml": WAIVER}, {"pyproject.toml": WAIVER + "\n"}),
        ({GATE: STEP.format("a" * 40)}, {GATE: STEP.format("b" * 40)}),
        ({GATE: STEP.format("v1")}, {"app.py": WEAK + "x = 1\n"}),
    ],
)
def test_what_lets_no_more_pass_is_not(tmp_path: Path, before: dict[str, str], after: dict[str, str | None]) -> None:
    assert loosened(changed(tmp_path, before, after)) == []


def test_a_command_line_is_no_change(tmp_path: Path) -> None:
    assert loosened(changed(tmp_path, {}, {"b.py": "x = 1\n"}, fail_on="never")) == []


def test_new_critical_lets_old_issues_be(tmp_path: Path) -> None:
    old = changed(tmp_path / "old", {}, {"b.py": "x = 1\n"}, fail_on="new-critical")
    assert (old.score.verdict, [r.rule.code for r in old.critical]) == ("not-ready", ["security-config.secret-key"])
    new = changed(tmp_path / "new", {"app.py": WEAK.replace("'changeme'", "environ['KEY']")}, {"app.py": WEAK}, fail_on="new-critical")
    assert new.score.blocking == ("security-config.secret-key",)


def test_new_critical_without_a_base_blocks_all(tmp_path: Path) -> None:
    report = examine(write(tmp_path, {"app.py": WEAK}), Config().model_copy(update={"fail_on": "new-critical"}), only=["security-config"])
    assert report.score.blocking == ("security-config.secret-key",)
