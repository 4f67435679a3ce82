"""The arguments of a table: `Table(name, metadata, *arguments)` and `op.create_table(name, *arguments)` take the same."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword, source_of
from mingus_gate.repo.schema.columns import DEFAULT_NAMING, Naming, add, conventional, flag, is_none, read_column, target_of, text_of
from mingus_gate.repo.schema.nouns import ForeignKey, Index, Table

IGNORED = {"DDL", "Comment"}
"""Arguments of a table that Alembic does not compare; so are constraints we do not name."""


def read_arguments(repo: Repo, module: Module, table: Table, arguments: Iterable[ast.expr], naming: Naming = DEFAULT_NAMING) -> None:
    """Columns and constraints, as `Table(name, metadata, *arguments)` and `op.create_table(name, *arguments)` take them, into `table`."""
    constraints = []
    for argument in _opened(module, arguments):
        if isinstance(argument, ast.Call) and _is_constraint(module, argument):
            constraints.append(argument)  # they may name columns that stand further down
        elif read := read_column(repo, module, argument, table.name, naming=naming):
            add(table, read)
        elif not is_none(argument):
            table.unclear = table.unclear or source_of(argument)
    for constraint in constraints:
        read_constraint(repo, module, constraint, table, naming)


def read_constraint(repo: Repo, module: Module, call: ast.Call, table: Table, naming: Naming = DEFAULT_NAMING) -> None:
    """A `PrimaryKeyConstraint`, `UniqueConstraint`, `ForeignKeyConstraint` or `Index` of `table`, into it."""
    kind, place = module.name(call.func).rpartition(".")[2], module.place(call)
    if kind == "PrimaryKeyConstraint":
        for name in _columns(repo, module, call.args) or ():
            if held := table.columns.get(name):
                table.columns[name] = replace(held, primary_key=True, nullable=False)
    elif kind == "UniqueConstraint":
        columns = _columns(repo, module, call.args)
        name = _named(repo, module, call) or conventional("uq", naming, table.name, columns or ())
        if columns is not None:
            table.indexes.append(Index(name, columns, True, True, place))
    elif kind == "ForeignKeyConstraint":
        _foreign_keys(repo, module, call, table)
    elif kind == "Index" and call.args:
        table.indexes.append(_index(repo, module, call, table, place, naming))


def _index(repo: Repo, module: Module, call: ast.Call, table: Table, place: Place, naming: Naming) -> Index:
    columns = _columns(repo, module, call.args[1:]) or ()
    name = text_of(repo, module, call.args[0]) or (conventional("ix", naming, table.name, columns) if is_none(call.args[0]) else "")
    return Index(name, columns, flag(repo, module, keyword(call, "unique"), False) is True, place=place)


def _foreign_keys(repo: Repo, module: Module, call: ast.Call, table: Table) -> None:
    pair = [keyword(call, name) or (call.args[n] if len(call.args) > n else None) for n, name in enumerate(("columns", "refcolumns"))]
    if not all(isinstance(part, ast.List | ast.Tuple) for part in pair):
        return
    columns = _columns(repo, module, pair[0].elts) if isinstance(pair[0], ast.List | ast.Tuple) else None
    targets = [target_of(repo, module, element) for element in pair[1].elts] if isinstance(pair[1], ast.List | ast.Tuple) else []
    if columns and targets:
        referred = tuple(column for _, column in targets)
        table.foreign_keys.append(ForeignKey(columns, targets[0][0], referred, _named(repo, module, call), module.place(call)))


def _columns(repo: Repo, module: Module, arguments: Iterable[ast.expr]) -> tuple[str, ...] | None:
    """The columns that are named, as text or as the attributes of a class; None where one is an expression."""
    found = []
    for argument in _opened(module, arguments):
        name = text_of(repo, module, argument)
        if name is None and isinstance(argument, ast.Attribute | ast.Name):
            name = argument.attr if isinstance(argument, ast.Attribute) else argument.id
        if name is None:
            return None
        found.append(name)
    return tuple(found)


def _opened(module: Module, arguments: Iterable[ast.expr]) -> list[ast.expr]:
    """The arguments, with `*[…]` opened where the list stands there."""
    found: list[ast.expr] = []
    for argument in arguments:
        inner = argument.value if isinstance(argument, ast.Starred) else None
        if isinstance(inner, ast.Name) and len(module.constants.get(inner.id, ())) == 1:
            inner = module.constants[inner.id][0]
        found += inner.elts if isinstance(inner, ast.List | ast.Tuple) else [argument]
    return found


def _named(repo: Repo, module: Module, call: ast.Call) -> str:
    node = keyword(call, "name")
    return (text_of(repo, module, node) or "") if node is not None else ""


def _is_constraint(module: Module, call: ast.Call) -> bool:
    name = module.name(call.func).rpartition(".")[2]
    return name.endswith("Constraint") or name == "Index" or name in IGNORED
