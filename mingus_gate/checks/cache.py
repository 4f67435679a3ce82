"""Is the cache shared, bounded and protected?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import Service, services
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.redis.addresses import RedisAddress, redis_addresses
from mingus_gate.repo.redis.caches import CacheSetting, cache_settings, extensions, hidden_cache, kind_of
from mingus_gate.repo.redis.users import keepers, policy
from mingus_gate.target import Target, shown

LOOKED_FOR = "Flask-Caching, cachelib and dogpile.cache"
DOCS = "https://flask-caching.readthedocs.io/en/latest/"

SHARED = Rule(
    "cache.shared",
    Severity.WARNING,
    "All processes share one cache",
    'Keep it in Redis: `CACHE_TYPE = "RedisCache"` and `CACHE_REDIS_URL = os.environ["CACHE_REDIS_URL"]`.',
    LOOKED_FOR,
    "With a cache in its own memory each worker process answers with another age of the truth, and deleting a key deletes it in one of them.",
    f"{DOCS}#built-in-cache-backends",
)
DEFAULT_TIMEOUT = Rule(
    "cache.default-timeout",
    Severity.INFO,
    "What is cached expires",
    "Bound it: `CACHE_DEFAULT_TIMEOUT = 300`.",
    "Flask-Caching and `CACHE_DEFAULT_TIMEOUT`",
    "An entry without a timeout stays until the memory is full, and a stale one until somebody notices.",
    f"{DOCS}#configuring-flask-caching",
)
KEY_PREFIX = Rule(
    "cache.key-prefix",
    Severity.INFO,
    "Keys carry a prefix of this application",
    'Name the application and the stage: `CACHE_KEY_PREFIX = "shop-production:"`.',
    "Flask-Caching on a shared backend and `CACHE_KEY_PREFIX`",
    "Two applications, or two stages of one, on the same Redis with the default prefix read and delete one another's entries.",
    f"{DOCS}#configuring-flask-caching",
)
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
WHERE = {"process": "in the memory of each process", "files": "in files on one machine", "none": "nowhere (the null cache)"}
REACHABLE = Rule(
    "cache.reachable",
    Severity.WARNING,
    "Redis answers",
    "Start Redis, or correct REDIS_URL: host, port, password and whether it speaks TLS (`rediss://`).",
    "an answer to `PING` at REDIS_URL",
    "With Redis away the cache misses, limits stop counting, and tasks are not taken.",
)


def shared(repo: Repo) -> Iterator[Observation]:
    found = [s for s in repo.fact(cache_settings) if s.key == "CACHE_TYPE"]
    if not found and not repo.fact(extensions):
        yield from proven_absent(repo, LOOKED_FOR)
    elif not found:
        place = _made(repo)
        if _configured_elsewhere(repo):
            yield unclear("no CACHE_TYPE in the code, and configuration comes from elsewhere too", place)
        else:
            yield broken("Flask-Caching without CACHE_TYPE caches nothing", place)
    kinds = {kind_of(str(v)) for setting in found for v in setting.value.literals}
    for setting in found:
        if not (kinds - {"none"} and setting.value.always(lambda v: kind_of(str(v)) == "none")):  # a switch that turns caching off
            yield _backend(setting, "shared" in kinds)


def _backend(setting: CacheSetting, other: bool) -> Observation:
    value = setting.value
    texts = [text for text in value.literals if isinstance(text, str)]
    worst = next((text for text in texts if kind_of(text) in WHERE), None)
    if worst is not None and other and setting.condition:
        return unclear(f"whether the cache is shared is decided by `if {setting.condition}`", setting.place)
    if worst is not None:
        when = f" unless {' or '.join(value.env)} says otherwise" if value.env else ""
        return broken(f"the cache is kept {WHERE[kind_of(worst)]}{when}", setting.place, backend=worst)
    if value.unresolved or not texts or not all(map(kind_of, texts)):
        named = value.unresolved or (f"${value.env[0]}" if value.env else texts[0] if texts else "not readable")
        return unclear(f"CACHE_TYPE is `{named}`", setting.place)
    return holds(f"the cache is shared: {texts[0]}", setting.place, backend=texts[0])


def _made(repo: Repo) -> Place:
    module, call = repo.fact(extensions)[0]
    return module.place(call)


def _configured_elsewhere(repo: Repo) -> bool:
    """Whether the cache's configuration may come from a file or an expression that is not seen."""
    sources = (b"CACHE_TYPE", b"from_envvar(", b"from_pyfile(", b"from_prefixed_env(")
    return bool(hidden_cache(repo)) or any(file.mentions(*sources) for file in repo.files(".py"))


def default_timeout(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(extensions):
        yield from proven_absent(repo, LOOKED_FOR)
        return
    found = [s for s in repo.fact(cache_settings) if s.key == "CACHE_DEFAULT_TIMEOUT"]
    for setting in found:
        if setting.value.may_be(lambda v: not v):
            yield broken("entries never expire by default (CACHE_DEFAULT_TIMEOUT is 0)", setting.place)
        elif setting.value.unresolved:
            yield unclear(f"CACHE_DEFAULT_TIMEOUT is `{setting.value.unresolved}`", setting.place)
        else:
            yield holds(f"entries expire after {_shown(setting)} s", setting.place)
    if not found and not repo.fact(cache_settings) and _configured_elsewhere(repo):
        yield unclear("the cache is configured from elsewhere", _made(repo))
    elif not found:
        yield holds("entries expire after 300 s, Flask-Caching's default", _made(repo))


def key_prefix(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(extensions):
        yield from proven_absent(repo, LOOKED_FOR)
        return
    backends = [s for s in repo.fact(cache_settings) if s.key == "CACHE_TYPE"]
    remote = [s for s in backends if s.value.may_be(lambda v: kind_of(str(v)) == "shared")]
    found = [s for s in repo.fact(cache_settings) if s.key == "CACHE_KEY_PREFIX"]
    yield from (holds("keys carry a prefix of this application", s.place) for s in found if not s.value.always(lambda v: not v))
    if not found and remote:
        yield broken("keys carry Flask-Caching's default prefix", remote[0].place)
    elif not found and backends and all(s.value.fixed for s in backends):
        yield absent("no shared cache: looked for RedisCache and MemcachedCache")


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


def _shown(setting: CacheSetting) -> str:
    return str(setting.value.literals[0]) if setting.value.literals else f"${setting.value.env[0]}"


def reachable(target: Target) -> Iterator[Observation]:
    """One PING; nothing is written."""
    from redis.exceptions import RedisError

    address = shown(target.given("REDIS_URL"))
    began = time.monotonic()
    try:
        with target.redis() as client:
            client.ping()
    except (RedisError, OSError) as error:
        yield broken(f"no answer from Redis ({type(error).__name__})", address=address, variable="REDIS_URL")
    else:
        milliseconds = round(1000 * (time.monotonic() - began))
        yield holds(f"Redis answered within {milliseconds} ms", address=address, milliseconds=milliseconds)


CHECK = Check(
    "cache",
    "Cache",
    "Is the cache shared, bounded and protected?",
    weight=1,
    static={
        SHARED: shared,
        DEFAULT_TIMEOUT: default_timeout,
        KEY_PREFIX: key_prefix,
        PROTECTED: protected,
        PORT_PUBLISHED: port_published,
        APART: apart,
    },
    live={REACHABLE: reachable},
)
