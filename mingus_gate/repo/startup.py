"""What runs when some modules are imported: the modules they load and the functions those call, told by reading."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import Found, called, method
from mingus_gate.repo.python import Function, Module, string, walk

Scope = ast.Module | Function
Step = ast.Import | ast.ImportFrom | ast.Call

AT_START = {"connect", "connect_via", "before_first_request", "before_app_first_request"}
"""Decorators whose function runs by itself once the process is up."""

COMMON = {"get", "update", "append", "add", "run", "set", "items", "join", "format", "execute", "info", "error", "debug", "warning"}
"""Methods so common that their name alone says nothing."""

LOADERS = {"import_module", "import_string", "find_modules", "__import__", "iter_modules", "walk_packages", "load_module"}


@dataclass(eq=False)
class Running:
    """What importing the roots runs: `modules` by path, and `scopes`, the bodies that run: modules' and functions'.

    `computed` are the calls that import modules whose names cannot be seen, `methods` those of the modules by name.
    """

    modules: dict[str, Module] = field(default_factory=dict)
    scopes: set[Scope] = field(default_factory=set)
    computed: list[tuple[Module, ast.Call]] = field(default_factory=list)
    methods: dict[str, list[tuple[Module, Scope]]] = field(default_factory=dict)

    def load(self, module: Module) -> None:
        """Notes that a module is imported."""
        if module.path not in self.modules:
            self.modules[module.path] = module
            for function in module.functions:
                if isinstance(module.parent(function), ast.ClassDef):
                    self.methods.setdefault(function.name, []).append((module, function))

    def runs(self, module: Module, node: ast.AST) -> bool:
        """Whether a statement or call of `module` runs, as far as the body it stands in does."""
        return (module.function_around(node) or module.tree) in self.scopes and not guarded(module, node)


def running(repo: Repo, roots: Iterable[tuple[Module, Scope]], *, generous: bool = False) -> Running:
    """What runs when the bodies in `roots` do. `generous` follows a method whose owner is not known to every method of that name."""
    found = Running()
    waiting = list(roots)
    while waiting:
        module, scope = waiting.pop()
        if scope in found.scopes:
            continue
        found.scopes.add(scope)
        if isinstance(scope, ast.Module):
            found.load(module)
            waiting += [(module, f) for f in module.functions if any(module.name(d).rpartition(".")[2] in AT_START for d in f.decorator_list)]
        else:
            waiting.append((module, module.tree))
        for node in module.fact(_bodies).get(scope, ()):
            if isinstance(node, ast.Call):
                waiting += _called(repo, module, node, found, generous)
            else:
                waiting += ((m, m.tree) for m in repo.fact(_loaded, module, node))
    return found


def guarded(module: Module, node: ast.AST) -> bool:
    """Whether it stands below `if __name__ == "__main__"` or `if TYPE_CHECKING`."""
    guards = module.fact(_guards)
    return bool(guards) and any(above in guards for above in module.ancestors(node))


def _guards(module: Module) -> set[ast.AST]:
    return {node for node in module.nodes(ast.If) if any(isinstance(n, ast.Name) and n.id in ("__name__", "TYPE_CHECKING") for n in walk(node.test))}


def _bodies(module: Module) -> dict[Scope, list[Step]]:
    """The imports and calls of each body: those that run with it, not with a function inside of it."""
    found: dict[Scope, list[Step]] = {}
    steps: list[Step] = [*module.nodes(ast.Import), *module.nodes(ast.ImportFrom), *module.nodes(ast.Call)]
    for node in steps:
        if not guarded(module, node):
            found.setdefault(module.function_around(node) or module.tree, []).append(node)
    return found


def _imported(module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        base = module.import_base(node)
        yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)


def _loaded(repo: Repo, importer: Module, node: ast.Import | ast.ImportFrom) -> list[Module]:
    return [module for name in _imported(importer, node) for module in _modules(repo, importer, name)]


def _modules(repo: Repo, importer: Module, dotted: str) -> Iterator[Module]:
    """The modules of the tree that importing `dotted` loads: itself and the packages above it.

    A name of one part is often that of an installed package (`celery`): it means a file at the root or beside the importer.
    """
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        file = repo.python_file(parts[:length])
        if file is None or (length == 1 and file.path.removesuffix("/__init__.py").rpartition("/")[0] not in ("", importer.path.rpartition("/")[0])):
            continue
        folders = file.path.removesuffix("/__init__.py").split("/")[:-1]
        packages = [repo.file("/".join([*folders[: len(folders) - up], "__init__.py"])) for up in range(length - 1)]
        yield from (module for found in (file, *packages) if found and (module := repo.module(found)))
        return


def _target(repo: Repo, module: Module, call: ast.Call) -> Found | None:
    found = called(repo, module, call)
    return method(repo, found[0], found[1], "__init__") if found and isinstance(found[1], ast.ClassDef) else found


def _called(repo: Repo, module: Module, call: ast.Call, found: Running, generous: bool) -> Iterator[tuple[Module, Scope]]:
    name = module.name(call.func)
    owner, _, last = name.rpartition(".")
    if last in LOADERS:
        text = string(call.args[0]) if call.args else None
        loaded = list(_modules(repo, module, text)) if text else []
        if not loaded:
            found.computed.append((module, call))
        yield from ((m, m.tree) for m in loaded)
        return
    target = repo.fact(_target, module, call)
    if target and not isinstance(target[1], ast.ClassDef):
        yield target[0], target[1]
    elif target is None and generous and owner and last not in COMMON:
        yield from found.methods.get(last, ())
