"""How long a message may stay unacknowledged, and how long tasks keep theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, tasks_of
from mingus_gate.repo.celery.settings import settings_of
from mingus_gate.repo.env.dotenv import env_files
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import keyword
from mingus_gate.repo.values import Value

DEFAULT = 3600
"""Redis' visibility timeout where nothing else is said (docs.celeryq.dev, Using Redis)."""
REDIS = ("redis://", "rediss://", "redis+socket://", "sentinel://")


@dataclass(frozen=True, slots=True)
class Hold:
    """A message that is acknowledged only after `seconds`; `unresolved` is what hides the number."""

    what: str
    seconds: float | None
    place: Place
    unresolved: str = ""


def brokers(repo: Repo, app: CeleryApp) -> list[str]:
    """The addresses the broker may have, of a variable those in env files."""
    values = [setting.value for setting in settings_of(repo, app, "broker_url")]
    names = {name for value in values for name in value.env}
    given = [e.value for file in repo.fact(env_files) if file.kind != "test" for e in file.lines.entries if e.key in names]
    return [text for value in values for text in value.texts if text] + given


def on_redis(repo: Repo, app: CeleryApp) -> bool | None:
    """Whether the broker is Redis; None where that is not known."""
    found = [text.startswith(REDIS) for text in brokers(repo, app) if "://" in text]
    return any(found) if found else None


def visibility_timeout(repo: Repo, app: CeleryApp) -> Hold:
    for setting in settings_of(repo, app, "broker_transport_options"):
        options = setting.value.literal
        given = options.get("visibility_timeout") if isinstance(options, dict) else None
        if isinstance(given, Value):
            return Hold("visibility_timeout", most(given), setting.place, given.unresolved or ("" if most(given) is not None else "its value"))
        if not isinstance(options, dict):
            return Hold("visibility_timeout", None, setting.place, setting.value.unresolved or "broker_transport_options")
    return Hold("visibility_timeout", DEFAULT, app.place)


def late(repo: Repo, app: CeleryApp) -> Iterator[Hold]:
    """The tasks that are acknowledged when they are done, and how long they may run."""
    general = [s for s in settings_of(repo, app, "task_acks_late") if s.value.may_be(bool)]
    limits = settings_of(repo, app, "task_time_limit") or settings_of(repo, app, "task_soft_time_limit")
    for task in tasks_of(repo, app):
        own_word = task.option(repo, "acks_late")
        if not (own_word.may_be(bool) if own_word else general):
            continue
        own = task.option(repo, "time_limit", "soft_time_limit")
        value, place = (own, task.place) if own else (limits[0].value, limits[0].place) if limits else (None, task.place)
        seconds = most(value) if value else None
        yield Hold(f"{task.node.name} may run for", seconds, place, "" if seconds else (value.unresolved if value else "") or "no time limit")


def put_off(repo: Repo) -> Iterator[Hold]:
    """`apply_async(countdown=…)` and `retry(countdown=…)`: the worker holds the message until its time."""
    for module, call in repo.calls("*.apply_async", "*.retry"):
        node = keyword(call, "countdown")
        if node is not None and not only_for_tests(module, call):
            seconds = most(repo.resolve(module, node))
            if seconds is not None:
                yield Hold("a task is put off by", seconds, module.place(call))


def most(value: Value) -> float | None:
    """The largest number it may be; None where something is not known."""
    numbers = [v for v in value.literals if isinstance(v, int | float) and not isinstance(v, bool)]
    return max(numbers) if numbers and not value.unresolved else None
