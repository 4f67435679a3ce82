"""Whether the migrations leave the schema that the models declare: what `alembic check` would say, without a database."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Ask, Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.histories import no_history
from mingus_gate.repo.schema.diff import Kind
from mingus_gate.repo.schema.drift import Drift, drifts

LOOKED_FOR = "a migration history whose env.py names the metadata of models"
AUTOGENERATE = "https://alembic.sqlalchemy.org/en/latest/autogenerate.html#what-does-autogenerate-detect-and-what-does-it-not-detect"

MISSING_TABLES = Rule(
    "migrations.missing-tables",
    Severity.CRITICAL,
    "Every model's table is made by a migration",
    'Write the revision: `flask db migrate -m "add the table"` on an upgraded database (with Alembic alone: `alembic revision --autogenerate`).',
    LOOKED_FOR,
    "After `upgrade` the table is not there, so the first request that uses the model ends in an error; on the developer's machine "
    "create_all made it.",
    AUTOGENERATE,
)
MISSING_COLUMNS = Rule(
    "migrations.missing-columns",
    Severity.CRITICAL,
    "Every model's column is made by a migration",
    'Write the line the finding gives into the `upgrade()` of a new revision: `flask db revision -m "add the column"`.',
    LOOKED_FOR,
    "A query names every column of its model, so once this is deployed each query of the table fails, not just those that use the column.",
    AUTOGENERATE,
)
TYPES = Rule(
    "migrations.types",
    Severity.WARNING,
    "Columns have the same type in models and migrations",
    'Write the line the finding gives into a new revision, `flask db revision -m "change the type"`, or give the model the type of the database.',
    LOOKED_FOR,
    "The tests' database was made from the models, production's by the migrations: what one takes, the other refuses or stores as something else.",
    AUTOGENERATE,
)
NULLABLE = Rule(
    "migrations.nullable",
    Severity.WARNING,
    "Columns may be NULL in models and migrations alike",
    'Write the line the finding gives into a new revision, `flask db revision -m "allow NULL"`, or write `nullable=` of the database into the model.',
    LOOKED_FOR,
    "Where the migrations leave NOT NULL, rows that the model allows are refused in production; the other way round, NULL comes back where "
    "the code counts on a value.",
    AUTOGENERATE,
)
REQUIRED_LEFTOVERS = Rule(
    "migrations.required-leftovers",
    Severity.WARNING,
    "No column that models no longer have must be filled",
    "Let it be empty in a new revision, as long as running code knows it: the finding's table and column in `op.alter_column(…, nullable=True)`.",
    LOOKED_FOR,
    "The application no longer names the column in its INSERT, the database wants a value and has no default: each new row is refused.",
    AUTOGENERATE,
)
LENGTHS = Rule(
    "migrations.lengths",
    Severity.INFO,
    "Texts are as long and enums as large in models and migrations",
    'Write the line the finding gives into a new revision: `flask db revision -m "longer texts"`.',
    LOOKED_FOR,
    "A value that fits the model does not fit the database: the INSERT fails with the first long address or new state.",
    AUTOGENERATE,
)
KEYS = Rule(
    "migrations.keys",
    Severity.INFO,
    "Indexes, unique constraints and foreign keys are the same in models and migrations",
    'Write the line the finding gives into a new revision: `flask db revision -m "keys"`.',
    LOOKED_FOR,
    "What the model promises the database does not keep: rows come twice, or refer to nothing, or a query that has its index in the "
    "tests reads the whole table.",
    AUTOGENERATE,
)
LEFTOVERS = Rule(
    "migrations.leftovers",
    Severity.INFO,
    "The migrations leave no table or column that models no longer have",
    'Write the line the finding gives into a new revision once no running code uses it: `flask db revision -m "clean up"`.',
    LOOKED_FOR,
    "Data that nobody reads is still backed up, still leaks, and comes up in every later autogenerate.",
    AUTOGENERATE,
)
FROM_EMPTY = Rule(
    "migrations.from-empty",
    Severity.WARNING,
    "The history builds the whole schema from nothing",
    "Write a first revision that makes those tables (autogenerate it against an empty database) and let the present first one follow it.",
    LOOKED_FOR,
    "On an empty database `upgrade` stops at the first table that nothing made. So tests, a new colleague and a restore drill must call create_all, "
    "and nobody finds out that a migration is missing.",
    "https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-an-up-to-date-database-from-scratch",
)


def from_empty(repo: Repo) -> Iterator[Observation]:
    for drift in _compared(repo):
        if isinstance(drift, Observation):
            yield drift
            continue
        history, tables = drift.history, drift.assumed
        if tables:
            first = min(tables.values())
            names = sorted(tables)
            more = f" and {len(names) - 2} more" if len(names) > 2 else ""
            message = f"revisions in {history.name} use tables that none of them makes: {', '.join(names[:2])}{more}"
            yield unclear(f"{message}; `{drift.migrated.unclear}` may", first) if drift.migrated.unclear else broken(message, first, tables=names)
        elif crossed := drift.migrated.crossed:
            name, place = next(iter(crossed.items()))
            yield unclear(f"in {history.name} the order of its branches decides whether the table {name} is there where it is used", place)
        else:
            yield holds(
                f"{len(history.revisions)} revisions in {history.name} build {len(drift.migrated.tables)} tables from nothing", history.location.place
            )


def differences(kind: Kind, compared: str) -> Ask:
    """A rule's question: the differences of a kind, and what could not be compared. `compared` tells what was."""
    doubtful = {"table"} if kind == "table" else {"table", "column", kind, kind.removeprefix("required ")}

    def question(repo: Repo) -> Iterator[Observation]:
        for drift in _compared(repo):
            if isinstance(drift, Observation):
                yield drift
                continue
            found = [d for d in drift.found.differences if d.kind == kind]
            for one in found:
                steps = f": `{one.steps[0]}`" if one.steps and len(one.steps[0]) <= 160 else ""
                yield broken(f"{one.message}{steps}", one.place, table=one.table, column=one.column, steps=list(one.steps))
            for doubt in drift.found.doubts:
                if doubt.kind in doubtful:
                    yield unclear(f"{doubt.name} could not be compared: `{doubt.expression}`", doubt.place)
            if drift.found.tables and not found:
                sums = compared.format(tables=drift.found.tables, columns=drift.found.columns)
                yield holds(f"{sums} agree with {drift.history.name}", drift.place)

    return question


def _compared(repo: Repo) -> Iterator[Drift | Observation]:
    yield from no_history(repo)
    for drift in repo.fact(drifts):
        yield unclear(drift.unclear, drift.place) if drift.unclear else drift


RULES = {
    MISSING_TABLES: differences("table", "{tables} tables"),
    MISSING_COLUMNS: differences("column", "{columns} columns of {tables} tables"),
    TYPES: differences("type", "the types of {columns} columns"),
    NULLABLE: differences("nullable", "{columns} columns, as to whether they may be NULL,"),
    REQUIRED_LEFTOVERS: differences("required leftover", "the required columns of {tables} tables"),
    LENGTHS: differences("length", "the lengths of {columns} columns"),
    KEYS: differences("key", "the keys of {tables} tables"),
    LEFTOVERS: differences("leftover", "{tables} tables"),
    FROM_EMPTY: from_empty,
}
