"""How well drift is told without a database: our answer beside Alembic's own, table by table and column by column.

    python benchmarks/drift.py PATH --python VENV/bin/python --location migrations --app module:create_app --database URL
    python benchmarks/drift.py PATH --truth TRUTH.json

The truth is made by `migrations_truth.py` in the application's own environment: a real upgrade of an empty database and
`compare_metadata`. Printed is, for each kind of drift, what was found, missed, wrongly reported, and not told (unknown).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.schema.drift import drifts

Told = set[tuple[str, str]]
KINDS = {
    "table": ("add_table",),
    "column": ("add_column",),
    "leftover table": ("remove_table",),
    "leftover column": ("remove_column",),
    "type": ("modify_type",),
    "nullable": ("modify_nullable",),
}
"""What we tell apart, and compare_metadata's words for it."""
MAKE = Path(__file__).with_name("migrations_truth.py")


def truth(arguments: argparse.Namespace) -> dict[str, Any]:
    """The JSON that was given, or is made now."""
    if arguments.truth:
        found: dict[str, Any] = json.loads(arguments.truth.read_text("utf-8"))
        return found
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "truth.json"
        command = [arguments.python, MAKE, arguments.path.name, arguments.location, "--database", arguments.database, "--out", out]
        subprocess.run([*command, *(["--app", arguments.app] if arguments.app else [])], cwd=arguments.path, check=True)
        made: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return made


def alembics(found: dict[str, Any]) -> dict[str, Told]:
    drift = found.get("drift_with_types_and_defaults") or found["drift"]
    return {kind: {(entry[1], entry[2] or "") for entry in drift if entry[0] in words} for kind, words in KINDS.items()}


def ours(path: Path) -> tuple[dict[str, Told], Told, tuple[int, int]]:
    """What we report by kind, what we could not tell, and how many tables and columns were compared."""
    reported: dict[str, Told] = {kind: set() for kind in KINDS}
    unknown: Told = set()
    tables = columns = 0
    for drift in Repo(path).fact(drifts):
        if drift.unclear:
            unknown |= {(table, "") for table in drift.migrated.tables}
        tables, columns = tables + drift.found.tables, columns + drift.found.columns
        for one in drift.found.differences:
            kind = f"leftover {'column' if one.column else 'table'}" if one.kind.endswith("leftover") else one.kind
            kind = "type" if kind == "length" else kind  # modify_type, both
            if kind in reported:
                reported[kind].add((one.table, one.column))
        unknown |= {(doubt.table, doubt.column) for doubt in drift.found.doubts if doubt.kind != "key"}
    return reported, unknown, (tables, columns)


def hidden(one: tuple[str, str], unknown: Told) -> bool:
    return one in unknown or (one[0], "") in unknown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--truth", type=Path, help="a truth made before")
    parser.add_argument("--python", help="the application's own Python")
    parser.add_argument("--location", default="migrations", help="folder with env.py, or an alembic.ini, below PATH")
    parser.add_argument("--app", help="module:factory_or_app, for Flask-Migrate")
    parser.add_argument("--database", help="URL of an empty database")
    parser.add_argument("-v", "--verbose", action="store_true", help="name each that was missed or wrong")
    arguments = parser.parse_args()
    if not arguments.truth and not (arguments.python and arguments.database):
        parser.error("give --truth, or --python and --database")
    real = alembics(truth(arguments))
    reported, unknown, (tables, columns) = ours(arguments.path)
    print(f"{arguments.path.name}: {tables} tables and {columns} columns compared, {len(unknown)} not told")
    for kind, wanted in real.items():
        open_ = {one for one in wanted - reported[kind] if hidden(one, unknown)}
        missed, wrong = wanted - reported[kind] - open_, reported[kind] - wanted
        found = wanted & reported[kind]
        print(f"  {kind:16} found {len(found):3}  missed {len(missed):3}  wrong {len(wrong):3}  unknown {len(open_):3}")
        if arguments.verbose:
            print("".join(f"    {word}: {'.'.join(one)}\n" for word, some in (("missed", missed), ("wrong", wrong)) for one in sorted(some)), end="")


if __name__ == "__main__":
    main()
