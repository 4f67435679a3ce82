"""Whether migrations alone change the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.migrations.histories import no_history, written
from mingus_gate.repo.migrations.schema_changes import applications, created_at_start, models, upgrades

CREATE_ALL = Rule(
    "migrations.create-all",
    Severity.WARNING,
    "The schema changes by migrations alone, not by create_all at start",
    "Delete the call and run `flask db upgrade` in the deploy script.",
    "`create_all(` run by the served application, and `db upgrade` or `alembic upgrade` in deploy scripts",
    'create_all makes new tables ahead of the migration that should, which then fails with "already exists"; '
    "and it never alters a table that exists.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/models/#creating-the-tables",
)
EXISTS = Rule(
    "migrations.exists",
    Severity.WARNING,
    "The models have a migration history",
    "Start one: `flask db init`, then `flask db migrate` on an empty database, and commit migrations/.",
    "SQLAlchemy models and a migration history",
    "Without migrations a changed model reaches a database with data only by hand.",
    "https://flask-migrate.readthedocs.io/en/latest/",
)
OTHER_TOOLS = re.compile(r"(^|/)(migrate\.cfg|yoyo\.ini|liquibase[^/]*|flyway[^/]*|atlas\.hcl|V\d+__[^/]*\.sql|migrations?/[^/]*\.sql)$")


def create_all(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    if known := repo.fact(written):
        for place, condition in repo.fact(created_at_start):
            if condition:
                yield unclear(f"create_all runs at start if `{condition}`", place)
            else:
                yield broken(f"create_all runs when the application starts, beside the migrations in {known[0].name}", place)
        yield from (holds(what, place) for what, place in repo.fact(upgrades))


def exists(repo: Repo) -> Iterator[Observation]:
    found, known = repo.fact(models), repo.fact(written)
    if not found:
        yield from proven_absent(repo, "classes with `Column(` or `mapped_column(`")
    elif known:
        yield holds(f"{sum(len(h.revisions) for h in known)} revisions stand for {len(found)} models", known[0].location.place)
    elif other := next((f for f in repo.files() if OTHER_TOOLS.search(f.path)), None):
        yield unclear(f"something else than Alembic may change the schema: {other.path}")
    elif repo.fact(applications):
        yield broken(f"{len(found)} {'model' if len(found) == 1 else 'models'} and no migration", found[0])
    else:
        yield unclear("models without an application: the migrations may be somewhere else", found[0])


RULES = {
    CREATE_ALL: create_all,
    EXISTS: exists,
}
