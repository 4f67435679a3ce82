"""The tree as it was at another commit, from git's objects: the checkout is not touched, unchanged files are shared."""

from __future__ import annotations

import os
from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.git import GitError, git
from mingus_gate.repo.tree import MAX_BYTES, File, printable, role_of

REGULAR = (b"100644", b"100755")
"""Modes of ordinary files; links and submodules are not read (git-scm.com/docs/git-fast-import, M)."""


class NoBaseError(Exception):
    """There is no base to compare with. The text says why and what to do."""


def at_base(repo: Repo, ref: str) -> tuple[Repo, Repo, str]:
    """The repository where `ref` and the checked out commit parted, as it will be once merged into `ref`, and where they parted: a commit's id.

    Of what will be merged, a file that both changed stays as it is here. Raises NoBaseError.
    """
    commit = _merge_base(repo.root, ref)
    mine, theirs = _changed(repo.root, commit), _changed(repo.root, commit, ref)
    return _with(repo, commit, mine), _with(repo, ref, theirs - mine) if theirs - mine else repo, commit


def _changed(root: Path, *commits: str) -> set[bytes]:
    """The names that differ between two commits, or between a commit and the files that are checked out."""
    return set(_git(root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", *commits).split(b"\0")) - {b""}


def _with(repo: Repo, commit: str, names: set[bytes]) -> Repo:
    """The repository with the files of these names as they are in `commit`, or gone where they are not in it."""
    replaced = {printable(os.fsdecode(name)) for name in names}
    files = [file for file in repo.tree if file.path not in replaced]
    wanted: list[tuple[str, bytes]] = []
    for entry in _git(repo.root, "ls-tree", "-r", "-z", "-l", commit).split(b"\0"):
        meta, _, name = entry.partition(b"\t")
        if name in names:
            mode, _, blob, size = meta.split()
            path = os.fsdecode(name)
            if mode in REGULAR and int(size) <= MAX_BYTES and not repo.tree.excludes(printable(path)):
                wanted.append((path, blob))
    try:
        files += read_blobs(repo.root, wanted)
    except GitError as error:
        raise NoBaseError(f"no base to compare with: {error}") from None
    other = Repo(repo.root, tree=repo.tree.with_files(files))
    repo.share(other)
    return other


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
        file = File(shown := printable(path), root / path, role_of(shown))
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
