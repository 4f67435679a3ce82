"""Will the database connections last under load?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.engines import Engine, engines
from mingus_gate.repo.flask_app import proven_absent, settings
from mingus_gate.target import Target, shown

LOOKED_FOR = "`SQLAlchemy(`, `create_engine(` and `SQLALCHEMY_ENGINE_OPTIONS`"

POOL_SIZE = Rule(
    "database-pooling.pool-size",
    Severity.WARNING,
    "Pool size and overflow are explicit and bounded",
    'Set both where the engine is made: `SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 5, "max_overflow": 5}`.',
    LOOKED_FOR,
    "Every process opens up to pool_size + max_overflow connections. Left at the default of 5 + 10, or at -1 (no limit), "
    "a few more workers exhaust the server's max_connections and every request fails.",
    "https://docs.sqlalchemy.org/en/20/core/pooling.html",
)
PRE_PING = Rule(
    "database-pooling.pre-ping",
    Severity.WARNING,
    "Connections are tested before use",
    'Add `"pool_pre_ping": True` to the engine options.',
    LOOKED_FOR,
    "After a failover or a firewall's idle timeout the pool holds dead connections; without the test each of them is one failed request.",
    "https://docs.sqlalchemy.org/en/20/core/pooling.html#disconnect-handling-pessimistic",
)
RECYCLE = Rule(
    "database-pooling.recycle",
    Severity.INFO,
    "Connections are recycled before the server drops them",
    'Add `"pool_recycle": 1800` to the engine options: less than the idle timeout of the server and of what stands between.',
    LOOKED_FOR,
    "MySQL drops a connection idle for 8 hours (wait_timeout), cloud load balancers after minutes; a recycled connection is never that old.",
    "https://docs.sqlalchemy.org/en/20/core/pooling.html#setting-pool-recycle",
)
SERVER_DATABASE = Rule(
    "database-pooling.server-database",
    Severity.WARNING,
    "SQLite is not what production falls back to",
    'Read the address without a fallback: `SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]`.',
    "`SQLALCHEMY_DATABASE_URI` and `create_engine(` addresses",
    "With one variable missing the application starts on an empty file of its own, one a container, and loses it at the next deploy.",
    "https://www.sqlite.org/whentouse.html",
)
REACHABLE = Rule(
    "database-pooling.reachable",
    Severity.CRITICAL,
    "The database answers",
    "Start the database, or correct DATABASE_URL: host, port, name and credentials.",
    "an answer to `SELECT 1` at DATABASE_URL",
    "Without its database the application answers nothing but errors.",
)


def pool_size(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
    for engine in _pooled(repo):
        size, overflow = engine.options.get("pool_size"), engine.options.get("max_overflow")
        if (size is None or overflow is None) and engine.unresolved:
            yield unclear(f"the engine options come from `{engine.unresolved}`", engine.place)
        elif size is None:
            yield broken("the pool size is left at the default (5, and 10 more as overflow)", engine.place, pool_size=5, max_overflow=10)
        elif size.may_be(lambda n: n == 0) or (overflow and overflow.may_be(lambda n: n == -1)):
            yield broken(
                "the pool has no upper bound", engine.place, pool_size=list(size.literals), max_overflow=list(overflow.literals) if overflow else 10
            )
        elif size.unresolved:
            yield unclear(f"pool_size is `{size.unresolved}`", engine.place)
        else:
            shown = size.literals[0] if size.literals else f"${size.env[0]}"
            more = overflow.literals[0] if overflow and overflow.literals else f"${overflow.env[0]}" if overflow and overflow.env else "10 (default)"
            yield holds(f"pool_size={shown}, max_overflow={more}", engine.place, pool_size=shown, max_overflow=more)


def pre_ping(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
    for engine in _pooled(repo):
        value = engine.options.get("pool_pre_ping")
        if value is None and engine.unresolved:
            yield unclear(f"the engine options come from `{engine.unresolved}`", engine.place)
        elif value is None:
            yield broken("pool_pre_ping is not set", engine.place)
        elif value.may_be(lambda v: not v):
            yield broken("pool_pre_ping is off", engine.place)
        elif value.unresolved:
            yield unclear(f"pool_pre_ping is `{value.unresolved}`", engine.place)
        else:
            yield holds("pool_pre_ping=True", engine.place)


def recycle(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
    for engine in _pooled(repo):
        value = engine.options.get("pool_recycle")
        if value is None and engine.unresolved:
            yield unclear(f"the engine options come from `{engine.unresolved}`", engine.place)
        elif value is None or value.may_be(lambda v: v == -1):
            yield broken("connections are kept for ever (pool_recycle is not set)", engine.place)
        elif value.unresolved:
            yield unclear(f"pool_recycle is `{value.unresolved}`", engine.place)
        else:
            yield holds(f"pool_recycle={value.literals[0] if value.literals else f'${value.env[0]}'}", engine.place)


def server_database(repo: Repo) -> Iterator[Observation]:
    urls = [(s.value, s.place) for s in settings(repo, "SQLALCHEMY_DATABASE_URI")]
    urls += [(engine.url, engine.place) for engine in repo.fact(engines) if engine.url is not None]
    if not urls:
        yield from proven_absent(repo, LOOKED_FOR)
    for url, place in urls:
        if any(text.startswith("sqlite") for text in url.texts):
            when = f"when {' and '.join(url.env)} is not set" if url.env else "always"
            yield broken(f"the database is SQLite {when}", place)
        elif url.unresolved:
            yield unclear(f"the database address is `{url.unresolved}`", place)
        else:
            yield holds(f"the address comes from {' or '.join(url.env)}" if url.env else "the address names a database server", place)


def _pooled(repo: Repo) -> list[Engine]:
    """Engines that keep a pool: SQLite's and those told NullPool do not."""
    return [e for e in repo.fact(engines) if "poolclass" not in e.options and not (e.url and e.url.always(lambda t: str(t).startswith("sqlite")))]


def reachable(target: Target) -> Iterator[Observation]:
    """Connects and asks `SELECT 1`; nothing is written."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    address = shown(target.given("DATABASE_URL"))
    began = time.monotonic()
    try:
        with target.database() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        cause = type(getattr(error, "orig", None) or error).__name__
        yield broken(f"no connection to the database ({cause})", address=address, variable="DATABASE_URL")
    else:
        milliseconds = round(1000 * (time.monotonic() - began))
        yield holds(f"the database answered within {milliseconds} ms", address=address, milliseconds=milliseconds)


CHECK = Check(
    "database-pooling",
    "Database pooling",
    "Will the database connections last under load?",
    weight=3,
    static={POOL_SIZE: pool_size, PRE_PING: pre_ping, RECYCLE: recycle, SERVER_DATABASE: server_database},
    live={REACHABLE: reachable},
)
