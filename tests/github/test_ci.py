"""`mingus-gate ci`: everybody is told, and the exit code is the verdict's whatever came of the telling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mingus_gate.cli import main
from mingus_gate.config import Config
from mingus_gate.github import ci
from mingus_gate.model import Report
from tests.github.conftest import Environ
from tests.github.server import READ_ONLY, GitHub
from tests.github.test_files_and_commands import read_outputs
from tests.reports.samples import blocked, ready


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is judged as blocked."""
    judge(monkeypatch, blocked())
    root = tmp_path / "tree"
    root.mkdir()
    return root


def judge(monkeypatch: pytest.MonkeyPatch, report: Report) -> None:
    monkeypatch.setattr(ci, "examine", lambda *_, **__: report)


def run(monkeypatch: pytest.MonkeyPatch, root: Path, environ: dict[str, str], *arguments: str) -> int:
    monkeypatch.chdir(root)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return main(["ci", *arguments])


def test_everybody_is_told(
    monkeypatch: pytest.MonkeyPatch, judged: Path, tmp_path: Path, environ: Environ, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, judged, environ(INPUT_KEY="shop", INPUT_REPORT_FILE="out/report.json")) == 1
    comment, score = github.comments[0], blocked().score
    assert comment["body"].startswith("<!-- mingus-gate:v1 key=shop -->")
    assert "https://github.com/acme/shop/blob/f00ba12" in comment["body"]
    assert "(https://github.com/acme/shop/actions/runs/99)" in comment["body"]
    assert (tmp_path / "summary.md").read_text().startswith("### 🔴 Blocked · 22.2 POOR · 68% verified · shop\n")
    assert json.loads((judged / "out/report.json").read_text())["verdict"] == "blocked"
    assert read_outputs(tmp_path / "output") == {
        "score": f"{score.value}",
        "grade": score.grade,
        "verdict": "blocked",
        "coverage": f"{score.coverage}",
        "critical-count": "2",
        "report-file": str(judged / "out/report.json"),
        "sarif-file": "",
        "comment-url": comment["html_url"],
    }
    said = capsys.readouterr().out
    assert said.startswith("::stop-commands::")
    assert "\n::error title=mingus-gate%3A rate-limiting.shared-storage,file=app/__init__.py,line=31,col=1::" in said
    assert said.endswith("\nBlocked: 22.2 POOR, 68% verified, 2 critical issues\n")


def test_a_gate_that_passes_is_0(monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub) -> None:
    judge(monkeypatch, ready())
    assert run(monkeypatch, judged, environ()) == 0
    assert "Ready" in github.comments[0]["body"]


@pytest.mark.parametrize(("verdict", "code"), [(blocked(), 1), (ready(), 0)])
@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"INPUT_GITHUB_TOKEN": READ_ONLY}, "permissions: pull-requests: write"),
        ({"INPUT_GITHUB_TOKEN": "ghs_wrong"}, "the token is wrong or has expired"),
        ({"INPUT_GITHUB_TOKEN": ""}, "there is no token"),
        ({"GITHUB_API_URL": "nonsense"}, "no comment was written"),
        ({"GITHUB_STEP_SUMMARY": "/no/such/folder/summary"}, "the job summary was not written"),
        ({"GITHUB_OUTPUT": "/no/such/folder/output"}, "the outputs were not set"),
        ({"INPUT_REPORT_FILE": "/dev/null/report.json"}, "the report file was not written"),
    ],
)
def test_what_cannot_be_told_is_a_warning_and_the_verdict_stands(
    monkeypatch: pytest.MonkeyPatch,
    judged: Path,
    environ: Environ,
    capsys: pytest.CaptureFixture[str],
    verdict: Report,
    code: int,
    broken: dict[str, str],
    words: str,
) -> None:
    judge(monkeypatch, verdict)
    assert run(monkeypatch, judged, environ(**broken)) == code
    said = capsys.readouterr().out
    assert words in next(line for line in said.splitlines() if line.startswith("::warning title=mingus-gate::"))
    assert "The verdict stands." in said


