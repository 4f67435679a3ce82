"""The name of a class's table: `__tablename__`, written or computed from the class."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from mingus_gate.repo import Repo
from mingus_gate.repo.models.classes import Class
from mingus_gate.repo.python import Function, Module, walk
from mingus_gate.repo.schema.written import text_of


def bound(node: ast.expr, owner: Class, first: str, table: str = "") -> ast.expr:
    """An expression of a class method with `cls.__name__` and `cls.__tablename__` filled in, in a copy."""
    known = {"__name__": owner.node.name, "__qualname__": owner.node.name, "__tablename__": table}
    if not any(isinstance(n, ast.Attribute) and n.attr in known for n in walk(node)):
        return node
    copied: ast.expr = _Bound(first, known).visit(copy.deepcopy(node))
    return copied


class _Bound(ast.NodeTransformer):
    def __init__(self, first: str, known: dict[str, str]) -> None:
        self.first, self.known = first, known

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == self.first and self.known.get(node.attr):
            return ast.copy_location(ast.Constant(self.known[node.attr]), node)
        self.generic_visit(node)
        return node


def returned(function: Function) -> list[ast.expr]:
    """What a function returns; a local name as the expression it is given."""
    local = {t.id: n.value for n in function.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    values = [n.value for n in _statements(function.body) if isinstance(n, ast.Return) and n.value is not None]
    return [local.get(value.id, value) if isinstance(value, ast.Name) else value for value in values]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those of functions and classes in it left out."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for inner in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, inner, []))


def first_argument(function: Function) -> str:
    return function.args.args[0].arg if function.args.args else "cls"


def written_name(repo: Repo, owner: Class, by: Class) -> tuple[str, str]:
    """The `__tablename__` that `by` gives `owner`'s table, and the expression where it cannot be told. None is no name."""
    given = by.own["__tablename__"]
    if isinstance(given, ast.FunctionDef | ast.AsyncFunctionDef):
        values = [bound(value, owner, first_argument(given)) for value in returned(given)]
    else:
        values = [given] if given is not None else []
    if len(values) != 1:
        return "", f"{by.node.name}.__tablename__"
    text = _text(repo, by.module, values[0])
    none = isinstance(values[0], ast.Constant) and values[0].value is None
    return text or "", "" if text is not None or none else ast.unparse(given if isinstance(given, ast.expr) else values[0])


def _text(repo: Repo, module: Module, node: ast.expr) -> str | None:
    return text_of(repo, module, node) or _text_method(repo, module, node)


def _text_method(repo: Repo, module: Module, node: ast.expr) -> str | None:
    """`"User".lower()` of a copy that `bound` made."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper") and not node.args:
        inner = _text(repo, module, node.func.value)
        return None if inner is None else inner.lower() if node.func.attr == "lower" else inner.upper()
    return None
