"""The schema that a history leaves, found by walking its revisions in order without a database. Standard library only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.database.databases import databases
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.migrations.expressions import TooLongError
from mingus_gate.repo.migrations.histories import written
from mingus_gate.repo.migrations.history import History, Revision
from mingus_gate.repo.migrations.interpreter import Interpreter
from mingus_gate.repo.migrations.standing import Standing
from mingus_gate.repo.python import Function, Module, walk
from mingus_gate.repo.requirements import REQUIREMENTS_FILE
from mingus_gate.repo.schema.nouns import Schema

MAX_STEPS = 50_000
MAX_ALL_STEPS = 1_000_000
"""Expressions looked at in one revision, and in a whole history; the largest that people wrote take a tenth."""

CHANGING: tuple[bytes, ...] = (b"op.add_", b"op.create_", b"op.drop_", b"op.alter_", b"op.rename_", b"op.batch_")
CHANGING += (b"ALTER ", b"CREATE ", b"DROP ", b"alter ", b"create ", b"drop ")
"""A revision without any of these changes only data."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The schema that a history leaves. `engine` names the database where one history has several.

    `then` is a history that changes the tables of this one: a plugin's.
    """

    history: History
    schema: Schema
    engine: str = ""
    then: History | None = None


def replayed(repo: Repo) -> list[Replayed]:
    """Every written history with the schema it leaves; one with several databases comes once for each."""
    found = [Replayed(history, _replay(repo, (history,), engine), engine) for history in repo.fact(written) for engine in _engines(history)]
    for one in list(found):
        base = next((b for b in found if b is not one and one.schema.assumed and one.schema.assumed.keys() <= b.schema.tables.keys()), None)
        if base:
            found.remove(one)
            found[found.index(base)] = Replayed(base.history, _replay(repo, (base.history, one.history), base.engine), base.engine, one.history)
    return found


def dialect(repo: Repo) -> str:
    """The database whose side of a revision counts: PostgreSQL where it may be, or where nothing tells.

    A driver's name is looked for first: a commit hook has no time for the settings.
    """
    required = (f for f in repo.tree if REQUIREMENTS_FILE.search(f.path) or f.name in ("pyproject.toml", "Pipfile", "setup.py", "setup.cfg"))
    if any(f.mentions(b"psycopg", b"asyncpg", b"pg8000") for f in required):
        return "postgresql"
    kinds = repo.fact(databases)
    return "postgresql" if not kinds or "postgresql" in kinds else next(iter(kinds))


def _engines(history: History) -> list[str]:
    """The databases of Flask-Migrate's and Alembic's multi-database templates: `upgrade_users()` is for `users`."""
    names = [f.name for r in history.revisions if _chooses(r) for f in r.module.functions if f.name.startswith("upgrade_")]
    return list(dict.fromkeys(name.removeprefix("upgrade_") for name in names)) or [""]


def _chooses(revision: Revision) -> bool:
    """Whether the upgrade runs another function by the name of a database: `globals()[f"upgrade_{engine_name}"]()`."""
    upgrade = revision.upgrade if revision.module.file.mentions(b"globals()") else None
    return upgrade is not None and any(isinstance(n, ast.Name) and n.id == "globals" for n in walk(upgrade))


def _replay(repo: Repo, histories: tuple[History, ...], engine: str) -> Schema:
    standing = Standing()
    for why, place in (hidden for history in histories for hidden in _hidden(history)):
        standing.unclear(why, place)
    interpreter = Interpreter(repo, standing, lambda: repo.fact(dialect))
    left = MAX_ALL_STEPS
    for revision in (revision for history in histories for revision in history.ordered):
        standing.begin()
        found = _upgrade(repo, revision, engine)
        if found is None:
            continue
        try:
            interpreter.run(*found, min(left, MAX_STEPS))
        except (TooLongError, RecursionError):
            if found[0].file.mentions(*CHANGING):
                standing.unclear("the upgrade takes too many steps to follow", revision.module.place(found[1]))
        left -= min(left, MAX_STEPS) - max(interpreter.expressions.left, 0)
    return standing.schema


def _upgrade(repo: Repo, revision: Revision, engine: str) -> tuple[Module, Function] | None:
    """The function that upgrades, also where the revision imports it."""
    own = revision.upgrade
    if own and _chooses(revision):
        chosen = next((f for f in revision.module.functions if f.name == f"upgrade_{engine}"), None)
        return (revision.module, chosen) if chosen else None
    if own:
        return revision.module, own
    imported = definition(repo, revision.module, "upgrade") or (
        definition(repo, revision.module, revision.module.imports["upgrade"]) if "upgrade" in revision.module.imports else None
    )
    return (imported[0], imported[1]) if imported and not isinstance(imported[1], ast.ClassDef) else None


def _hidden(history: History) -> Iterator[tuple[str, Place]]:
    """What keeps the history itself from being known."""
    for unread in history.unread:
        yield f"{unread.path} could not be read: {unread.reason}", Place(unread.path, unread.line)
    if history.unclear:
        yield history.unclear.unclear, history.unclear.place
    for revision in history.cycle[:1]:
        yield f"revision {revision.id} follows itself in a circle", revision.down_place
    for revision, parent in history.dangling:
        if parent in revision.down:
            yield f"revision {parent}, which {revision.id} follows, is not there", revision.down_place
    for twice in history.duplicates:
        yield f"two revisions have the id {twice[0].id}", twice[-1].place
