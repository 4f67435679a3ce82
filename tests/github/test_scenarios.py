"""What befalls a gate that everybody requires: each under act, against a GitHub on this machine. The verdict is never lost.

The application has one critical issue and a secret; no output holds the token or the secret, and the checkout stays clean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.github.server import EXPIRED, ISSUES_ONLY, JOB, READ_ONLY, Fault, GitHub
from tests.github.test_action import NEXT, OBEYED, Run, act, git
from tests.github.test_action import shipped as shipped
from tests.tools import write

CANARY = "sk_" + "live_" + "c4nary" * 4
APP = f"""\
from flask import Flask
app = Flask(__name__)
app.secret_key = "changeme"
app.config["STRIPE_SECRET_KEY"] = "{CANARY}"
@app.route("/")
def index():
    return "hello"
"""
HEAD = {"sha": "f00ba12", "ref": "work", "repo": {"full_name": "acme/shop"}}
PULL: dict[str, Any] = {"pull_request": {"number": 7, "title": "more", "head": HEAD}}
FORK: dict[str, Any] = {"pull_request": {"number": 7, "head": {**HEAD, "repo": {"full_name": "somebody/shop"}}}}
INJECTED = "$(touch owned)`touch owned`\n::error::owned\n"
HOSTILE: dict[str, Any] = {"pull_request": {"number": 7, "title": INJECTED, "body": INJECTED, "head": {**HEAD, "ref": "a;touch${IFS}owned"}}}
LATER = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800"}
HTML: Fault = (200, "<html>we are down", {})
LIMITED: Fault = (403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "1"})

NO_GIT = """\
mkdir "$RUNNER_TEMP/no"
printf '#!/bin/sh\\nexit 127\\n' > "$RUNNER_TEMP/no/git"
chmod +x "$RUNNER_TEMP/no/git"
echo "$RUNNER_TEMP/no" >> "$GITHUB_PATH"
"""
"""Puts a git that is not there in front of the real one."""

WORKFLOW = """
on: [{event}]
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - run: {before}
      - uses: mingus/gate@v1
        id: gate
        with: {inputs}
      - if: always()
        env:
          OUTPUTS: ${{{{ toJSON(steps.gate.outputs) }}}}
        run: |
          echo "outputs $(echo $OUTPUTS)"
          git -c safe.directory='*' status --short
