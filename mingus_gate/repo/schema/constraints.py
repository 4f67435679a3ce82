"""The arguments of a table: `Table(name, metadata, *arguments)` and `op.create_table(name, *arguments)` take the same."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword, source_of
from mingus_gate.repo.schema.columns import add, read_column
from mingus_gate.repo.schema.lookup import last_name
from mingus_gate.repo.schema.naming import DEFAULT_NAMING, Naming, conventional
from mingus_gate.repo.schema.nouns import ForeignKey, Index, Table
from mingus_gate.repo.schema.references import target_of
from mingus_gate.repo.schema.written import flag, is_none, text_of

ORDERS = {"desc", "asc", "nullslast", "nullsfirst", "nulls_last", "nulls_first"}
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
    kind, place = last_name(module, call), module.place(call)
    if kind == "PrimaryKeyConstraint":
        for name in _columns(repo, module, call.args) or ():
            if held := table.columns.get(name):
                table.columns[name] = replace(held, primary_key=True, nullable=False)
    elif kind == "UniqueConstraint":
        columns = _columns(repo, module, call.args)
        name = _named(repo, module, call) or conventional("uq", naming, table.name, columns or ())
        if columns is None:
            table.unclear_keys = table.unclear_keys or source_of(call)
        else:
            table.indexes.append(Index(name, columns, True, True, place))
    elif kind == "ForeignKeyConstraint":
        _foreign_keys(repo, module, call, table)
    elif kind == "Index" and call.args:
        table.indexes.append(read_index(repo, module, call, table.name, naming))


def read_index(repo: Repo, module: Module, call: ast.Call, table: str, naming: Naming = DEFAULT_NAMING) -> Index:
    """`Index("name", "column", …)` of the table."""
    columns = _columns(repo, module, call.args[1:]) or ()
    name = text_of(repo, module, call.args[0]) or (conventional("ix", naming, table, columns) if is_none(call.args[0]) else "")
    return Index(name, columns, flag(repo, module, keyword(call, "unique"), False) is True, place=module.place(call))


def _foreign_keys(repo: Repo, module: Module, call: ast.Call, table: Table) -> None:
    pair = [keyword(call, name) or (call.args[n] if len(call.args) > n else None) for n, name in enumerate(("columns", "refcolumns"))]
    local, remote = (part.elts if isinstance(part, ast.List | ast.Tuple) else [] for part in pair)
    columns = _columns(repo, module, local)
    targets = [(table.name, e.id) if isinstance(e, ast.Name) else target_of(repo, module, e) for e in remote]
    if not columns or not targets:
        table.unclear_keys = table.unclear_keys or source_of(call)
        return
    table.foreign_keys.append(
        ForeignKey(columns, targets[0][0], tuple(column for _, column in targets), _named(repo, module, call), module.place(call))
    )


def _columns(repo: Repo, module: Module, arguments: Iterable[ast.expr]) -> tuple[str, ...] | None:
    """The columns that are named, as text or as the attributes of a class; None where one is an expression."""
    found = []
    for argument in _opened(module, arguments):
        named = _unordered(argument)
        name = None if isinstance(named, ast.Attribute) else text_of(repo, module, named)
        if name is None and isinstance(named, ast.Attribute | ast.Name):
            name = _attribute(named)
        if name is None:
            return None
        found.append(name)
    return tuple(found)


def _attribute(node: ast.Attribute | ast.Name) -> str | None:
    """`email` of `email`, `User.email` and `users.c.email`; `data["x"].astext` is an expression."""
    if isinstance(node, ast.Name):
        return node.id
    owner = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr in ("c", "columns") else node.value
    return node.attr if isinstance(owner, ast.Name) else None


def _unordered(node: ast.expr) -> ast.expr:
    """`created_at` of `created_at.desc()`."""
    ordered = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ORDERS and not node.args
    return node.func.value if ordered and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else node


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
    name = last_name(module, call)
    return name.endswith("Constraint") or name == "Index" or name in IGNORED
