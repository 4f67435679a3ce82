"""A Python file as facts: parsed once, indexed by node type, names resolved through its imports."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, cast

from mingus_gate.model import Place
from mingus_gate.repo.tree import File

Node = TypeVar("Node", bound=ast.AST)
Fact = TypeVar("Fact")
Function = ast.FunctionDef | ast.AsyncFunctionDef
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear"}
NO_NODES = {"ctx", "id", "attr", "name", "arg", "asname", "module", "level", "names", "kind", "type_comment", "type_ignores"}
"""Fields of syntax nodes that hold names, numbers and contexts; `names` of an import is added below."""


class _Fields(dict[type, tuple[str, ...] | None]):
    """Node type → its fields that may hold nodes, filled as types are met; None for what is no node."""

    def __missing__(self, kind: type) -> tuple[str, ...] | None:
        if not issubclass(kind, ast.AST):
            self[kind] = None
        else:
            self[kind] = () if kind in (ast.Constant, ast.alias) else tuple(field for field in kind._fields if field not in NO_NODES)
        return self[kind]


_FIELDS = _Fields({ast.Import: ("names",), ast.ImportFrom: ("names",)})

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Said where a file does not parse: newer syntax needs the gate to be run with a newer Python."""

MAX_DEPTH = 120
"""Nesting beyond this is refused: people stay under 50, and recursion over it (`ast.unparse`) fails from 150."""


class NotParsedError(Exception):
    """The file is not Python this interpreter can read. `line` is counted from 1."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


class Module:
    """A parsed Python file. Node lists are in source order."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.path = file.path
        self.tree = _parse(file)
        self._nodes: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        self._parents: dict[ast.AST, ast.AST] = {}
        self._names: dict[ast.Attribute, str] = {}
        self._sources: dict[ast.AST, str] = {}
        self._facts: dict[Callable[[Module], Any], Any] = {}
        self._nodes[ast.Module].append(self.tree)
        self._index(self.tree)

    def fact(self, find: Callable[[Module], Fact]) -> Fact:
        """What `find(self)` returns, found once. It must come from this file alone: the tree of the base shares it."""
        if find not in self._facts:
            self._facts[find] = find(self)
        found: Fact = self._facts[find]
        return found

    def _index(self, node: ast.AST, depth: int = 0) -> None:
        """Takes in all nodes below `node`. Half of all nodes hold none: they are not gone down to."""
        if depth > MAX_DEPTH:
            raise NotParsedError(f"nested deeper than {MAX_DEPTH} levels", getattr(node, "lineno", 1))
        nodes, parents, held = self._nodes, self._parents, node.__dict__
        for field in _FIELDS[type(node)] or ():
            value: Any = held.get(field)
            for child in value if type(value) is list else (value,):
                kind = type(child)
                fields = _FIELDS[kind]
                if fields is None:
                    continue
                parents[child] = node
                nodes[kind].append(child)
                if fields:
                    self._index(child, depth + 1)
                elif kind is ast.Constant and type(child.value) is str and not child.value.isascii():
                    child.value = child.value.encode("utf-8", "replace").decode()  # a lone surrogate could not be printed

    @cached_property
    def dotted(self) -> str:
        """The import name, counted from the root: `app/config.py` is `app.config`."""
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def nodes(self, *types: type[Node]) -> Iterator[Node]:
        """All nodes of the given types (exactly those, no subclasses)."""
        for kind in types:
            yield from cast("list[Node]", self._nodes.get(kind, []))

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around `node`, innermost first."""
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

    def enclosing(self, node: ast.AST, *types: type[Node]) -> Node | None:
        """The innermost node of one of `types` around `node`."""
        return next((n for n in self.ancestors(node) if isinstance(n, types)), None)

    @cached_property
    def functions(self) -> list[Function]:
        """Every function and method, in source order."""
        found: list[Function] = [*self.nodes(ast.FunctionDef), *self.nodes(ast.AsyncFunctionDef)]
        return sorted(found, key=lambda f: f.lineno)

    @cached_property
    def named(self) -> dict[str, list[Function | ast.ClassDef]]:
        """Every function, method and class by its name."""
        found: dict[str, list[Function | ast.ClassDef]] = {}
        for node in (*self.functions, *self.nodes(ast.ClassDef)):
            found.setdefault(node.name, []).append(node)
        return found

    def function_around(self, node: ast.AST) -> Function | None:
        """The innermost function around `node`, or None at module or class level."""
        return next((n for n in self.ancestors(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), None)

    def source(self, node: ast.AST) -> str:
        """`source_of(node)`, written once."""
        if node not in self._sources:
            self._sources[node] = source_of(node)
        return self._sources[node]

    def place(self, node: ast.AST) -> Place:
        return Place(self.path, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name → what it stands for: `from flask import Flask as F` gives `F: flask.Flask`."""
        found: dict[str, str] = {}
        for node in self.nodes(ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                found[local] = alias.name if alias.asname else local
        for source in self.nodes(ast.ImportFrom):
            for alias in source.names:
                found[alias.asname or alias.name] = f"{self.import_base(source)}.{alias.name}".lstrip(".")
        return found

    def import_base(self, node: ast.ImportFrom) -> str:
        """The package or module that a `from … import` names, dots resolved."""
        if not node.level:
            return node.module or ""
        package = self.dotted.split(".")
        if not self.path.endswith("__init__.py"):
            package = package[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])

    def name(self, node: ast.AST | None) -> str:
        """The dotted name an expression stands for, imports resolved; of a call, that of what is called; else empty."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Call):
            return self.name(node.func)
        if not isinstance(node, ast.Attribute):
            return ""
        if node not in self._names:
            owner = self.name(node.value)
            self._names[node] = owner and f"{owner}.{node.attr}"
        return self._names[node]

    @cached_property
    def constants(self) -> dict[str, list[ast.expr]]:
        """Names assigned at module level, also below `if` and `try` → the expressions they are given."""
        found: dict[str, list[ast.expr]] = {}
        for target, value in self.assignments():
            if isinstance(target, ast.Name) and not self.enclosing(target, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda):
                found.setdefault(target.id, []).append(value)
        return found

    @cached_property
    def assigned(self) -> dict[tuple[str, Function | None], list[ast.expr]]:
        """(name, function around it) → the expressions it is given by plain assignment, there or in a class inside of it."""
        found: dict[tuple[str, Function | None], list[ast.expr]] = {}
        for target, value in self.assignments():
            if isinstance(target, ast.Name):
                found.setdefault((target.id, self.function_around(target)), []).append(value)
        return found

    @cached_property
    def calls(self) -> dict[str, list[tuple[int, ast.Call]]]:
        """Last part of the name that is called, imports resolved → the calls, numbered in source order."""
        found: dict[str, list[tuple[int, ast.Call]]] = {}
        for number, call in enumerate(self.nodes(ast.Call)):
            func = call.func
            while isinstance(func, ast.Call):
                func = func.func
            if isinstance(func, ast.Attribute):
                found.setdefault(func.attr, []).append((number, call))
            elif isinstance(func, ast.Name):
                found.setdefault(self.imports.get(func.id, func.id).rpartition(".")[2], []).append((number, call))
        return found

    @cached_property
    def changed(self) -> set[tuple[str, Function | None]]:
        """(name, function around it) of what is also bound or changed otherwise than by plain assignment:
        `x += 1`, `for x in`, `a, x = f()`, `x["key"] = 1`, `x.append(1)`, `global x` in a function."""
        found: set[tuple[str, Function | None]] = set()
        for node in self.nodes(ast.Name):
            above = self._parents.get(node)
            if _binds_otherwise(node, above) or (isinstance(above, ast.Attribute) and above.attr in CHANGES):
                found.add((node.id, self.function_around(node)))
        for handler in self.nodes(ast.ExceptHandler):
            if handler.name:
                found.add((handler.name, self.function_around(handler)))
        for declared in self.nodes(ast.Global):
            found |= {(name, None) for name in declared.names}
        return found

    def assignments(self) -> Iterator[tuple[ast.expr, ast.expr]]:
        """Each (target, value) of plain and annotated assignments."""
        for node in self.nodes(ast.Assign):
            for target in node.targets:
                yield target, node.value
        for annotated in self.nodes(ast.AnnAssign):
            if annotated.value is not None:
                yield annotated.target, annotated.value


def _binds_otherwise(node: ast.Name, above: ast.AST | None) -> bool:
    if isinstance(node.ctx, ast.Load):
        return isinstance(above, ast.Subscript) and above.value is node and not isinstance(above.ctx, ast.Load)
    return not isinstance(above, ast.Assign | ast.AnnAssign | ast.comprehension)


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The value a call is given for the first of `names` that it is given."""
    return next((k.value for k in call.keywords if k.arg in names), None)


