"""The route table: what `@app.route`, blueprints, `add_url_rule` and Flask-RESTful make reachable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, keyword, string

VERBS = {"get", "post", "put", "delete", "patch"}


@dataclass(frozen=True, eq=False)
class Route:
    """One rule of the URL map. `path` has the blueprint's prefix where it could be told.

    `view` is the function, or the class of a class-based view, that answers; None where it was not found.
    """

    path: str
    methods: tuple[str, ...]
    module: Module
    node: ast.AST
    view: Function | ast.ClassDef | None
    owner: str

    @property
    def place(self) -> Place:
        return self.module.place(self.view or self.node)

    @cached_property
    def decorators(self) -> tuple[str, ...]:
        """Dotted names of the view's decorators, imports resolved."""
        return tuple(self.module.name(d) for d in self.view.decorator_list) if self.view else ()

    @property
    def name(self) -> str:
        return self.view.name if self.view else self.path


def routes(repo: Repo) -> list[Route]:
    """Every route of production code, in path and line order."""
    prefixes = repo.fact(_prefixes)
    found: list[Route] = []
    for module in repo.python(b"route", b"add_url_rule", b"add_resource", b".get(", b".post("):
        found += _decorated(module, prefixes)
        found += _added(module, prefixes)
    return sorted(found, key=lambda route: route.place)


def _prefixes(repo: Repo) -> dict[str, str]:
    """Blueprint variable (last part of its name) → URL prefix; that of `register_blueprint` wins."""
    found: dict[str, str] = {}
    for module in repo.python(b"Blueprint(", b"Namespace("):
        for target, value in module.assignments():
            if isinstance(value, ast.Call) and isinstance(target, ast.Name) and module.name(value).endswith(("Blueprint", "Namespace")):
                found[target.id] = string(keyword(value, "url_prefix")) or ""
    for module, call in repo.calls("*.register_blueprint"):
        if call.args and (prefix := string(keyword(call, "url_prefix"))) is not None:
            found[module.name(call.args[0]).rpartition(".")[2]] = prefix
    return found


def _decorated(module: Module, prefixes: dict[str, str]) -> Iterator[Route]:
    for view in _definitions(module):
        for decorator in view.decorator_list:
            if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
                continue
            verb = decorator.func.attr
            path = string(decorator.args[0]) if decorator.args else string(keyword(decorator, "rule"))
            if verb not in VERBS | {"route"} or path is None or (path and not path.startswith(("/", "<"))):
                continue
            owner = module.name(decorator.func.value).rpartition(".")[2]
            methods = (verb.upper(),) if verb in VERBS else _methods(decorator, view)
            yield Route(_join(prefixes.get(owner, ""), path), methods, module, decorator, view, owner)


def _added(module: Module, prefixes: dict[str, str]) -> Iterator[Route]:
    """`app.add_url_rule("/x", view_func=…)` and `api.add_resource(Resource, "/x")`."""
    for call in module.nodes(ast.Call):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("add_url_rule", "add_resource", "add_org_resource"):
            continue
        owner = module.name(call.func.value).rpartition(".")[2]
        if call.func.attr == "add_url_rule":
            path = string(call.args[0]) if call.args else string(keyword(call, "rule"))
            target = keyword(call, "view_func") or (call.args[2] if len(call.args) > 2 else None)
            paths = [path] if path is not None else []
        else:
            target = call.args[0] if call.args else None
            paths = [p for p in map(string, call.args[1:]) if p is not None]
        view = _view(module, target)
        for path in paths:
            yield Route(_join(prefixes.get(owner, ""), path), _methods(call, view), module, call, view, owner)


def _view(module: Module, target: ast.expr | None) -> Function | ast.ClassDef | None:
    """The function or class of this file that `target` names; of `View.as_view("x")`, the class."""
    name = module.name(target).removesuffix(".as_view").rpartition(".")[2] if target else ""
    return next((n for n in _definitions(module) if n.name == name), None)


def _definitions(module: Module) -> list[Function | ast.ClassDef]:
    return [*module.functions, *module.nodes(ast.ClassDef)]


def _methods(call: ast.Call, view: Function | ast.ClassDef | None) -> tuple[str, ...]:
    given = keyword(call, "methods")
    if isinstance(given, ast.List | ast.Tuple | ast.Set):
        return tuple(text.upper() for text in map(string, given.elts) if text)
    if isinstance(view, ast.ClassDef):
        return tuple(n.name.upper() for n in view.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name in VERBS)
    return ("GET",)


def _join(prefix: str, path: str) -> str:
    return f"/{prefix.strip('/')}/{path.lstrip('/')}" if prefix.strip("/") else path or "/"
