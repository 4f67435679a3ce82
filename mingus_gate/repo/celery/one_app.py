"""Which Celery application the workers run, and the tasks that are registered on another."""

from __future__ import annotations

from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, celery_apps, owner_of, tasks_of
from mingus_gate.repo.celery.settings import settings_of
from mingus_gate.repo.celery.worker import WORKER_FILE
from mingus_gate.repo.deploy import commands
from mingus_gate.repo.python import Module

OVER_ALL = "CELERY_BROKER_URL"
USUAL = ("celery", "app", "celery_app")
"""The names that `celery -A module` looks for in the module; in any order of ours, for one of them is there."""


@dataclass(frozen=True, eq=False)
class Started:
    """A worker that deploy files or a worker's own file start: where, and the application it runs (None where that was not found)."""

    place: Place
    app: CeleryApp | None


def started_workers(repo: Repo) -> list[Started]:
    """What runs tasks: `celery -A … worker` of deploy files, and where there is none, the file made for a worker to load."""
    found: dict[Place, Started] = {}
    for command in repo.fact(commands):
        if command.program == "celery" and "worker" in command.argv:
            name = command.flag("-A", "--app") or ""
            found.setdefault(command.place, Started(command.place, _named(repo, name.replace(":", "."))))
    if not found:
        for module in repo.python(b"elery"):
            app = next((a for name in USUAL if (a := owner_of(repo, module, name))), None) if WORKER_FILE.search(module.path) else None
            if app is not None:
                found[Place(module.path)] = Started(Place(module.path), app)
    return list(found.values())


def _named(repo: Repo, dotted: str) -> CeleryApp | None:
    """The application that `-A` means: a name in a module, or what the module or its `celery.py` calls its own."""
    found = repo.module_of(dotted) if dotted else None
    if found is None:
        return None
    module, rest = found
    inner = repo.module_of(f"{module.dotted}.celery")
    modules: list[Module] = [module, *([inner[0]] if inner and not inner[1] else [])]
    names = (rest,) if rest else USUAL
    return next((app for each in modules for name in names if (app := owner_of(repo, each, name))), None)


def same_broker(repo: Repo, app: CeleryApp, other: CeleryApp) -> bool | None:
    """Whether two applications send to one broker: by the same variable or the same text; None where that cannot be told.

    CELERY_BROKER_URL counts for every application, whatever its own code says: Celery reads it first.
    """
    mine, theirs = ([s.value for s in settings_of(repo, each, "broker_url") if s.value.literals != (None,)] for each in (app, other))
    if any(OVER_ALL in value.env for value in (*mine, *theirs)):
        return True
    if not mine or not theirs or any(value.unresolved for value in (*mine, *theirs)):
        return None
    if set(mine[0].env) & set(theirs[0].env):
        return True
    return None if mine[0].env or theirs[0].env else mine[0].literals == theirs[0].literals


def with_tasks(repo: Repo) -> list[CeleryApp]:
    """The applications that tasks of the tree are registered on."""
    return [app for app in repo.fact(celery_apps) if any(task.app is app for task in tasks_of(repo, app))]
