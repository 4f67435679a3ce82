"""The tree as it is staged: what the commit will hold, whatever the working tree says. Nothing is written or stashed."""

from __future__ import annotations

import os

from mingus_gate.repo import Repo
from mingus_gate.repo.base import REGULAR, read_blobs
from mingus_gate.repo.git import GitError, git
from mingus_gate.repo.tree import MAX_BYTES

INDEX = ("GIT_INDEX_FILE",)
"""`git commit FILE` and `git commit -a` commit another index than `.git/index`, and tell their hooks where it is."""


def staged(repo: Repo) -> Repo:
    """The repository with staged content where the working tree has other; itself where there is none, as under pre-commit."""
    try:
        changed = set(git(repo.root, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--relative", keep=INDEX).split(b"\0")) - {b""}
        if not changed:
            return repo
        wanted = []
        for entry in filter(None, git(repo.root, "ls-files", "-s", "-z", keep=INDEX).split(b"\0")):
            meta, name = entry.split(b"\t", 1)
            mode, blob, _ = meta.split()
            path = os.fsdecode(name)
            if name in changed and mode in REGULAR and not repo.tree.excludes(path):
                wanted.append((path, blob))
        files = [file for file in read_blobs(repo.root, wanted) if len(file.data) <= MAX_BYTES]
    except GitError:
        return repo
    kept = [file for file in repo.tree if os.fsencode(file.path) not in changed]
    return Repo(repo.root, tree=repo.tree.with_files([*kept, *files]))
