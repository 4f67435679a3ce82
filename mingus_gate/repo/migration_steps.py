"""What a revision does to the schema, read from its operations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.history import Revision
from mingus_gate.repo.python import Function, Module, source_of, string

DROPS = re.compile(r"\b(DROP\s+(?:TABLE|COLUMN)|TRUNCATE)\b(?:\s+TABLE)?(?:\s+IF\s+EXISTS)?\s+[\"`\[]?([\w.]*)", re.IGNORECASE)
PASSING = re.compile(r"te?mp|backup|bak|_old", re.IGNORECASE)
"""A table named so was made to be dropped."""


@dataclass(frozen=True, slots=True)
class Drop:
    """One table or column that an upgrade drops. `unclear` is the call where the name is computed."""

    what: str
    place: Place
    unclear: str = ""


def drops(repo: Repo, revision: Revision) -> list[Drop]:
    """What the upgrade of `revision` takes away; a table that it makes again or gives a new name is not lost."""
    module, upgrade = revision.module, revision.upgrade
    calls = [call for function in _reached(module, upgrade) for call in _calls(module, function)] if upgrade else []
    made = {text for call in calls if module.name(call.func).endswith(("create_table", "rename_table")) for text in map(string, call.args[:2])}
    found = [drop for call in calls for drop in _drops(repo, module, call)]
    return [d for d in found if not PASSING.search(d.what) and d.what.rpartition(" ")[2].partition(".")[0] not in made]


def _drops(repo: Repo, module: Module, call: ast.Call) -> Iterator[Drop]:
    operation = module.name(call.func).rpartition(".")[2]
    if operation in ("drop_table", "drop_column") and call.args:
        kind = operation[5:]
        names = [string(argument) for argument in (*_batch(module, call), *call.args[: 1 if kind == "table" else 2])]
        hidden = source_of(call) if None in names else ""
        yield Drop(f"{kind} {'.'.join(name for name in names if name)}", module.place(call), hidden)
    elif operation == "execute" and call.args:
        inner = call.args[0]
        argument = inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner  # `sa.text("…")`
        for match in (match for text in repo.resolve(module, argument).texts for match in DROPS.finditer(text)):
            yield Drop(f"{match[1].split()[-1].lower().replace('truncate', 'rows of')} {match[2]}", module.place(call))


def _batch(module: Module, call: ast.Call) -> list[ast.expr]:
    """The table of `with op.batch_alter_table("table") as batch` around a call of `batch`."""
    inside = (item.context_expr for above in module.ancestors(call) if isinstance(above, ast.With) for item in above.items)
    return next((e.args[:1] for e in inside if isinstance(e, ast.Call) and module.name(e).endswith("batch_alter_table")), [])


def _reached(module: Module, function: Function) -> list[Function]:
    """The function and the functions of the same file that it calls."""
    found = [function]
    for current in found:
        names = {module.name(call.func) for call in _calls(module, current)}
        found += [f for f in module.functions if f.name in names and f not in found and f.name != "downgrade"]
    return found


def _calls(module: Module, function: Function) -> list[ast.Call]:
    return [call for call in module.nodes(ast.Call) if function in module.ancestors(call)]
