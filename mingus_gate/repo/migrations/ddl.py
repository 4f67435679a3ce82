"""The DDL that revisions run as text, as changes of the schema as it stands. Standard library only: it runs in commit hooks.

What is not understood makes the tables it names unclear. Statements on data change no schema.
"""

from __future__ import annotations

import re

from mingus_gate.model import Place
from mingus_gate.repo.migrations.ddl_alter import alter
from mingus_gate.repo.migrations.sql_columns import CONSTRAINTS, as_read, plain_names, put_column, read_constraint
from mingus_gate.repo.migrations.sql_tokens import Cursor, Token, statements
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.schema.nouns import Column, Index, Table, Type

CHANGES = re.compile(rf"\b(create|alter|drop|rename|addgeometrycolumn|dropgeometrycolumn|sp_rename)\b|^\W*{HOLE}", re.IGNORECASE)
"""A text without such a word changes no schema."""

MODIFIERS = ("OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED")
BLOCK_WORDS = ("BEGIN", "THEN", "ELSE", "LOOP", "EXCEPTION")


def run_sql(text: str, standing: Standing, place: Place) -> None:
    """Applies the DDL of a text."""
    if CHANGES.search(text):
        for statement in statements(text):
            _statement(statement, standing, place)


def _statement(found: list[Token], standing: Standing, place: Place) -> None:
    cursor = Cursor(found)
    verb = cursor.take_one("CREATE", "ALTER", "DROP", "RENAME", "DO", "SELECT", "EXEC", "EXECUTE", HOLE)
    match verb:
        case "CREATE":
            _create(cursor, standing, place)
        case "ALTER":
            alter(cursor, standing, place)
        case "DROP":
            _drop(cursor, standing, place)
        case "RENAME":
            _rename_tables(cursor, standing, place)
        case "DO":
            _block(cursor, standing, place)
        case "EXEC" | "EXECUTE":
            _unread(found, standing, place)
        case "SELECT" if any(t.value in ("addgeometrycolumn", "dropgeometrycolumn") for t in found):
            _geometry([t.value for t in found if t.kind == "text"], found, standing, place)
        case _ if verb == HOLE:
            standing.unclear("SQL that is computed", place)


def _geometry(texts: list[str], found: list[Token], standing: Standing, place: Place) -> None:
    """PostGIS: `SELECT AddGeometryColumn('markers', 'geom', 4326, 'POINT', 2)`."""
    if len(texts) >= 3 and any(t.value == "addgeometrycolumn" for t in found):
        standing.add_column(key_of(texts[-3]), Column(texts[-2], Type("geometry"), place=place), place)
    else:
        _unread(found, standing, place)


def _unread(found: list[Token], standing: Standing, place: Place) -> None:
    """A statement that we cannot read touches the tables it names."""
    for name in {token.value for token in found} & standing.schema.tables.keys():
        standing.unclear_table(name, as_read(found), place)


# -- CREATE ------------------------------------------------------------------------------------------------------


def _create(cursor: Cursor, standing: Standing, place: Place) -> None:
    while cursor.take_one(*MODIFIERS):
        pass
    temporary = cursor.take_one("TEMP", "TEMPORARY")
    if cursor.take("TABLE"):
        _create_table(cursor, standing, place, bool(temporary))
    elif cursor.take("TYPE"):
        name = cursor.name()
        if cursor.take("AS", "ENUM"):
            standing.enums[name] = tuple(part[0].value for part in cursor.group() if part[0].kind == "text")
    elif not temporary:
        unique = bool(cursor.take_one("UNIQUE"))
        if cursor.take("INDEX"):
            _create_index(cursor, standing, place, unique)


def _create_table(cursor: Cursor, standing: Standing, place: Place, temporary: bool) -> None:
    keep = cursor.take("IF", "NOT", "EXISTS")
    key = key_of(cursor.name())
    table = Table(key, place)
    if temporary:
        standing.temporary.add(key)
        return
    if not key or HOLE in key:
        standing.unclear(as_read(cursor.tokens), place)
        return
    parts = cursor.group()
    if not parts or cursor.word == "AS":
        table.unclear = as_read(cursor.tokens)
    for part in sorted(parts, key=lambda p: p[0].word in CONSTRAINTS):
        if part[0].word in CONSTRAINTS:
            if not read_constraint(Cursor(part), table, place):
                table.unclear = as_read(part)
        else:
            put_column(Cursor(part), table, standing, place)
    standing.create_table(table, keep=keep or standing.tolerant)


def _create_index(cursor: Cursor, standing: Standing, place: Place, unique: bool) -> None:
    cursor.take_one("CONCURRENTLY")
    keep = cursor.take("IF", "NOT", "EXISTS")
    name = "" if cursor.word == "ON" else cursor.name()
    if not cursor.take("ON"):
        return
    cursor.take_one("ONLY")
    key = key_of(cursor.name())
    if cursor.take("USING"):
        cursor.name()
    if HOLE not in key:
        standing.add_index(key, Index(name.rpartition(".")[2], plain_names(cursor.group()), unique, place=place), place, keep=keep)


# -- DROP, RENAME, DO --------------------------------------------------------------------------------------------


def _drop(cursor: Cursor, standing: Standing, place: Place) -> None:
    kind = cursor.take_one("TABLE", "INDEX", "TYPE", "SCHEMA")
    cursor.take_one("CONCURRENTLY")
    cursor.take("IF", "EXISTS")
    for action in cursor.actions():
        name = action.name()
        if kind and HOLE in name and kind in ("TABLE", "SCHEMA"):
            standing.unclear(as_read(cursor.tokens), place)
        elif kind == "TABLE":
            standing.drop_table(key_of(name))
        elif kind == "INDEX":
            standing.drop_index(name.rpartition(".")[2], key_of(action.name()) if action.take("ON") else "", place)
        elif kind == "TYPE":
            standing.enums.pop(name, None)
        elif kind == "SCHEMA":
            for key in [key for key in standing.schema.tables if key.startswith(f"{name}.")]:
                standing.drop_table(key)


def _rename_tables(cursor: Cursor, standing: Standing, place: Place) -> None:
    if cursor.take("TABLE"):
        for action in cursor.actions():
            old = action.name()
            action.take("TO")
            standing.rename_table(key_of(old), key_of(action.name()), place)


def _block(cursor: Cursor, standing: Standing, place: Place) -> None:
    """`DO $$ … $$`: the statements in it, as if what it asks for were so; they ask whether something is there."""
    before, standing.tolerant = standing.tolerant, True
    for token in cursor.tokens:
        if token.kind == "body":
            for statement in statements(token.value):
                words = [t.word for t in statement]
                starts = [n for n, word in enumerate(words) if n == 0 or words[n - 1] in BLOCK_WORDS]
                found = next((n for n in starts if words[n] in ("CREATE", "ALTER", "DROP", "EXECUTE")), None)
                if found is not None and words[found] == "EXECUTE":
                    _executed(statement[found + 1 :], standing, place)
                elif found is not None:
                    _statement(statement[found:], standing, place)
    standing.tolerant = before


def _executed(found: list[Token], standing: Standing, place: Place) -> None:
    """`EXECUTE 'ALTER TABLE …'` in a block; a text that is put together has parts that are not known."""
    text = next((t.value for t in found if t.kind == "text"), HOLE)
    run_sql(re.sub(r"%\w|%\d\$\w", HOLE, text), standing, place)
