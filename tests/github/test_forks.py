"""The two workflows that docs/action.md gives for forks, as they stand there, under act: the first judges, the second comments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mingus_gate.reports.json import render_json
from tests.github.server import JOB, READ_ONLY, GitHub
from tests.github.test_action import OBEYED, Run, act, git
from tests.github.test_action import shipped as shipped
from tests.github.test_retell import HEAD, started_by
from tests.github.test_scenarios import APP, CANARY, FORK
from tests.reports.test_read import whole
from tests.test_workflows import blocks
from tests.tools import write

HOSTILE = "\n::error::owned\n@everyone <img src=x> [x](http://evil.example) `|` #9"


@pytest.fixture
def recipe(tmp_path: Path) -> tuple[str, str]:
    """Both workflows; what is uploaded and downloaded is a file of this machine."""
    first, second = (text for text in blocks("docs/action.md") if "upload-artifact" in text or "comment-from" in text)
    artifact = tmp_path / "artifact.json"
    return on_this_machine(first, f'cp "$FILE" "{artifact}"'), on_this_machine(second, f'mkdir "$FILE" && cp "{artifact}" "$FILE/report.json"')


def on_this_machine(text: str, copy: str) -> str:
    made: dict[Any, Any] = yaml.safe_load(text)
    made["on"] = made.pop(True)  # YAML 1.1 takes the word for a truth
    (job,) = made["jobs"].values()
    for step in job["steps"]:
        if step.get("uses", "").startswith("mingus-gate/"):
            step["uses"] = "mingus/gate@v1"
        elif "load-artifact@" in step.get("uses", ""):
            step.update(run=copy, env={"FILE": step.pop("with")["path"]})
            del step["uses"]
    return yaml.safe_dump(made, sort_keys=False)


def retold(tmp_path: Path, shipped: Path, github: GitHub, recipe: tuple[str, str], conclusion: str = "failure") -> Run:
    ours = write(tmp_path / "default branch", {"README.md": "# Shop\n"})
    if not (ours / ".git").exists():
        git(ours, "init", "--quiet")
    return act(tmp_path, shipped, ours, github, recipe[1], token=JOB, event="workflow_run", payload=started_by(conclusion=conclusion))


def test_a_forks_pull_request_gets_its_comment(tmp_path: Path, shipped: Path, github: GitHub, recipe: tuple[str, str]) -> None:
    github.pull(7, HEAD, owner="somebody")
    theirs = write(tmp_path / "fork", {"app.py": APP})
    git(theirs, "init", "--quiet")
    judged = act(tmp_path, shipped, theirs, github, recipe[0], token=READ_ONLY, payload=FORK)
    told = retold(tmp_path, shipped, github, recipe)
    assert (judged.result, told.result) == ("failure", "success")
    (comment,) = github.comments
    assert "security-config.secret-key" in comment["body"].partition("<details>")[0]
    assert f"https://github.com/acme/shop/blob/{HEAD}/app.py#L3" in comment["body"]
    assert "⚠️ These results" not in comment["body"]
    everything = "\n".join([*judged.lines, *told.lines, comment["body"], *told.summaries])
    assert CANARY not in everything
    assert JOB not in everything


def test_a_report_full_of_spite(tmp_path: Path, shipped: Path, github: GitHub, recipe: tuple[str, str]) -> None:
    """The fork's run wrote what it liked: no text acts, the verdict is ours, and that its run passed is said."""
    github.pull(7, HEAD, owner="somebody")
    github.pull(8, "e" * 40)
    made = json.loads(render_json(whole()))
    for result in made["results"]:
        result.update(title=HOSTILE, fix=HOSTILE, message=HOSTILE, reason=HOSTILE, severity="info")
        for seen in result["observations"]:
            seen["message"] = HOSTILE
    made.update(verdict="ready", score=100, grade="EXCELLENT", blocking=[], pull=8, number=8)
    (tmp_path / "artifact.json").write_text(json.dumps(made))
    told = retold(tmp_path, shipped, github, recipe, "success")
    assert told.result == "success"
    (comment,) = github.comments
    assert "/issues/8/" not in "".join(github.requests)
    assert comment["body"].splitlines()[1].startswith("<!-- Blocked: ")
    assert "⚠️ These results block, but the run that made them ended as success" in comment["body"]
    for live in ("@everyone", "<img", "](http://evil", " #9", "\n::error"):
        assert live not in comment["body"].replace("\\]", "")
    assert not any(line.startswith(f"{OBEYED}::error") for line in told.lines)


def test_what_is_no_report_is_not_told(tmp_path: Path, shipped: Path, github: GitHub, recipe: tuple[str, str]) -> None:
    github.pull(7, HEAD, owner="somebody")
    (tmp_path / "artifact.json").write_bytes(b"[" * 100_000)
    told = retold(tmp_path, shipped, github, recipe)
    assert told.result == "failure"
    assert any("::error title=mingus-gate::comment-from: " in line for line in told.lines)
    assert not github.comments


@pytest.mark.parametrize("conclusion", ["cancelled", "action_required"])
def test_a_run_that_did_not_end_is_not_told(tmp_path: Path, shipped: Path, github: GitHub, recipe: tuple[str, str], conclusion: str) -> None:
    """It has left no report, and a job that fails for the lack of one would only make noise."""
    ours = write(tmp_path / "default branch", {"README.md": "# Shop\n"})
    git(ours, "init", "--quiet")
    with pytest.raises(AssertionError):  # no job ran
        act(tmp_path, shipped, ours, github, recipe[1], event="workflow_run", payload=started_by(conclusion=conclusion))
