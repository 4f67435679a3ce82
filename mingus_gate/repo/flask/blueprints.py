"""What routes hang on: applications, blueprints, Flask-RESTful and RESTX APIs and namespaces, and under which URL prefix."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.python import Module, keyword, string, walk

MADE = re.compile(r"(^|\.)(\w*Blueprint|\w*Namespace|Api|API|RestApi)$|\.namespace$")
NOT_ROUTES = re.compile(r"^(argparse|types|blinker|signals|flask_socketio|socketio)\b|SimpleNamespace$")
MAX_NESTING = 6

Key = str
"""A blueprint's name for ever: path of the file, function around it if any, variable."""


@dataclass(eq=False)
class Mount:
    """A blueprint, API or namespace. `prefix` is None where it could not be told.

    `parents` are the places it is registered at: what on (None is the application) and the prefix given there.
    """

    prefix: str | None = ""
    is_api: bool = False
    parents: list[tuple[Key | None, str | None, bool]] = field(default_factory=list)
    """(parent, prefix given when registering, whether one was given)"""


class Mounts:
    """All blueprints and the like of a tree. `complete` is False where something is registered that could not be told."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.complete = True
        self._all: dict[Key, Mount] = {}
        self._hooks: dict[Key, list[str]] = {}
        modules = list(repo.python(b"Blueprint", b"Namespace", b"Api(", b"API(", b".namespace("))
        for module in modules:
            self._find(module)
        for module in modules:
            self._attach(module)
        for module, call in repo.calls("*.register_blueprint", "*.add_namespace", served=True):
            self._register(module, call)
        for module, call in repo.calls("*.init_app", served=True):
            key = self.key(module, call.func.value) if isinstance(call.func, ast.Attribute) else None
            if key and self._all[key].is_api and call.args:
                self._all[key].parents.append((self.key(module, call.args[0]), None, False))
        for module in repo.python(b".before_request", served=True):
            self._hook(module)
        self.complete &= not repo.blind  # a file that could not be parsed may register them

    def key(self, module: Module, node: ast.expr) -> Key | None:
        """The blueprint an expression names, here or imported; None for an application and for what cannot be told."""
        dotted = module.name(node)
        functions = [f for f in module.ancestors(node) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)]
        local = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
        for scope in [*(f"{f.name}." for f in functions), ""]:
            if (key := f"{module.path}:{scope}{local}") in self._all:
                return key
        return self._imported(dotted) if "." in dotted else None

    def prefixes(self, key: Key | None, depth: int = MAX_NESTING) -> list[tuple[str, bool]]:
        """The URL prefixes of everything on `key`, one for each place it is registered at, and whether each is the whole."""
        mount = self._all.get(key or "")
        if mount is None or depth == 0:
            return [("", True)]
        found = []
        for parent, given, is_given in mount.parents or [(None, None, False)]:
            own = given if is_given else mount.prefix
            for above, whole in self.prefixes(parent, depth - 1):
                seen = own is not None and (bool(mount.parents) or mount.is_api or self.complete)
                found.append((join(above, own or "").rstrip("/"), whole and seen))
        return list(dict.fromkeys(found))

    def registered(self, key: Key | None, depth: int = MAX_NESTING) -> bool:
        """Whether what hangs on `key` is reachable: False only where every registration is known and none names it."""
        mount = self._all.get(key or "")
        if mount is None or depth == 0 or not self.complete or (mount.is_api and not mount.parents):
            return True
        return any(self.registered(parent, depth - 1) for parent, _, _ in mount.parents)

    def hooks(self, key: Key | None, depth: int = MAX_NESTING) -> list[str]:
        """Names of what runs before every request to `key`, and of what is wrapped around that."""
        mount = self._all.get(key or "")
        if mount is None or depth == 0:
            return []
        above = [name for parent, _, _ in mount.parents for name in self.hooks(parent, depth - 1)]
        return [*self._hooks.get(key or "", []), *above]

    def _hook(self, module: Module) -> None:
        """`bp.before_request(require_login)`, and `@bp.before_request` with what else stands above the function."""
        for node in module.nodes(ast.Attribute):
            key = self.key(module, node.value) if node.attr == "before_request" else None
            if key is None:
                continue
            parent = module.parent(node)
            if isinstance(parent, ast.Call) and parent.func is node:
                self._hooks.setdefault(key, []).extend(module.name(argument) for argument in parent.args)
            elif isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [module.name(d) for d in parent.decorator_list if d is not node]
                self._hooks.setdefault(key, []).extend([*names, parent.name])

    def _imported(self, dotted: str, steps: int = 4) -> Key | None:
        found = self.repo.module_of(dotted)
        if found is None or not found[1] or steps == 0:
            return None
        module, name = found
        if (key := f"{module.path}:{name}") in self._all:
            return key
        head, _, rest = name.partition(".")
        source = module.imports.get(head)
        return self._imported(f"{source}.{rest}" if rest else source, steps - 1) if source else None

    def _find(self, module: Module) -> None:
        for target, value in module.assignments():
            name = module.name(value.func) if isinstance(value, ast.Call) else ""
            if isinstance(value, ast.Call) and isinstance(target, ast.Name | ast.Attribute) and MADE.search(name) and not NOT_ROUTES.search(name):
                around = module.function_around(target) if isinstance(target, ast.Name) else None
                scope = f"{around.name}." if around else ""
                is_api = name.endswith(("Api", "API"))
                self._all[f"{module.path}:{scope}{ast.unparse(target)}"] = Mount(self._own_prefix(module, value, name), is_api)

    def _own_prefix(self, module: Module, call: ast.Call, name: str) -> str | None:
        if name.lower().endswith("namespace"):
            given = keyword(call, "path")
            return self._text(module, given) if given else f"/{string(call.args[0]) or ''}" if call.args else None
        given = keyword(call, "url_prefix", "prefix")
        return self._text(module, given) if given else ""

    def _attach(self, module: Module) -> None:
        """`Api(blueprint)`, `api.namespace("x")`."""
        for target, value in module.assignments():
            if not (isinstance(value, ast.Call) and isinstance(target, ast.Name | ast.Attribute)):
                continue
            mount = self._all.get(self.key(module, target) or "")
            if mount is None:
                continue
            if isinstance(value.func, ast.Attribute) and value.func.attr == "namespace":
                mount.parents.append((self.key(module, value.func.value), None, False))
            elif mount.is_api and value.args:
                keys = [key for argument in value.args if (key := self.key(module, argument))]
                mount.parents.append((keys[0] if keys else None, None, False))

    def _register(self, module: Module, call: ast.Call) -> None:
        """`app.register_blueprint(bp, url_prefix="/x")`, `parent.register_blueprint(child)`, `api.add_namespace(ns, "/x")`."""
        parent = self.key(module, call.func.value) if isinstance(call.func, ast.Attribute) else None
        given = keyword(call, "url_prefix", "path") or (call.args[1] if len(call.args) > 1 else None)
        if not call.args and (named := keyword(call, "blueprint", "ns")) is None:
            return
        child = call.args[0] if call.args else named
        prefix = self._text(module, given) if given is not None else None
        pairs = list(self._children(module, child)) if child else []
        if not pairs:
            self.complete = False
        for key, own in pairs:
            has_own = own is not None and isinstance(given, ast.Name)
            self._all[key].parents.append((parent, own if has_own else prefix, given is not None))

    def _children(self, module: Module, child: ast.expr) -> Iterator[tuple[Key, str | None]]:
        """The blueprints an expression stands for: one by name, one a function makes, or each of the list that is looped over."""
        if key := self.key(module, child):
            yield key, None
        elif isinstance(child, ast.Call) and (found := definition(self.repo, module, module.name(child.func))):
            start = f"{found[0].path}:{found[1].name}."
            yield from ((key, None) for key in self._all if key.startswith(start))
        elif isinstance(child, ast.Name):
            for where, item in self._looped(module, child):
                parts = item.elts if isinstance(item, ast.Tuple | ast.List) else [item]
                prefix = next((text for text in map(string, parts) if text is not None), None)
                found_keys = [key for part in parts if (key := self.key(where, part))]
                self.complete &= bool(found_keys)
                yield from ((key, prefix) for key in found_keys)

    def _looped(self, module: Module, name: ast.Name) -> Iterator[tuple[Module, ast.expr]]:
        loop = next(
            (
                n
                for n in module.ancestors(name)
                if isinstance(n, ast.For) and any(isinstance(t, ast.Name) and t.id == name.id for t in walk(n.target))
            ),
            None,
        )
        if loop is None:
            return
        items, where = loop.iter, module
        if isinstance(items, ast.Name):
            values = module.constants.get(items.id, [])
            if not values and (found := self.repo.module_of(module.name(items))):
                where, values = found[0], found[0].constants.get(found[1], [])
            values = values or [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == items.id]
            items = values[0] if len(values) == 1 else items
        if isinstance(items, ast.List | ast.Tuple | ast.Set):
            yield from ((where, item) for item in items.elts)

    def _text(self, module: Module, node: ast.expr) -> str | None:
        value = self.repo.resolve(module, node).literal
        return "" if value is None and isinstance(node, ast.Constant) else value if isinstance(value, str) else None


def mounts(repo: Repo) -> Mounts:
    """All blueprints, APIs and namespaces of production code."""
    return Mounts(repo)


def join(prefix: str, path: str) -> str:
    """The URL rule below a prefix."""
    return f"/{prefix.strip('/')}/{path.lstrip('/')}" if prefix.strip("/") else path or "/"
