"""Columns as written in models and revisions: `sa.Column(…)`, `mapped_column(…)`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, string
from mingus_gate.repo.schema.column_calls import Words, column_call
from mingus_gate.repo.schema.lookup import last_name
from mingus_gate.repo.schema.naming import DEFAULT_NAMING, Naming, conventional
from mingus_gate.repo.schema.nouns import UNTOLD, Column, ForeignKey, Index, Table, Type
from mingus_gate.repo.schema.references import read_foreign_key
from mingus_gate.repo.schema.type_names import FAMILIES
from mingus_gate.repo.schema.types import read_type
from mingus_gate.repo.schema.written import flag, is_call, is_none, text_of

ATTACHED = {"ForeignKey", "Computed", "Identity", "Sequence", "CheckConstraint", "FetchedValue", "DefaultClause", "ColumnDefault"}
"""Arguments of a column that are not its type."""


@dataclass(slots=True)
class Read:
    """A column and what it brings along."""

    column: Column
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)


def read_column(
    repo: Repo,
    module: Module,
    node: ast.expr | None,
    table: str = "",
    name: str = "",
    given: Type = UNTOLD,
    nullable: bool | None = True,
    naming: Naming = DEFAULT_NAMING,
) -> Read | None:
    """The column that `node` makes, or None where it makes none or its name cannot be told.

    `name` is its name where the call has none, `given` and `nullable` what an annotation says of it.
    """
    found = column_call(repo, module, node)
    if found is None:
        return None
    module, call, words = found
    name, positional = _named(repo, module, call, words, name)
    if not name:
        return None
    typed = words.get("type_") or next((a for a in positional if not _is_attached(module, a)), None)
    kind = read_type(repo, module, typed) if typed is not None else given
    attached = [(last_name(module, argument), argument) for argument in positional if isinstance(argument, ast.Call)]
    column = _column(repo, module, words, {last for last, _ in attached}, Column(name, kind, nullable, place=module.place(call)))
    if any(isinstance(a, ast.Starred) for a in call.args) or None in words:
        column = replace(column, nullable=None, default=None, type=column.type if typed is not None else UNTOLD)
    keys = [read_foreign_key(repo, module, (name,), argument) for last, argument in attached if last == "ForeignKey"]
    return Read(column, _flagged(repo, module, words, table, column, naming), keys)


def _named(repo: Repo, module: Module, call: ast.Call, words: Words, name: str) -> tuple[str, list[ast.expr]]:
    """The name of the column, empty where it cannot be told, and the arguments after it."""
    positional = [argument for argument in call.args if not is_none(argument)]
    written = words.get("name")
    if written is None and positional and _is_text(repo, module, positional[0]):
        written, positional = positional[0], positional[1:]
    return (text_of(repo, module, written) or "") if written is not None else name, positional


def _column(repo: Repo, module: Module, words: Words, attached: set[str], column: Column) -> Column:
    """The column with what its keywords say, and what is attached to it."""
    primary = flag(repo, module, words.get("primary_key"), False) is True
    filled = bool(attached & {"Computed", "FetchedValue", "DefaultClause"})
    return Column(  # not replace(), which takes four times as long: there may be thousands
        column.name,
        column.type,
        nullable=flag(repo, module, words.get("nullable"), False if primary or "Identity" in attached else column.nullable),
        default=_default(repo, module, words.get("server_default"), filled),
        primary_key=primary,
        place=column.place,
        server_default=_server_default(words.get("server_default")),
    )


def add(table: Table, read: Read) -> None:
    """Puts a column and what it brings along into `table`."""
    table.columns[read.column.name] = read.column
    table.indexes += read.indexes
    table.foreign_keys += read.foreign_keys


def _default(repo: Repo, module: Module, node: ast.expr | None, attached: bool) -> bool | None:
    if node is None:
        return attached
    if isinstance(node, ast.Call):  # text("NULL"), null(): the database keeps none
        text = string(node.args[0]) if node.args and is_call(module, node, "text") else None
        return not (is_call(module, node, "null") or (text or "").upper() == "NULL")
    value = repo.resolve(module, node)
    return not (value.fixed and value.literal in (None, False))


def _server_default(node: ast.expr | None) -> str:
    return "" if node is None or is_none(node) else ast.unparse(node)


def _flagged(repo: Repo, module: Module, words: Words, table: str, column: Column, naming: Naming) -> list[Index]:
    """The index of `index=True`, the constraint of `unique=True`; both together are a unique index."""
    unique = flag(repo, module, words.get("unique"), False) is True
    name, place = (column.name,), column.place
    if flag(repo, module, words.get("index"), False) is True:
        return [Index(conventional("ix", naming, table, name), name, unique, place=place)]
    return [Index(conventional("uq", naming, table, name), name, True, True, place)] if unique else []


def _is_text(repo: Repo, module: Module, node: ast.expr) -> bool:
    """Whether the first argument of a column is its name and not its type."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return True
    if isinstance(node, ast.Name):
        return node.id == "name" or (module.name(node) == node.id and text_of(repo, module, node) is not None)
    if isinstance(node, ast.Attribute) and node.attr in FAMILIES:
        return False
    return isinstance(node, ast.Attribute | ast.Call | ast.BinOp) and text_of(repo, module, node) is not None


def _is_attached(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Starred):
        return True
    return isinstance(node, ast.Call) and last_name(module, node) in ATTACHED
