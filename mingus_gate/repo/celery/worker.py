"""Which modules a Celery worker loads before it takes its first task."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import celery_apps
from mingus_gate.repo.celery.settings import celery_settings
from mingus_gate.repo.deploy import commands
from mingus_gate.repo.python import Module, keyword, source_of, string
from mingus_gate.repo.startup import Running, Scope, running
from mingus_gate.repo.values import Value

WORKER_FILE = re.compile(r"(^|/)(celery_?worker|run_?celery|celery_?app|worker|tasks?_worker|celery_?tasks)\.py$")


@dataclass(frozen=True, slots=True)
class Worker:
    """What its modules run, and the expressions that name modules which cannot be seen."""

    running: Running
    hidden: tuple[str, ...]


def worker(repo: Repo) -> Worker:
    """The modules of the applications, of `celery -A …` commands, of `include` and `imports`, and all they load."""
    roots: list[tuple[Module, Scope]] = [(app.module, app.function or app.module.tree) for app in repo.fact(celery_apps)]
    named, hidden = _named(repo)
    started_with = [flag for command in repo.fact(commands) if command.program == "celery" and (flag := command.flag("-A", "--app"))]
    found = [found[0] for name in (*named, *started_with) if (found := repo.module_of(name.replace(":", ".")))]
    found += [module for module in repo.python(b"elery") if WORKER_FILE.search(module.path)]
    roots += [(module, module.tree) for module in found]
    started = running(repo, roots, generous=True)
    return Worker(started, (*hidden, *(source_of(call) for _, call in started.computed)))


def _named(repo: Repo) -> tuple[list[str], list[str]]:
    """The modules that `include`, `imports` and `autodiscover_tasks` name, and the expressions that hide some."""
    names: list[str] = []
    hidden: list[str] = []
    for setting in repo.fact(celery_settings):
        if setting.key in ("include", "imports"):
            names += _texts(setting.value)
            hidden += [setting.value.unresolved] if setting.value.unresolved else []
    for module, call in repo.calls("*.autodiscover_tasks"):
        packages, related = _packages(call), string(keyword(call, "related_name")) or "tasks"
        value = repo.resolve(module, packages) if packages is not None else Value()
        names += [name for package in _texts(value) for name in (f"{package}.{related}", package)]
        hidden += [value.unresolved] if value.unresolved else []
    return names, hidden


def _packages(call: ast.Call) -> ast.expr | None:
    node = call.args[0] if call.args else keyword(call, "packages")
    return node.body if isinstance(node, ast.Lambda) else node


def _texts(value: Value) -> Iterator[str]:
    for literal in value.literals:
        if isinstance(literal, str):
            yield literal
        elif isinstance(literal, list):
            yield from (item.literal for item in literal if isinstance(item.literal, str))
