"""SQLAlchemy engines as facts: where they are made and with which options."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.python import Module, keyword, unpacks
from mingus_gate.repo.values import Value

LEGACY = {
    "SQLALCHEMY_POOL_SIZE": "pool_size",
    "SQLALCHEMY_MAX_OVERFLOW": "max_overflow",
    "SQLALCHEMY_POOL_RECYCLE": "pool_recycle",
    "SQLALCHEMY_POOL_TIMEOUT": "pool_timeout",
}
"""Flask-SQLAlchemy 2 read these; 3.0 ignores them (changelog of 3.0.0)."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One place that makes an engine or sets its options.

    `options` are the keywords that can be seen; `unresolved` is the expression that hides the others, else empty.
    `url` is the address it connects to where the same place gives it.
    """

    place: Place
    options: dict[str, Value]
    url: Value | None = None
    unresolved: str = ""
    in_function: bool = False


def engines(repo: Repo) -> list[Engine]:
    """What production makes engines of: `create_engine(…)`, and Flask-SQLAlchemy with its engine options."""
    found = [
        _created(repo, module, call)
        for module, call in repo.calls("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", served=True)
    ]
    made = repo.fact(extensions)
    configured = [_configured(s.place, s.value) for s in settings(repo, "SQLALCHEMY_ENGINE_OPTIONS")]
    for module, call in made:
        if (options := keyword(call, "engine_options")) is not None:
            configured.append(_configured(module.place(options), repo.resolve(module, options)))
    if legacy := settings(repo, *LEGACY):
        configured.append(Engine(legacy[0].place, {LEGACY[s.key]: s.value for s in legacy}))
    if made and not configured:
        configured = [Engine(module.place(call), {}) for module, call in made[:1]]
    return sorted(found + configured, key=lambda engine: engine.place)


def pooled_engines(repo: Repo) -> list[Engine]:
    """Engines that keep a pool: SQLite's and those told NullPool do not."""
    return [e for e in repo.fact(engines) if "poolclass" not in e.options and not (e.url and e.url.always(lambda t: str(t).startswith("sqlite")))]


def extensions(repo: Repo) -> list[tuple[Module, ast.Call]]:
    """Where Flask-SQLAlchemy is made. A migration that makes one borrows its column types; it connects to nothing."""
    return [(module, call) for module, call in repo.calls("flask_sqlalchemy.SQLAlchemy") if "/versions/" not in module.path]


def _created(repo: Repo, module: Module, call: ast.Call) -> Engine:
    options = {k.arg: repo.resolve(module, k.value) for k in call.keywords if k.arg}
    unresolved = ""
    if unpacks(call):
        hidden = next(k.value for k in call.keywords if k.arg is None)
        value = repo.resolve(module, hidden)
        if isinstance(value.literal, dict):
            options |= value.literal
        else:
            unresolved = value.unresolved
    url = repo.resolve(module, call.args[0]) if call.args else None
    in_function = module.function_around(call) is not None
    return Engine(module.place(call), options, url, unresolved, in_function)


def _configured(place: Place, value: Value) -> Engine:
    if isinstance(value.literal, dict):
        return Engine(place, value.literal)
    merged = [v for v in value.literals if isinstance(v, dict)]
    return Engine(place, merged[0] if merged else {}, unresolved=value.unresolved or ("" if merged else "its value"))
