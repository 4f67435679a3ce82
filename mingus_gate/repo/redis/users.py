"""Which Redis of the compose files evicts keys, and who keeps there what must not be lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.settings import celery_settings
from mingus_gate.repo.deploy import Service, services
from mingus_gate.repo.env.dotenv import env_files
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.limits.limiter import limiters
from mingus_gate.repo.values import Value

KEEPERS = {
    "broker_url": "Celery's queue",
    "SESSION_REDIS": "sessions",
    "RATELIMIT_STORAGE_URI": "rate limits",
    "RATELIMIT_STORAGE_URL": "rate limits",
}
POLICY = re.compile(r"maxmemory-policy[ =]+([a-z]+(?:-[a-z]+)?)")
ADDRESS = re.compile(r"(rediss?|valkeys?)://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Something that must not be evicted. `host` is where it is kept, or empty where only the environment knows."""

    what: str
    host: str
    place: Place


def keepers(repo: Repo) -> list[Keeper]:
    """Celery's broker, sessions and rate limits that are kept in Redis."""
    given = [(KEEPERS[s.key], s.value, s.place) for s in repo.fact(celery_settings) if s.key in KEEPERS]
    given += [(KEEPERS[s.key], s.value, s.place) for s in settings(repo, *KEEPERS)]
    given += [("rate limits", limiter.storage, limiter.storage_place) for limiter in repo.fact(limiters) if limiter.storage]
    return [Keeper(what, host, place) for what, value, place in given for host in sorted(set(_hosts(repo, value)))]


def _hosts(repo: Repo, value: Value) -> Iterator[str]:
    """The hosts an address can name: as compose files and env files set its variables, else as written; "" for an unknown one."""
    set_ = [text for name in value.env for text in _set(repo, name)]
    for text in set_ or [*value.texts]:
        if ADDRESS.match(text):
            yield _host(text)
    if not set_ and not value.texts:
        yield ""


def _set(repo: Repo, name: str) -> Iterator[str]:
    """What compose files give a variable; where none does, what env files for production and examples give."""
    composed = [s.environment[name] for s in repo.fact(services) if name in s.environment and not s.development]
    yield from composed or (e.value for file in repo.fact(env_files) if file.kind != "test" for e in file.lines.entries if e.key == name)


def _host(text: str) -> str:
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return ""
    return "" if re.search(r"[${}<>]", host) else host


def policy(service: Service) -> str:
    """The eviction policy a Redis is started with, or ""."""
    found = POLICY.search(" ".join((*service.entrypoint, *service.command)))
    return found[1] if found else ""
