"""Whether new revisions keep the data, can be undone, and run on production's database."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.databases import NAMES, databases
from mingus_gate.repo.migrations.foreign_sql import foreign
from mingus_gate.repo.migrations.histories import LOOKED_FOR, fresh, no_history, written
from mingus_gate.repo.migrations.history import does_nothing
from mingus_gate.repo.migrations.steps import drops, must_be_filled, upgrade_place

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
    "New revisions drop no table or column",
    'Split it: let this release only stop using it (a column: `op.alter_column("users", "name", nullable=True)`), and drop it in the next.',
    LOOKED_FOR,
    "During a deploy the old code still runs against the new schema and fails on what was dropped; and the data is gone, "
    "whatever the downgrade says. Judged are the revisions that the base does not have, or the newest: the older have run long ago.",
    "https://docs.gitlab.com/development/database/avoiding_downtime_in_migrations/#dropping-columns",
)
NOT_NULL = Rule(
    "migrations.not-null",
    Severity.WARNING,
    "New revisions add no column that the rows already there cannot fill",
    'Give it a value for them: `op.add_column("users", sa.Column("plan", sa.String(20), nullable=False, server_default="free"))`.',
    LOOKED_FOR,
    "The rows that are there would hold NULL in the new column, so the statement fails as soon as the table has one: on the empty database "
    "of the tests it ran. `default=` is Python's and fills no row. Judged are the revisions that the base does not have, or the newest.",
    "https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN",
)
DIALECT = Rule(
    "migrations.dialect",
    Severity.WARNING,
    "New revisions speak the dialect of production's database",
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
    for revision in repo.fact(fresh):
        lost = drops(repo, revision)
        for drop in lost:
            if drop.unclear:
                yield unclear(f"{revision.id} drops a {drop.what.split()[0]} whose name is computed: `{drop.unclear}`", drop.place)
            else:
                yield broken(f"{revision.id} drops the {drop.what}", drop.place)
        if not lost and revision.upgrade:
            yield holds(f"{revision.id} drops no table or column", upgrade_place(revision))


def not_null(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    fills = set(repo.fact(databases)) == {"mysql"}  # it gives the rows the type's zero value
    for revision in repo.fact(fresh):
        steps = must_be_filled(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"{revision.id} makes {step.what} NOT NULL, and nothing fills the rows there are"
            if step.doubt or fills:
                yield unclear(f"{message}: {step.doubt or 'MySQL may put in a zero value'}", step.place)
            else:
                yield broken(message, step.place)
        if not harmful:
            does = f"fills the rows of {steps[0].what}" if steps else "adds no column that the rows there are cannot fill"
            yield holds(f"{revision.id} {does}", steps[0].place if steps else upgrade_place(revision))


def dialect(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    known = repo.fact(databases)
    if len(known) != 1 or (kind := next(iter(known))) not in ("postgresql", "mysql"):
        return
    for revision in repo.fact(fresh):
        strange = foreign(repo, revision, kind)
        for what, place in strange:
            yield broken(f"{revision.id} uses {what}, which {NAMES[kind]} ({known[kind]}) does not know", place)
        if not strange:
            yield holds(f"{revision.id} uses nothing that {NAMES[kind]} does not know", upgrade_place(revision))


RULES = {
    DOWNGRADE: downgrade,
    DESTRUCTIVE: destructive,
    NOT_NULL: not_null,
    DIALECT: dialect,
}
