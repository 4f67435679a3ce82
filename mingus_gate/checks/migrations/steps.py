"""Whether the newest revisions can run against a database that is in use."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.databases import NAMES, databases
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.migrations.foreign_sql import foreign
from mingus_gate.repo.migrations.histories import LOOKED_FOR, no_history, written
from mingus_gate.repo.migrations.history import Revision, does_nothing
from mingus_gate.repo.migrations.steps import drops, indexes, must_be_filled

DOWNGRADE = Rule(
    "migrations.downgrade",
    Severity.INFO,
    "The newest revisions can be undone",
    'Write what undoes the upgrade: `op.drop_column("table", "column")` for an `op.add_column`.',
    LOOKED_FOR,
    "A release that must be taken back takes its schema back with it; an empty downgrade reports success and changes nothing.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#downgrading",
)
DESTRUCTIVE = Rule(
    "migrations.destructive",
    Severity.WARNING,
    "The newest revision drops no table or column",
    'Split it: let this release only stop using it (a column: `op.alter_column("users", "name", nullable=True)`), and drop it in the next.',
    LOOKED_FOR,
    "During a deploy the old code still runs against the new schema and fails on what was dropped; and the data is gone, "
    "whatever the downgrade says. Older revisions have run long ago, so only the newest is judged.",
    "https://docs.gitlab.com/development/database/avoiding_downtime_in_migrations/#dropping-columns",
)
NOT_NULL = Rule(
    "migrations.not-null",
    Severity.WARNING,
    "The newest revision adds no column that the rows already there cannot fill",
    'Give it a value for them: `op.add_column("users", sa.Column("plan", sa.String(20), nullable=False, server_default="free"))`.',
    LOOKED_FOR,
    "The rows that are there would hold NULL in the new column, so the statement fails as soon as the table has one: on the empty database "
    "of the tests it ran. `default=` is Python's and fills no row. Older revisions have run long ago, so only the newest is judged.",
    "https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN",
)
BLOCKING_INDEX = Rule(
    "migrations.blocking-index",
    Severity.WARNING,
    "The newest revision locks no table against writing while it builds an index",
    'In `with op.get_context().autocommit_block():` write `op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)`.',
    f"PostgreSQL, and {LOOKED_FOR}",
    "Without CONCURRENTLY, PostgreSQL lets nobody write to the table until its index is built: on a large one, minutes in which requests "
    "wait and the pool runs out. Tables made by the same revision have no rows. Only the newest revision is judged.",
    "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)
DIALECT = Rule(
    "migrations.dialect",
    Severity.WARNING,
    "The newest revision speaks the dialect of production's database",
    'Write it with SQLAlchemy\'s own types (`sa.SmallInteger()`, `sa.Text()`), or put it under `if op.get_bind().dialect.name == "mysql":`.',
    f"addresses and drivers of one database, and {LOOKED_FOR}",
    "A type or a statement of another database ends `upgrade` with an error: autogenerate wrote what the developer's database has.",
    "https://docs.sqlalchemy.org/en/20/core/type_basics.html",
)
NEWEST = 5
"""How many revisions `downgrade` judges: what a rollback could reach."""


def downgrade(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    for history in repo.fact(written):
        for revision in history.newest(NEWEST):
            up, down = revision.upgrade, revision.downgrade
            if up is None or does_nothing(up):
                continue
            if down is None or does_nothing(down):
                yield broken(f"the downgrade of {revision.id} is empty", revision.module.place(down) if down else revision.place)
            elif not any(isinstance(statement, ast.Raise) for statement in down.body):  # who raises there says so on purpose
                yield holds(f"{revision.id} has a downgrade", revision.module.place(down))


def destructive(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    for history in repo.fact(written):
        for revision in history.tips:
            lost = drops(repo, revision)
            for drop in lost:
                if drop.unclear:
                    yield unclear(f"the newest revision drops a {drop.what.split()[0]} whose name is computed: `{drop.unclear}`", drop.place)
                else:
                    yield broken(f"the newest revision drops the {drop.what}", drop.place)
            if not lost and revision.upgrade:
                yield holds(f"the newest revision, {revision.id}, drops no table or column", revision.module.place(revision.upgrade))


def not_null(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    fills = set(repo.fact(databases)) == {"mysql"}  # it gives the rows the type's zero value
    for revision in _newest(repo):
        steps = must_be_filled(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"the newest revision makes {step.what} NOT NULL, and nothing fills the rows there are"
            if step.doubt or fills:
                yield unclear(f"{message}: {step.doubt or 'MySQL may put in a zero value'}", step.place)
            else:
                yield broken(message, step.place)
        if not harmful:
            does = f"fills the rows of {steps[0].what}" if steps else "adds no column that the rows there are cannot fill"
            yield holds(f"the newest revision, {revision.id}, {does}", steps[0].place if steps else _upgrade(revision))


def blocking_index(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    known = repo.fact(databases)
    if known and "postgresql" not in known:
        yield from proven_absent(repo, "PostgreSQL, its drivers and addresses")
        return
    for revision in _newest(repo):
        steps = indexes(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"the newest revision builds an index on {step.what} without CONCURRENTLY"
            if step.doubt or set(known) != {"postgresql"}:
                yield unclear(f"{message}: {step.doubt or 'which database production runs on is not known'}", step.place)
            else:
                yield broken(f"{message}: nobody can write to it meanwhile", step.place)
        if not harmful:
            does = f"builds its index on {steps[0].what} concurrently" if steps else "builds no index on a table that was there"
            yield holds(f"the newest revision, {revision.id}, {does}", steps[0].place if steps else _upgrade(revision))


def dialect(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    known = repo.fact(databases)
    if len(known) != 1 or (kind := next(iter(known))) not in ("postgresql", "mysql"):
        return
    for revision in _newest(repo):
        strange = foreign(repo, revision, kind)
        for what, place in strange:
            yield broken(f"the newest revision uses {what}, which {NAMES[kind]} ({known[kind]}) does not know", place)
        if not strange:
            yield holds(f"the newest revision, {revision.id}, uses nothing that {NAMES[kind]} does not know", _upgrade(revision))


def _newest(repo: Repo) -> list[Revision]:
    """The newest revisions of every history that have an upgrade."""
    return [revision for history in repo.fact(written) for revision in history.tips if revision.upgrade]


def _upgrade(revision: Revision) -> Place:
    return revision.module.place(revision.upgrade) if revision.upgrade else revision.place


RULES = {
    DOWNGRADE: downgrade,
    DESTRUCTIVE: destructive,
    NOT_NULL: not_null,
    BLOCKING_INDEX: blocking_index,
    DIALECT: dialect,
}
