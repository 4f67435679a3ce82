"""What an expression of a revision comes to: a Python value, or the expression itself with what is known put in its place.

By AST alone, standard library only. A revision builds names and lists as it runs, which `repo.resolve` does not follow;
so this keeps the names that are bound at each step. A text of which a part is not known holds HOLE there.
"""

from __future__ import annotations

import ast
import copy
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.bindings import (
    MAX_LEVEL,
    MAX_TEXT,
    Arguments,
    Closure,
    Scope,
    as_node,
    bind,
    filled,
    items_of,
    level_of,
    plain,
    shown,
)
from mingus_gate.repo.migrations.standing import HOLE
from mingus_gate.repo.python import source_of, walk

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitOr: operator.or_,
}
COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
    ast.Is: lambda left, right: left is right,
    ast.IsNot: lambda left, right: left is not right,
}
PLAIN = {"upgrade", "downgrade"}
"""The functions of a revision without helpers."""

BUILT = ("sqlalchemy.", "sa.", "geoalchemy2.", "sqlalchemy_utils.", "db.")
"""What such names make is there: it is not None."""


class TooLongError(Exception):
    """A revision takes more steps than one that people wrote for its schema."""


class Expressions:
    """Evaluates expressions; `call` runs the calls in them."""

    def __init__(self, repo: Repo, dialect: Callable[[], str], call: Callable[[ast.Call, Scope], Any]) -> None:
        self.repo, self.dialect, self.call = repo, dialect, call
        self.left = 0
        """How many expressions may still be looked at."""

    def value(self, node: ast.expr, scope: Scope) -> Any:
        if type(node) is ast.Constant:
            return node.value
        self.left -= 1
        if self.left < 0:
            raise TooLongError
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        return method(node, scope) if method else self.closed(node, scope)

    def truth(self, node: ast.expr, scope: Scope) -> bool | None:
        """Whether a condition holds; None where that cannot be told."""
        value = self.value(node, scope)
        if isinstance(value, ast.AST):
            return True if self.is_built(value, scope) else None
        return None if isinstance(value, str) and HOLE in value else bool(value)

    def is_built(self, value: Any, scope: Scope) -> bool:
        return isinstance(value, ast.Call) and self.dotted(value.func, scope).startswith(BUILT)

    def dotted(self, node: ast.AST | None, scope: Scope) -> str:
        """The dotted name of an expression, local names and imports resolved."""
        parts: list[str] = []
        names = scope.names
        while True:
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            elif isinstance(node, ast.Name) and isinstance(names.get(node.id), ast.AST):
                node, names = names[node.id], {}  # what a name is bound to holds no local names
            else:
                break
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([scope.module.imports.get(node.id, node.id), *reversed(parts)])

    # -- names ---------------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        if node.id in scope.names:
            return scope.names[node.id]
        given = scope.module.constants.get(node.id, [])
        if len(given) == 1 and (node.id, None) not in scope.module.changed:
            return self.value(given[0], Scope(scope.module)) if given[0] is not node else node
        for function in scope.module.named.get(node.id, ()):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and scope.module.parent(function) is scope.module.tree:
                return Closure(function, Scope(scope.module))
        return self._elsewhere(node, scope) if node.id in scope.module.imports or given else node

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        dotted = self.dotted(node, scope)
        if dotted.endswith((".dialect.name", ".engine.name", ".drivername", ".bind.name")):
            return self.dialect()
        if dotted.endswith(".url") and re.search("bind|engine|conn", dotted):
            return f"{self.dialect()}://"
        if dotted.endswith(".as_sql"):
            return False
        if isinstance(node.value, ast.Name) and node.value.id not in scope.names and not dotted.startswith(BUILT):
            return self._elsewhere(node, scope)
        return self.closed(node, scope)

    def _elsewhere(self, node: ast.expr, scope: Scope) -> Any:
        """A constant of another file, or one that is assigned more than once with the same value."""
        found = self.repo.resolve(scope.module, node)
        return plain(found) if found.fixed else node

    # -- texts ---------------------------------------------------------------------------------------------------

    def _joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Any:
        return "".join(self._piece(part, scope) for part in node.values)

    def _piece(self, part: ast.expr, scope: Scope) -> str:
        if isinstance(part, ast.FormattedValue):
            return HOLE if part.format_spec else shown(self.value(part.value, scope))
        return shown(self.value(part, scope))

    def _binop(self, node: ast.BinOp, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return filled(left, right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) != isinstance(right, str):
            left, right = shown(left), shown(right)
        apply = ARITHMETIC.get(type(node.op))
        if apply is None or isinstance(left, ast.AST) or isinstance(right, ast.AST):
            return self.closed(node, scope)
        try:
            found = apply(left, right)
        except TypeError:
            return self.closed(node, scope)
        return found if not isinstance(found, str | list | tuple) or len(found) < MAX_TEXT else HOLE

    # -- conditions ----------------------------------------------------------------------------------------------

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        left, right = self.value(node.left, scope), self.value(node.comparators[0], scope)
        if isinstance(node.ops[0], ast.Is | ast.IsNot) and right is None and self.is_built(left, scope):
            return isinstance(node.ops[0], ast.IsNot)
        told = not any(isinstance(side, ast.AST) or (isinstance(side, str) and HOLE in side) for side in (left, right))
        if len(node.ops) > 1 or not told or (isinstance(right, list) and any(isinstance(item, ast.AST) for item in right)):
            return self.closed(node, scope)
        try:
            return bool(COMPARED[type(node.ops[0])](left, right))
        except TypeError:
            return self.closed(node, scope)

    def _boolop(self, node: ast.BoolOp, scope: Scope) -> Any:
        stops = isinstance(node.op, ast.Or)
        unclear = False
        value: Any = None
        for part in node.values:
            value = self.value(part, scope)
            told = None if isinstance(value, ast.AST) and not self.is_built(value, scope) else bool(value)
            if told is stops:
                return value if not unclear else stops
            unclear = unclear or told is None
        return self.closed(node, scope) if unclear else value

    def _unaryop(self, node: ast.UnaryOp, scope: Scope) -> Any:
        if isinstance(node.op, ast.Not):
            told = self.truth(node.operand, scope)
            return self.closed(node, scope) if told is None else not told
        value = self.value(node.operand, scope)
        return -value if isinstance(node.op, ast.USub) and isinstance(value, int | float) else self.closed(node, scope)

    def _ifexp(self, node: ast.IfExp, scope: Scope) -> Any:
        told = self.truth(node.test, scope)
        return self.closed(node, scope) if told is None else self.value(node.body if told else node.orelse, scope)

    def _namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Any:
        scope.names[node.target.id] = value = self.value(node.value, scope)
        return value

    # -- collections ---------------------------------------------------------------------------------------------

    def _list(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Any:
        items: list[Any] = []
        for item in node.elts:
            if type(item) is ast.Constant:
                items.append(item.value)
                continue
            value = self.value(item.value if isinstance(item, ast.Starred) else item, scope)
            if isinstance(item, ast.Starred):
                if not isinstance(value, list | dict):
                    return self.closed(node, scope)
                items += value
            else:
                items.append(value)
        return items

    _tuple = _set = _list

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        found: dict[Any, Any] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = value_node.value if type(value_node) is ast.Constant else self.value(value_node, scope)
            key = key_node.value if type(key_node) is ast.Constant else self.value(key_node, scope) if key_node is not None else None
            if key_node is None and isinstance(value, dict):
                found |= value
            elif key_node is None or not isinstance(key, str | int | bool | None):
                return self.closed(node, scope)
            else:
                found[key] = value
        return found

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        held = self.value(node.value, scope)
        if isinstance(node.slice, ast.Slice) or isinstance(held, ast.AST):
            return self.closed(node, scope)
        try:
            return held[self.value(node.slice, scope)]
        except (TypeError, KeyError, IndexError):
            return self.closed(node, scope)

    def _listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Any:
        steps = self._steps(node.generators, Scope(scope.module, dict(scope.names)))
        found = [self.value(node.elt, inner) for inner in steps if inner is not None]
        return found if self._told(node.generators, scope) else self.closed(node, scope)

    _setcomp = _generatorexp = _listcomp

    def _dictcomp(self, node: ast.DictComp, scope: Scope) -> Any:
        steps = self._steps(node.generators, Scope(scope.module, dict(scope.names)))
        pairs = [(self.value(node.key, inner), self.value(node.value, inner)) for inner in steps if inner is not None]
        told = all(isinstance(key, str | int) for key, _ in pairs) and self._told(node.generators, scope)
        return dict(pairs) if told else self.closed(node, scope)

    def _told(self, generators: list[ast.comprehension], scope: Scope) -> bool:
        return not isinstance(self.value(generators[0].iter, scope), ast.AST) and not any(g.is_async for g in generators)

    def _steps(self, generators: list[ast.comprehension], scope: Scope) -> Iterator[Scope]:
        """The scope at each turn of a comprehension."""
        first, rest = generators[0], generators[1:]
        for item in items_of(self.value(first.iter, scope)):
            bind(first.target, item, scope)
            if all(self.truth(test, scope) is not False for test in first.ifs):
                if rest:
                    yield from self._steps(rest, scope)
                else:
                    yield scope

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        return self.call(node, scope)

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return Closure(node, scope)

    def _await(self, node: ast.Await, scope: Scope) -> Any:
        return self.value(node.value, scope)

    def arguments(self, node: ast.Call, scope: Scope) -> Arguments:
        """What a call is given, `*` and `**` opened where they can be."""
        found = Arguments([], {})
        for given in node.args:
            value = self.value(given.value if isinstance(given, ast.Starred) else given, scope)
            if not isinstance(given, ast.Starred):
                found.positional.append(value)
            elif isinstance(value, list | dict):
                found.positional += value
            else:
                found.unclear = found.unclear or f"*{source_of(given.value)}"
        for word in node.keywords:
            value = self.value(word.value, scope)
            if word.arg is not None:
                found.named[word.arg] = value
            elif isinstance(value, dict):
                found.named |= {str(key): item for key, item in value.items()}
            else:
                found.unclear = found.unclear or f"**{source_of(word.value)}"
        return found

    def closed(self, node: ast.expr, scope: Scope) -> ast.expr:
        """The expression with the local names replaced by what they are bound to, and helpers of the file run."""
        functions = scope.module.named
        if not scope.names and functions.keys() <= PLAIN:
            return node
        touched = [n.id for n in walk(node) if isinstance(n, ast.Name) and (n.id in scope.names or n.id in functions)]
        level = 1 + max((level_of(scope.names.get(name)) for name in touched), default=0)
        if not touched or level > MAX_LEVEL:
            return node
        found = self._rebuilt(node, scope)
        if found is not node:
            found.level = level  # type: ignore[attr-defined]
        return found

    def _rebuilt(self, node: ast.expr, scope: Scope) -> ast.expr:
        if isinstance(node, ast.Name):
            bound = scope.names.get(node.id, node)
            return as_node(bound, node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in scope.module.named | scope.names.keys():
            found = self.call(node, scope)
            if found is not None and not (isinstance(found, ast.Call) and found.func is node.func):
                return as_node(found, node)
        new = copy.copy(node)
        for name in node._fields:
            held = getattr(node, name, None)
            if isinstance(held, ast.expr):
                setattr(new, name, self._rebuilt(held, scope))
            elif isinstance(held, list):
                setattr(new, name, [one for item in held for one in self._rebuilt_item(item, scope)])
        return new

    def _rebuilt_item(self, item: Any, scope: Scope) -> list[Any]:
        if isinstance(item, ast.Starred):
            inner = self._rebuilt(item.value, scope)
            return list(inner.elts) if isinstance(inner, ast.List | ast.Tuple) else [ast.copy_location(ast.Starred(inner, ast.Load()), item)]
        if isinstance(item, ast.keyword):
            value = self._rebuilt(item.value, scope)
            if item.arg is None and isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
                return [ast.keyword(str(key.value), v) for key, v in zip(value.keys, value.values, strict=True) if isinstance(key, ast.Constant)]
            return [ast.keyword(item.arg, value)]
        return [self._rebuilt(item, scope) if isinstance(item, ast.expr) else item]