"""


def nothing(_: GitHub) -> None:
    pass


def faults(*several: tuple[str, Fault]) -> Callable[[GitHub], None]:
    return lambda github: github.faults.extend(several)


def older_run(github: GitHub) -> None:
    github.comment("<!-- mingus-gate:v1 key=default -->\nold")


def third_page(github: GitHub) -> None:
    for number in range(210):
        github.comment(f"I think {number}", "octocat")
    older_run(github)


def impostor(github: GitHub) -> None:
    github.comment("<!-- mingus-gate:v1 key=default -->\nall is well", "mallory")


def open_pull(github: GitHub) -> None:
    github.pull(7, NEXT)


def deleted(github: GitHub) -> None:
    older_run(github)

    def gone() -> tuple[int, Any, dict[str, str]]:
        github.comments.clear()
        return 404, {"message": "Not Found"}, {}

    github.faults.append(("PATCH", gone))


def locked(github: GitHub) -> None:
    github.locked = True


def down(github: GitHub) -> None:
    github.address = "http://127.0.0.1:9"


def enterprise(github: GitHub) -> None:
    github.prefix = "/api/v3"


@dataclass(frozen=True)
class Scenario:
    """What happens, and what must come of it; `ours` are the comments of ours at the end."""

    prepare: Callable[[GitHub], None] = nothing
    event: str = "pull_request"
    payload: Any = field(default_factory=lambda: PULL)
    token: str = JOB
    inputs: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | bytes] = field(default_factory=dict)
    before: str = "'true'"
    ours: int = 1
    says: str = ""


SCENARIOS = {
    "first run": Scenario(),
    "re-run": Scenario(older_run),
    "fork": Scenario(payload=FORK, token=READ_ONLY, ours=0, says="no comment: the token of a pull request from a fork may not write"),
    "read-only": Scenario(token=READ_ONLY, ours=0, says="permissions: pull-requests: write"),
    "issues-only permission": Scenario(token=ISSUES_ONLY, ours=0, says="GitHub accepts issues: write; pull_requests: write"),
    "no token": Scenario(inputs={"github-token": ""}, ours=0, says="there is no token"),
    "expired token": Scenario(token=EXPIRED, ours=0, says="the token is wrong or has expired"),
    "secondary rate limit": Scenario(faults(("GET", LIMITED), ("POST", LIMITED))),
    "primary rate limit": Scenario(faults(("GET", (403, {"message": "API rate limit exceeded"}, LATER))), ours=0, says="too many requests"),
    "burst of 502": Scenario(faults(*[("GET", (502, "", {}))] * 2)),
    "HTML error page": Scenario(faults(("GET", HTML), ("GET", HTML)), ours=0, says="something else than a list"),
    "lost answer": Scenario(faults(("POST", "lost"))),
    "cut connection": Scenario(faults(("GET", None))),
    "truncated JSON": Scenario(faults(("POST", "truncated"))),
    "hang": Scenario(faults(("GET", "hang"))),
    "API down": Scenario(down, ours=0, says="no answer from 127.0.0.1:9"),
    "locked": Scenario(locked, ours=0, says="the conversation is locked"),
    "deleted in between": Scenario(deleted),
    "comment on page three": Scenario(third_page),
    "somebody else's marker": Scenario(impostor),
    "thousands of findings": Scenario(files={f"shop/part{n}.py": "import requests\nrequests.get('https://a.example')\n" * 40 for n in range(50)}),
    "hostile names and contents": Scenario(
        files={
            "a\n::error::owned.py": "x = 1\n",
            "@everyone [x](http://a.example) <img src=x>.py": APP,
            "b.py": b"\xff\xfe\x00",
            "pyproject.toml": "[tool.black]\n",
        }
    ),
    "injected title and branch": Scenario(payload=HOSTILE),
    "path with a space": Scenario(files={"my app/app.py": APP}, inputs={"path": "my app"}),
    "an Enterprise Server": Scenario(enterprise),
    "push": Scenario(event="push", payload={"before": "0" * 40}, ours=0),
    "push with an open pull request": Scenario(open_pull, event="push", payload={}),
    "dispatch": Scenario(event="workflow_dispatch", payload={}, ours=0),
    "schedule": Scenario(event="schedule", payload={}, ours=0),
    "merge queue": Scenario(event="merge_group", payload={"merge_group": {"base_sha": "f" * 40}}, ours=0),
    "after another workflow": Scenario(event="workflow_run", payload={"workflow_run": {"head_sha": "f00ba12", "pull_requests": []}}, ours=0),
    "no git": Scenario(before=json.dumps(NO_GIT)),
    "somebody else's checkout": Scenario(before="chown -R 65534:65534 ."),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tmp_path: Path, shipped: Path, github: GitHub) -> None:
    scenario = SCENARIOS[name]
    if scenario.before.startswith("chown") and os.geteuid():
        pytest.skip("only root may give files away")
    scenario.prepare(github)
    theirs = {id(c): c["body"] for c in github.comments if c["user"]["login"] != "github-actions[bot]"}
    run = judge(scenario, tmp_path, shipped, github)
    ours = [c for c in github.comments if c["body"].startswith("<!-- mingus-gate:v1 key=default -->") and id(c) not in theirs]
    assert run.result == "failure"
    assert run.outputs["verdict"] == "blocked"
    assert run.lines[-1].startswith("outputs "), "git status has found something"
    assert len(ours) == scenario.ours, run.lines
    assert all("security-config.secret-key" in c["body"] and len(c["body"].encode()) < 60_000 for c in ours)
    assert scenario.says in "\n".join(run.lines)
    assert [c["body"] for c in github.comments if id(c) in theirs] == list(theirs.values())
    everything = "\n".join([*run.lines, *run.summaries, *(c["body"] for c in ours), Path(run.outputs["report-file"]).read_text()])
    assert CANARY not in everything
    assert scenario.token not in everything
    assert "Traceback" not in everything
    assert not any(line.startswith(f"{OBEYED}::error::owned") for line in run.lines)


def judge(scenario: Scenario, tmp_path: Path, shipped: Path, github: GitHub) -> Run:
    checkout = write(tmp_path / "checkout", {"app.py": APP, **scenario.files})
    git(checkout, "init", "--quiet")
    text = WORKFLOW.format(event=scenario.event, before=scenario.before, inputs=json.dumps(scenario.inputs))
    return act(tmp_path, shipped, checkout, github, text, token=scenario.token, event=scenario.event, payload=scenario.payload)


def test_two_runs_at_once_leave_one_comment(tmp_path: Path, shipped: Path, github: GitHub) -> None:
    checkout = write(tmp_path / "checkout", {"app.py": APP})
    git(checkout, "init", "--quiet")
    text = WORKFLOW.format(event="pull_request", before="'true'", inputs="{}").replace("runs-on:", "strategy: {matrix: {twin: [1, 2]}}\n    runs-on:")
    act(tmp_path, shipped, checkout, github, text)
    assert len(github.comments) == 1
