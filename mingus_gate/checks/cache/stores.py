"""Whether the Redis or Memcached behind the cache is closed to others, and evicts nothing that must stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import Service, services
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.redis.addresses import RedisAddress, redis_addresses
from mingus_gate.repo.redis.users import keepers, policy

PROTECTED = Rule(
    "cache.protected",
    Severity.WARNING,
    "Redis is reached with a password or over TLS",
    'Read the address from the environment, `REDIS_URL = os.environ["REDIS_URL"]`, set it to `rediss://…`, and start Redis with `--requirepass`.',
    "`redis://` addresses and `redis.Redis(`",
    "Redis asks nobody for a password by default. Who reaches it reads sessions and cached answers, "
    "and with the broker in it queues tasks of their own.",
    "https://redis.io/docs/latest/operate/oss_and_stack/management/security/",
)
PORT_PUBLISHED = Rule(
    "cache.port-published",
    Severity.WARNING,
    "The port of Redis or Memcached is not published",
    'Delete `ports:` from the service, or bind it to the host: `"127.0.0.1:6379:6379"`.',
    "compose services of Redis, Valkey or Memcached",
    "Docker opens a published port on every address of the machine, past the firewall's own rules.",
    "https://docs.docker.com/engine/network/port-publishing/",
)
APART = Rule(
    "cache.apart",
    Severity.WARNING,
    "The cache evicts no task, session or limit",
    "Give the cache a Redis of its own, and start the other with `--maxmemory-policy noeviction`.",
    "`--maxmemory-policy` of compose services, and the addresses of Celery's broker, sessions and rate limits",
    "A Redis that is told `allkeys-lru` drops whatever was used least when it is full: a waiting task as soon as a cached page.",
    "https://redis.io/docs/latest/develop/reference/eviction/",
)

STORE = re.compile(r"(^|/)(redis|valkey|memcached|keydb|dragonfly)(-stack(-server)?|-\d[\w.-]*)?([:@]|$)")
UNSET = r"\$\{\w+:?-\}"
"""A variable of compose that is empty unless somebody sets it."""
ASKS = re.compile(rf"--requirepass[ =](?!{UNSET})\S|--port[ =]0\b.*--tls-port[ =][1-9]|--tls-port[ =][1-9].*--port[ =]0\b", re.DOTALL)
PORT = re.compile(r"(?:^|:)(6379|11211)(?:/tcp)?$")


def protected(repo: Repo) -> Iterator[Observation]:
    addresses = repo.fact(redis_addresses)
    if not addresses:
        yield from proven_absent(repo, "`redis://` addresses and `redis.Redis(`")
    guarded = _guarded(repo)
    for address in addresses:
        if address.protection == "open":
            when = f" when {' and '.join(address.env)} is not set" if address.env else ""
            yield broken(f"Redis is reached without password or TLS{when}", address.place)
        elif address.protection in ("password", "tls"):
            yield holds("Redis is reached " + ("with a password" if address.protection == "password" else "over TLS"), address.place)
        elif guarded and address.protection in ("unknown", "network"):
            yield holds(f"every Redis of {guarded.path} asks for a password or a certificate", guarded)
        else:
            yield unclear(_open_question(address), address.place)


def _guarded(repo: Repo) -> Place | None:
    """Where the compose file starts its Redis with a password or TLS only, if it does so with every one."""
    stores = [s for s in repo.fact(services) if STORE.search(s.image) and "memcached" not in s.image]
    asking = [s for s in stores if ASKS.search(" ".join((*s.entrypoint, *s.command))) or _given(s.environment.get("REDIS_PASSWORD", ""))]
    return stores[0].places.get("command", stores[0].place) if stores and len(asking) == len(stores) else None


def _given(value: str) -> bool:
    return bool(value) and not re.fullmatch(UNSET, value)


def _open_question(address: RedisAddress) -> str:
    if address.env:
        return f"whether Redis asks for a password is decided by {' or '.join(address.env)}, outside of the tree"
    if address.protection in ("local", "network"):
        return f"whether the Redis at {address.host or 'localhost'} asks for a password is not written in the code"
    return "the address of Redis is computed"


def port_published(repo: Repo) -> Iterator[Observation]:
    stores = [s for s in repo.fact(services) if STORE.search(s.image)]
    if not stores:
        yield from proven_absent(repo, "compose services of Redis, Valkey or Memcached")
    for store in stores:
        published = [port for port in map(_without_variables, store.ports) if PORT.search(port)]
        place = store.places.get("ports", store.place)
        exposed = [port for port in published if not port.startswith(("127.", "localhost:", "[::1]"))]
        if not exposed:
            yield holds(f"{store.name} is reached {'on this machine' if published else 'inside the compose network'} only", place)
        elif _serves_production(repo, store):
            yield broken(f"the port of {store.name} is published on every address ({exposed[0]})", place)
        else:
            yield unclear(f"the port of {store.name} is published, but whether production uses {store.place.path} is not written", place)


def _without_variables(port: str) -> str:
    """A port with each `${NAME:-default}` as its default."""
    return re.sub(r"\$\{\w+:?-?([^}]*)\}", r"\1", port)


def _serves_production(repo: Repo, store: Service) -> bool:
    """Whether the compose file runs the application as production would: built from the tree, its source not mounted over it."""
    beside = [s for s in repo.fact(services) if s.place.path == store.place.path and s.build]
    mounted = any(re.match(r"\.{1,2}/?:|\$\{?PWD\}?:|\./(src|app)/?:", volume) for s in beside for volume in s.volumes)
    development = any(
        re.search(r"^dev", value) or (key == "FLASK_DEBUG" and value in ("1", "true")) for s in beside for key, value in s.environment.items()
    )
    return bool(re.search("prod", store.place.path)) or (bool(beside) and not mounted and not development)


def apart(repo: Repo) -> Iterator[Observation]:
    kept = repo.fact(keepers)
    stores = [s for s in repo.fact(services) if STORE.search(s.image) and "memcached" not in s.image and not s.development]
    if not kept:
        yield from proven_absent(repo, "Celery's broker, sessions and rate limits in Redis")
        return
    if not any(k.host == store.name for store in stores for k in kept) and not any(policy(s).startswith("allkeys") for s in stores):
        yield unclear(f"whether the Redis of {kept[0].what} evicts keys is decided where it is started, outside of the tree", kept[0].place)
    for store in stores:
        told, place = policy(store), store.places.get("command", store.place)
        inside = [k for k in kept if k.host == store.name]
        lost = " and ".join(sorted({k.what for k in inside}))
        if told.startswith("allkeys") and inside:
            message = f"{store.name} evicts any key when it is full ({told}), and holds {lost}"
            yield broken(message, place, policy=told, kept_at=[str(k.place) for k in inside])
        elif told.startswith("allkeys") and all(k.host for k in kept):
            yield holds(f"{store.name} evicts ({told}), and holds nothing that must stay", place, policy=told)
        elif told.startswith("allkeys"):
            yield unclear(f"{store.name} evicts any key ({told}); what is kept there is decided by the environment", place)
        elif inside:
            yield holds(f"{store.name} evicts no key of {lost} ({told or 'noeviction, its default'})", place, policy=told or "noeviction")


RULES = {
    PROTECTED: protected,
    PORT_PUBLISHED: port_published,
    APART: apart,
}
