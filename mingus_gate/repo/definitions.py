"""Where the names of the tree are defined, followed through imports, instances and re-exports."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, string, walk

Definition = Function | ast.ClassDef
Found = tuple[Module, Definition]
MAX_STEPS = 6
"""Files followed before we give up; re-exports of re-exports need three or four."""


def definition(repo: Repo, module: Module, dotted: str, steps: int = MAX_STEPS) -> Found | None:
    """The function or class that a dotted name in `module` stands for: `view`, `views.login`, `Class.method`, `service.check`."""
    if not dotted or steps <= 0:
        return None
    name, _, rest = dotted.partition(".")
    for node in module.named.get(name, []):
        if not isinstance(module.parent(node), ast.ClassDef):
            return _attribute(repo, module, node, rest, steps) if rest else (module, node)
    if rest and (owner := _instance_of(repo, module, name, steps)):
        return _attribute(repo, *owner, rest, steps)
    if steps < MAX_STEPS and (source := module.imports.get(name)):
        dotted = f"{source}.{rest}" if rest else source
    found = repo.module_of(dotted)
    if found is None or not found[1] or found[0] is module:
        return None
    return definition(repo, *found, steps - 1)


def method(repo: Repo, module: Module, node: ast.ClassDef, name: str, steps: int = MAX_STEPS) -> Found | None:
    """The method `name` of a class or of the classes of the tree it inherits from."""
    for owner_module, owner in lineage(repo, module, node, steps):
        for item in owner.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == name:
                return owner_module, item
    return None


def lineage(repo: Repo, module: Module, node: ast.ClassDef, steps: int = MAX_STEPS) -> Iterator[tuple[Module, ast.ClassDef]]:
    """A class and those of the tree it inherits from, nearest first."""
    yield module, node
    for base in node.bases if steps > 1 else []:
        found = definition(repo, module, module.name(base), steps - 1)
        if found and isinstance(found[1], ast.ClassDef) and found[1] is not node:
            yield from lineage(repo, found[0], found[1], steps - 1)


def called(repo: Repo, module: Module, call: ast.Call) -> Found | None:
    """The function of the tree that a call runs; of `self.check()`, the method of the class around it."""
    dotted = module.name(call.func)
    head, _, rest = dotted.partition(".")
    if head in ("self", "cls") and rest and "." not in rest:
        owner = module.enclosing(call, ast.ClassDef)
        return method(repo, module, owner, rest) if owner else None
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):  # Class().method()
        dotted = f"{module.name(call.func.value.func)}.{call.func.attr}"
    return definition(repo, module, dotted) or _of_local(repo, module, call, head, rest)


def reached(repo: Repo, module: Module, start: ast.AST, depth: int = 2) -> Iterator[tuple[Module, ast.AST]]:
    """`start` and the bodies of the functions of the tree that it calls, `depth` calls deep."""
    seen: set[ast.AST] = {start}
    waiting: list[tuple[Module, ast.AST, int]] = [(module, start, depth)]
    while waiting:
        where, node, left = waiting.pop(0)
        yield where, node
        for call in calls_in(node) if left else []:
            for run in (called(repo, where, call), *_handed(repo, where, call)):
                found = method(repo, run[0], run[1], "__init__") if run and isinstance(run[1], ast.ClassDef) else run
                if found and found[1] not in seen:
                    seen.add(found[1])
                    waiting.append((*found, left - 1))


def _handed(repo: Repo, module: Module, call: ast.Call) -> Iterator[Found]:
    """The functions of the tree that a call is given, and will run: `measure(ask_database)`."""
    for argument in (*call.args, *(word.value for word in call.keywords)):
        if isinstance(argument, ast.Name | ast.Attribute):
            found = definition(repo, module, module.name(argument))
            if found and not isinstance(found[1], ast.ClassDef):
                yield found


def calls_in(node: ast.AST) -> list[ast.Call]:
    """The calls in a function's body; its decorators are not part of it."""
    body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else [node]
    return [inner for statement in body for inner in walk(statement) if isinstance(inner, ast.Call)]


def texts_in(node: ast.AST) -> list[str]:
    return [text for inner in walk(node) if (text := string(inner)) is not None]


def _attribute(repo: Repo, module: Module, node: Definition, rest: str, steps: int) -> Found | None:
    return method(repo, module, node, rest, steps - 1) if isinstance(node, ast.ClassDef) and "." not in rest else None


def _instance_of(repo: Repo, module: Module, name: str, steps: int) -> tuple[Module, ast.ClassDef] | None:
    """The class that `name = Class(…)` at module level makes it an instance of."""
    for value in module.constants.get(name, [])[-1:]:
        if isinstance(value, ast.Call):
            found = definition(repo, module, module.name(value.func), steps - 1)
            if found and isinstance(found[1], ast.ClassDef):
                return found[0], found[1]
    return None


def _of_local(repo: Repo, module: Module, call: ast.Call, name: str, rest: str) -> Found | None:
    """`service = Service()` in the function around the call, then `service.check()`."""
    function = module.function_around(call)
    if function is None or not rest or "." in rest:
        return None
    for node in walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            found = definition(repo, module, module.name(node.value.func))
            if found and isinstance(found[1], ast.ClassDef):
                return method(repo, found[0], found[1], rest)
    return None
