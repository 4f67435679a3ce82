"""Celery as facts: applications, and the tasks with the names they are registered under."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.python import Function, Module, keyword, walk
from mingus_gate.repo.values import Value

MAKES_APP = re.compile(r"(^|.*\.)(\w*celery\w*\.)+(\w+\.)*\w*Celery(Ext)?$")
"""`celery.Celery`, and what wraps it: `notifications_utils.celery.NotifyCelery`, `flask_celeryext.FlaskCeleryExt`."""

DECORATORS = {"task", "periodic_task", "shared_task"}
SHARED = {"celery.shared_task", "celery.task", "celery.task.task", "celery.decorators.task"}


@dataclass(frozen=True, eq=False)
class CeleryApp:
    """A `Celery(...)` call. `name` is what it is bound to at module level, or the function that makes it, or empty."""

    module: Module
    call: ast.Call
    name: str

    @cached_property
    def place(self) -> Place:
        return self.module.place(self.call)

    @cached_property
    def function(self) -> Function | None:
        """The function that makes it."""
        return self.module.function_around(self.call)


@dataclass(frozen=True, eq=False)
class Task:
    """One task. `name` is what it is registered under, or empty where that is computed (`unresolved` then).

    `given` is False where Celery makes the name of module and function. `app` is None for `@shared_task` and where
    the application was not found. `options` are the decorator's keywords, or the class's attributes.
    """

    module: Module
    node: Function | ast.ClassDef
    name: str
    given: bool
    app: CeleryApp | None
    options: dict[str, ast.expr]
    unresolved: str = ""

    @cached_property
    def place(self) -> Place:
        return self.module.place(self.node)

    def option(self, repo: Repo, *names: str) -> Value | None:
        """What one of the options is set to, by the decorator or by the class given as `base=`."""
        node = next((self.options[name] for name in names if name in self.options), None)
        if node is not None:
            return repo.resolve(self.module, node)
        base = definition(repo, self.module, self.module.name(self.options.get("base")))
        inherited = attributes(base[1]) if base and isinstance(base[1], ast.ClassDef) else {}
        return next((repo.resolve(base[0], inherited[name]) for name in names if base and name in inherited), None)


def celery_apps(repo: Repo) -> list[CeleryApp]:
    """Every Celery application of production code, in path and line order."""
    inherited = {
        node.name
        for module in repo.python(b"Celery)")
        for node in module.nodes(ast.ClassDef)
        if any(MAKES_APP.match(module.name(base)) for base in node.bases)
    }
    return [
        CeleryApp(module, call, _bound(module, call))
        for module in repo.python(b"Celery")
        for call in module.nodes(ast.Call)
        if MAKES_APP.match(name := module.name(call.func)) or name.rpartition(".")[2] in inherited
    ]


def _bound(module: Module, call: ast.Call) -> str:
    if (function := module.function_around(call)) is not None:
        return function.name
    parent = module.parent(call)
    targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target] if isinstance(parent, ast.AnnAssign) else []
    return next((t.id for t in targets if isinstance(t, ast.Name)), "")


def tasks(repo: Repo) -> list[Task]:
    """Every Celery task of production code, in path and line order."""
    found: list[Task] = []
    for module in repo.python(b"task", b"Task"):
        if b"celery" not in module.file.data.lower() and not repo.fact(celery_apps):
            continue
        found += _decorated(repo, module)
        found += _classes(repo, module)
    return sorted(found, key=lambda task: task.place)


def _decorated(repo: Repo, module: Module) -> Iterator[Task]:
    for function in module.functions:
        for decorator in function.decorator_list:
            dotted = module.name(decorator)
            owner, _, last = dotted.rpartition(".")
            if last not in DECORATORS:
                continue
            app = owner_of(repo, module, owner)
            if dotted not in SHARED and app is None and "celery" not in owner.lower():
                continue
            options = {k.arg: k.value for k in decorator.keywords if k.arg} if isinstance(decorator, ast.Call) else {}
            yield _task(repo, module, function, app, options)


def _task(repo: Repo, module: Module, node: Function | ast.ClassDef, app: CeleryApp | None, options: dict[str, ast.expr]) -> Task:
    if "name" not in options:
        return Task(module, node, f"{module.dotted}.{node.name}", False, app, options)
    value = repo.resolve(module, options["name"])
    name = value.literal if isinstance(value.literal, str) else ""
    return Task(module, node, name, True, app, options, "" if name else value.unresolved or "its name")


def _classes(repo: Repo, module: Module) -> Iterator[Task]:
    """Class-based tasks: a class with `run` and a name of its own."""
    for node in module.nodes(ast.ClassDef):
        if any(re.search(r"celery.*\bTask$|^Task$", module.name(base)) for base in node.bases):
            options = attributes(node)
            if "name" in options and any(isinstance(n, ast.FunctionDef) and n.name == "run" for n in node.body):
                yield _task(repo, module, node, None, options)


def tasks_of(repo: Repo, app: CeleryApp) -> list[Task]:
    """The application's tasks; a task whose application is not known belongs to the first."""
    first = repo.fact(celery_apps)[0]
    return [t for t in repo.fact(tasks) if t.app is app or (t.app is None and app is first)]


