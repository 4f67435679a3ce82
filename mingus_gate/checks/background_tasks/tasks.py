"""Whether each task ends, and beat finds it by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mingus_gate.checks.background_tasks.settings import LOOKED_FOR, SETTINGS, having_tasks, no_celery, shown, unseen_settings
from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, Task, celery_apps, retries, retry_limits, tasks, tasks_of
from mingus_gate.repo.celery.beat import BeatEntry, beat_entries
from mingus_gate.repo.celery.settings import settings_of
from mingus_gate.repo.deploy import commands
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.python import string

TIME_LIMITS = Rule(
    "background-tasks.time-limits",
    Severity.WARNING,
    "Every task has a time limit",
    "Set both for all tasks: `task_soft_time_limit = 240` and `task_time_limit = 300`.",
    LOOKED_FOR,
    "A task that waits for ever holds its worker process for ever; a few of them and no task runs any more, without an error anywhere.",
    f"{SETTINGS}#task-time-limit",
)
BOUNDED_RETRIES = Rule(
    "background-tasks.bounded-retries",
    Severity.WARNING,
    "Retries end",
    "Give it a number: `@app.task(max_retries=5, retry_backoff=True)`.",
    "tasks with `self.retry(` or `autoretry_for`",
    "With max_retries=None a message that can never succeed comes back for ever, and such messages add up until nothing else runs.",
    "https://docs.celeryq.dev/en/stable/userguide/tasks.html#Task.max_retries",
)
BEAT_NAMES = Rule(
    "background-tasks.beat-names",
    Severity.CRITICAL,
    "Every beat entry names a task that is registered",
    'Write the registered name: `"task": "app.tasks.send_report"`.',
    "`beat_schedule` and `add_periodic_task(`",
    "Beat sends whatever name it is given. The worker drops a message for a task it does not know; the job never runs and nobody is told.",
    "https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields",
)


def time_limits(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    started = next((c for c in repo.fact(commands) if c.program == "celery" and c.flag("--time-limit", "--soft-time-limit")), None)
    for app in having_tasks(repo):
        found = settings_of(repo, app, "task_time_limit", "task_soft_time_limit")
        if setting := next((s for s in found if s.value.always(lambda v: not v)), None):
            yield broken(f"{setting.key} is switched off", setting.place)
        elif found:
            yield holds(f"{found[0].key}={shown(found[0].value)} for every task", found[0].place)
        elif started:
            yield holds("the worker is started with a time limit", started.place)
        else:
            yield from _task_limits(repo, app)


def _task_limits(repo: Repo, app: CeleryApp) -> Iterator[Observation]:
    own = tasks_of(repo, app)
    endless = [t for t in own if not (limit := t.option(repo, "time_limit", "soft_time_limit")) or limit.always(lambda v: not v)]
    if endless and (stuck := unseen_settings(repo, app)):
        yield stuck
    elif endless:
        yield broken(f"{len(endless)} of {len(own)} tasks without a time limit, the first is {endless[0].node.name}", endless[0].place)
    else:
        yield holds(f"each of {len(own)} tasks has a time limit of its own", own[0].place)


def bounded_retries(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    retrying = [t for t in repo.fact(tasks) if "autoretry_for" in t.options or retries(t)]
    if repo.fact(celery_apps) and not retrying:
        yield from proven_absent(repo, "tasks with `self.retry(` or `autoretry_for`")
    for task in retrying:
        limits = retry_limits(repo, task)
        if not limits:
            yield holds(f"{task.node.name} gives up after 3 retries, Celery's default", task.place)
        elif any(limit.may_be(lambda v: v is None) for limit in limits):
            yield broken(f"{task.node.name} retries for ever (max_retries=None)", task.place)
        elif stuck := next((limit.unresolved for limit in limits if limit.unresolved), ""):
            yield unclear(f"max_retries is `{stuck}`", task.place)
        else:
            yield holds(f"{task.node.name} gives up after {shown(limits[0])} retries", task.place)


def beat_names(repo: Repo) -> Iterator[Observation]:
    entries = repo.fact(beat_entries)
    if not entries and not any(file.mentions(b"beat_schedule", b"BEAT_SCHEDULE") for file in repo.files(".py")):
        yield from proven_absent(repo, "`beat_schedule` and `add_periodic_task(`")
    for entry in entries:
        if entry.unresolved:
            yield unclear(f"the schedule holds `{entry.unresolved}`", entry.place)
        elif task := next((t for t in repo.fact(tasks) if _same(t, entry.task)), None):
            yield holds(f"{entry.task} is registered at {task.place}", entry.place)
        elif entry.task.startswith("celery."):
            yield holds(f"{entry.task} is one of Celery's own", entry.place)
        else:
            yield _unregistered(repo, entry)


def _same(task: Task, name: str) -> bool:
    """Whether a beat entry means this task. Celery names a task by the module as imported, and from where is not known."""
    return task.name == name or (not task.given and "." in name and (f".{task.name}".endswith(f".{name}") or f".{name}".endswith(f".{task.name}")))


def _unregistered(repo: Repo, entry: BeatEntry) -> Observation:
    known = repo.fact(tasks)
    module, _, last = entry.task.rpartition(".")
    if computed := next((t for t in known if t.unresolved), None):
        return unclear(f"{entry.task} may be the task at {computed.place}, whose name is `{computed.unresolved}`", entry.place)
    if not known or _named_elsewhere(repo, entry.task):
        return unclear(f"{entry.task} may be registered where we do not see it", entry.place)
    found = repo.module_of(module) if module else None
    if found and not found[1]:
        if renamed := next((t for t in known if t.given and t.node in found[0].named.get(last, [])), None):
            return broken(f"beat asks for {entry.task}, which is registered as {renamed.name}", entry.place)
        functions = [n for n in found[0].named.get(last, []) if isinstance(n, ast.ClassDef) or n.decorator_list]
        if functions or last in found[0].imports or "*" in found[0].imports:
            return unclear(f"{entry.task} is not made a task in a way we know", entry.place)
        return broken(f"beat asks for {entry.task}, but {found[0].path} has no such task", entry.place)
    head = entry.task.partition(".")[0]
    ours = (
        not module
        or any(t.name.startswith(f"{head}.") for t in known)
        or any(f.path.startswith((f"{head}/", f"{head}.py")) for f in repo.files(".py"))
    )
    if not ours:
        return unclear(f"{entry.task} may be registered by an installed package", entry.place)
    return broken(f"beat asks for {entry.task}, and no task has that name", entry.place)


def _named_elsewhere(repo: Repo, name: str) -> bool:
    """Whether the name is given to something by `name="…"`, which may make a task of it."""
    return any(
        (isinstance(node, ast.keyword) and node.arg == "name" and string(node.value) == name)
        or (isinstance(node, ast.Assign) and string(node.value) == name)
        for module in repo.python(name.encode())
        for node in (*module.nodes(ast.keyword), *module.nodes(ast.Assign))
    )


RULES = {
    TIME_LIMITS: time_limits,
    BOUNDED_RETRIES: bounded_retries,
    BEAT_NAMES: beat_names,
}
