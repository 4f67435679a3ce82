"""`comment-from`: a run with a token that may write tells what an untrusted run's report says, and on the right pull request only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mingus_gate.cli import main
from mingus_gate.config import Config
from mingus_gate.reports.json import render_json
from mingus_gate.reports.read import parse_report
from tests.github.conftest import Environ
from tests.github.server import READ_ONLY, GitHub
from tests.github.test_files_and_commands import read_outputs
from tests.reports.samples import blocked
from tests.reports.test_read import WORST, whole

HEAD = "f00ba12" + "0" * 33
PAGE = "https://github.com/acme/shop/actions/runs/98"


def started_by(owner: str | None = "somebody", conclusion: str = "failure", sha: str = HEAD) -> dict[str, Any]:
    """The event of a run that another one started; as for every fork, GitHub names no pull request in it."""
    repository = {"full_name": f"{owner}/shop"} if owner else None
    run: dict[str, Any] = {
        "head_sha": sha,
        "head_repository": repository,
        "conclusion": conclusion,
        "html_url": PAGE,
        "pull_requests": [],
        "event": "pull_request",
    }
    return {"action": "completed", "workflow_run": run}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The report of a run whose verdict is blocked."""
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact/report.json").write_text(render_json(whole()))
    return tmp_path / "artifact/report.json"


def retell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: dict[str, str]) -> int:
    (tmp_path / "default branch").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "default branch")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return main(["ci", "--comment-from", str(file)])


def test_a_forks_report_becomes_a_comment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.pull(6, "e" * 40, owner="somebody")
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 0
    (comment,) = github.comments
    assert comment["body"].startswith("<!-- mingus-gate:v1 key=default -->\n<!-- Blocked: ")
    shown = comment["body"].partition("<details>")[0]
    assert f"https://github.com/acme/shop/blob/{HEAD}/app/limits.py#L31" in shown
    assert WORST in shown
    assert f"[full report]({PAGE})" in comment["body"]
    assert "> Made by a run of somebody/shop, which decides itself what it reports." in shown
    assert "⚠️ These" not in shown
    assert (tmp_path / "summary.md").read_text().startswith("### 🔴 Blocked")
    outputs = read_outputs(tmp_path / "output")
    assert (outputs["verdict"], outputs["comment-url"]) == ("blocked", comment["html_url"])
    said = capsys.readouterr().out
    assert "::error" not in said, "the lines are not those of the commit this run is shown at"
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 0
    assert [c["edits"] for c in github.comments] == [0]


@pytest.mark.parametrize(
    ("conclusion", "mend", "says"),
    [
        ("success", False, "These results block, but the run that made them ended as success"),
        ("failure", True, "These results do not block, but the run that made them ended as failure"),
        ("timed_out", True, "The run that made this report ended as timed_out"),
        ("failure", False, ""),
        ("success", True, ""),
    ],
)
def test_where_conclusion_and_verdict_disagree_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub, conclusion: str, mend: bool, says: str
) -> None:
    if mend:
        made = json.loads(file.read_text())
        made["results"] = [r for r in made["results"] if r["rule"] != WORST]
        file.write_text(json.dumps(made))
    github.pull(7, HEAD)
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by("acme", conclusion))) == 0
    body = github.comments[0]["body"]
    assert says in body if says else "⚠️ These" not in body
    assert "Made by" not in body, "it is the repository's own"


def test_what_this_version_does_not_know_is_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub
) -> None:
    file.write_text(render_json(blocked()))
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 0
    left = parse_report(file.read_bytes(), Config()).left_out
    assert left
    assert f"⚠️ {left} results are left out: of rules that this version does not know." in github.comments[0]["body"]


