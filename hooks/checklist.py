"""Lints the deployment checklist: `mingus-hook-checklist FILE…`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mingus_gate.checklist import MARK, SHIPPED, own_file, problems
from mingus_gate.repo import Repo
from mingus_gate.repo.staged import staged
from mingus_gate.repo.tree import File

from .door import CLEAN, FOUND, Committed, guarded, line, note, read_settings
from .tasks import read_tasks


def main(argv: Sequence[str] | None = None) -> int:
    return guarded(hook, argv)


def hook(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("mingus-hook-checklist", description="Finds items without an id, ids given twice and links to no rule.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="the committed files (default: all)")
    settings = read_settings(Path())
    repo = staged(Repo(Path(), settings.exclude))
    committed = Committed(repo, parser.parse_args(argv).files)
    if settings.checklist:
        configured = own_file(repo, settings.checklist)
        chosen = [file for file in committed.files if file is configured]
    else:
        chosen = [file for file in committed.files if _is_checklist(file)]
    if not chosen:
        wanted = f"`{settings.checklist}`" if settings.checklist else f"a `{SHIPPED}` or a list with `<!-- id: … -->`"
        note(f"looked at nothing: {wanted} is not among the {len(committed.files)} files given")
    found = [problem for file in chosen for problem in problems(read_tasks(file.text), file.path)]
    for problem in found:
        print(line(problem.place, problem.message))
    return FOUND if found else CLEAN


def _is_checklist(file: File) -> bool:
    name = PurePosixPath(file.path).name
    if not name.endswith((".md", ".markdown")):
        return False
    return name == SHIPPED or (file.mentions(b"<!--") and any(MARK.search(task.text) for task in read_tasks(file.text)))


if __name__ == "__main__":
    raise SystemExit(main())
