"""Do queued tasks run, end and get noticed when they don't?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, Task, celery_apps, retries, retry_limits, tasks, tasks_of
from mingus_gate.repo.celery.beat import BeatEntry, beat_entries
from mingus_gate.repo.celery.delays import Hold, late, on_redis, put_off, visibility_timeout
from mingus_gate.repo.celery.one_app import same_broker, started_workers, with_tasks
from mingus_gate.repo.celery.settings import CelerySetting, hidden_settings, settings_of
from mingus_gate.repo.celery.worker import worker
from mingus_gate.repo.deploy import commands
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.python import string
from mingus_gate.repo.requirements import required
from mingus_gate.repo.values import Value

LOOKED_FOR = "`Celery(` and `@shared_task`"
SETTINGS = "https://docs.celeryq.dev/en/stable/userguide/configuration.html"

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
VISIBILITY_TIMEOUT = Rule(
    "background-tasks.visibility-timeout",
    Severity.WARNING,
    "Redis does not hand out a message again while its task still runs or waits",
    'Set it over the longest task and the longest wait: `broker_transport_options = {"visibility_timeout": 43200}`.',
    "a Redis broker, and tasks with `acks_late` or `countdown`",
    "A message that is not acknowledged within the visibility timeout (an hour unless told otherwise) is given to another worker as well: "
    "the task runs twice, and again every hour. Messages are kept so long by `acks_late`, and by tasks put off with `countdown`.",
    "https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout",
)

ONE_APP = Rule(
    "background-tasks.one-app",
    Severity.WARNING,
    "Tasks are sent through the application that the workers run",
    "Make one application, `celery = Celery(…)`, and import it where tasks are written; or write them with `@shared_task`.",
    "`Celery(` with tasks of its own, their brokers, and `celery -A … worker` in deploy files",
    "A task sends its messages to the broker of the application it is written for. Where no worker reads that one they pile up, without an error.",
    "https://docs.celeryq.dev/en/stable/userguide/application.html",
)

PICKLE = {"pickle", "application/x-python-serialize"}
BEFORE_4 = re.compile(r"(==|~=|\^)\s*[1-3]\.|<\s*([1-3]\b|4(\.0)*\s*(,|$))")
"""A specifier that keeps Celery under 4, whose workers take pickle unless told otherwise."""


def time_limits(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    started = next((c for c in repo.fact(commands) if c.program == "celery" and c.flag("--time-limit", "--soft-time-limit")), None)
    for app in _with_tasks(repo):
        found = settings_of(repo, app, "task_time_limit", "task_soft_time_limit")
        if setting := next((s for s in found if s.value.always(lambda v: not v)), None):
            yield broken(f"{setting.key} is switched off", setting.place)
        elif found:
            yield holds(f"{found[0].key}={_shown(found[0].value)} for every task", found[0].place)
        elif started:
            yield holds("the worker is started with a time limit", started.place)
        else:
            yield from _task_limits(repo, app)


def _task_limits(repo: Repo, app: CeleryApp) -> Iterator[Observation]:
    own = tasks_of(repo, app)
    endless = [t for t in own if not (limit := t.option(repo, "time_limit", "soft_time_limit")) or limit.always(lambda v: not v)]
    if endless and (stuck := _stuck(repo, app)):
        yield stuck
    elif endless:
        yield broken(f"{len(endless)} of {len(own)} tasks without a time limit, the first is {endless[0].node.name}", endless[0].place)
    else:
        yield holds(f"each of {len(own)} tasks has a time limit of its own", own[0].place)


def bounded_retries(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
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
            yield holds(f"{task.node.name} gives up after {_shown(limits[0])} retries", task.place)


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


def serializer(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    for app in _apps(repo):
        accepted = settings_of(repo, app, "accept_content")
        sent = [s.place for s in settings_of(repo, app, "task_serializer") if s.value.may_be(lambda v: v in PICKLE)]
        sent += [t.place for t in tasks_of(repo, app) if (own := t.option(repo, "serializer")) and own.may_be(lambda v: v in PICKLE)]
        if not accepted and (stuck := _stuck(repo, app)):
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
    yield from _none(repo)
    for app in _apps(repo):
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
    yield from _none(repo)
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
    yield from _none(repo)
    for app in _apps(repo):
        backend = next((s for s in settings_of(repo, app, "result_backend") if not s.value.always(lambda v: v in (None, "", "disabled"))), None)
        ignored = next((s for s in settings_of(repo, app, "task_ignore_result") if s.value.always(bool)), None)
        expiry = settings_of(repo, app, "result_expires")
        if ignored:
            yield holds("results are not kept (task_ignore_result=True)", ignored.place)
        elif backend is None:
            yield _stuck(repo, app) or absent("no result backend: looked for `backend=` and `result_backend`")
        elif not expiry:
            yield from _default_expiry(backend)
        elif expiry[0].value.may_be(lambda v: not v):
            yield broken(f"results are kept for ever (result_expires={_shown(expiry[0].value)})", expiry[0].place)
        elif expiry[0].value.unresolved:
            yield unclear(f"result_expires is `{expiry[0].value.unresolved}`", expiry[0].place)
        else:
            yield holds(f"results expire after {_shown(expiry[0].value)} s", expiry[0].place)


def _default_expiry(backend: CelerySetting) -> Iterator[Observation]:
    if any(text.startswith(("db+", "database")) for text in backend.value.texts):
        yield unclear("results in a database expire only where beat runs celery.backend_cleanup", backend.place)
    else:
        yield holds("results expire after a day, Celery's default", backend.place)


def visible(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    waits = list(put_off(repo))  # by which application is not known
    apps = _apps(repo)
    on = [app for app in apps if on_redis(repo, app)]
    unknown = next((app for app in apps if on_redis(repo, app) is None), None)
    running = {app: list(late(repo, app)) for app in on}
    if unknown and (waits or any(late(repo, unknown))):
        yield unclear("whether the broker is Redis is not known", unknown.place)
    elif not on or not (waits or any(running.values())):
        if apps:
            yield absent("not used here: looked for a Redis broker with `acks_late` tasks or tasks put off by `countdown`")
        return
    timeouts = [visibility_timeout(repo, app) for app in on]
    for app, timeout in zip(on, timeouts, strict=True):
        yield from _against(timeout, running[app])
    if timeouts and not unknown:
        yield from _against(max(timeouts, key=lambda t: float("inf") if t.seconds is None else t.seconds), waits)


def _against(timeout: Hold, kept: list[Hold]) -> Iterator[Observation]:
    seconds = timeout.seconds
    if kept and seconds is None:
        yield unclear(f"visibility_timeout is `{timeout.unresolved}`", timeout.place)
    if seconds is None:
        return
    known = [(hold.seconds, hold) for hold in kept if hold.seconds is not None]
    longer = {hold.place: hold for length, hold in known if length > seconds}
    for hold in longer.values():
        yield broken(f"{hold.what} {hold.seconds:g} s, longer than the visibility timeout of {seconds:g} s", hold.place)
    hidden = next((hold for hold in kept if hold.seconds is None), None)
    if hidden and not longer:
        yield unclear(f"how long {hidden.what.removesuffix(' for')} is not known: {hidden.unresolved}", hidden.place)
    elif known and not longer:
        longest = max(length for length, _ in known)
        yield holds(f"the visibility timeout of {seconds:g} s is over the longest task or wait, {longest:g} s", timeout.place)


def one_app(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    own = repo.fact(with_tasks)
    if len(own) == 1:
        yield holds(f"one application has {_number(repo, own[0])}", own[0].place)
    if len(own) < 2:
        return
    started = repo.fact(started_workers)
    run = [worker.app for worker in started if worker.app]
    for app in own:
        worker = next((worker for worker in started if worker.app and worker.app is not app), None)
        if app in run:
            yield holds(f"a worker runs the application of {_number(repo, app)}", app.place)
        elif worker is None or worker.app is None:
            yield unclear(f"{len(own)} applications have tasks, and which of them the workers run is not in the tree", app.place)
        elif len(run) < len(started) or (same := same_broker(repo, app, worker.app)) is None:
            yield unclear(f"whether the worker ({worker.place}) sees the broker of {_number(repo, app)} could not be told", app.place)
        elif same:
            yield holds(f"the broker of {_number(repo, app)} is the one that the worker reads", app.place)
        else:
            yield broken(f"the broker of {_number(repo, app)} is not the one that the worker ({worker.place}) reads", app.place)


def _number(repo: Repo, app: CeleryApp) -> str:
    count = sum(task.app is app for task in tasks_of(repo, app))
    return f"{count} task{'s' if count > 1 else ''}"


def _none(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(celery_apps) and not repo.fact(tasks):
        yield from proven_absent(repo, LOOKED_FOR)


def _with_tasks(repo: Repo) -> list[CeleryApp]:
    return [app for app in repo.fact(celery_apps) if tasks_of(repo, app)]


def _apps(repo: Repo) -> list[CeleryApp]:
    """The applications that have tasks; where none has, all of them."""
    return _with_tasks(repo) or repo.fact(celery_apps)


def _stuck(repo: Repo, app: CeleryApp) -> Observation | None:
    """Where the application is configured from what cannot be seen."""
    found = next((h for h in repo.fact(hidden_settings) if h.app is None or h.app is app), None)
    return unclear(f"Celery is configured from `{found.expression}`", found.place) if found else None


def _words(value: Value) -> list[str]:
    items = [item for literal in value.literals for item in (literal if isinstance(literal, list) else [Value((literal,))])]
    return [word for item in items for word in re.split(r"[,\s]+", str(item.literal)) if isinstance(item.literal, str)]


def _shown(value: Value) -> str:
    return str(value.literals[0]) if value.literals else f"${value.env[0]}" if value.env else f"`{value.unresolved}`"


CHECK = Check(
    "background-tasks",
    "Background tasks",
    "Do queued tasks run, end and get noticed when they don't?",
    weight=2,
    static={
        TIME_LIMITS: time_limits,
        BOUNDED_RETRIES: bounded_retries,
        BEAT_NAMES: beat_names,
        SERIALIZER: serializer,
        NOT_EAGER: not_eager,
        IMPORTED: imported,
        RESULTS_EXPIRE: results_expire,
        VISIBILITY_TIMEOUT: visible,
        ONE_APP: one_app,
    },
)
