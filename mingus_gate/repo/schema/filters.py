"""What env.py leaves out of the comparison: its `include_object` and `include_name`, read without being run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, string, walk
from mingus_gate.repo.schema.nouns import Table

UNTOLD = object()
"""A value that could not be told."""
GOES_ON = object()
"""A body that came to its end without a return."""


@dataclass(frozen=True)
class Filter:
    """A function that is asked whether an object belongs to the comparison. Of its arguments, some may not be known."""

    repo: Repo
    module: Module
    function: Function | ast.Lambda

    def keeps(self, table: Table, name: str, type_: str, *, reflected: bool) -> bool | None:
        """Whether an object of `table` is compared; None where it cannot be told."""
        names = [argument.arg for argument in self.function.args.args]
        object_ = _Object(table)
        given = {"object": object_, "name": name, "type_": type_, "reflected": reflected, "compare_to": UNTOLD}
        values = [name, type_, UNTOLD] if len(names) == 3 else list(given.values())
        reader = _Reader(self, dict(zip(names, values, strict=False)))
        answer = reader.read(self.function.body) if isinstance(self.function.body, list) else reader.value(self.function.body)
        return None if answer is UNTOLD else bool(answer) and answer is not GOES_ON


@dataclass(frozen=True)
class _Object:
    """The object that the function is given: of the table, whatever it is."""

    table: Table

    def attribute(self, name: str) -> Any:
        schema, _, bare = self.table.name.rpartition(".")
        return {"schema": schema or None, "name": bare}.get(name, UNTOLD)


@dataclass(frozen=True)
class _Reader:
    """Reads a function's body for the arguments it is given."""

    filter: Filter
    names: Mapping[str, Any]

    def read(self, body: Sequence[ast.stmt]) -> Any:
        """What a body returns."""
        for number, statement in enumerate(body):
            if isinstance(statement, ast.Return):
                return self.value(statement.value) if statement.value else None
            if isinstance(statement, ast.If):
                return self._choice(statement, body[number + 1 :])
            if not (isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))):
                return UNTOLD
        return GOES_ON

    def _choice(self, statement: ast.If, rest: Sequence[ast.stmt]) -> Any:
        test = self.value(statement.test)
        if test is not UNTOLD:
            return self.read([*(statement.body if test else statement.orelse), *rest])
        either = self.read([*statement.body, *rest])
        return either if either == self.read([*statement.orelse, *rest]) else UNTOLD

    def value(self, node: ast.expr) -> Any:  # noqa: C901  (one case a kind of expression)
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                values = [self.value(item) for item in items]
                return UNTOLD if UNTOLD in values else tuple(values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return UNTOLD if (value := self.value(operand)) is UNTOLD else not value
            case ast.BoolOp(op=op, values=parts):
                return self._joined(isinstance(op, ast.Or), parts)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compared(self.value(left), op, self.value(right))
            case ast.IfExp(test=test, body=body, orelse=other):
                return UNTOLD if (chosen := self.value(test)) is UNTOLD else self.value(body if chosen else other)
            case ast.Attribute(value=owner, attr=name):
                return found.attribute(name) if isinstance(found := self.value(owner), _Object) else UNTOLD
            case ast.Call(func=ast.Name(id="bool"), args=[argument]):
                return self.value(argument)
            case ast.Call(func=ast.Attribute(value=owner, attr=method), args=arguments):
                return self._called(owner, method, arguments)
        return self._constant(node)

    def _joined(self, is_or: bool, parts: Sequence[ast.expr]) -> Any:
        open_ = False
        value: Any = not is_or
        for part in parts:
            value = self.value(part)
            if value is UNTOLD:
                open_ = True
            elif bool(value) is is_or:
                return value
        return UNTOLD if open_ else value

    def _compared(self, left: Any, op: ast.cmpop, right: Any) -> Any:
        if isinstance(op, ast.Is | ast.IsNot | ast.Eq | ast.NotEq) and UNTOLD not in (left, right):
            return (left == right) is isinstance(op, ast.Is | ast.Eq)
        if isinstance(op, ast.In | ast.NotIn) and UNTOLD not in (left, right) and isinstance(right, tuple | str | list):
            return (left in right) is isinstance(op, ast.In)
        return UNTOLD

    def _called(self, owner: ast.expr, method: str, arguments: Sequence[ast.expr]) -> Any:
        if method == "get" and isinstance(owner, ast.Attribute) and owner.attr == "info" and isinstance(self.value(owner.value), _Object):
            return self._info(arguments)
        text, values = self.value(owner), [self.value(argument) for argument in arguments]
        if isinstance(text, str) and UNTOLD not in values:
            if method in ("startswith", "endswith") and len(values) == 1:
                return text.startswith(values[0]) if method == "startswith" else text.endswith(values[0])
            if method in ("lower", "upper") and not values:
                return text.lower() if method == "lower" else text.upper()
        return UNTOLD

    def _info(self, arguments: Sequence[ast.expr]) -> Any:
        """`object.info.get("key", default)`: of a model that says nothing of the key, the default."""
        key = string(arguments[0]) if arguments else None
        if key is None:
            return UNTOLD
        said = list(_said(self.filter.repo, next(v for v in self.names.values() if isinstance(v, _Object)).table, key))
        if said:
            return said[0].value if len(said) == 1 and isinstance(said[0], ast.Constant) else UNTOLD
        return self.value(arguments[1]) if len(arguments) > 1 else None

    def _constant(self, node: ast.expr) -> Any:
        """What a module-level name stands for: a text, or some."""
        found = self.filter.repo.resolve(self.filter.module, node)
        value = found.literal
        if isinstance(value, list | tuple | set | frozenset):
            items = tuple(item.literal if hasattr(item, "literal") else item for item in value)
            return items if all(isinstance(item, str) for item in items) else UNTOLD
        return value if isinstance(value, str | bool) else UNTOLD


def _said(repo: Repo, table: Table, key: str) -> Iterator[ast.expr]:
    """What the model at the table's place gives for a key of a dictionary."""
    file = repo.file(table.place.path) if table.place else None
    module = repo.module(file) if file else None
    nodes: list[ast.ClassDef | ast.Call] = [*module.nodes(ast.ClassDef), *module.nodes(ast.Call)] if module else []
    for node in nodes:
        if table.place and node.lineno == table.place.line:
            for inner in walk(node):
                if isinstance(inner, ast.Dict):
                    yield from (value for name, value in zip(inner.keys, inner.values, strict=True) if string(name) == key)
