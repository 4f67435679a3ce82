"""Brings what a shallow clone lacks to be compared with its base. Only git's own store is written, never the checkout."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from mingus_gate.repo.git import GitError, git

DEPTHS = ("50", "1000", "2147483647")
"""Commits fetched, more each time; the last is git's word for all."""

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
"""A full id, as events give it: anything else might be an option or write a branch."""


def deepen(root: Path, base: str, *, server: str, token: str) -> None:
    """Fetches until HEAD and the commit `base` (a full id) meet, if the clone is shallow. That it could not is told when they are compared."""
    if not COMMIT.fullmatch(base) or _meet(root, base) or not _shallow(root):
        return
    signed = tuple(_sign(root, server, token))
    for depth in DEPTHS:
        try:
            head = git(root, "rev-parse", "HEAD").decode().strip()
            options = ("--quiet", "--no-tags", "--no-recurse-submodules", f"--depth={depth}")
            git(root, "fetch", *options, "origin", head, base, settings=signed)
        except GitError:
            return
        if _meet(root, base):
            return


def _meet(root: Path, base: str) -> bool:
    try:
        git(root, "merge-base", "--end-of-options", base, "HEAD")
    except GitError:
        return False
    return True


def _shallow(root: Path) -> bool:
    try:
        return git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
    except GitError:
        return False


def _sign(root: Path, server: str, token: str) -> Iterator[tuple[str, str]]:
    """The header actions/checkout leaves behind where it may; two of them would be refused."""
    try:
        git(root, "config", "--get-regexp", r"^http\..*extraheader$")
    except GitError:
        if token:
            secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            yield f"http.{server}/.extraheader", f"AUTHORIZATION: basic {secret}"
