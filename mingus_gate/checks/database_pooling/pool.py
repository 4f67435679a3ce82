"""Whether the pool keeps its connections: how many, how fresh, and how long a request waits for one."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines, pooled_engines
from mingus_gate.repo.database.pools import NO_POOL, numbers, pool_classes, pooler, request_timeout, serverless
from mingus_gate.repo.flask.app import proven_absent

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


RULES = {
    POOL_SIZE: pool_size,
    PRE_PING: pre_ping,
    RECYCLE: recycle,
    POOL_TIMEOUT: pool_timeout,
    POOLED: pooled,
}
