"""Caches as facts: Flask-Caching, cachelib and dogpile, and where they keep what they hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.settings import Hidden, expand
from mingus_gate.repo.flask.app import only_for_tests, settings
from mingus_gate.repo.python import Module, keyword, source_of, string
from mingus_gate.repo.values import Value

EXTENSIONS = ("flask_caching.Cache", "flask_cache.Cache", "flask.ext.cache.Cache")
CACHELIB = ("SimpleCache", "FileSystemCache", "NullCache", "RedisCache", "MemcachedCache", "UWSGICache", "DynamoDbCache", "MongoDbCache")
KEYS = ("CACHE_TYPE", "CACHE_DEFAULT_TIMEOUT", "CACHE_KEY_PREFIX")

KINDS = (
    ("shared", re.compile(r"redis|memcache|valkey|dynamo|mongo|gae|pylibmc|bmemcached")),
    ("process", re.compile(r"simple|memory|cachetools")),
    ("files", re.compile(r"file|dbm")),
    ("none", re.compile(r"null|none")),
)


@dataclass(frozen=True, slots=True)
class CacheSetting:
    """A place that gives one of Flask-Caching's keys a value, or makes a cache of another library (key `CACHE_TYPE`).

    `condition` is the test of the `if` around it, else empty.
    """

    key: str
    value: Value
    place: Place
    condition: str = ""


def kind_of(backend: str) -> str:
    """Where a backend keeps what it holds: shared, process, files, none, or "" where its name does not tell."""
    name = backend.rpartition(".")[2].lower()
    return next((kind for kind, pattern in KINDS if pattern.search(name)), "")


def cache_settings(repo: Repo) -> list[CacheSetting]:
    """Every place in production that configures a cache, in path and line order."""
    found = [*_libraries(repo)]
    if repo.fact(extensions):
        found += [CacheSetting(s.key, s.value, s.place, _condition(s.module, s.node)) for s in settings(repo, *KEYS)]
        found += [item for item in _given(repo) if isinstance(item, CacheSetting)]
    return sorted(found, key=lambda setting: setting.place)


def extensions(repo: Repo) -> list[tuple[Module, ast.Call]]:
    """Where Flask-Caching, or a subclass of it in the tree, is made."""
    inherited = [
        node.name
        for module in repo.python(b"Cache)", served=True)
        for node in module.nodes(ast.ClassDef)
        if any(module.name(base) in EXTENSIONS for base in node.bases)
    ]
    return list(repo.calls(*EXTENSIONS, *inherited, *(f"*.{name}" for name in inherited), served=True))


def hidden_cache(repo: Repo) -> list[Hidden]:
    """Configuration handed to Flask-Caching that cannot be seen."""
    return [item for item in _given(repo) if isinstance(item, Hidden)]


def _given(repo: Repo) -> Iterator[CacheSetting | Hidden]:
    """What `Cache(app, config=…)` and `cache.init_app(app, config=…)` are given."""
    names = {module.name(target) for module, call in repo.fact(extensions) for target, value in module.assignments() if value is call}
    calls = [*repo.fact(extensions)]
    calls += [(m, c) for m, c in repo.calls("*.init_app", served=True) if m.name(c.func).split(".")[-2] in {n.rpartition(".")[2] for n in names}]
    for module, call in calls:
        source = keyword(call, "config")
        if source is None or only_for_tests(module, call):
            continue
        for item in expand(repo, module, source):
            if isinstance(item, Hidden):
                yield item
            elif item.key in KEYS:
                yield CacheSetting(item.key, repo.resolve(item.module, item.node), item.place, _condition(module, call))


def _condition(module: Module, node: ast.AST) -> str:
    return next((source_of(above.test) for above in module.ancestors(node) if isinstance(above, ast.If)), "")


def _libraries(repo: Repo) -> Iterator[CacheSetting]:
    """Caches of cachelib (once werkzeug's) and regions of dogpile."""
    for module in repo.python(b"cachelib", b"werkzeug.contrib.cache", served=True):
        for call in module.nodes(ast.Call):
            owner, _, last = module.name(call.func).rpartition(".")
            if last in CACHELIB and owner.startswith(("cachelib", "werkzeug.contrib.cache")) and not only_for_tests(module, call):
                yield CacheSetting("CACHE_TYPE", Value((last,)), module.place(call))
    for module, call in repo.calls("*.configure", served=True):
        backend = string(call.args[0]) if call.args else None
        if backend and backend.startswith("dogpile.cache.") and not only_for_tests(module, call):
            yield CacheSetting("CACHE_TYPE", Value((backend,)), module.place(call))
