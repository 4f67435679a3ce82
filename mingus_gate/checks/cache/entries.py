"""Whether what is cached is shared, expires and is named after the application."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.redis.caches import CacheSetting, cache_settings, extensions, hidden_cache, kind_of

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

WHERE = {"process": "in the memory of each process", "files": "in files on one machine", "none": "nowhere (the null cache)"}


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


def _shown(setting: CacheSetting) -> str:
    return str(setting.value.literals[0]) if setting.value.literals else f"${setting.value.env[0]}"


RULES = {
    SHARED: shared,
    DEFAULT_TIMEOUT: default_timeout,
    KEY_PREFIX: key_prefix,
}
