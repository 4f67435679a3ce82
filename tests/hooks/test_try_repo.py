"""`pre-commit try-repo` installs the project as a user would and runs every hook on a bad tree and on a good one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hooks.test_hooks import BAD, GOOD, HOOKS, ROOT, git_tree

OFFLINE = re.compile(r"NewConnectionError|Temporary failure in name resolution|No matching distribution found|ConnectTimeoutError|ProxyError")


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it stands, in a repository of its own: try-repo would leave out files that are not in git yet."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard"], capture_output=True, check=True, text=True).stdout
    root = tmp_path_factory.mktemp("snapshot")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    git_tree(root, {})
    commit = ["-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-qm", "snapshot", "--no-verify"]
    subprocess.run(["git", "-C", str(root), *commit], check=True)
    return root


def _try(snapshot: Path, tree: Path, home: Path) -> dict[str, str]:
    """Hook id → what it printed. One call, so all hooks share one environment."""
    command = [
        sys.executable,
        "-m",
        "pre_commit",
        "try-repo",
        str(snapshot),
        "--all-files",
        "--verbose",
        "--hook-stage",
        "manual",
        "--color",
        "never",
    ]
    env = {**os.environ, "PRE_COMMIT_HOME": str(home), "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True, encoding="utf-8", env=env)
    if OFFLINE.search(done.stdout + done.stderr):
        pytest.skip("PyPI cannot be reached, and pre-commit installs from there")
    parts = re.split(r"^- hook id: (\S+)\n", done.stdout, flags=re.MULTILINE)
    printed = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert printed.keys() == HOOKS.keys(), done.stdout + done.stderr
    return printed


def test_every_hook_finds_what_is_bad(snapshot: Path, tmp_path: Path) -> None:
    bad = {**GOOD, **{name: text for files, _, _ in BAD.values() for name, text in files.items()}}
    bad["app.py"] = BAD["mingus-env-hygiene"][0]["app.py"] + "app.run(debug=True)\n"
    printed = _try(snapshot, git_tree(tmp_path / "tree", bad), tmp_path / "home")
    for hook, (_, _, expected) in BAD.items():
        assert re.search(rf"^{expected}$", printed[hook], re.MULTILINE), printed[hook]
        assert "- exit code: 1\n" in printed[hook]
    assert "security-config.debug" in printed["mingus-gate"]
    assert "- exit code: 1\n" in printed["mingus-gate"]


def test_every_hook_is_quiet_on_what_is_good(snapshot: Path, tmp_path: Path) -> None:
    printed = _try(snapshot, git_tree(tmp_path / "tree", GOOD), tmp_path / "home")
    for hook in BAD:
        assert re.match(r"- duration: \S+\n\s*([^\n]*Passed\n)?\Z", printed[hook]), printed[hook]
    assert "exit code" not in printed["mingus-gate"]
