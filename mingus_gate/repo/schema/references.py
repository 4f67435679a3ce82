"""What foreign keys refer to."""

from __future__ import annotations

import ast
import re

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword
from mingus_gate.repo.schema.lookup import find
from mingus_gate.repo.schema.nouns import ForeignKey
from mingus_gate.repo.schema.written import is_call, text_of

CAMEL = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")
"""Where Flask-SQLAlchemy puts an underscore (flask_sqlalchemy.model.camel_to_snake_case)."""


def read_foreign_key(repo: Repo, module: Module, columns: tuple[str, ...], call: ast.Call) -> ForeignKey:
    """`ForeignKey("users.id")` of the given columns; `refers` is empty where the target cannot be told."""
    target = call.args[0] if call.args else keyword(call, "column")
    refers, referred = target_of(repo, module, target)
    name = keyword(call, "name")
    return ForeignKey(columns, refers, (referred,) if referred else (), (name is not None and text_of(repo, module, name)) or "", module.place(call))


def target_of(repo: Repo, module: Module, node: ast.expr | None) -> tuple[str, str]:
    """The table and column of `"users.id"`, of `User.id` and of `users.c.id`."""
    if isinstance(node, ast.Attribute):
        owner = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr == "c" else node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "__table__":
            owner = owner.value
        if table := table_of(repo, module, owner):
            return table, node.attr
    text = text_of(repo, module, node) or ""
    table, _, column = text.rpartition(".")
    return (table, column) if table else (column, "")


def table_of(repo: Repo, module: Module, node: ast.expr) -> str:
    """The table that a name of a class, or of a `Table`, stands for."""
    if isinstance(node, ast.Name) and (values := module.constants.get(node.id)):
        value = values[-1]
        return (text_of(repo, module, value.args[0]) or "") if isinstance(value, ast.Call) and is_call(module, value, "Table") and value.args else ""
    found = find(repo, module, module.name(node))
    if found is None or not isinstance(found[1], ast.ClassDef):
        return ""
    for statement in found[1].body:
        if isinstance(statement, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__tablename__" for t in statement.targets):
            return text_of(repo, found[0], statement.value) or ""
    flask = any(found[0].name(base).endswith(".Model") for base in found[1].bases)
    return snake_case(found[1].name) if flask else ""


def snake_case(name: str) -> str:
    """The table name that Flask-SQLAlchemy makes of a class's."""
    return CAMEL.sub(r"_\1", name).lower().lstrip("_")
