"""The `Column(…)` behind an expression: itself, in a wrapper, by a helper or a partial of the tree."""

from __future__ import annotations

import ast
import copy
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, walk
from mingus_gate.repo.schema.lookup import find, last_name
from mingus_gate.repo.schema.written import is_call

COLUMNS = {"Column", "mapped_column"}
WRAPPERS = {"deferred", "column_property", "synonym_for"}
"""Functions of SQLAlchemy's ORM whose first argument is the column."""
Words = dict[str | None, ast.expr]
Called = tuple[Module, ast.Call, Words]


def column_call(repo: Repo, module: Module, node: ast.expr | None, steps: int = 4) -> Called | None:
    """The `Column(…)` that an expression makes, with its keywords: itself, in `deferred(…)`, by a helper or a partial of the tree."""
    if not isinstance(node, ast.Call) or steps <= 0:
        return None
    last = last_name(module, node)
    words = {word.arg: word.value for word in node.keywords}
    if last in WRAPPERS:
        return column_call(repo, module, node.args[0], steps - 1) if node.args else None
    local = node.func.id if isinstance(node.func, ast.Name) else ""
    if assigned := _assigned(repo, module, local):
        return _partial(*assigned, words, (module, node))
    if last in COLUMNS and (local not in module.named or local in module.imports):
        return module, node, words
    found = find(repo, module, module.name(node.func)) if local or "." in module.name(node.func) else None
    if found is None:
        return None
    return _made_by(repo, *found, node, words, module, steps)


def _assigned(repo: Repo, module: Module, local: str, steps: int = 4) -> tuple[Module, ast.expr] | None:
    """What a name stands for that is assigned here, or in the module of the tree that it is imported from."""
    if local in module.constants:
        return module, module.constants[local][-1]
    dotted = module.imports.get(local, "")
    if not local or steps <= 0 or not dotted or dotted.startswith(("sqlalchemy.", "flask_sqlalchemy.")):
        return None
    found = repo.module_of(dotted)
    return _assigned(repo, *found, steps - 1) if found and found[1] else None


def _partial(module: Module, value: ast.expr, words: Words, called: tuple[Module, ast.Call]) -> Called | None:
    """`Column = functools.partial(sa.Column, nullable=False)`, and `Column = db.Column`."""
    if isinstance(value, ast.Call) and is_call(module, value, "partial") and value.args:
        words = {**{word.arg: word.value for word in value.keywords}, **words}
        value = value.args[0]
    return (*called, words) if not isinstance(value, ast.Call) and last_name(module, value) in COLUMNS else None


def _made_by(repo: Repo, owner: Module, made: Function | ast.ClassDef, call: ast.Call, words: Words, module: Module, steps: int) -> Called | None:
    """The column that a function of the tree returns; a class that is a Column reads as one whose rest is hidden."""
    if isinstance(made, ast.ClassDef):
        if any(last_name(owner, base) in COLUMNS for base in made.bases):
            return module, call, {**words, None: call} if any(isinstance(s, ast.FunctionDef) for s in made.body) else words
        return None
    returned = [n.value for n in walk(made) if isinstance(n, ast.Return) and n.value is not None]
    found = column_call(repo, owner, _with_arguments(made, call, returned[0]), steps - 1) if len(returned) == 1 else None
    if found and None in found[2] and made.args.kwarg:  # Column(…, **kwargs): what the caller gives beyond the parameters
        names = {argument.arg for argument in (*made.args.args, *made.args.kwonlyargs)}
        handed = {word: value for word, value in words.items() if word not in names}
        return found[0], found[1], {**{word: value for word, value in found[2].items() if word is not None}, **handed}
    return found


def _with_arguments(made: Function, call: ast.Call, node: ast.expr) -> ast.expr:
    """What a helper returns, the literals it is called with in place of its parameters."""
    names = [argument.arg for argument in made.args.args]
    given: dict[str | None, ast.expr] = dict(zip(reversed(names), reversed(made.args.defaults), strict=False))
    given |= dict(zip(names, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg in names}
    literals = {name: value.value for name, value in given.items() if name and isinstance(value, ast.Constant)}
    filled: ast.expr = _Filled(literals).visit(copy.deepcopy(node)) if literals else node
    return filled


class _Filled(ast.NodeTransformer):
    def __init__(self, literals: dict[str, Any]) -> None:
        self.literals = literals

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(self.literals[node.id]), node) if node.id in self.literals else node
