"""Connections to databases, Redis and brokers on other hosts: whether their addresses and options ask for TLS."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.deploy import services
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.verification import for_redis

KEYS = (
    *("SQLALCHEMY_DATABASE_URI", "DATABASE_URL", "REDIS_URL", "CACHE_REDIS_URL"),
    *("CELERY_BROKER_URL", "BROKER_URL", "RATELIMIT_STORAGE_URI"),
)
SCHEMES = {"postgres", "postgresql", "mysql", "redis", "rediss", "amqp", "amqps"}


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to another host, and what shows whether it is encrypted and checked."""

    what: str
    place: Place
    encrypted: bool


def addresses(repo: Repo) -> list[tuple[Value, Place]]:
    """Every address of a database, Redis or broker that production is given, and where."""
    found = [(s.value, s.place) for s in settings(repo, *KEYS)]
    found += [(engine.url, engine.place) for engine in repo.fact(engines) if engine.url is not None]
    for service in repo.fact(services):
        found += [(Value((text,)), service.places.get(f"environment.{name}", service.place)) for name, text in service.environment.items()]
    return found


def connections(repo: Repo) -> list[Connection]:
    """Those connections of which the tree tells; an address that only the environment knows is none of them."""
    told = [connection for value, place in repo.fact(addresses) for connection in _addressed(value, place)]
    return sorted({*told, *_connect_args(repo), *_redis_unchecked(repo)}, key=lambda c: (c.place, c.what))


def _addressed(value: Value, place: Place) -> Iterator[Connection]:
    """Hosts without a dot are on the same machine or container network and left out."""
    for text in value.texts:
        try:
            url = urlsplit(text)
            host = url.hostname or ""
        except ValueError:
            continue
        scheme = url.scheme.partition("+")[0]
        if scheme in SCHEMES and _another_host(host):
            encrypted = scheme in ("rediss", "amqps") or bool(re.search(r"sslmode=(require|verify)|ssl(_ca|-mode)?=|ssl=true", url.query))
            yield Connection(f"{scheme} to another host {'over' if encrypted else 'without'} TLS", place, encrypted)


def _another_host(host: str) -> bool:
    private = re.match(r"(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0|::1)", host)
    placeholder = re.search(r"(^|\.)(example|test|invalid|local|localhost|internal|svc|cluster)(\.|$)", host)
    return "." in host and not private and not placeholder and not re.search(r"[${}<>%]", host)


def _connect_args(repo: Repo) -> Iterator[Connection]:
    for engine in repo.fact(engines):
        arguments = engine.options.get("connect_args")
        mode = arguments.literal.get("sslmode") if arguments and isinstance(arguments.literal, dict) else None
        if isinstance(mode, Value) and mode.literals:
            encrypted = mode.always(lambda v: v in ("require", "verify-ca", "verify-full"))
            yield Connection(f"sslmode is {mode.literals[0]}{'' if encrypted else ', which does not require TLS'}", engine.place, encrypted)


def _redis_unchecked(repo: Repo) -> Iterator[Connection]:
    for module in repo.python(b"ssl_cert_reqs", served=True):
        for node in (*module.nodes(ast.Attribute), *module.nodes(ast.Constant)):
            off = isinstance(node, ast.Constant) and node.value in (None, "none", "CERT_NONE")
            if (off or module.name(node) == "ssl.CERT_NONE") and for_redis(module, node):
                yield Connection("Redis' certificate is not checked (ssl_cert_reqs)", module.place(node), encrypted=False)
