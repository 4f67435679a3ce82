"""Whether the application can go on working while new revisions run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.databases import databases
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.migrations.histories import LOOKED_FOR, fresh, no_history
from mingus_gate.repo.migrations.history import Revision
from mingus_gate.repo.migrations.locks import concurrent_inside, enum_values, indexes, rewrites, whole_tables
from mingus_gate.repo.migrations.steps import Step, upgrade_place

POSTGRESQL = f"PostgreSQL, and {LOOKED_FOR}"

BLOCKING_INDEX = Rule(
    "migrations.blocking-index",
    Severity.WARNING,
    "New revisions lock no table against writing while they build an index",
    'In `with op.get_context().autocommit_block():` write `op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)`.',
    POSTGRESQL,
    "Without CONCURRENTLY, PostgreSQL lets nobody write to the table until its index is built: on a large one, minutes in which requests "
    "wait and the pool runs out. Tables made by the same deploy have no rows. Judged are the revisions that the base does not have, or the newest.",
    "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)
CONCURRENT_INDEX = Rule(
    "migrations.concurrent-index",
    Severity.WARNING,
    "New revisions build indexes concurrently outside a transaction",
    "Put it into `with op.get_context().autocommit_block():`.",
    POSTGRESQL,
    'PostgreSQL refuses it inside a transaction ("CREATE INDEX CONCURRENTLY cannot run inside a transaction block"), and Alembic runs '
    "every revision in one: the deploy stops there.",
    "https://alembic.sqlalchemy.org/en/latest/api/runtime.html#alembic.runtime.migration.MigrationContext.autocommit_block",
)
REWRITES = Rule(
    "migrations.rewrites",
    Severity.WARNING,
    "New revisions change no type in a way that rewrites the table",
    'Add a second column of the new type, `op.add_column("entries", sa.Column("long_id", sa.BigInteger()))`, fill it in batches while both '
    "are written, and drop the old one in a later release.",
    POSTGRESQL,
    "PostgreSQL writes the whole table and its indexes anew under a lock that stops reading too. Longer or unbounded texts and wider numerics "
    "of the same scale need no rewrite.",
    "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
)
ENUM_VALUES = Rule(
    "migrations.enum-values",
    Severity.INFO,
    "New revisions add enum values outside a transaction",
    "Put `op.execute(\"ALTER TYPE status ADD VALUE 'paused'\")` into `with op.get_context().autocommit_block():`.",
    POSTGRESQL,
    "Before PostgreSQL 12 it is refused inside a transaction; since then the value cannot be used until the transaction has ended, "
    "and Alembic runs all pending revisions in one: the next that writes the value fails.",
    "https://www.postgresql.org/docs/current/sql-altertype.html#SQL-ALTERTYPE-NOTES",
)
BATCHED_DATA = Rule(
    "migrations.batched-data",
    Severity.INFO,
    "New revisions change no table's every row in one statement",
    "Change some thousand rows at a time, each in a transaction of its own: `UPDATE users SET plan = 'free' WHERE id BETWEEN :low AND :high`.",
    LOOKED_FOR,
    "One statement over all rows locks each of them until the migration ends, and leaves as many dead rows to clean up.",
    "https://docs.gitlab.com/development/database/batched_background_migrations/",
)


def blocking_index(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    yield from _on_postgresql(
        repo,
        indexes,
        "builds an index on {} without CONCURRENTLY: nobody can write to it meanwhile",
        "builds its index on {} concurrently",
        "builds no index on a table that was there",
    )


def concurrent_index(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    yield from _steps(  # only PostgreSQL has the statement
        repo,
        concurrent_inside,
        "builds an index on {} CONCURRENTLY inside a transaction, which PostgreSQL refuses",
        "builds its index on {} concurrently, outside a transaction",
        "builds no index concurrently",
        _ends_transactions(repo),
    )


def rewrites_(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    yield from _on_postgresql(
        repo,
        rewrites,
        "changes the type of {}: the table is written anew while nobody can use it",
        "changes the type of {} in place",
        "changes no type",
    )


def enum_values_(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    yield from _steps(  # only PostgreSQL has the statement
        repo,
        enum_values,
        "adds a value to the enum {} inside a transaction",
        "adds a value to the enum {} outside a transaction",
        "adds no value to an enum",
        _ends_transactions(repo),
    )


def batched_data(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    yield from _steps(repo, whole_tables, "changes every row of {} in one statement", "changes only some rows of {} at a time", "changes no rows")


def _ends_transactions(repo: Repo) -> str:
    """Why a revision may run outside one transaction, told by env.py."""
    found = next((f for f in repo.files("env.py") if f.mentions(b"AUTOCOMMIT", b"transaction_per_migration")), None)
    return f"{found.path} sets how migrations are committed" if found else ""


def _on_postgresql(repo: Repo, find: Callable[[Repo, Revision], list[Step]], harm: str, good: str, none: str) -> Iterator[Observation]:
    known = repo.fact(databases)
    if known and "postgresql" not in known:
        yield from proven_absent(repo, "PostgreSQL, its drivers and addresses")
    else:
        yield from _steps(repo, find, harm, good, none, "" if known.keys() == {"postgresql"} else "which database production runs on is not known")


def _steps(repo: Repo, find: Callable[[Repo, Revision], list[Step]], harm: str, good: str, none: str, doubt: str = "") -> Iterator[Observation]:
    for revision in repo.fact(fresh):
        steps = find(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"{revision.id} {harm.format(step.what)}"
            why = step.doubt or doubt
            yield unclear(f"{message}: {why}", step.place) if why else broken(message, step.place)
        if not harmful and revision.upgrade:
            yield holds(f"{revision.id} {good.format(steps[0].what) if steps else none}", steps[0].place if steps else upgrade_place(revision))


RULES = {
    BLOCKING_INDEX: blocking_index,
    CONCURRENT_INDEX: concurrent_index,
    REWRITES: rewrites_,
    ENUM_VALUES: enum_values_,
    BATCHED_DATA: batched_data,
}
