"""SQLAlchemy engines as facts: where they are made and with which options."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engine_uses import stays
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.python import Module, keyword, unpacks
from mingus_gate.repo.values import Value

EXTENSION = "flask_sqlalchemy.SQLAlchemy"
HOOKS = {"apply_driver_hacks", "apply_pool_defaults", "create_engine", "make_engine", "_make_engine", "_apply_driver_defaults"}
"""Methods of Flask-SQLAlchemy 2 and 3 that are overridden to set engine options."""

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
    `url` is the address it connects to where the same place gives it. `kept` is False for one that ends with the function that made it.
    `address` is the expression that hides whether it is SQLite, which needs no pool.
    """

    place: Place
    options: dict[str, Value]
    url: Value | None = None
    unresolved: str = ""
    in_function: bool = False
    kept: bool = True
    address: str = ""

    @property
    def hidden(self) -> str:
        """What keeps us from saying anything of its pool."""
        return self.unresolved or self.address


def engines(repo: Repo) -> list[Engine]:
    """What production makes engines of: `create_engine(…)`, and Flask-SQLAlchemy with its engine options."""
    found = [
        _created(repo, module, call)
        for module, call in repo.calls("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", served=True)
    ]
    return sorted(found + _of_extension(repo), key=lambda engine: engine.place)


def _of_extension(repo: Repo) -> list[Engine]:
    """Flask-SQLAlchemy's: what the settings say comes on top of what the extension is given."""
    made = repo.fact(extensions)
    given = [(module, node) for module, call in made if (node := keyword(call, "engine_options")) is not None]
    base = _configured(given[0][0].place(given[0][1]), repo.resolve(*given[0])) if given else Engine(Place(""), {})
    configured = [_configured(s.place, s.value) for s in settings(repo, "SQLALCHEMY_ENGINE_OPTIONS")]
    if legacy := settings(repo, *LEGACY):
        configured.append(Engine(legacy[0].place, {LEGACY[s.key]: s.value for s in legacy}))
    if not configured and made:
        configured = [base if given else Engine(made[0][0].place(made[0][1]), {}, address=_address(repo))]
    by_method = next(_option_methods(repo), "")
    hidden = by_method or base.unresolved
    return [replace(e, options={**base.options, **e.options}, unresolved=e.unresolved or hidden) for e in configured]


def _address(repo: Repo) -> str:
    """The expression that the database address is where it may be SQLite, which needs no pool, for all the tree says."""
    values = [setting.value for setting in settings(repo, "SQLALCHEMY_DATABASE_URI")]
    if values and all(v.always(_is_sqlite) and not v.env for v in values):
        return "sqlite:///…"
    return values[0].unresolved if values and all(v.unresolved and not v.env and not v.texts for v in values) else ""


def pooled_engines(repo: Repo) -> list[Engine]:
    """Engines that keep a pool for the process: not SQLite's, those told NullPool, and those that end with a function."""
    return [e for e in repo.fact(engines) if e.kept and "poolclass" not in e.options and not (e.url and e.url.always(_is_sqlite))]


def _is_sqlite(address: object) -> bool:
    return str(address).startswith("sqlite")


def extensions(repo: Repo) -> list[tuple[Module, ast.Call]]:
    """Where Flask-SQLAlchemy or a subclass is made. A migration that makes one borrows its column types; it connects to nothing."""
    own = (name for module, node in repo.fact(subclasses) for name in (node.name, f"{module.dotted}.{node.name}"))
    calls = repo.calls(EXTENSION, *own)
    return [(module, call) for module, call in calls if "/versions/" not in module.path]


def subclasses(repo: Repo) -> list[tuple[Module, ast.ClassDef]]:
    """The tree's own classes over Flask-SQLAlchemy's."""
    modules = repo.python(b"flask_sqlalchemy", served=True)
    return [(m, node) for m in modules for node in m.nodes(ast.ClassDef) if any(m.name(base) == EXTENSION for base in node.bases)]


def _option_methods(repo: Repo) -> Iterator[str]:
    """The methods by which a subclass sets engine options itself."""
    for _, node in repo.fact(subclasses):
        yield from (f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef) and item.name in HOOKS)


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
    return Engine(module.place(call), options, url, unresolved, in_function, kept=not in_function or stays(module, call))


def _configured(place: Place, value: Value) -> Engine:
    if isinstance(value.literal, dict):
        return Engine(place, value.literal)
    merged = [v for v in value.literals if isinstance(v, dict)]
    return Engine(place, merged[0] if merged else {}, unresolved=value.unresolved or ("" if merged else "its value"))
