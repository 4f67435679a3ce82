"""Whether the broker gives each task to one worker, once."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.checks.background_tasks.settings import applications, no_celery
from mingus_gate.model import Observation, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, tasks_of
from mingus_gate.repo.celery.delays import Hold, late, on_redis, put_off, visibility_timeout
from mingus_gate.repo.celery.one_app import same_broker, started_workers, with_tasks

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


def visible(repo: Repo) -> Iterator[Observation]:
    yield from no_celery(repo)
    waits = list(put_off(repo))  # by which application is not known
    apps = applications(repo)
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
    yield from no_celery(repo)
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


RULES = {
    VISIBILITY_TIMEOUT: visible,
    ONE_APP: one_app,
}
