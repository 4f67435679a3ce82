"""The columns that the classes behind one table give it: attributes, annotations, `@declared_attr` methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from mingus_gate.repo import Repo
from mingus_gate.repo.models.annotations import Note, read_note
from mingus_gate.repo.models.classes import Class
from mingus_gate.repo.models.names import bound, first_argument, returned
from mingus_gate.repo.models.roots import Root, naming_of
from mingus_gate.repo.python import Module, source_of, walk
from mingus_gate.repo.schema.column_calls import COLUMNS, column_call
from mingus_gate.repo.schema.columns import Read, add, read_column
from mingus_gate.repo.schema.lookup import last_name
from mingus_gate.repo.schema.nouns import UNTOLD, Column, Table

NO_COLUMN = {
    *("relationship", "relation", "synonym", "backref", "dynamic_loader", "association_proxy", "query_expression", "dict", "list", "set", "tuple"),
    *("object_session", "getLogger", "aggregated", "generic_relationship", "validates", "hybrid_property", "frozenset", "namedtuple"),
}
"""Calls in class bodies that make no column, left alone unread."""


def add_columns(repo: Repo, table: Table, owner: Class, givers: list[Class], root: Root) -> dict[str, str]:
    """Puts into `table` the columns that `givers` (a part of the owner's order, nearest first) give its class.

    Returns the column of each attribute: `status = Column("state", …)` is `state`.
    """
    called: dict[str, str] = {}
    seen: set[str] = set()
    for giver in givers:
        for name, given in giver.own.items():
            if name not in seen and not name.startswith("__"):
                seen.add(name)
                before = len(table.columns)
                _add(repo, table, owner, giver, name, given, root)
                if len(table.columns) == before + 1:
                    called[name] = next(reversed(table.columns))
        table.unclear = table.unclear or giver.hidden
    table.unclear = table.unclear or next(iter(owner.strangers), "")
    return called


def _add(repo: Repo, table: Table, owner: Class, giver: Class, name: str, given: object, root: Root) -> None:
    if isinstance(given, ast.FunctionDef | ast.AsyncFunctionDef):
        if any(last_name(giver.module, d) == "declared_attr" or "declared_attr." in giver.module.name(d) for d in given.decorator_list):
            note = read_note(repo, giver.module, given.returns, root)
            values = [bound(value, owner, first_argument(given), table.name.rpartition(".")[2]) for value in returned(given)]
            _declared(repo, table, giver.module, name, values, note, root)
        return
    note = read_note(repo, giver.module, giver.notes.get(name), root)
    if isinstance(given, ast.expr):
        _assigned(repo, table, giver.module, name, given, note, root)
    elif note and given is None:
        add(table, _noted(repo, giver.module, name, giver.notes[name], note, table, root))


def _declared(repo: Repo, table: Table, module: Module, name: str, values: list[ast.expr], note: Note | None, root: Root) -> None:
    """What a `@declared_attr` returns; one that sometimes returns a column may or may not make it."""
    makes = [value for value in values if _mentions_column(module, value)]
    if len(values) == 1 and not isinstance(values[0], ast.IfExp):
        _assigned(repo, table, module, name, values[0], note, root)
    elif makes:
        table.unclear = table.unclear or source_of(makes[0])


def _assigned(repo: Repo, table: Table, module: Module, name: str, given: ast.expr, note: Note | None, root: Root) -> None:
    if isinstance(given, ast.Constant) or (isinstance(given, ast.Call) and last_name(module, given) in NO_COLUMN):
        return
    for call in _composed(module, given):
        if read := _read(repo, module, name, call, note, table, root):
            add(table, read)
        elif _mentions_column(module, call) or column_call(repo, module, call):
            table.unclear = table.unclear or source_of(call)


def _composed(module: Module, given: ast.expr) -> Iterator[ast.expr]:
    """The columns in `composite(Point, mapped_column("x"), mapped_column("y"))`; else the expression itself."""
    if isinstance(given, ast.Call) and last_name(module, given) == "composite":
        yield from (a for a in given.args if isinstance(a, ast.Call) and last_name(module, a) in COLUMNS)
    elif isinstance(given, ast.Call | ast.IfExp | ast.Name):
        yield given


def _read(repo: Repo, module: Module, name: str, call: ast.expr, note: Note | None, table: Table, root: Root) -> Read | None:
    note = note or Note(nullable=True)
    naming = naming_of(root)
    if not note.call:
        return read_column(repo, module, call, table.name, name, note.type, note.nullable, naming)
    read = read_column(repo, module, call, table.name, name, UNTOLD, None, naming)
    other = read_column(repo, *note.call, table.name, name, note.type, note.nullable, naming)
    return _completed(read, other) if read and other else read


def _completed(read: Read, other: Read) -> Read:
    """A `mapped_column(…)` and the one in its annotation: what the first leaves open, the second says."""
    column, held = read.column, other.column
    completed = replace(
        column,
        type=column.type if column.type.family or column.type.shown else held.type,
        nullable=held.nullable if column.nullable is None else column.nullable,
        default=column.default or held.default,
        primary_key=column.primary_key or held.primary_key,
        server_default=column.server_default or held.server_default,
    )
    return Read(completed, read.indexes or other.indexes, read.foreign_keys or other.foreign_keys)


def _noted(repo: Repo, module: Module, name: str, annotation: ast.expr, note: Note, table: Table, root: Root) -> Read:
    """A column by its annotation alone: `name: Mapped[str]`."""
    if note.call and (read := read_column(repo, *note.call, table.name, name, note.type, note.nullable, naming_of(root))):
        return read
    return Read(Column(name, note.type, note.nullable, place=module.place(annotation)))


def _mentions_column(module: Module, node: ast.expr) -> bool:
    return any(isinstance(n, ast.Call) and last_name(module, n) in COLUMNS for n in walk(node))
