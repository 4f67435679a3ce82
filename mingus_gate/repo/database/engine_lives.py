"""How long engines and plain sessions live: as long as the process, or one request."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.flask.routes import routes
from mingus_gate.repo.python import Function, Module, walk

BEFORE = ("before_request", "before_app_request", "teardown_request", "after_request", "after_app_request")
AFTER = ("teardown_appcontext", "teardown_request", "teardown_app_request", "after_request", "after_app_request")
MAKERS = (
    "sqlalchemy.orm.scoped_session",
    "sqlalchemy.orm.sessionmaker",
    "sqlalchemy.orm.session.sessionmaker",
    "sqlalchemy.orm.scoping.scoped_session",
)


@dataclass(frozen=True, slots=True)
class Life:
    """One engine: made once a process or for each request; `by` is the function that makes it then."""

    place: Place
    once: bool
    by: str = ""


def engine_lives(repo: Repo) -> list[Life]:
    """The engines of `create_engine(…)` of which the tree tells how often they are made."""
    found: list[Life] = []
    answering: dict[Function, str] | None = None
    for module, call in repo.calls("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", served=True):
        function = module.function_around(call)
        if function is None:
            found += [] if only_for_tests(module, call) else [Life(module.place(call), once=True)]
        elif _cached(module, function):
            found.append(Life(module.place(call), once=True, by=function.name))
        elif _kept(module, call) or not _configured(repo, module, call):
            continue
        else:
            answering = _answering(repo) if answering is None else answering
            if function in answering and (answering[function] == function.name or _on_g(module, call) or not _branches(function)):
                found.append(Life(module.place(call), once=False, by=answering[function]))
    return found


def _cached(module: Module, function: Function) -> bool:
    """Whether the function makes its engine once: by a cache around it, or kept in a global."""
    names = [module.name(d).rpartition(".")[2] for d in function.decorator_list]
    return any("cache" in name or "memo" in name for name in names) or any(isinstance(n, ast.Global) for n in walk(function))


def _kept(module: Module, call: ast.Call) -> bool:
    """Whether something else may keep the engine: an attribute, a dictionary, or a test before it is made."""
    for above in module.ancestors(call):
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        if isinstance(above, ast.If | ast.IfExp | ast.BoolOp):
            return True
        if isinstance(above, ast.Assign):
            return any(isinstance(t, ast.Attribute | ast.Subscript) and module.name(t).split(".")[:2] != ["flask", "g"] for t in above.targets)
    return False


def _on_g(module: Module, call: ast.Call) -> bool:
    """Whether the engine is kept on `g`, which ends with the request."""
    parent = module.parent(call)
    return isinstance(parent, ast.Assign) and any(module.name(t).startswith("flask.g.") for t in parent.targets)


def _branches(function: Function) -> bool:
    """Whether the function may return an engine it has made before."""
    return any(isinstance(n, ast.If | ast.IfExp | ast.Try) for n in walk(function))


def _configured(repo: Repo, module: Module, call: ast.Call) -> bool:
    """Whether the address is the application's own, not one that a request or a caller brings."""
    if not call.args:
        return False
    value = repo.resolve(module, call.args[0])
    names = [n.id if isinstance(n, ast.Name) else n.attr for n in walk(call.args[0]) if isinstance(n, ast.Name | ast.Attribute)]
    return bool(value.env or value.literals) or (bool(names) and any(name == "config" or name.isupper() for name in names))


def _answering(repo: Repo) -> dict[Function, str]:
    """The functions that run for each request, and the view or hook by which: itself, or one that calls it outside of any test."""
    starts = [(route.module, body, route.name) for route in repo.fact(routes) for body in route.bodies]
    for module in repo.python(*(name.encode() for name in BEFORE), served=True):
        starts += [(module, f, f.name) for f in module.functions if any(module.name(d).rpartition(".")[2] in BEFORE for d in f.decorator_list)]
    found: dict[Function, str] = {}
    for module, body, name in starts:
        if isinstance(body, Function) and all(_plain(module, d) for d in body.decorator_list):
            found.setdefault(body, name)
        for call in calls_in(body):
            target = called(repo, module, call)
            if target and isinstance(target[1], Function) and not _kept(module, call) and not target[1].decorator_list:
                found.setdefault(target[1], name)
    return found


def _plain(module: Module, decorator: ast.expr) -> bool:
    return "cache" not in module.name(decorator)


