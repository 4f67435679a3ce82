"""The one way git is asked: nothing configured in the tree runs, nothing is fetched or locked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class GitError(Exception):
    """git is not there, is no repository's, or said no. The text names the command, never its output."""


def git(root: Path, *arguments: str, feed: bytes | None = None) -> bytes:
    """What `git ARGUMENTS` prints in `root`, within two minutes. Raises GitError.

    The folder may belong to somebody else (a container's checkout), so its owner is not asked for. The GIT_ variables of
    a hook are left out: its GIT_DIR may name another repository than the one asked about.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ("git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", str(root), *arguments)
    environment = {**kept, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=120, input=feed, env=environment).stdout
    except (OSError, subprocess.SubprocessError):
        raise GitError(f"git {arguments[0]} failed") from None


def folder_in(root: Path) -> str:
    """The way from the repository's root to `root`, ending in a slash; empty for the root itself and outside git."""
    try:
        return git(root, "rev-parse", "--show-prefix").decode().rstrip("\n")
    except (GitError, UnicodeDecodeError):
        return ""
