"""Redis as facts: every address and client, and what is known of its password and encryption."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.settings import celery_settings
from mingus_gate.repo.flask.app import all_settings, only_for_tests, settings
from mingus_gate.repo.python import Module, keyword, unpacks, walk
from mingus_gate.repo.values import Value

ADDRESS = re.compile(r"(rediss?|valkeys?|unix)(\+\w+)?://", re.IGNORECASE)
NAMED = re.compile(r"REDIS\w*(URL|URI|DSN)|(BROKER|CACHE|SESSION|STORAGE)\w*_UR[LI]$")
CLIENTS = ("redis.Redis", "redis.StrictRedis", "redis.client.Redis", "redis.asyncio.Redis", "valkey.Valkey")
LOCAL = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|")

Protection = Literal["password", "tls", "local", "network", "open", "unknown"]


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One place that says where Redis is, and how it is guarded there.

    `network` is a bare host name: a service of the same private network. `open` is a host reached over a real network
    without password or TLS. `env` are the variables that decide instead where they are set.
    """

    place: Place
    protection: Protection
    env: tuple[str, ...] = ()
    host: str = ""


def redis_addresses(repo: Repo) -> list[RedisAddress]:
    """Every Redis address of production code, in path and line order."""
    found: dict[Place, RedisAddress] = {}
    for module, node, place in _sources(repo):
        if address := _address(repo, module, node, place):
            found.setdefault(place, address)
    for module, call in repo.calls(*CLIENTS, served=True):
        if not only_for_tests(module, call):
            found.setdefault(module.place(call), _client(repo, module, call))
    return sorted(found.values(), key=lambda address: address.place)


def _sources(repo: Repo) -> Iterator[tuple[Module, ast.expr, Place]]:
    for key in {s.key for s in repo.fact(all_settings) if NAMED.search(s.key)}:
        yield from ((s.module, s.node, s.place) for s in settings(repo, key))
    yield from ((s.module, s.node, s.place) for s in repo.fact(celery_settings) if s.key in ("broker_url", "result_backend"))
    for module, call in repo.calls("*.from_url", served=True):
        if call.args and "edis" in module.name(call.func) and not only_for_tests(module, call):
            yield module, call.args[0], module.place(call)


def _address(repo: Repo, module: Module, node: ast.expr, place: Place) -> RedisAddress | None:
    value = repo.resolve(module, node)
    texts = [text for text in value.texts if ADDRESS.match(text)]
    if any(isinstance(n, ast.Constant) and isinstance(n.value, str) and "@" in n.value for n in walk(node)) and (texts or _says_redis(node)):
        return RedisAddress(place, "password", value.env)
    if texts:
        return max(
            (_judged(text, value, place) for text in texts),
            key=lambda a: ("password", "tls", "local", "unknown", "network", "open").index(a.protection),
        )
    return RedisAddress(place, "unknown", value.env) if value.env and "REDIS" in "".join(value.env).upper() else None


def _says_redis(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, str) and ADDRESS.match(n.value) for n in walk(node))


def _judged(text: str, value: Value, place: Place) -> RedisAddress:
    try:
        parts = urlsplit(text)
        host, password = parts.hostname or "", parts.password
    except ValueError:
        return RedisAddress(place, "unknown", value.env)
    if text.lower().startswith(("rediss", "valkeys")):
        return RedisAddress(place, "tls", value.env, host)
    if password:
        return RedisAddress(place, "password", value.env, host)
    if text.startswith("unix") or LOCAL.fullmatch(host):
        return RedisAddress(place, "local", value.env, host)
    whole = text in value.literals
    return RedisAddress(place, "unknown" if not whole else "open" if "." in host else "network", value.env, host)


def _client(repo: Repo, module: Module, call: ast.Call) -> RedisAddress:
    place = module.place(call)
    for name, protection in (("password", "password"), ("ssl", "tls")):
        given = keyword(call, name)
        if given is not None and not repo.resolve(module, given).always(lambda v: not v):
            return RedisAddress(place, "password" if protection == "password" else "tls", repo.resolve(module, given).env)
    host_node = keyword(call, "host") or (call.args[0] if call.args else None)
    host = repo.resolve(module, host_node) if host_node is not None else Value(("localhost",))
    if unpacks(call) or keyword(call, "connection_pool") is not None or not host.fixed or not isinstance(host.literal, str):
        return RedisAddress(place, "unknown", host.env)
    return RedisAddress(place, "local" if LOCAL.fullmatch(host.literal) else "open" if "." in host.literal else "network", (), host.literal)