def test_another_pull_request_in_the_file_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub
) -> None:
    named = {"pull": 8, "number": 8, "pull_request": {"number": 8, "head": {"sha": "e" * 40}}, "repository": "acme/other", "commit": "e" * 40}
    file.write_text(json.dumps(json.loads(file.read_text()) | named))
    github.pull(8, "e" * 40)
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 0
    assert [r for r in github.requests if r.startswith("POST /repos")] == ["POST /repos/acme/shop/issues/7/comments"]


@pytest.mark.parametrize(
    ("pulls", "owner"),
    [
        ([], "somebody"),
        ([(7, "e" * 40, "open", "somebody")], "somebody"),  # pushed to since
        ([(7, HEAD, "closed", "somebody")], "somebody"),
        ([(7, HEAD, "open", "acme")], "somebody"),  # whose commit somebody else pushed to a fork
        ([(7, HEAD, "open", "somebody")], None),
    ],
)
def test_no_open_pull_request_no_comment(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    file: Path,
    environ: Environ,
    github: GitHub,
    capsys: pytest.CaptureFixture[str],
    pulls: list[tuple[int, str, str, str]],
    owner: str | None,
) -> None:
    for number, sha, state, theirs in pulls:
        github.pull(number, sha, state=state, owner=theirs)
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by(owner))) == 0
    assert not github.comments
    assert "::notice title=mingus-gate::no comment: no open pull request has the commit f00ba12 of" in capsys.readouterr().out


def test_a_pull_request_whose_repository_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub
) -> None:
    github.pull(6, HEAD, owner="somebody")["head"]["repo"] = None
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 0
    assert len(github.comments) == 1
    github.complaints.clear()  # the description says there always is one


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"INPUT_GITHUB_TOKEN": READ_ONLY}, "permissions: pull-requests: write"),
        ({"INPUT_GITHUB_TOKEN": "ghs_wrong"}, "the pull request was not found: GitHub answered 401"),
        ({"INPUT_GITHUB_TOKEN": ""}, "there is no token"),
    ],
)
def test_what_github_does_not_let_us_write_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    file: Path,
    environ: Environ,
    github: GitHub,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    says: str,
) -> None:
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by(), **change)) == 0
    assert says in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("::warning title=mingus-gate::"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file; did the first workflow upload it?"),
        ("<html>", "no report of mingus-gate: not JSON as it should be"),
        ("[]", "no report of mingus-gate"),
        ("{}", "no report of mingus-gate: schema: Field required"),
        ('{"schema": "@everyone\\n::error::owned"}', "no report of mingus-gate: schema: Input should be 'mingus-gate/report/1'"),
        (" " * 5_000_001, "larger than 5,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_report_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    file: Path,
    environ: Environ,
    github: GitHub,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    says: str,
) -> None:
    file.unlink()
    if content is not None:
        file.write_text(content)
    github.pull(7, HEAD, owner="somebody")
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by())) == 2
    said = capsys.readouterr().out
    assert said.startswith(f"::error title=mingus-gate::comment-from: {file}: {says}")
    assert "owned" not in said
    assert not github.requests


@pytest.mark.parametrize(("name", "event"), [("pull_request", None), ("push", {}), ("workflow_run", {}), ("workflow_run", "{")])
def test_it_belongs_after_another_workflow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, capsys: pytest.CaptureFixture[str], name: str, event: Any
) -> None:
    """Anywhere else the event is not GitHub's word on whose report this is."""
    assert retell(monkeypatch, tmp_path, file, environ(name, event=event)) == 2
    assert "belongs in a workflow `on: workflow_run`" in capsys.readouterr().out


def test_the_default_branch_decides_what_blocks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, environ: Environ, github: GitHub
) -> None:
    github.pull(7, HEAD, owner="somebody")
    (tmp_path / "default branch").mkdir()
    (tmp_path / "default branch/pyproject.toml").write_text('[tool.mingus-gate]\nfail-on = "never"\n')
    assert retell(monkeypatch, tmp_path, file, environ("workflow_run", event=started_by(conclusion="success"))) == 0
    assert "Not ready" in github.comments[0]["body"]
