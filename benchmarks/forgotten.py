"""How many forgotten migrations are found: a column or a table is added to the models of a tree, in memory, again and again.

    python benchmarks/forgotten.py PATH … [--each N]

A line that declares a column is written twice, the second time under another name, or a table is renamed; the rules
`migrations.missing-columns` and `missing-tables` must then say so, at that line, and nothing else may change. Nothing is written.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mingus_gate.checks import load
from mingus_gate.model import Kind, Observation
from mingus_gate.repo import Repo
from mingus_gate.repo.models.loaded import loaded
from mingus_gate.repo.models.metadatas import metadatas
from mingus_gate.repo.schema.drift import drifts
from mingus_gate.repo.schema.nouns import Table
from mingus_gate.repo.tree import File
from mingus_gate.run import assess

RULES = {"migrations.missing-columns", "migrations.missing-tables"}
COLUMN = re.compile(r"^(\s+)(\w+)((?:\s*:\s*[^=]+)?\s*=\s*(?:[\w.]+\.)?(?:Column|mapped_column)\((?!\s*[\"']).*)$")
TABLE = re.compile(r"^(\s+__tablename__\s*=\s*)([\"'])(\w+)\2\s*$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--each", type=int, default=20, help="mutations of each kind and tree")
    arguments = parser.parse_args()
    print(f"{'tree':28} {'column found':>12} {'missed':>7} {'not told':>9} {'table found':>12} {'missed':>7} {'not told':>9} {'other findings':>15}")
    for path in arguments.paths:
        counts = Counter(tried(Repo(path), arguments.each))
        names = [f"{kind} {came}" for kind in ("column", "table") for came in ("found", "missed", "not told")]
        print(f"{path.name:28} " + " ".join(f"{counts[name]:>{width}}" for name, width in zip(names, (12, 7, 9, 12, 7, 9), strict=True)), end="")
        print(f" {counts['other']:>15}", flush=True)


def tried(repo: Repo, each: int) -> Iterator[str]:
    """What came of each mutation: `column found`, `table missed`, …; `other` for a finding that should not be there."""
    before = {key(o) for o in answers(repo)}
    picked = random.Random(1)  # noqa: S311  (the same lines each time)
    for kind, pattern in (("column", COLUMN), ("table", TABLE)):
        lines = [(file, number) for file in modelled(repo) for number, line in enumerate(file.lines) if pattern.match(line) and whole(line)]
        for file, number in picked.sample(lines, min(each, len(lines))):
            changed = mutated(repo, file, number, pattern)
            after = answers(changed)
            fresh = [o for o in after if key(o) not in before]
            mine = [o for o in fresh if o.place and o.place.path == file.path]
            hit = [o for o in mine if o.holds is False and "probe" in o.message]
            open_ = any(o.holds is None for o in fresh) or not told(changed)
            yield f"{kind} {'found' if hit else 'not told' if open_ else 'missed'}"
            yield from ("other" for o in fresh if o.holds is False and "probe" not in o.message)


def whole(line: str) -> bool:
    """Whether the line is a statement of its own."""
    try:
        ast.parse(line.strip())
    except SyntaxError:
        return False
    return True


def modelled(repo: Repo) -> list[File]:
    """The files that declare tables and that something imports."""
    paths = {t.place.path for m in repo.fact(metadatas) for t in m.schema.tables.values() if t.place and not t.unclear}
    return [file for path in sorted(paths) if (file := repo.file(path)) and loaded(repo, path)]


def mutated(repo: Repo, file: File, number: int, pattern: re.Pattern[str]) -> Repo:
    lines = list(file.lines)
    if pattern is COLUMN:
        lines.insert(number + 1, pattern.sub(r"\1probe_\2\3", lines[number]))
    else:
        lines[number] = pattern.sub(r"\1\2\3_probe\2", lines[number])
    other = File(file.path, file.location, file.role)
    other.data = "\n".join(lines).encode()
    changed = Repo(repo.root, tree=repo.tree.with_files([f for f in repo.tree if f is not file] + [other]))
    repo.share(changed)
    return changed


def told(repo: Repo) -> bool:
    """Whether the changed table is one of those that are compared at all."""
    for drift in repo.fact(drifts):
        doubted = {doubt.table for doubt in drift.found.doubts if doubt.kind in ("table", "column")}
        names = {t.name.removeprefix("public.") for m in repo.fact(metadatas) for t in m.schema.tables.values() if probed(t) and not t.unclear}
        if not drift.unclear and names - doubted:
            return True
    return False


def probed(table: Table) -> bool:
    return table.name.endswith("_probe") or any(name.startswith("probe_") for name in table.columns)


def answers(repo: Repo) -> list[Observation]:
    check = load("migrations")
    chosen = type(check)(check.id, check.title, check.question, check.weight, {r: a for r, a in check.static.items() if r.code in RULES})
    return [o for r in assess([chosen], repo)[chosen] if r.kind is not Kind.NOT_APPLICABLE for o in r.observations if o.holds is not True]


def key(seen: Observation) -> tuple[object, ...]:
    return seen.holds, seen.message


if __name__ == "__main__":
    main()
