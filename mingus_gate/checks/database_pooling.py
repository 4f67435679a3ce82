"""Will the database connections last under load?"""

from __future__ import annotations

import time
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.connection_budget import budgets
from mingus_gate.repo.database.engine_lives import engine_lives, plain_sessions
from mingus_gate.repo.database.engine_places import option_places
from mingus_gate.repo.database.engines import engines, extensions, pooled_engines
from mingus_gate.repo.database.pools import NO_POOL, numbers, pool_classes, pooler, request_timeout, serverless
from mingus_gate.repo.flask.app import apps, proven_absent, settings
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
POOL_TIMEOUT = Rule(
    "database-pooling.pool-timeout",
    Severity.INFO,
    "Waiting for a connection ends before the server ends the request",
    'Add `"pool_timeout": 5` to the engine options: well under gunicorn\'s `--timeout`.',
    "`pool_timeout` of the engine options and `--timeout` of the gunicorn that deploy files start",
    "A request that waits for a connection as long as the server lets it live is killed with its worker instead of answering 503.",
    "https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine.params.pool_timeout",
)
POOLED = Rule(
    "database-pooling.pooled",
    Severity.WARNING,
    "Connections are kept in a pool",
    'Replace `"poolclass"` in the engine options by the size of the default pool: `"pool_size": 5, "max_overflow": 5, "pool_pre_ping": True`.',
    LOOKED_FOR,
    "NullPool opens a connection for each request: a TLS handshake, a login, and on PostgreSQL a new process. StaticPool shares one between threads.",
    "https://docs.sqlalchemy.org/en/20/core/pooling.html#switching-pool-implementations",
)
ONE_PLACE = Rule(
    "database-pooling.one-place",
    Severity.WARNING,
    "One place decides the engine options",
    "Keep `SQLALCHEMY_ENGINE_OPTIONS` in the production configuration, and delete the other assignment.",
    "`SQLALCHEMY_ENGINE_OPTIONS`",
    "The later assignment replaces the earlier one whole: a pool size that stands in one place is lost when another only sets pool_recycle.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/config/#flask_sqlalchemy.config.SQLALCHEMY_ENGINE_OPTIONS",
)
SHARED_ENGINE = Rule(
    "database-pooling.shared-engine",
    Severity.WARNING,
    "Each process makes its engine once",
    "Use the engine that is there, `db.engine` of Flask-SQLAlchemy, or make one at the top of a module, `engine = create_engine(…)`, and import it.",
    "`create_engine(` and `SQLAlchemy(`",
    "An engine made for each request brings a pool of its own: nothing is reused, and its connections stay open until they are collected.",
    "https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage",
)
SESSIONS_END = Rule(
    "database-pooling.sessions-end",
    Severity.WARNING,
    "Sessions end with the request",
    "Remove the session when the request ends: `@app.teardown_appcontext` over `def end(error): Session.remove()`.",
    "`scoped_session(`, `sessionmaker(` and Flask-SQLAlchemy",
    "A session that nobody ends keeps its connection, and what an earlier request read: the pool runs dry, and answers are old.",
    "https://docs.sqlalchemy.org/en/20/orm/contextual.html#using-thread-local-scope-with-web-applications",
)
CONNECTION_BUDGET = Rule(
    "database-pooling.connection-budget",
    Severity.WARNING,
    "All processes together stay within the server's connections",
    "Lower `pool_size` and `max_overflow`, or the workers, until processes x (pool_size + max_overflow) is under the server's `max_connections`.",
    "workers of gunicorn and Celery, engine options, and PostgreSQL or MySQL in compose files",
    "Past max_connections the server refuses everybody, the migration and the administrator who wants to look included.",
    "https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS",
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
    for engine in repo.fact(pooled_engines):
        size, overflow = engine.options.get("pool_size"), engine.options.get("max_overflow")
        if (size is None or overflow is None) and engine.hidden:
            yield unclear(f"the engine's options or address come from `{engine.hidden}`", engine.place)
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
    for engine in repo.fact(pooled_engines):
        value = engine.options.get("pool_pre_ping")
        if value is None and engine.hidden:
            yield unclear(f"the engine's options or address come from `{engine.hidden}`", engine.place)
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
    for engine in repo.fact(pooled_engines):
        value = engine.options.get("pool_recycle")
        if value is None and engine.hidden:
            yield unclear(f"the engine's options or address come from `{engine.hidden}`", engine.place)
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


def pool_timeout(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
        return
    limit, said, ends = repo.fact(request_timeout)
    for engine in [e for e in repo.fact(pooled_engines) if e.options or not e.in_function]:
        value = engine.options.get("pool_timeout")
        known = numbers(value) if value else [30]
        if value is None and engine.hidden:
            yield unclear(f"the engine's options or address come from `{engine.hidden}`", engine.place)
        elif value and not known:
            yield unclear(f"pool_timeout is `{value.unresolved or value.env[0]}`", engine.place)
        elif not limit:
            yield unclear(f"a request waits {max(known)} s for a connection; whether the server waits longer is open: {said}", engine.place)
        elif max(known) >= limit and not ends:
            yield unclear(f"a request waits {max(known)} s for a connection, and the timeout of threads and greenlets ends none", engine.place)
        elif max(known) >= limit:
            waits = f"a request waits {max(known)} s for a connection{'' if value else ' (the default)'}"
            yield broken(f"{waits}, and gunicorn ends it after {limit} s ({said})", engine.place, pool_timeout=max(known), request_timeout=limit)
        else:
            yield holds(f"pool_timeout is {max(known)} s, gunicorn's timeout {limit} s", engine.place, pool_timeout=max(known), request_timeout=limit)


def pooled(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
        return
    classes = repo.fact(pool_classes)
    for each in classes:
        if each.name not in NO_POOL:
            yield holds(f"connections are kept in a {each.name}", each.place, poolclass=each.name)
        elif each.open_:
            yield unclear(f"whether connections are pooled is decided by `{each.open_}`", each.place)
        elif front := repo.fact(pooler):
            yield holds(f"{each.name}, and a pooler stands in front ({front.path})", each.place, poolclass=each.name)
        elif function := repo.fact(serverless):
            yield unclear(f"{each.name}, and {function.path} runs the application as a function of the cloud", each.place)
        else:
            yield broken(f"production uses {each.name}: connections are not pooled", each.place, poolclass=each.name)
    for engine in repo.fact(pooled_engines):
        if engine.unresolved and not classes:
            yield unclear(f"the engine options come from `{engine.unresolved}`", engine.place)
        elif not engine.in_function and not any(c.place.path == engine.place.path for c in classes):
            yield holds("connections are kept in a QueuePool, the default", engine.place, poolclass="QueuePool")


def one_place(repo: Repo) -> Iterator[Observation]:
    for places in repo.fact(option_places):
        if len(places) == 1:
            yield holds("the engine options are given here alone", places[0].place)
        elif condition := next((p.condition for p in places if p.condition), ""):
            yield unclear(f"which of {len(places)} engine options counts is decided by `{condition}`", places[0].place)
        else:
            keys = {key for place in places for key in place.keys}
            for each in places:
                others = [p.place for p in places if p is not each]
                missing = f", without {', '.join(sorted(keys - set(each.keys)))}" if each.keys and keys - set(each.keys) else ""
                message = f"the engine options are given here{missing}, and again at {', '.join(map(str, others))}: the last one replaces the others"
                yield broken(message, each.place, places=[str(p.place) for p in places])
    if not repo.fact(option_places):
        yield from (
            holds("the options stand where the engine is made", e.place) for e in repo.fact(engines) if e.url is not None and not e.in_function
        )
        if repo.fact(apps):
            yield absent("no engine options are given: looked for `SQLALCHEMY_ENGINE_OPTIONS`")


def shared_engine(repo: Repo) -> Iterator[Observation]:
    for life in repo.fact(engine_lives):
        if life.once:
            yield holds("the engine is made once a process", life.place)
        else:
            yield broken(f"an engine is made for each request, by {life.by}", life.place)
    yield from (holds("Flask-SQLAlchemy makes one engine a process", module.place(call)) for module, call in repo.fact(extensions))
    if not repo.fact(engines):
        yield from proven_absent(repo, SHARED_ENGINE.looks_for)


def sessions_end(repo: Repo) -> Iterator[Observation]:
    for each in repo.fact(plain_sessions):
        if each.end == "teardown":
            yield holds(f"{each.name} is ended when the request is", each.at)
        elif each.end == "with":
            yield holds(f"{each.name} is used as a context manager", each.at)
        elif each.end == "otherwise" or not repo.fact(apps):
            yield unclear(f"whether each session of {each.name} is ended cannot be followed", each.at)
        else:
            yield broken(f"nothing ends the sessions of {each.name}", each.place)
    yield from (holds("Flask-SQLAlchemy removes its session after each request", module.place(call)) for module, call in repo.fact(extensions))
    if not repo.fact(engines):
        yield from proven_absent(repo, SESSIONS_END.looks_for)


def connection_budget(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(engines):
        yield from proven_absent(repo, LOOKED_FOR)
    for budget in repo.fact(budgets):
        facts = budget.numbers
        if budget.each and budget.connections > budget.limit:
            told = f"{budget.told}; {budget.server} takes {budget.limit}: room for {budget.limit // budget.each} processes"
            yield broken(told, budget.place, **facts)
        elif budget.open_:
            yield unclear(budget.open_, budget.place, **facts)
        else:
            yield holds(f"{budget.told}; {budget.server} takes {budget.limit}", budget.place, **facts)


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
    static={
        POOL_SIZE: pool_size,
        PRE_PING: pre_ping,
        RECYCLE: recycle,
        POOL_TIMEOUT: pool_timeout,
        POOLED: pooled,
        ONE_PLACE: one_place,
        SHARED_ENGINE: shared_engine,
        SESSIONS_END: sessions_end,
        CONNECTION_BUDGET: connection_budget,
        SERVER_DATABASE: server_database,
    },
    live={REACHABLE: reachable},
)
