"""The route table: what `@app.route`, blueprints, `add_url_rule` and the REST extensions make reachable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition, lineage
from mingus_gate.repo.flask.app import apps
from mingus_gate.repo.flask.blueprints import Key, join, mounts
from mingus_gate.repo.python import Function, Module, keyword, string, walk

VERBS = {"get", "post", "put", "delete", "patch"}
TENANT = re.compile(r"/<[^>]*(org|tenant|lang|locale|site)[^>]*>")
"""A variable in front of every path of an application, which says nothing about the single route."""
ADDERS = ("add_url_rule", "add_resource", "add_org_resource", "route")
View = Function | ast.ClassDef | ast.Lambda
GUARD = re.compile(
    r"(login|jwt|auth\w*|token|api_?key|admins?|sudo|role|permission|user|access|member)_(required|only)$"
    r"|(^|_)(requires?|needs?|check|ensure)_\w*(auth|login|token|admin|permission|role|user|sudo|key|scope)"
    r"|^(has|is|can)_(permission|admin|user|access)|(api_?key|basic|token|api)_auth$|^permission(_required)?$"
)
"""How decorators that ask for a login are named."""
OPEN = re.compile(r"anonymous|public|(no|skip|without|allow_any|un)_?auth|no_login|login_exempt|exempt_login")
"""How those are named that let everybody in."""


@dataclass(frozen=True, eq=False)
class Route:
    """One rule of the URL map. `path` has the prefixes of blueprint, API and namespace; `whole` is False where one could not be told.

    `view` is the function, or the class of a class-based view, that answers; None where it was not found. `module` is
    the file the view stands in (without a view, the one that adds the rule). `node` is the decorator or call that adds it.
    """

    path: str
    methods: tuple[str, ...]
    module: Module
    node: ast.AST
    view: View | None
    owner: str
    """The variable the rule hangs on: `app`, `auth_bp`."""
    decorators: tuple[str, ...] = ()
    """Dotted names of what is wrapped around the view, imports resolved; of a class, also those of its methods and bases;
    and of what runs before every request to its blueprint."""
    whole: bool = True
    mount: Key | None = None

    @property
    def place(self) -> Place:
        return self.module.place(self.view or self.node)

    @property
    def name(self) -> str:
        return self.path if self.view is None or isinstance(self.view, ast.Lambda) else self.view.name

    @cached_property
    def guard(self) -> str:
        """The decorator that asks for a login before the view runs, or empty."""
        ends = {name: name.rpartition(".")[2] for name in self.decorators}
        if any(OPEN.search(end) for end in ends.values()):
            return ""
        return next((name for name, end in ends.items() if GUARD.search(end) or (end == "required" and "auth" in name)), "")

    @cached_property
    def bodies(self) -> list[ast.AST]:
        """The functions that answer: the view, or the methods of its class named like its HTTP methods."""
        if not isinstance(self.view, ast.ClassDef):
            return [self.view] if self.view else []
        methods = [n for n in self.view.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        return [n for n in methods if n.name in VERBS or n.name == "dispatch_request"] or list(methods)


def routes(repo: Repo) -> list[Route]:
    """Every route the served application registers, in path and line order."""
    table = repo.fact(mounts)
    found: list[Route] = []
    for module in repo.python(b"route", b"add_url_rule", b"add_resource", b".get(", b".post(", b"_resource(", b"view_func", served=True):
        for path, at, owner, target in (*_decorated(repo, module), *_added(repo, module)):
            key = table.key(module, owner)
            if not table.registered(key):
                continue
            where, view, wrappers = _view(repo, module, target)
            name = module.name(owner).rpartition(".")[2]
            methods = _methods(repo, module, at, where, view)
            decorators = (*wrappers, *_decorators(repo, where, view), *table.hooks(key))
            found += [Route(join(p, path), methods, where, at, view, name, decorators, whole, key) for p, whole in table.prefixes(key)]
    return sorted(found, key=lambda route: route.place)


def app_place(repo: Repo) -> Place | None:
    """Where to point when something is missing: the application most routes and blueprints are near. None where a file
    that may hold what is missing could not be parsed, so that nobody is accused of it."""
    found = repo.fact(apps)
    if not found or repo.blind:
        return None
    near = [route.module.path for route in repo.fact(routes)]
    near += [module.path for module, _ in repo.calls("*.register_blueprint")]
    return max(found, key=lambda app: near.count(app.module.path)).place


Added = tuple[str, ast.Call, ast.expr, ast.AST | None]
"""Path, the call that adds the rule, what it is added to, and the view as it is named there."""


def _decorated(repo: Repo, module: Module) -> Iterator[Added]:
    """`@bp.route("/x")`, `@app.get("/x")`, and `bp.route("/x")(view)`."""
    is_fastapi = any(name.startswith("fastapi") for name in module.imports.values())
    for call in module.nodes(ast.Call):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in VERBS | {"route"} or (is_fastapi and call.func.attr != "route"):
            continue
        parent = module.parent(call)
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and call in parent.decorator_list:
            view: ast.AST | None = parent
        elif isinstance(parent, ast.Call) and parent.func is call and parent.args:
            view = parent.args[0]
        else:
            continue
        for argument in call.args or [k.value for k in call.keywords if k.arg in ("rule", "path")]:
            if (path := _path(repo, module, argument)) is not None:
                yield path, call, call.func.value, view


def _added(repo: Repo, module: Module) -> Iterator[Added]:
    """`app.add_url_rule("/x", view_func=…)`, `api.add_resource(Resource, "/x")`, `api.route(Resource, "name", "/x")`."""
    for call in module.nodes(ast.Call):
        listed, made = keyword(call, "routes"), keyword(call, "view_func")
        if isinstance(listed, ast.List) and made is not None and call.args:  # a helper's `register_view(bp, routes=["/x"], view_func=…)`
            yield from ((path, call, call.args[0], made) for item in listed.elts if (path := _path(repo, module, item)) is not None)
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ADDERS:
            continue
        if call.func.attr == "add_url_rule":
            target = keyword(call, "view_func") or (call.args[2] if len(call.args) > 2 else None)
            given = call.args[:1] or [k.value for k in call.keywords if k.arg == "rule"]
        elif call.args and isinstance(call.args[0], ast.Name | ast.Attribute):
            target, given = call.args[0], [a for a in call.args[1:] if (string(a) or "/").startswith("/")]
            if call.func.attr == "route" and not given:
                continue
        else:
            continue
        for argument in given:
            if (path := _path(repo, module, argument)) is not None:
                yield path, call, call.func.value, target


def _path(repo: Repo, module: Module, node: ast.expr) -> str | None:
    """The rule a call is given: a literal, a constant, or what a helper such as `org_scoped_rule("/x")` is given."""
    path = string(node)
    if path is None and isinstance(node, ast.Call) and len(node.args) == 1:
        path = string(node.args[0])
    if path is None and not isinstance(node, ast.Constant):
        path = repo.resolve(module, node).literal
    return path if isinstance(path, str) and (path == "" or path.startswith(("/", "<"))) else None


def _view(repo: Repo, module: Module, target: ast.AST | None) -> tuple[Module, View | None, tuple[str, ...]]:
    """What a rule's target is, where it stands, and what is wrapped around it: `login_required(View.as_view("x"))`."""
    if isinstance(target, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return module, target, ()
    if isinstance(target, ast.Call) and not module.name(target).endswith(".as_view") and target.args:
        where, view, wrappers = _view(repo, module, target.args[0])
        return where, view, (module.name(target.func), *wrappers)
    name = module.name(target).removesuffix(".as_view") if target else ""
    if isinstance(target, ast.Name) and (made := _local_value(module, target)) is not None:  # view = View.as_view("x")
        return _view(repo, module, made)
    found = definition(repo, module, name)
    return (*found, ()) if found else (module, None, ())


def _local_value(module: Module, name: ast.Name) -> ast.Call | None:
    around = module.function_around(name)
    made = [
        value
        for target, value in module.assignments()
        if isinstance(target, ast.Name) and target.id == name.id and module.function_around(target) is around and isinstance(value, ast.Call)
    ]
    return made[0] if len(made) == 1 else None


def _decorators(repo: Repo, module: Module, view: View | None) -> tuple[str, ...]:
    if view is None or isinstance(view, ast.Lambda):
        return ()
    names = [module.name(d) for d in view.decorator_list]
    for where, owner in lineage(repo, module, view) if isinstance(view, ast.ClassDef) else []:
        for item in owner.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name in VERBS:
                names += [where.name(d) for d in item.decorator_list]
        listed = [n.value for n in owner.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) in ("decorators", "method_decorators")]
        names += [where.name(n) for value in listed for n in walk(value) if isinstance(n, ast.Name | ast.Attribute | ast.Call)]
        if listed and ".decorators" not in ast.unparse(listed[-1]):  # replaces what the bases list
            break
    return tuple(dict.fromkeys(name for name in names if name))


def _methods(repo: Repo, module: Module, call: ast.Call, where: Module, view: View | None) -> tuple[str, ...]:
    if isinstance(call.func, ast.Attribute) and call.func.attr in VERBS:
        return (call.func.attr.upper(),)
    given, at = keyword(call, "methods"), module
    if given is None and isinstance(view, ast.ClassDef):
        for owner_module, owner in lineage(repo, where, view):
            named = [n.name.upper() for n in owner.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name in VERBS]
            if named:
                return tuple(named)
            stated = [n.value for n in owner.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "methods"]
            if stated:
                given, at = stated[0], owner_module
                break
    value = repo.resolve(at, given).literal if given is not None else None
    if isinstance(value, list):
        return tuple(str(item.literal).upper() for item in value)
    return ("GET",)
