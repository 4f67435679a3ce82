"""What an expression comes to where it reads the application's configuration."""

from __future__ import annotations

import ast

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.python import Module, string, walk
from mingus_gate.repo.values import Value


def configured(repo: Repo, module: Module, node: ast.expr, steps: int = 4) -> Value:
    """What an expression can come to, also through `app.config["KEY"]`, a table, a function of one `return` and an attribute of `self`."""
    if isinstance(node, ast.Name) and (made := _only_assignment(module, node)) is not None:
        node = made
    if key := _config_key(module, node):
        values = [s.value for s in settings(repo, key)]
        default = node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None
        return _any(values) if values else repo.resolve(module, default) if default else Value(unresolved=f"config {key}")
    if steps and (inner := _inside(repo, module, node)):
        return configured(repo, *inner, steps - 1) if isinstance(inner, tuple) else inner
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        owner = module.enclosing(node, ast.ClassDef)
        given = [
            value
            for target, value in module.assignments()
            if isinstance(target, ast.Attribute) and ast.unparse(target) == ast.unparse(node) and module.enclosing(target, ast.ClassDef) is owner
        ]
        if given and steps:
            return _any([configured(repo, module, value, steps - 1) for value in given])
    return repo.resolve(module, node)


def _inside(repo: Repo, module: Module, node: ast.expr) -> tuple[Module, ast.expr] | Value | None:
    """What stands behind `KEYS["secret"]`, `app.config["KEYS"]["secret"]` and a function of one `return`."""
    if isinstance(node, ast.Subscript) and (key := string(node.slice)):
        tables = module.constants.get(node.value.id, []) if isinstance(node.value, ast.Name) else []
        entries = [v for t in tables if isinstance(t, ast.Dict) for k, v in zip(t.keys, t.values, strict=True) if string(k) == key]
        if len(tables) == len(entries) == 1:
            return module, entries[0]
        held = [s.value.literal for s in settings(repo, _config_key(module, node.value) or "")]
        found = [h[key] for h in held if isinstance(h, dict) and key in h]
        return _any(found) if found else None
    if isinstance(node, ast.Call) and (function := called(repo, module, node)):
        returned = [n.value for n in walk(function[1]) if isinstance(n, ast.Return) and n.value]
        return (function[0], returned[0]) if len(returned) == 1 else None
    return None


def _any(values: list[Value]) -> Value:
    result = Value()
    for value in values:
        result = result | value
    return result


def _only_assignment(module: Module, name: ast.Name) -> ast.expr | None:
    """What a local name is given where that is one configuration entry or attribute."""
    function = module.function_around(name)
    made = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == name.id and module.function_around(t) is function]
    return made[0] if len(made) == 1 and (_config_key(module, made[0]) or isinstance(made[0], ast.Attribute)) else None


def _config_key(module: Module, node: ast.expr) -> str:
    """The key that `app.config["KEY"]` and `current_app.config.get("KEY")` read."""
    if isinstance(node, ast.Subscript):
        owner, key = node.value, string(node.slice)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        owner, key = node.func.value, string(node.args[0])
    else:
        return ""
    return key if key and module.name(owner).rpartition(".")[2] == "config" else ""
