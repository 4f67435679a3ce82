"""Whether the database stands where the source's history ends."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo.migrations.histories import written
from mingus_gate.target import Target, shown

REVISION = Rule(
    "migrations.revision",
    Severity.CRITICAL,
    "The database stands at the head of the migrations",
    "Run `flask db upgrade` (or `alembic upgrade head`) before the new code is served.",
    "the rows of `alembic_version` at DATABASE_URL",
    "Code that expects a column the database does not have fails on every request that touches it.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#running-our-first-migration",
)


def revision(target: Target) -> Iterator[Observation]:
    """Reads `alembic_version` and compares it with the heads of the source; nothing is written."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    address = shown(target.given("DATABASE_URL"))
    known = target.repo.fact(written)
    heads = {head.id for history in known for head in history.heads}
    if not heads:
        return
    try:
        with target.database() as connection:
            found = {str(row[0]) for row in connection.execute(text("SELECT version_num FROM alembic_version"))}
    except SQLAlchemyError as error:
        yield unclear(f"`alembic_version` could not be read ({type(getattr(error, 'orig', None) or error).__name__})", address=address)
        return
    there, wanted = ", ".join(sorted(found)) or "nothing", ", ".join(sorted(heads))
    if found == heads:
        yield holds(f"the database stands at {there}", address=address, database=there, heads=wanted)
    elif strangers := found - {r.id for history in known for r in history.revisions}:
        said = f"the database stands at {', '.join(sorted(strangers))}, which this source does not know"
        yield broken(said, address=address, database=there, heads=wanted)
    else:
        yield broken(f"the database stands at {there}, the source at {wanted}", address=address, database=there, heads=wanted)


RULES = {
    REVISION: revision,
}
