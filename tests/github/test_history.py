"""A shallow clone is deepened until it meets its base, and nothing but git's own store is written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mingus_gate.github.history import deepen
from mingus_gate.repo import Repo
from mingus_gate.repo.base import at_base
from tests.repo.test_base import git
from tests.tools import write


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Three commits on main after the branch `work` left it, two on the branch."""
    root = write(tmp_path / "origin", {"a.py": "a = 0\n"})
    git(root, "init", "-q")
    commit(root, "a = 1\n")
    git(root, "branch", "work")
    for number in range(3):
        commit(root, f"a = {number + 2}\n")
    git(root, "checkout", "-q", "work")
    commit(root, "b = 1\n", "b.py")
    commit(root, "b = 2\n", "b.py")
    return root


def commit(root: Path, text: str, name: str = "a.py") -> None:
    (root / name).write_text(text)
    git(root, "add", ".")
    git(root, "commit", "-qm", text)


def shallow(origin: Path, tmp_path: Path) -> Path:
    subprocess.run(["git", "clone", "-q", "--depth=1", "--branch=work", f"file://{origin}", str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def test_it_fetches_until_they_meet(origin: Path, tmp_path: Path) -> None:
    clone, main = shallow(origin, tmp_path), git(origin, "rev-parse", "main")
    before = (git(clone, "rev-parse", "HEAD"), git(clone, "branch", "-a"))
    deepen(clone, main, server="https://github.com", token="")
    assert at_base(Repo(clone), main)[2] == git(origin, "merge-base", "main", "work")
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "branch", "-a")) == before
    assert git(clone, "status", "--porcelain") == ""


def test_nothing_is_fetched_where_nothing_is_missing(origin: Path, tmp_path: Path) -> None:
    origin.rename(tmp_path / "gone")
    deepen(tmp_path / "gone", "main", server="https://github.com", token="")


@pytest.mark.parametrize("base", ["f" * 40, "--upload-pack=touch owned", "no such commit"])
def test_what_cannot_be_fetched_is_left(origin: Path, tmp_path: Path, base: str) -> None:
    clone = shallow(origin, tmp_path)
    deepen(clone, base, server="https://github.com", token="")
    assert sorted(p.name for p in clone.iterdir()) == [".git", "a.py", "b.py"]


def test_the_token_stands_in_no_command_line_and_no_file(origin: Path, tmp_path: Path) -> None:
    clone = shallow(origin, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexec /usr/bin/env PATH="{os.environ["PATH"]}" git "$@"\n')
    (tools / "git").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        deepen(clone, git(origin, "rev-parse", "main"), server="https://github.com", token="ghs_canary")
    assert "fetch" in (tmp_path / "asked").read_text()
    texts = [(tmp_path / "asked").read_bytes(), *(p.read_bytes() for p in (clone / ".git").rglob("*") if p.is_file())]
    assert not any(b"ghs_canary" in text or b"Z2hzX2NhbmFyeQ" in text for text in texts)
