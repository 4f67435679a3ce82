"""Alembic's operations, each as a change of the schema as it stands. Standard library only."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.bindings import Arguments, as_node
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.python import Module, source_of
from mingus_gate.repo.schema.columns import add, read_column
from mingus_gate.repo.schema.constraints import read_arguments
from mingus_gate.repo.schema.nouns import ForeignKey, Index, Table
from mingus_gate.repo.schema.types import read_type

BATCH_POSITION = {"add_column": 0, "drop_column": 0, "alter_column": 0}
"""Where the table stands in the operations that a batch leaves it out of; second in all others."""

NULL = re.compile(r"(\w+\.)*(null\(\)|text\(['\"]NULL['\"]\))|NULL", re.IGNORECASE)
"""A server default that is none."""

HARMLESS = re.compile(
    r"execute|bulk_insert|get_bind|get_context|inline_literal|f|invoke|run_async|implementation_for|register_operation|batch_alter_table"
    r"|\w*(comment|check_constraint|exclude_constraint|_sp|view|views|function|trigger|entity|enum|enum_values|sequence|extension|policy|schema|role|grant)\w*"
)
"""Operations, also of extensions, that change no table."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of an operation."""

    repo: Repo
    module: Module
    standing: Standing
    call: ast.Call
    given: Arguments
    place: Place

    def table(self, position: int | None, *names: str, schema: str = "schema") -> str:
        """The table's key; it holds HOLE where its name could not be told."""
        return key_of(self.given.text(position, *names), self.given.text(None, schema))

    def names(self, position: int | None, *names: str) -> tuple[str, ...]:
        """Names of columns; none where one of them is an expression."""
        value = self.given.get(position, *names)
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(items) if all(isinstance(item, str) and HOLE not in item for item in items) else ()

    def expressions_of(self, items: list[Any]) -> list[ast.expr]:
        """Values as expressions again, to be read as models are."""
        return [as_node(item, self.call) for item in items]

    def flag(self, name: str) -> bool:
        return self.given.named.get(name) is True

    @property
    def keep(self) -> bool:
        """What is there already stays as it is."""
        return self.flag("if_not_exists") or self.standing.tolerant

    @property
    def source(self) -> str:
        return source_of(self.call)


def operate(run: Run, operation: str, batch: str = "") -> None:
    """Applies an operation; in a batch the table is not among its arguments."""
    function = OPERATIONS.get(operation)
    if batch:
        position = BATCH_POSITION.get(operation, 1)
        run.given.positional += [None] * (position - len(run.given.positional))
        run.given.positional.insert(position, batch)
    if function is not None:
        function(run)
    elif not HARMLESS.fullmatch(operation):
        unknown_operation(run)


def unknown_operation(run: Run) -> None:
    """An operation that we do not know touches the tables it names, or else any."""
    named = [text for text in (*run.given.positional, *run.given.named.values()) if isinstance(text, str) and text in run.standing.schema.tables]
    for key in named:
        run.standing.unclear_table(key, run.source, run.place)
    if not named:
        run.standing.unclear(run.source, run.place)


# -- tables ------------------------------------------------------------------------------------------------------


def create_table(run: Run) -> None:
    key = run.table(0, "table_name", "name")
    if not key or HOLE in key:
        run.standing.unclear(run.source, run.place)
        return
    table = Table(key, run.place, unclear=run.given.unclear)
    read_arguments(run.repo, run.module, table, run.expressions_of(run.given.positional[1:]))
    run.standing.fill_enums(table)
    if any(HOLE in name for name in table.columns):
        table.unclear = table.unclear or run.source
    run.standing.create_table(table, keep=run.keep)


def drop_table(run: Run) -> None:
    key = run.table(0, "table_name", "name")
    if HOLE in key:
        run.standing.unclear(run.source, run.place)
    run.standing.drop_table(key)


def rename_table(run: Run) -> None:
    schema = run.given.text(2, "schema")
    old, new = (key_of(run.given.text(n, name), schema) for n, name in enumerate(("old_table_name", "new_table_name")))
    if HOLE in old + new:
        run.standing.unclear(run.source, run.place)
    else:
        run.standing.rename_table(old, new, run.place)


# -- columns -----------------------------------------------------------------------------------------------------


