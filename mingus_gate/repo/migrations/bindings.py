"""The names that are bound while a revision is followed, and the values they have: Python's own, or expressions. Standard library only."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from mingus_gate.repo.migrations.standing import HOLE
from mingus_gate.repo.python import Function, Module
from mingus_gate.repo.values import Value

WIDE = re.compile(r"%[-+ #\d.]*\d{4}|\{[^{}]*:[^{}]*\d{4}")
"""A text with such a width in it grows without end when it is filled."""
MAX_LEVEL = 8
"""What cannot be told is put into other such expressions as often as this: `x = x + x` in a loop would grow without end."""
MAX_ITEMS = 2000
MAX_TEXT = 200_000
"""Lists and texts beyond these are not built; revisions that hold whole tables of data do nothing to the schema with them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What `with op.batch_alter_table(table) as batch` binds."""

    table: str


@dataclass(eq=False, slots=True)
class Closure:
    """A function of the revision, or of the tree, with the names it sees."""

    function: Function | ast.Lambda
    scope: Scope


@dataclass(eq=False, slots=True)
class Scope:
    """The names bound in a running function of `module`. An `ast.expr` stands for a value that could not be told."""

    module: Module
    names: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Arguments:
    """What a call is given. `unclear` is what hides the rest (`*columns`)."""

    positional: list[Any]
    named: dict[str, Any]
    unclear: str = ""

    def get(self, position: int | None, *names: str, default: Any = None) -> Any:
        for name in names:
            if name in self.named:
                return self.named[name]
        return self.positional[position] if position is not None and position < len(self.positional) else default

    def text(self, position: int | None, *names: str) -> str:
        """A text, HOLE where it could not be told, "" where none is given."""
        value = self.get(position, *names)
        return value if isinstance(value, str) else HOLE if isinstance(value, ast.AST) or self.unclear else ""


def level_of(value: Any) -> int:
    """How often what could not be told was put into another such expression."""
    return getattr(value, "level", 0)


def bind(target: ast.expr, value: Any, scope: Scope) -> None:
    """Gives a value to the target of an assignment or a loop."""
    if isinstance(target, ast.Name):
        scope.names[target.id] = value
    elif isinstance(target, ast.Tuple | ast.List):
        items = list(items_of(value))
        same = len(items) == len(target.elts) and not any(isinstance(t, ast.Starred) for t in target.elts)
        for number, inner in enumerate(target.elts):
            unknown = inner.value if isinstance(inner, ast.Starred) else inner
            bind(unknown, items[number] if same else unknown, scope)


def items_of(value: Any) -> list[Any]:
    """What a loop over a value goes through; nothing where that cannot be told."""
    return list(value)[:MAX_ITEMS] if isinstance(value, list | tuple | dict) else []


def shown(value: Any) -> str:
    """A value as it stands in a text."""
    if isinstance(value, str):
        return value
    return HOLE if isinstance(value, ast.AST | Closure | Batch | list | dict) else str(value)


def filled(text: str, value: Any) -> str:
    """`text % value`."""
    if WIDE.search(text):
        return HOLE
    values = value if isinstance(value, dict) else tuple(shown(v) for v in value) if isinstance(value, list) else (shown(value),)
    try:
        return text % ({k: shown(v) for k, v in values.items()} if isinstance(values, dict) else values)
    except (TypeError, ValueError, KeyError):
        return HOLE if len(text) > MAX_TEXT else text.replace("%s", HOLE)


def plain(value: Value) -> Any:
    """A resolved value without its wrapping."""
    held = value.literal
    if isinstance(held, list):
        return [plain(item) for item in held]
    if isinstance(held, dict):
        return {key: plain(item) for key, item in held.items()}
    return held


def as_node(value: Any, at: ast.expr, depth: int = MAX_LEVEL) -> ast.expr:
    """A value as an expression, to stand where `at` stood."""
    if isinstance(value, ast.expr):
        return value
    made: ast.expr
    if isinstance(value, list | tuple) and depth:
        made = ast.List([as_node(item, at, depth - 1) for item in value], ast.Load())
    elif isinstance(value, dict) and depth:
        made = ast.Dict([as_node(key, at) for key in value], [as_node(item, at, depth - 1) for item in value.values()])
    elif value is None or isinstance(value, str | int | float | bool | bytes):
        made = ast.Constant(value)
    else:
        return at
    return ast.copy_location(made, at)
