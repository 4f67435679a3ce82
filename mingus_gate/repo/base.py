"""The tree as it was at another commit, from git's objects: the checkout is not touched, unchanged files are shared."""

from __future__ import annotations

import os
from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.git import GitError, git
from mingus_gate.repo.tree import MAX_BYTES, File, role_of

REGULAR = (b"100644", b"100755")
"""Modes of ordinary files; links and submodules are not read (git-scm.com/docs/git-fast-import, M)."""


class NoBaseError(Exception):
    """There is no base to compare with. The text says why and what to do."""


def at_base(repo: Repo, ref: str) -> tuple[Repo, str]:
    """The repository where `ref` and the checked out commit parted, and that commit's id. Raises NoBaseError."""
    commit = _merge_base(repo.root, ref)
    changed = set(_git(repo.root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", commit).split(b"\0"))
    files: list[File] = []
    wanted: list[tuple[str, bytes]] = []
    for entry in _git(repo.root, "ls-tree", "-r", "-z", "-l", commit).split(b"\0"):
        if not entry:
            continue
        meta, name = entry.split(b"\t", 1)
        mode, _, blob, size = meta.split()
        path = os.fsdecode(name)
        same = repo.file(path) if name not in changed else None
        if same:
            files.append(same)
        elif name in changed and mode in REGULAR and int(size) <= MAX_BYTES and not repo.tree.excludes(path):
            wanted.append((path, blob))
    try:
        files += read_blobs(repo.root, wanted)
    except GitError as error:
        raise NoBaseError(f"no base to compare with: {error}") from None
    base = Repo(repo.root, tree=repo.tree.with_files(files))
    repo.share(base)
    return base, commit


def _merge_base(root: Path, ref: str) -> str:
    if ref.startswith("-"):
        raise NoBaseError(f"`{ref}` is not a commit")
    try:
        _git(root, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}")
    except NoBaseError:
        raise NoBaseError(f"no base to compare with: git does not know `{ref}` here; check out with fetch-depth: 0") from None
    try:
        return _git(root, "merge-base", ref, "HEAD").decode().strip()
    except NoBaseError:
        raise NoBaseError(f"no base to compare with: `{ref}` and HEAD share no commit here; check out with fetch-depth: 0") from None


def read_blobs(root: Path, wanted: list[tuple[str, bytes]]) -> list[File]:
    """The files with the given blobs, all read by one git process. Raises GitError."""
    files = []
    out = git(root, "cat-file", "--batch", feed=b"\n".join(blob for _, blob in wanted) + b"\n") if wanted else b""
    for path, _ in wanted:
        head, _, rest = out.partition(b"\n")
        size = int(head.split()[2])
        file = File(path.replace(os.sep, "/"), root / path, role_of(path))
        file.data = rest[:size]
        files.append(file)
        out = rest[size + 1 :]
    return files


def _git(root: Path, *arguments: str) -> bytes:
    """What git prints. Raises NoBaseError."""
    try:
        return git(root, *arguments)
    except GitError as error:
        raise NoBaseError(f"no base to compare with: {error}") from None
