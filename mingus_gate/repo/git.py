"""The one way git is asked: nothing configured in the tree runs, nothing is locked or fetched unasked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


class GitError(Exception):
    """git is not there, is no repository's, or said no. The text names the command, never its output."""


def git(root: Path, *arguments: str, feed: bytes | None = None, keep: tuple[str, ...] = (), settings: Iterable[tuple[str, str]] = ()) -> bytes:
    """What `git ARGUMENTS` prints in `root`, within two minutes. Raises GitError.

    `settings` are configuration that no other process may see, as it would on a command line.
    The folder may belong to somebody else (a container's checkout), so its owner is not asked for. The GIT_ variables of
    a hook are left out but for those to `keep`: its GIT_DIR may name another repository than the one asked about.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in keep}
    command = ("git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", "-C", str(root), *arguments)
    environment = {**kept, "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    for number, (key, value) in enumerate(settings):
        environment |= {"GIT_CONFIG_COUNT": str(number + 1), f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
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