def unpacks(call: ast.Call) -> bool:
    """Whether the call is given keywords that cannot be seen (`**options`)."""
    return any(k.arg is None for k in call.keywords)


def string(node: ast.AST | None) -> str | None:
    """The text of a string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def source_of(node: ast.AST, limit: int = 60) -> str:
    """The expression as written, shortened, every string literal blanked: it may be a secret."""
    try:
        text = ast.unparse(_Blank().visit(ast.parse(ast.unparse(node), mode="eval")))
    except (SyntaxError, ValueError, RecursionError):
        return type(node).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


class _Blank(ast.NodeTransformer):
    """Blanks every literal text that is not the name of an environment variable."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str | bytes) and not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", str(node.value)):
            return ast.Constant("…")
        return node


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and all nodes below it, as `ast.walk` gives them but for contexts, in a third of its time."""
    waiting = [node]
    for current in waiting:
        yield current
        waiting += _children(current)


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below, in source order."""
    fields = _FIELDS[type(node)]
    found: list[ast.AST] = []
    if not fields:
        return found
    held = node.__dict__
    for field in fields:
        value = held.get(field)
        if type(value) is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _parse(file: File) -> ast.Module:
    source = file.text.encode() if file.utf16 else file.data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a tree's own SyntaxWarnings are not ours to print
            return ast.parse(source, file.path)
    except SyntaxError as error:
        raise NotParsedError(f"{type(error).__name__}: {error.msg[:120]}; read as Python {VERSION}", error.lineno or 1) from None
    except (ValueError, RecursionError, MemoryError, UnicodeError) as error:
        raise NotParsedError(type(error).__name__) from None
