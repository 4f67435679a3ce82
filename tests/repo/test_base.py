"""The base is judged from git's objects, beside the checkout, and each result says what became of it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Report
from mingus_gate.repo import Repo
from mingus_gate.repo.base import at_base
from mingus_gate.reports.links import Links
from mingus_gate.reports.markdown import render_markdown
from tests.tools import write

APP = "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n{}db = SQLAlchemy(app)\n"
PING = "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_pre_ping': True}\n"
POOL = "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'pool_size': 5, 'max_overflow': 5}\n"


def git(root: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    command = ("git", "-c", "init.defaultBranch=main", "-C", str(root), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **who}).stdout.strip()


@pytest.fixture
def forked(tmp_path: Path) -> Path:
    """main pings its connections; the branch `work`, checked out, sizes the pool instead; main went on afterwards."""
    git(write(tmp_path, {"app.py": APP.format(PING), "gone.py": "x = 1\n", "name with ü.py": "y = 1\n"}), "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "base")
    git(tmp_path, "branch", "work")
    write(tmp_path, {"later.py": "z = 1\n"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "main goes on")
    git(tmp_path, "checkout", "-q", "work")
    git(tmp_path, "rm", "-q", "gone.py")
    write(tmp_path, {"app.py": APP.format(POOL), "added.py": "w = 1\n"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "work")
    return tmp_path


def changes(report: Report) -> dict[str, str | None]:
    return {result.rule.code.partition(".")[2]: result.change for result in report.results}


def test_every_result_says_what_became_of_it(forked: Path) -> None:
    report = examine(forked, Config(), only=["database-pooling"], base="main")
    told = {rule: change for rule, change in changes(report).items() if change}
    assert told == {"pre-ping": "new", "pool-size": "fixed", "recycle": "new"}
    assert {"server-database", "reachable"} <= changes(report).keys()
    assert report.base is not None
    assert report.base.commit == git(forked, "merge-base", "main", "work")
    assert report.delta == 0.0


def test_a_failure_whose_lines_moved_is_not_new(forked: Path) -> None:
    git(forked, "checkout", "-q", "main")
    git(forked, "checkout", "-q", "-b", "move")
    write(forked, {"app.py": "# a comment\n\n" + APP.format(PING)})
    git(forked, "commit", "-qam", "move")
    assert changes(examine(forked, Config(), only=["database-pooling"], base="main"))["pool-size"] == "existing"


def test_the_base_holds_what_was_there_then(forked: Path) -> None:
    head = Repo(forked)
    base, _, _ = at_base(head, "main")
    assert {file.path for file in base.tree} == {"app.py", "gone.py", "name with ü.py"}
    app = base.file("app.py")
    assert app is not None
    assert b"pool_pre_ping" in app.data
    assert base.file("name with ü.py") is head.file("name with ü.py")


def test_the_checkout_is_not_touched(forked: Path) -> None:
    write(forked, {"app.py": APP.format(POOL) + "# not committed\n", "untracked.py": ""})
    before = git(forked, "status", "--porcelain")
    examine(forked, Config(), base="main")
    assert git(forked, "status", "--porcelain") == before


def test_an_uncommitted_change_counts_as_a_change(forked: Path) -> None:
    write(forked, {"app.py": APP.format(PING)})
    assert changes(examine(forked, Config(), only=["database-pooling"], base="main"))["pre-ping"] is None


def test_below_a_folder_of_the_repository(forked: Path) -> None:
    write(forked, {"service/app.py": APP.format("")})
    git(forked, "add", ".")
    git(forked, "commit", "-qm", "a second application")
    write(forked, {"service/app.py": APP.format(POOL)})
    assert changes(examine(forked / "service", Config(), only=["database-pooling"], base="HEAD"))["pool-size"] == "fixed"


@pytest.mark.parametrize("ref", ["no-such-branch", "--output=/tmp/x"])
def test_no_base_is_said_and_nothing_else_changes(forked: Path, ref: str) -> None:
    report = examine(forked, Config(), base=ref)
    assert report.base is not None
    assert report.base.score is None
    assert report.base.reason
    assert report.score == examine(forked, Config()).score


def test_outside_git_there_is_no_base(tmp_path: Path) -> None:
    report = examine(write(tmp_path, {"app.py": APP.format("")}), Config(), base="main")
    assert report.base is not None
    assert "no base to compare with" in report.base.reason


def test_a_disabled_rule_is_not_called_fixed(forked: Path) -> None:
    report = examine(forked, Config(disable=["database-pooling.pool-size"]), only=["database-pooling"], base="main")
    assert changes(report)["pool-size"] is None


def test_the_comment_tells_what_each_check_and_the_checklist_gained(forked: Path) -> None:
    (forked / "app.py").write_text(APP.format(""))
    git(forked, "commit", "-qam", "lost")
    page = render_markdown(examine(forked, Config(), only=["database-pooling"], base="main"), Links())
    assert re.search(r"Database pooling\]\([^)]*\) \| \d+&nbsp;\(−\d+\) \|", page)
