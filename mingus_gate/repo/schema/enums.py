"""Enums as written: `Enum("a", "b", name="letter")`, `Enum(Color)`."""

from __future__ import annotations

import ast

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword
from mingus_gate.repo.schema.lookup import find
from mingus_gate.repo.schema.nouns import Type

ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}
"""Python's own, that classes of members inherit from."""


def enum_type(repo: Repo, module: Module, call: ast.Call | None) -> Type:
    """`Enum("a", "b", name=…)`, `Enum(*NAMES)`, `Enum(Color)`; one that is not the database's own is a text."""
    if call is None:
        return Type("enum")
    owner = _enum_class(repo, module, call)
    values = _kept(repo, *owner, call) if owner else _listed(repo, module, call.args)
    native = keyword(call, "native_enum")
    if native is not None and repo.resolve(module, native).literal is not True:
        length = keyword(call, "length")
        return Type("string", number_of(repo, module, length) if length is not None else max(map(len, values), default=None))
    name = keyword(call, "name")
    named = _name(repo, module, name) if name is not None else owner[1].name.lower() if owner else ""
    return Type("enum", values=values, name=named)


def _enum_class(repo: Repo, module: Module, call: ast.Call) -> tuple[Module, ast.ClassDef] | None:
    """The class that `Enum(Color)` is given."""
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Name | ast.Attribute):
        return None
    found = find(repo, module, module.name(call.args[0]))
    return (found[0], found[1]) if found and isinstance(found[1], ast.ClassDef) else None


def members_of(node: ast.ClassDef) -> tuple[str, ...]:
    """The names of an Enum's members."""
    return tuple(name for name, _ in _members(node))


def _members(node: ast.ClassDef) -> list[tuple[str, ast.expr]]:
    return [
        (target.id, statement.value)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and not target.id.startswith("_")
    ]


def _kept(repo: Repo, module: Module, node: ast.ClassDef, call: ast.Call) -> tuple[str, ...]:
    """The members' names, or their values where `values_callable` asks for them; nothing where it cannot be told."""
    if keyword(call, "values_callable") is None:
        return members_of(node)
    values = [repo.resolve(module, value).literal for _, value in _members(node)]
    return tuple(values) if all(isinstance(v, str) for v in values) else ()


def _listed(repo: Repo, module: Module, arguments: list[ast.expr]) -> tuple[str, ...]:
    found: list[str] = []
    for argument in arguments:
        value = repo.resolve(module, argument.value if isinstance(argument, ast.Starred) else argument).literal
        items = [item.literal for item in value] if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            return ()
        found += items
    return tuple(found)


def number_of(repo: Repo, module: Module, node: ast.expr | None) -> int | None:
    if node is None:
        return None
    literal = node.value if isinstance(node, ast.Constant) else repo.resolve(module, node).literal
    return literal if isinstance(literal, int) and not isinstance(literal, bool) else None


def argument(call: ast.Call | None, position: int, name: str) -> ast.expr | None:
    if call is None:
        return None
    return keyword(call, name) or (call.args[position] if len(call.args) > position else None)


def _name(repo: Repo, module: Module, node: ast.expr) -> str:
    value = repo.resolve(module, node).literal
    return value if isinstance(value, str) else ""
