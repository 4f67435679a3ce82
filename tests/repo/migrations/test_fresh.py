"""What a base changes: the revisions that are judged, and the heads that are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Result
from tests.checks.test_migrations import LINE, step
from tests.repo.test_base import git
from tests.tools import write

VERSIONS = "migrations/versions"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two revisions on main, and a branch `work` that is checked out."""
    git(write(tmp_path, {**LINE, "requirements.txt": "psycopg2-binary\n"}), "init", "-q")
    commit(tmp_path, {})
    git(tmp_path, "checkout", "-q", "-b", "work")
    return tmp_path


def commit(root: Path, files: dict[str, str]) -> None:
    git(write(root, files), "add", ".")
    git(root, "commit", "-qm", "more")


def on_main(root: Path, files: dict[str, str]) -> None:
    git(root, "checkout", "-q", "main")
    commit(root, files)
    git(root, "checkout", "-q", "work")


def asked(root: Path, rule: str) -> Result:
    report = examine(root, Config(), only=["migrations"], base="main")
    return next(result for result in report.results if result.rule.code == f"migrations.{rule}")


def test_two_branches_that_fork_only_once_they_are_merged(tree: Path) -> None:
    commit(tree, {f"{VERSIONS}/5e6f.py": step('"5e6f"', '"3c4d"')})
    assert asked(tree, "single-head").kind == "pass"
    on_main(tree, {f"{VERSIONS}/7a8b.py": step('"7a8b"', '"3c4d"')})
    result = asked(tree, "single-head")
    assert (result.kind, result.change, str(result.place)) == ("fail", "new", f"{VERSIONS}/5e6f.py:2")
    assert result.message.startswith("once this is merged, 2 heads in migrations")
    assert "both on 3c4d" in result.message
    assert git(tree, "status", "--porcelain") == ""


def test_a_revision_that_main_took_back_is_no_head(tree: Path) -> None:
    on_main(tree, {f"{VERSIONS}/7a8b.py": step('"7a8b"', '"3c4d"')})
    git(tree, "merge", "-q", "main")
    git(tree, "checkout", "-q", "main")
    git(tree, "rm", "-q", f"{VERSIONS}/7a8b.py")
    git(tree, "commit", "-qm", "back")
    git(tree, "checkout", "-q", "work")
    commit(tree, {f"{VERSIONS}/5e6f.py": step('"5e6f"', '"3c4d"')})
    assert asked(tree, "single-head").message.startswith("one head, 5e6f")


def test_one_id_in_two_branches(tree: Path) -> None:
    commit(tree, {f"{VERSIONS}/mine.py": step('"5e6f"', '"3c4d"')})
    on_main(tree, {f"{VERSIONS}/theirs.py": step('"5e6f"', '"3c4d"')})
    assert "stands in 2 files" in asked(tree, "whole-history").message


def test_every_revision_of_the_branch_is_judged_and_no_older_one(tree: Path) -> None:
    on_main(tree, {f"{VERSIONS}/5e6f.py": step('"5e6f"', '"3c4d"', 'op.drop_column("users", "name")')})
    git(tree, "merge", "-q", "main")
    commit(tree, {f"{VERSIONS}/7a8b.py": step('"7a8b"', '"5e6f"', 'op.create_table("teams")')})
    commit(tree, {f"{VERSIONS}/9c0d.py": step('"9c0d"', '"7a8b"', 'op.create_index("ix", "teams", ["a"])')})
    commit(tree, {f"{VERSIONS}/1e2f.py": step('"1e2f"', '"9c0d"', 'op.create_index("iy", "users", ["a"])')})
    assert asked(tree, "destructive").kind == "pass"
    result = asked(tree, "blocking-index")
    assert [str(o.place) for o in result.observations if o.holds is False] == [f"{VERSIONS}/1e2f.py:6"]


def test_a_branch_without_revisions_is_judged_by_the_newest(tree: Path) -> None:
    on_main(tree, {f"{VERSIONS}/5e6f.py": step('"5e6f"', '"3c4d"', 'op.drop_column("users", "name")')})
    git(tree, "merge", "-q", "main")
    commit(tree, {"more.py": "x = 1\n"})
    assert (asked(tree, "destructive").kind, asked(tree, "destructive").change) == ("fail", "existing")