@dataclass(frozen=True, slots=True)
class Sessions:
    """A maker of plain SQLAlchemy sessions, and how they end: on `teardown`, by `with`, `otherwise` closed somewhere, or never."""

    name: str
    place: Place
    end: Literal["teardown", "with", "otherwise", "never"]
    at: Place


def plain_sessions(repo: Repo) -> list[Sessions]:
    """The makers of sessions that stand in a module of the served application and that its functions use."""
    found: dict[tuple[Module, str], Sessions] = {}
    for module, call in repo.calls(*MAKERS, served=True):
        parent = module.parent(call)
        inner = isinstance(parent, ast.Call) and module.name(parent.func) in MAKERS
        if inner or not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name) or module.function_around(call):
            continue
        ends = _ends(repo, module, parent.targets[0].id)
        if ends:
            order = ("teardown", "with", "otherwise", "never")
            best = min(ends, key=lambda end: order.index(end[0]))
            name = parent.targets[0].id
            found[module, name] = Sessions(name, module.place(call), *best)
    return list(found.values())


def _ends(repo: Repo, home: Module, name: str) -> list[tuple[Literal["teardown", "with", "otherwise", "never"], Place]]:
    """How each use of the maker `name` ends its session."""
    found: list[tuple[Literal["teardown", "with", "otherwise", "never"], Place]] = []
    after = repo.fact(_handed_to_teardown)
    for module in repo.python(name.encode(), served=True):
        for node in _uses(home, module, name):
            function = module.function_around(node)
            parent = module.parent(node)
            if function is None:
                continue
            last = parent.attr if isinstance(parent, ast.Attribute) else ""
            if last in ("remove", "close", "close_all") and (function.name in after or _on_teardown(module, function)):
                found.append(("teardown", module.place(node)))
            elif _in_with(module, node):
                found.append(("with", module.place(node)))
            elif last in ("remove", "close", "registry") or _closed_in(function) or _handed_on(module, node):
                found.append(("otherwise", module.place(node)))
            else:
                found.append(("never", module.place(node)))
    return found


def _handed_to_teardown(repo: Repo) -> set[str]:
    """The functions that `app.teardown_request(end)` is given."""
    given = [(module, a) for module, call in repo.calls(*(f"*.{name}" for name in AFTER), served=True) for a in call.args]
    return {module.name(argument).rpartition(".")[2] for module, argument in given if isinstance(argument, ast.Name | ast.Attribute)}


def _on_teardown(module: Module, function: Function) -> bool:
    return any(module.name(d).rpartition(".")[2] in AFTER for d in function.decorator_list)


def _uses(home: Module, module: Module, name: str) -> Iterator[ast.expr]:
    """The places in `module` that mean the maker, be it imported through the packages above it."""
    package = home.dotted.partition(".")[0]
    for node in (*module.nodes(ast.Name), *module.nodes(ast.Attribute)):
        dotted = module.name(node)
        if not isinstance(getattr(node, "ctx", None), ast.Load) or dotted.rpartition(".")[2] != name:
            continue
        if dotted == name if module is home else dotted.partition(".")[0] in (package, home.dotted.rpartition(".")[2]):
            yield node


def _in_with(module: Module, node: ast.AST) -> bool:
    return any(isinstance(above, ast.withitem) for above in module.ancestors(node))


def _closed_in(function: Function) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr in ("close", "remove", "__exit__") for n in walk(function))


def _handed_on(module: Module, node: ast.expr) -> bool:
    """Whether the session leaves the function, or the maker itself is given to another: who ends it cannot be seen here."""
    parent = module.parent(node)
    if not (isinstance(parent, ast.Call) and parent.func is node):
        return isinstance(parent, ast.Return | ast.keyword) or (isinstance(parent, ast.Call) and node in parent.args)
    above = module.parent(parent)
    while isinstance(above, ast.BoolOp | ast.IfExp | ast.NamedExpr):
        above = module.parent(above)
    if isinstance(above, ast.Assign):
        names = {t.id for t in above.targets if isinstance(t, ast.Name)}
        return len(names) < len(above.targets) or _leaves(module, node, names)
    return isinstance(above, ast.Return | ast.Yield | ast.Call | ast.keyword)


def _leaves(module: Module, node: ast.expr, names: set[str]) -> bool:
    """Whether the function around gives one of its variables away: returned, yielded, kept, or as an argument."""
    uses = [n for n in walk(module.function_around(node) or node) if isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)]
    return any(not isinstance(module.parent(use), ast.Attribute) for use in uses)
