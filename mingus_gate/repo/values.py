"""What an expression can come to, without running it: literals, environment variables, or what stopped us."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mingus_gate.repo.python import Function, Module, keyword, source_of, string, unpacks, walk

MAX_STEPS = 12
"""Names followed before we give up; real configuration needs three or four."""
MAX_WORK = 3000
"""Expressions looked at for one answer; `x = x + y` a dozen times over would take billions."""
MAX_ASSIGNED = 8
MAX_CHOICES = 64
MAX_LENGTH = 10_000
MAX_ARGUMENT = 100
"""Values beyond these (assignments to one name, choices, length of a text or bits of a number) are not computed."""

GETTERS = {"os.environ.get", "os.getenv", "environ.get", "os.environ.setdefault", "decouple.config", "decouple.AutoConfig", "starlette.config.Config"}
ENVIRONS = ("environs.Env", "environ.Env")
CONVERTERS = {"int": int, "float": float, "str": str, "bool": bool}
TRUE_WORDS = {"1", "true", "t", "yes", "y", "on"}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "weeks": 604800, "milliseconds": 0.001, "microseconds": 0.000001}


class Finder(Protocol):
    """What resolution needs of the tree: the module of an import name."""

    def module_of(self, dotted: str) -> tuple[Module, str] | None:
        """The module that `dotted` starts with, and the rest of the name."""
        ...


@dataclass(frozen=True, slots=True)
class Value:
    """All an expression can come to. `literals` are Python values it may have (a default is one of them).

    `env` are the environment variables read. `unresolved` is the expression that stopped us, literals blanked, else
    empty, and `prefixes` what the text is then known to start with. `dict` and `list` literals hold Values.
    """

    literals: tuple[Any, ...] = ()
    env: tuple[str, ...] = ()
    unresolved: str = ""
    prefixes: tuple[str, ...] = ()

    @property
    def literal(self) -> Any:
        """The only value it can have, or None."""
        return self.literals[0] if len(self.literals) == 1 and not self.env and not self.unresolved else None

    @property
    def fixed(self) -> bool:
        """It has one value, whatever the environment says."""
        return len(self.literals) == 1 and not self.env and not self.unresolved

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts it may be, or is known to start with."""
        return tuple(text for text in self.literals if isinstance(text, str)) + self.prefixes

    def may_be(self, test: Callable[[Any], bool]) -> bool:
        """Whether one of the known values passes `test`."""
        return any(test(value) for value in self.literals)

    def always(self, test: Callable[[Any], bool]) -> bool:
        """Whether nothing is left open but the environment and every known value passes `test`."""
        return bool(self.literals) and not self.unresolved and all(test(value) for value in self.literals)

    def __or__(self, other: Value) -> Value:
        known = [(type(v), v) for v in self.literals]  # False is no 0
        literals = self.literals + tuple(v for v in other.literals if (type(v), v) not in known)
        env = self.env + tuple(name for name in other.env if name not in self.env)
        return Value(literals, env, self.unresolved or other.unresolved, self.prefixes + other.prefixes)


def resolve(finder: Finder, module: Module, node: ast.expr | None, steps: int = MAX_STEPS) -> Value:
    """What `node` in `module` can come to."""
    if node is None:
        return Value((None,))
    try:
        return _Resolver(finder, module, steps, [MAX_WORK]).value(node)
    except RecursionError:
        return Value(unresolved=source_of(node))