@pytest.mark.parametrize("step", ["compose", "render_markdown", "render_json", "write_outputs", "publish", "annotate", "render_text"])
def test_a_fault_of_ours_in_the_telling_does_not_change_the_verdict(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(ci, step, crash)
    assert run(monkeypatch, judged, environ()) == 1
    said = capsys.readouterr().out
    assert "KeyError, a fault of mingus-gate" in said
    assert "secret" not in said


def test_a_fork_is_told_in_a_notice(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, judged, environ(fork=True, INPUT_GITHUB_TOKEN=READ_ONLY)) == 1
    said = capsys.readouterr().out
    assert "::notice title=mingus-gate::no comment: the token of a pull request from a fork may not write" in said
    assert "::warning title=mingus-gate::" not in said
    assert not github.comments


@pytest.mark.parametrize("change", [{"name": "schedule"}, {"INPUT_COMMENT": "never"}, {"name": "pull_request_target"}])
def test_no_comment_where_none_belongs(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub, change: dict[str, str]
) -> None:
    assert run(monkeypatch, judged, environ(**change)) == 1
    assert not github.requests


SHA = "abcdef0" + "0" * 33
"""The commit that is checked out."""


def test_a_push_comments_on_the_open_pull_request_of_its_commit(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub
) -> None:
    github.pull(6, SHA, state="closed")
    github.pull(7, SHA)
    assert run(monkeypatch, judged, environ("push", event={"before": "c0ffee" + "0" * 34})) == 1
    assert len(github.comments) == 1


@pytest.mark.parametrize("others", [[], [(7, SHA, "closed")], [(7, "f" * 40, "open")]])
def test_a_push_without_a_pull_request(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub, others: list[tuple[int, str, str]]
) -> None:
    for number, sha, state in others:
        github.pull(number, sha, state=state)
    assert run(monkeypatch, judged, environ("push")) == 1
    assert not github.comments


def test_a_push_whose_pull_request_cannot_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, judged, environ("push", INPUT_GITHUB_TOKEN="ghs_wrong")) == 1
    assert "::warning title=mingus-gate::the pull request of this push was not found: GitHub answered 401" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--path", "nowhere"], "path: nowhere is not a folder"),
        (["--comment", "sometimes"], "comment: 'sometimes' is none of auto, always, changes, never"),
        (["--fail-on", "criticl"], "fail-on: 'criticl' is none of critical, warning, new-critical, never"),
        (["--min-score", "many"], "min-score: 'many' is not a number from 0 to 100"),
        (["--min-score", "101"], "min-score: '101' is not a number from 0 to 100"),
        (["--key", "a --> b"], "key: 'a --> b' may hold"),
        (["--key", "a--b"], "key: 'a--b' may hold"),
        (["--config", "none.toml"], "none.toml: no such file"),
    ],
)
def test_a_wrong_input_is_named(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(monkeypatch, judged, environ(), *arguments) == 2
    assert f"::error title=mingus-gate::{words}" in capsys.readouterr().out


def test_inputs_narrow_the_configuration(monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ) -> None:
    (judged / "pyproject.toml").write_text('[tool.mingus-gate]\nfail-on = "never"\nmin-score = 10\n')
    seen: list[Config] = []

    def examine(_: Path, config: Config, **__: object) -> Report:
        seen.append(config)
        return ready()

    monkeypatch.setattr(ci, "examine", examine)
    run(monkeypatch, judged, environ(INPUT_FAIL_ON="warning"))
    assert (seen[0].fail_on, seen[0].min_score) == ("warning", 10)


@pytest.mark.parametrize(
    ("given", "base", "live"),
    [
        ({}, "ba5e000", False),
        ({"INPUT_BASE": "v1.0"}, "v1.0", False),
        ({"INPUT_LIVE": "true"}, "ba5e000", True),
        ({"INPUT_LIVE": "False"}, "ba5e000", False),
    ],
)
def test_what_is_compared_and_whether_the_running_system_is_asked(
    monkeypatch: pytest.MonkeyPatch, judged: Path, environ: Environ, given: dict[str, str], base: str, live: bool
) -> None:
    seen: list[dict[str, object]] = []

    def examine(*_: object, **asked: object) -> Report:
        seen.append(asked)
        return ready()

    monkeypatch.setattr(ci, "examine", examine)
    run(monkeypatch, judged, environ(**given))
    assert (seen[0]["base"], seen[0]["live"] is not None) == (base, live)


def test_sarif_is_written_where_asked(monkeypatch: pytest.MonkeyPatch, judged: Path, tmp_path: Path, environ: Environ) -> None:
    run(monkeypatch, judged, environ(INPUT_SARIF_FILE="out/gate.sarif"))
    assert json.loads((judged / "out/gate.sarif").read_text())["version"] == "2.1.0"
    assert read_outputs(tmp_path / "output")["sarif-file"] == str(judged / "out/gate.sarif")