def retries(task: Task) -> list[ast.Call]:
    """The calls of `self.retry(…)` in a task."""
    return [n for n in walk(task.node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr == "retry"]


def retry_limits(repo: Repo, task: Task) -> list[Value]:
    """What bounds each retry: that of the call, of `retry_kwargs`, else of the task; [] where that is Celery's default."""
    own = task.option(repo, "max_retries")
    given = [repo.resolve(task.module, node) for call in retries(task) if (node := keyword(call, "max_retries"))]
    found = [value for value in given if value.literals != (None,)]  # None in the call means the task's own
    automatic = task.option(repo, "retry_kwargs") if "autoretry_for" in task.options else None
    if automatic and isinstance(automatic.literal, dict) and (value := automatic.literal.get("max_retries")) and value.literals != (None,):
        found.append(value)
    calls = len(retries(task)) + ("autoretry_for" in task.options)
    return found + ([own] if own and len(found) < calls else [])


def attributes(node: ast.ClassDef) -> dict[str, ast.expr]:
    """The names that a class body gives values."""
    plain = {t.id: n.value for n in node.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return plain | {n.target.id: n.value for n in node.body if isinstance(n, ast.AnnAssign) and n.value and isinstance(n.target, ast.Name)}


def owner_of(repo: Repo, module: Module, dotted: str, steps: int = 5) -> CeleryApp | None:
    """The application that a name in `module` means: bound to the call, to a function that makes it, or imported."""
    apps = repo.fact(celery_apps)
    head, _, rest = dotted.partition(".")
    for app in apps:
        if app.module is module and head and (app.name == head or _local(app, head)):
            return app
    for value in module.constants.get(head, []) if not rest else []:
        if isinstance(value, ast.Call) and (made := definition(repo, module, module.name(value.func))):
            return next((app for app in apps if app.function is made[1]), None)
        if isinstance(value, ast.Name | ast.Attribute) and steps:
            return owner_of(repo, module, module.name(value), steps - 1)
    source = f"{module.imports[head]}.{rest}".rstrip(".") if head in module.imports else dotted
    found = repo.module_of(source) if steps and source else None
    return owner_of(repo, found[0], found[1], steps - 1) if found and found[1] and found[0] is not module else None


def _local(app: CeleryApp, name: str) -> bool:
    """Whether the function that makes the application calls it `name`, or keeps it as `self.name`."""
    parent = app.module.parent(app.call)
    return isinstance(parent, ast.Assign) and any(app.module.name(t).rpartition(".")[2] == name for t in parent.targets)
