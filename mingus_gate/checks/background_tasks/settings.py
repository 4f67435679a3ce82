"""Whether workers are set to take safe messages, run tasks themselves, know them all and forget old results."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, Task, celery_apps, tasks, tasks_of
from mingus_gate.repo.celery.settings import CelerySetting, hidden_settings, settings_of
from mingus_gate.repo.celery.worker import worker
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.requirements import required
from mingus_gate.repo.values import Value

LOOKED_FOR = "`Celery(` and `@shared_task`"
SETTINGS = "https://docs.celeryq.dev/en/stable/userguide/configuration.html"

SERIALIZER = Rule(
    "background-tasks.serializer",
    Severity.CRITICAL,
    "Workers do not unpickle messages",
    'Speak JSON alone: `task_serializer = "json"`, `result_serializer = "json"` and `accept_content = ["json"]`.',
    LOOKED_FOR,
    "Unpickling runs code that the message brings along: who can write to the broker then runs code in every worker.",
    "https://docs.celeryq.dev/en/stable/userguide/security.html#serializers",
)
NOT_EAGER = Rule(
    "background-tasks.not-eager",
    Severity.CRITICAL,
    "Tasks go to the workers, not into the request",
    "Delete `task_always_eager = True`, or move it to the test configuration.",
    LOOKED_FOR,
    "An eager task runs inside the web request that should only have queued it: slow, without retry, and lost when the request is.",
    f"{SETTINGS}#task-always-eager",
)
IMPORTED = Rule(
    "background-tasks.imported",
    Severity.WARNING,
    "The worker imports every module with tasks",
    'Name the module: `Celery("app", include=["app.tasks"])`.',
    LOOKED_FOR,
    "A task exists for the worker only once its module is imported there. Otherwise its messages are dropped as unregistered, "
    "though the web process queues them happily.",
    f"{SETTINGS}#imports",
)
RESULTS_EXPIRE = Rule(
    "background-tasks.results-expire",
    Severity.INFO,
    "Results of tasks do not pile up",
    "Keep them for an hour, `result_expires = 3600`, or not at all: `task_ignore_result = True`.",
    "a result backend",
    "Results that never expire fill the store that the broker or the cache may share.",
    f"{SETTINGS}#result-expires",
)

PICKLE = {"pickle", "application/x-python-serialize"}
BEFORE_4 = re.compile(r"(==|~=|\^)\s*[1-3]\.|<\s*([1-3]\b|4(\.0)*\s*(,|$))")
"""A specifier that keeps Celery under 4, whose workers take pickle unless told otherwise."""


def serializer(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    for app in applications(repo):
        accepted = settings_of(repo, app, "accept_content")
        sent = [s.place for s in settings_of(repo, app, "task_serializer") if s.value.may_be(lambda v: v in PICKLE)]
        sent += [t.place for t in tasks_of(repo, app) if (own := t.option(repo, "serializer")) and own.may_be(lambda v: v in PICKLE)]
        if not accepted and (stuck := unseen_settings(repo, app)):
            yield stuck
        elif not accepted and sent:
            yield broken("tasks are sent as pickle", sent[0])
        elif not accepted and (celery := required(repo, "celery")) and BEFORE_4.search(celery.specifier):
            yield broken(f"the workers unpickle messages, the default before Celery 4 ({celery.place})", app.place)
        elif not accepted:
            yield holds("only JSON is accepted, the default since Celery 4", app.place)
        for setting in accepted:
            yield _accepts(setting)


def _accepts(setting: CelerySetting) -> Observation:
    words = _words(setting.value)
    if PICKLE & set(words):
        return broken("the workers unpickle messages (accept_content holds pickle)", setting.place)
    if setting.value.unresolved or not words:
        return unclear(f"accept_content is `{setting.value.unresolved or 'not readable'}`", setting.place)
    return holds(f"accept_content={words}", setting.place)


def not_eager(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    for app in applications(repo):
        eager = settings_of(repo, app, "task_always_eager")
        broker = next((s for s in settings_of(repo, app, "broker_url") if not s.value.always(lambda v: not v)), None)
        for setting in eager:
            if setting.value.may_be(bool):
                when = f" unless {' and '.join(setting.value.env)} says otherwise" if setting.value.env else ""
                yield broken(f"tasks run inside the request (task_always_eager is True{when})", setting.place)
            elif setting.value.unresolved:
                yield unclear(f"task_always_eager is `{setting.value.unresolved}`", setting.place)
            else:
                yield holds("task_always_eager is False", setting.place)
        if not eager and broker:
            yield holds("tasks go to a broker, and task_always_eager is left off", broker.place)


def imported(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    if not repo.fact(celery_apps):
        return
    by_path: dict[str, list[Task]] = {}
    for task in repo.fact(tasks):
        by_path.setdefault(task.module.path, []).append(task)
    started = repo.fact(worker)
    for path, found in by_path.items():
        if not found[0].module.file.name.removesuffix(".py").isidentifier():
            continue  # a script: nothing can import it
        if path in started.running.modules:
            yield holds(f"the worker imports {path} with {len(found)} tasks", found[0].place)
        elif started.hidden:
            yield unclear(f"what the worker imports is computed: `{started.hidden[0]}`", found[0].place)
        else:
            yield broken(f"no worker imports {path}: its {_tasks_named(found)} not be known there", found[0].place)


def _tasks_named(found: list[Task]) -> str:
    return f"task {found[0].node.name} will" if len(found) == 1 else f"{len(found)} tasks will"


def results_expire(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    for app in applications(repo):
        backend = next((s for s in settings_of(repo, app, "result_backend") if not s.value.always(lambda v: v in (None, "", "disabled"))), None)
        ignored = next((s for s in settings_of(repo, app, "task_ignore_result") if s.value.always(bool)), None)
        expiry = settings_of(repo, app, "result_expires")
        if ignored:
            yield holds("results are not kept (task_ignore_result=True)", ignored.place)
        elif backend is None:
            yield unseen_settings(repo, app) or absent("no result backend: looked for `backend=` and `result_backend`")
        elif not expiry:
            yield from _default_expiry(backend)
        elif expiry[0].value.may_be(lambda v: not v):
            yield broken(f"results are kept for ever (result_expires={shown(expiry[0].value)})", expiry[0].place)
        elif expiry[0].value.unresolved:
            yield unclear(f"result_expires is `{expiry[0].value.unresolved}`", expiry[0].place)
        else:
            yield holds(f"results expire after {shown(expiry[0].value)} s", expiry[0].place)


def _default_expiry(backend: CelerySetting) -> Iterator[Observation]:
    if any(text.startswith(("db+", "database")) for text in backend.value.texts):
        yield unclear("results in a database expire only where beat runs celery.backend_cleanup", backend.place)
    else:
        yield holds("results expire after a day, Celery's default", backend.place)


def no_celery(repo: Repo) -> Iterator[Observation]:
    """That the rules do not apply, where nothing is made of Celery."""
    if not repo.fact(celery_apps) and not repo.fact(tasks):
        yield from proven_absent(repo, LOOKED_FOR)


def having_tasks(repo: Repo) -> list[CeleryApp]:
    """The applications that tasks are, or may be, registered on."""
    return [app for app in repo.fact(celery_apps) if tasks_of(repo, app)]


def applications(repo: Repo) -> list[CeleryApp]:
    """The applications that have tasks; where none has, all of them."""
    return having_tasks(repo) or repo.fact(celery_apps)


def unseen_settings(repo: Repo, app: CeleryApp) -> Observation | None:
    """Where the application is configured from what cannot be seen."""
    found = next((h for h in repo.fact(hidden_settings) if h.app is None or h.app is app), None)
    return unclear(f"Celery is configured from `{found.expression}`", found.place) if found else None


def _words(value: Value) -> list[str]:
    items = [item for literal in value.literals for item in (literal if isinstance(literal, list) else [Value((literal,))])]
    return [word for item in items for word in re.split(r"[,\s]+", str(item.literal)) if isinstance(item.literal, str)]


def shown(value: Value) -> str:
    """A value in a message: what is written, or what it comes from."""
    return str(value.literals[0]) if value.literals else f"${value.env[0]}" if value.env else f"`{value.unresolved}`"


RULES = {
    SERIALIZER: serializer,
    NOT_EAGER: not_eager,
    IMPORTED: imported,
    RESULTS_EXPIRE: results_expire,
}
