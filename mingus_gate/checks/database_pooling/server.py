"""Whether a database server stands behind the pool, with connections for all processes."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.checks.database_pooling.pool import LOOKED_FOR
from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.connection_budget import budgets
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.flask.app import proven_absent, settings

CONNECTION_BUDGET = Rule(
    "database-pooling.connection-budget",
    Severity.WARNING,
    "All processes together stay within the server's connections",
    "Lower `pool_size` and `max_overflow`, or the workers, until processes x (pool_size + max_overflow) is under the server's `max_connections`.",
    "workers of gunicorn and Celery, engine options, and PostgreSQL or MySQL in compose files",
    "Past max_connections the server refuses everybody, the migration and the administrator who wants to look included.",
    "https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS",
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


RULES = {
    CONNECTION_BUDGET: connection_budget,
    SERVER_DATABASE: server_database,
}