class _Resolver:
    def __init__(self, finder: Finder, module: Module, steps: int, left: list[int]) -> None:
        self.finder, self.module, self.steps, self.left = finder, module, steps, left

    def value(self, node: ast.expr) -> Value:
        self.left[0] -= 1
        method = getattr(self, f"_{type(node).__name__.lower()}", None) if self.left[0] > 0 and self.steps > 0 else None
        result = method(node) if method else None
        return result if result is not None and _bounded(result) else Value(unresolved=self.module.source(node))

    def _constant(self, node: ast.Constant) -> Value:
        return Value((node.value,))

    def _dict(self, node: ast.Dict) -> Value | None:
        if any(key is None for key in node.keys):
            return None
        keys = [string(key) for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            return None
        return Value(({key: self.value(value) for key, value in zip(keys, node.values, strict=True)},))

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        items = [self.value(item) for item in node.elts]
        stuck = next((item.unresolved for item in items if item.unresolved), "")
        return Value((items,), tuple(name for item in items for name in item.env), stuck)

    _tuple = _set = _list

    def _joinedstr(self, node: ast.JoinedStr) -> Value | None:
        env: tuple[str, ...] = ()
        texts = [""]
        for part in node.values:
            piece = self.value(part.value if isinstance(part, ast.FormattedValue) else part)
            if piece.unresolved or _formatted(part) or any(isinstance(v, dict | list) for v in piece.literals):
                return Value(env=env, unresolved=self.module.source(node), prefixes=tuple(text for text in texts if text))
            env += piece.env
            texts = [text + str(value) for text in texts for value in (piece.literals or ("",))][:8]
            if any(len(text) > MAX_LENGTH for text in texts):
                return None
        return Value(tuple(texts), env)

    def _ifexp(self, node: ast.IfExp) -> Value:
        return self.value(node.body) | self.value(node.orelse)

    def _boolop(self, node: ast.BoolOp) -> Value:
        """`a or b`: what is falsy in `a` gives way to `b`."""
        values = [self.value(item) for item in node.values]
        if isinstance(node.op, ast.And):
            return Value(unresolved=self.module.source(node))
        result = values[-1]
        for value in reversed(values[:-1]):
            kept = Value(tuple(v for v in value.literals if v), value.env, value.unresolved)
            always = bool(value.literals) and not value.env and not value.unresolved and len(kept.literals) == len(value.literals)
            result = kept if always else kept | result
        return result

    def _unaryop(self, node: ast.UnaryOp) -> Value | None:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and all(isinstance(v, int | float) for v in value.literals):
            return Value(tuple(-v for v in value.literals), value.env, value.unresolved)
        if isinstance(node.op, ast.Not):
            return Value(tuple(not v for v in value.literals), value.env, value.unresolved)
        return None

    def _binop(self, node: ast.BinOp) -> Value | None:
        left, right = self.value(node.left), self.value(node.right)
        apply = ARITHMETIC.get(type(node.op))
        if right.unresolved and isinstance(node.op, ast.Add) and not left.unresolved:
            return Value(env=left.env + right.env, unresolved=self.module.source(node), prefixes=left.texts)
        if apply is None or left.unresolved or right.unresolved or len(left.literals) * len(right.literals) > MAX_CHOICES:
            return None
        try:
            if apply is operator.mul and any(_long(a, b) or _long(b, a) for a in left.literals for b in right.literals):
                return None
            literals = tuple(apply(a, b) for a in left.literals for b in right.literals)
        except (TypeError, ValueError, ArithmeticError, MemoryError):
            return None
        return Value(literals, left.env + right.env)

    def _compare(self, node: ast.Compare) -> Value | None:
        """`os.environ.get("X", "true").lower() == "true"` and `… in ("1", "true")`."""
        left, right = self.value(node.left), self.value(node.comparators[0])
        if len(node.ops) != 1 or left.unresolved or not left.env or not right.fixed:
            return None
        among = isinstance(node.ops[0], ast.In | ast.NotIn)
        items = right.literal if among else [right]
        if not isinstance(items, list) or not all(item.fixed for item in items):
            return None
        wanted = [item.literal for item in items]
        if any(isinstance(v, dict | list) for v in (*wanted, *left.literals)):
            return None
        match node.ops[0]:
            case ast.Eq() | ast.In():
                return Value(tuple(dict.fromkeys(v in wanted for v in left.literals)) or (False,), left.env)
            case ast.NotEq() | ast.NotIn():
                return Value(tuple(dict.fromkeys(v not in wanted for v in left.literals)) or (True,), left.env)
        return None

    def _subscript(self, node: ast.Subscript) -> Value | None:
        key = string(node.slice)
        if self.module.name(node.value) in ("os.environ", "environ") and key:
            return Value(env=(key,))
        held = self.value(node.value)
        if key is not None and isinstance(held.literal, dict):
            found = held.literal.get(key)
            return found if isinstance(found, Value) else None
        return None

    def _name(self, node: ast.Name) -> Value | None:
        if (local := self._local(node)) is not None:
            return local
        return self._named(node.id)

    def _local(self, node: ast.Name) -> Value | None:
        """A name bound in a function, lambda or comprehension around it; what a parameter is given cannot be seen."""
        inside_function = False
        for scope in self.module.ancestors(node):
            if isinstance(scope, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
                inside_function = True
                given = (*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs, scope.args.vararg, scope.args.kwarg)
                if any(argument and argument.arg == node.id for argument in given):
                    return Value(unresolved=node.id)
                if not isinstance(scope, ast.Lambda) and (value := self._assigned(node.id, scope)) is not None:
                    return value
            elif isinstance(scope, COMPREHENSIONS) and any(node.id == name for name in _bound_by(scope)):
                return Value(unresolved=node.id)
            elif isinstance(scope, ast.ClassDef) and not inside_function and (value := self._class_attribute(scope.name, node.id)) is not None:
                return value
        return None

    def _assigned(self, name: str, function: Function | None) -> Value | None:
        """What a name is given in `function`, or at module level for None."""
        values = self.module.constants.get(name, []) if function is None else self.module.assigned.get((name, function), [])
        changed = Value(unresolved=name) if (name, function) in self.module.changed else None
        if not values:
            return changed
        return self._any(values) | changed if changed else self._any(values)

    def _attribute(self, node: ast.Attribute) -> Value | None:
        names = [node.attr]
        owner = node.value
        while isinstance(owner, ast.Attribute):
            names.append(owner.attr)
            owner = owner.value
        if not isinstance(owner, ast.Name) or self._local(owner) is not None:
            return None
        return self._named(".".join([owner.id, *reversed(names)]))

    def _named(self, name: str) -> Value | None:
        """A module-level name or a class attribute, of this file or imported from another of the tree."""
        head, _, rest = name.partition(".")
        if not rest and (value := self._assigned(head, None)) is not None:
            return value
        if rest and "." not in rest and (value := self._class_attribute(head, rest)):
            return value
        source = self.module.imports.get(head)
        if source is None or self.steps <= 1:
            return None
        found = self.finder.module_of(f"{source}.{rest}" if rest else source)
        if found is None or not found[1] or found[0] is self.module:
            return None
        return _Resolver(self.finder, found[0], self.steps - 1, self.left)._named(found[1])

    def _class_attribute(self, class_name: str, attribute: str) -> Value | None:
        for node in self.module.nodes(ast.ClassDef):
            if node.name == class_name:
                values = [
                    value
                    for target, value in self.module.assignments()
                    if isinstance(target, ast.Name) and target.id == attribute and self.module.parent(self.module.parent(target) or target) is node
                ]
                return self._any(values) if values else None
        return None

    def _any(self, nodes: list[ast.expr]) -> Value:
        result = Value(unresolved=f"one of {len(nodes)} values") if len(nodes) > MAX_ASSIGNED else Value()
        deeper = _Resolver(self.finder, self.module, self.steps - 1, self.left)
        for node in nodes[:MAX_ASSIGNED]:
            result = result | deeper.value(node)
        return result

    def _call(self, node: ast.Call) -> Value | None:
        name = self.module.name(node)
        if (environment := self._environment(node, name)) is not None:
            return environment
        if name in CONVERTERS and len(node.args) == 1 and not node.keywords:
            return _convert(self.value(node.args[0]), CONVERTERS[name])
        if name in ("datetime.timedelta", "timedelta"):
            return self._timedelta(node)
        if name == "dict" and not node.args and not unpacks(node):
            return Value(({k.arg: self.value(k.value) for k in node.keywords},))
        if "bool" in name.rpartition(".")[2].lower() and len(node.args) == 1:
            return _convert(self.value(node.args[0]), lambda text: str(text).lower() in TRUE_WORDS)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper", "strip", "rstrip", "lstrip", "title", "replace"):
            return self._text_method(node, node.func)
        read = tuple(variable for argument in node.args for variable in self.value(argument).env)
        return Value(env=read, unresolved=self.module.source(node)) if read else None

    def _text_method(self, node: ast.Call, func: ast.Attribute) -> Value:
        value = self.value(func.value)
        arguments = [string(a) for a in node.args]
        if (
            value.unresolved
            or not all(isinstance(v, str) for v in value.literals)
            or any(text is None or len(text) > MAX_ARGUMENT for text in arguments)
        ):
            return Value(env=value.env, unresolved=self.module.source(node))
        try:
            changed = tuple(getattr(text, func.attr)(*arguments) for text in value.texts)
        except TypeError:
            return Value(env=value.env, unresolved=self.module.source(node))
        return Value(changed, value.env)

    def _environment(self, node: ast.Call, name: str) -> Value | None:
        """os.getenv, os.environ.get, python-decouple's config and environs' env, each with default and conversion."""
        if name not in GETTERS and not self._is_env_reader(name):
            return None
        if not node.args or (variable := string(node.args[0])) is None:
            return None
        default_node = node.args[1] if len(node.args) > 1 else keyword(node, "default")
        default = self.value(default_node) if default_node is not None else Value()
        default = Value(tuple(v for v in default.literals if v is not None), default.env, default.unresolved)
        cast = self.module.name(keyword(node, "cast")) or name.rpartition(".")[2]
        if cast in CONVERTERS:
            default = _convert(default, CONVERTERS[cast] if cast != "bool" else lambda v: str(v).lower() in TRUE_WORDS) or default
        return Value(env=(variable,)) | default

    def _is_env_reader(self, name: str) -> bool:
        """`env("X")` and `env.bool("X")` where `env` is an environs or django-environ reader."""
        head = name.partition(".")[0]
        readers = self.module.constants.get(head, [])
        return any(self.module.name(reader) in ENVIRONS for reader in readers)

    def _timedelta(self, node: ast.Call) -> Value | None:
        total: float = 0
        names = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
        env: tuple[str, ...] = ()
        for unit, argument in [*zip(names, node.args, strict=False), *((k.arg or "", k.value) for k in node.keywords)]:
            value = self.value(argument)
            if unit not in SECONDS or value.unresolved or len(value.literals) != 1 or not isinstance(value.literals[0], int | float):
                return Value(env=value.env, unresolved=self.module.source(node))
            try:
                total += SECONDS[unit] * value.literals[0]
            except OverflowError:
                return None
            env += value.env
        return Value((total,), env)


def _bounded(value: Value) -> bool:
    """Whether every value is of a size that a setting has; what is larger would be built up without end."""
    return len(value.literals) <= MAX_CHOICES and not any(
        (isinstance(v, str | bytes) and len(v) > MAX_LENGTH) or (isinstance(v, int) and v.bit_length() > MAX_LENGTH) for v in value.literals
    )


def _long(text: Any, times: Any) -> bool:
    return isinstance(text, str | bytes | list) and isinstance(times, int) and len(text) * times > MAX_LENGTH


def _bound_by(scope: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> list[str]:
    return [n.id for generator in scope.generators for n in walk(generator.target) if isinstance(n, ast.Name)]


def _formatted(part: ast.expr) -> bool:
    """`{x:03d}` and `{x!r}`: not the text of the value as it is."""
    return isinstance(part, ast.FormattedValue) and (part.format_spec is not None or part.conversion not in (-1, ord("s")))


def _convert(value: Value, converter: Callable[[Any], Any]) -> Value | None:
    if any(isinstance(v, dict | list) for v in value.literals):
        return None
    try:
        return Value(tuple(converter(v) for v in value.literals), value.env, value.unresolved)
    except (TypeError, ValueError, ArithmeticError):
        return None
