"""Whether the database answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds
from mingus_gate.target import Target, shown

REACHABLE = Rule(
    "database-pooling.reachable",
    Severity.CRITICAL,
    "The database answers",
    "Start the database, or correct DATABASE_URL: host, port, name and credentials.",
    "an answer to `SELECT 1` at DATABASE_URL",
    "Without its database the application answers nothing but errors.",
)


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


RULES = {
    REACHABLE: reachable,
}