def add_column(run: Run) -> None:
    key = run.table(0, "table_name")
    column = run.given.get(1, "column")
    if HOLE in key or not isinstance(column, ast.Call):
        run.standing.unclear_table(key, run.source, run.place)
        return
    table = run.standing.table(key, run.place)
    if table is None:
        return
    read = read_column(run.repo, run.module, column, table.name)
    if read is None or HOLE in read.column.name:
        table.unclear = table.unclear or run.source
    elif not (run.keep and read.column.name in table.columns):
        add(table, read)
        run.standing.fill_enums(table)


def drop_column(run: Run) -> None:
    key, name = run.table(0, "table_name"), run.given.text(1, "column_name")
    if HOLE in key + name:
        run.standing.unclear_table(key, run.source, run.place)
    else:
        run.standing.drop_column(key, name, run.place)


def alter_column(run: Run) -> None:
    given = run.given
    changes = _column_changes(run)
    new = given.text(None, "new_column_name", "name")
    if not changes and not new:
        return
    key, name = run.table(0, "table_name"), given.text(1, "column_name")
    if HOLE in key + name + new:
        run.standing.unclear_table(key, run.source, run.place)
        return
    if changes:
        run.standing.alter_column(key, name, run.place, **changes)
    if new and new != name:
        run.standing.rename_column(key, name, new, run.place)


def _column_changes(run: Run) -> dict[str, Any]:
    """What `alter_column` changes; of the existing type and the like it only tells the database."""
    named = run.given.named
    changes: dict[str, Any] = {}
    if named.get("nullable") is not None:
        changes["nullable"] = named["nullable"] if isinstance(named["nullable"], bool) else None
    default = named.get("server_default", False)
    if default is not False:
        changes["default"] = default is not None and not NULL.fullmatch(ast.unparse(default) if isinstance(default, ast.AST) else str(default))
        changes["server_default"] = ast.unparse(default) if isinstance(default, ast.AST) else repr(default) if isinstance(default, str) else ""
    if (kind := named.get("type_")) is not None:
        changes["type"] = read_type(run.repo, run.module, kind if isinstance(kind, ast.expr) else None)
    return changes


# -- indexes and constraints -------------------------------------------------------------------------------------


def create_index(run: Run) -> None:
    key = run.table(1, "table_name")
    if HOLE in key:
        run.standing.unclear(run.source, run.place)
        return
    index = Index(run.given.text(0, "index_name"), run.names(2, "columns"), run.flag("unique"), place=run.place)
    run.standing.add_index(key, index, run.place, keep=run.keep)


def drop_index(run: Run) -> None:
    key = run.table(1, "table_name")
    run.standing.drop_index(run.given.text(0, "index_name"), "" if HOLE in key else key, run.place)


def add_unique(run: Run) -> None:
    key = run.table(1, "table_name", "source")
    index = Index(run.given.text(0, "constraint_name", "name"), run.names(2, "columns", "local_cols"), unique=True, constraint=True, place=run.place)
    if HOLE in key:
        run.standing.unclear(run.source, run.place)
    else:
        run.standing.add_index(key, index, run.place, keep=run.keep)


def add_foreign_key(run: Run) -> None:
    key = run.table(1, "source_table", "source", schema="source_schema")
    refers = run.table(2, "referent_table", "referent", schema="referent_schema")
    columns, refers_to = run.names(3, "local_cols"), run.names(4, "remote_cols")
    if HOLE in key + refers:
        run.standing.unclear_table(key, run.source, run.place)
    else:
        name = run.given.text(0, "constraint_name", "name")
        run.standing.add_foreign_key(key, ForeignKey(columns, refers, refers_to, name, run.place), run.place)


def add_primary_key(run: Run) -> None:
    key = run.table(1, "table_name")
    if HOLE in key:
        run.standing.unclear(run.source, run.place)
    else:
        run.standing.primary_key(key, run.names(2, "columns", "cols"), run.place)


def drop_constraint(run: Run) -> None:
    key = run.table(1, "table_name")
    if HOLE in key:
        run.standing.unclear(run.source, run.place)
    else:
        run.standing.drop_constraint(key, run.given.text(0, "constraint_name", "name"), run.given.text(2, "type_", "type"), run.place)


OPERATIONS: dict[str, Callable[[Run], None]] = {
    "create_table": create_table,
    "drop_table": drop_table,
    "rename_table": rename_table,
    "add_column": add_column,
    "drop_column": drop_column,
    "alter_column": alter_column,
    "create_index": create_index,
    "drop_index": drop_index,
    "create_unique_constraint": add_unique,
    "create_foreign_key": add_foreign_key,
    "create_primary_key": add_primary_key,
    "drop_constraint": drop_constraint,
}
