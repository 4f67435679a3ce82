"""ALTER TABLE, ALTER TYPE and ALTER INDEX, as changes of the schema as it stands. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable

from mingus_gate.model import Place
from mingus_gate.repo.migrations.sql_columns import CONSTRAINTS, as_read, put_column, read_column, read_constraint, read_type
from mingus_gate.repo.migrations.sql_tokens import Cursor
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.schema.nouns import Table

QUIET_ACTIONS = re.compile(
    "VALIDATE|ENABLE|DISABLE|OWNER|CLUSTER|REPLICA|INHERIT|NO|ENGINE|CONVERT|AUTO_INCREMENT|COMMENT|ATTACH|DETACH|FORCE|RESET|ROW_FORMAT"
    "|CHARACTER|COLLATE|ORDER|ALGORITHM|LOCK|DEFAULT|REBUILD"
)
"""What ALTER TABLE can do that leaves columns and keys as they are."""


def alter(cursor: Cursor, standing: Standing, place: Place) -> None:
    if cursor.take("TABLE"):
        _alter_table(cursor, standing, place)
    elif cursor.take("TYPE"):
        _alter_type(cursor, standing, place)
    elif cursor.take("INDEX"):
        cursor.take("IF", "EXISTS")
        old = cursor.name()
        if cursor.take("RENAME", "TO"):
            standing.rename_index(old.rpartition(".")[2], cursor.name())


def _alter_type(cursor: Cursor, standing: Standing, place: Place) -> None:
    name = cursor.name()
    values = standing.enums.get(name) or standing.enum_values(name)
    if cursor.take("ADD", "VALUE"):
        cursor.take("IF", "NOT", "EXISTS")
        value = cursor.name()
        values = values if value in values else (*values, value)
    elif cursor.take("RENAME", "VALUE"):
        old = cursor.name()
        cursor.take("TO")
        new = cursor.name()
        values = tuple(new if v == old else v for v in values)
    elif cursor.take("RENAME", "TO"):
        new = cursor.name()
        standing.enums[new] = standing.enums.pop(name, values)
        standing.change_enum(name, place, name=new)
        return
    standing.enums[name] = values
    standing.change_enum(name, place, values=() if any(HOLE in v for v in values) else values)


def _alter_table(cursor: Cursor, standing: Standing, place: Place) -> None:
    exists = cursor.take("IF", "EXISTS")
    cursor.take_one("ONLY")
    key = key_of(cursor.name())
    if not key or HOLE in key:
        standing.unclear(as_read(cursor.tokens), place)
        return
    if key in standing.temporary or (exists and key not in standing.schema.tables):
        return
    for action in cursor.actions():
        verb = action.take_one(*ACTIONS)
        if not verb and QUIET_ACTIONS.fullmatch(action.word):
            continue
        if not verb or not ACTIONS[verb](action, key, standing, place):
            standing.unclear_table(key, as_read(cursor.tokens), place)
        elif verb == "RENAME" and key not in standing.schema.tables:
            return


def _add(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    table = standing.table(key, place, keys=cursor.word in CONSTRAINTS)
    if table is None:
        return True
    if cursor.word in CONSTRAINTS:
        return read_constraint(cursor, table, place)
    cursor.take("COLUMN")
    keep = cursor.take("IF", "NOT", "EXISTS") or standing.tolerant
    if cursor.word == "(":  # MySQL adds several so
        for part in cursor.group():
            put_column(Cursor(part), table, standing, place)
        return True
    if not cursor.done and keep and cursor.tokens[cursor.at].value in table.columns:
        return True
    put_column(cursor, table, standing, place)
    return True


def _drop_part(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    if cursor.take("PRIMARY", "KEY"):
        standing.drop_constraint(key, "PRIMARY", "primary", place)
        return True
    kind = cursor.take_one("CONSTRAINT", "INDEX", "KEY", "FOREIGN", "COLUMN", "CHECK")
    cursor.take("KEY")
    cursor.take("IF", "EXISTS")
    name = cursor.name()
    if HOLE in name or not name:
        return False
    if kind in ("INDEX", "KEY"):
        standing.drop_index(name, key, place)
        standing.drop_constraint(key, name, "", place)
    elif kind in ("CONSTRAINT", "FOREIGN", "CHECK"):
        standing.drop_constraint(key, name, {"FOREIGN": "foreignkey", "CHECK": "check"}.get(kind, ""), place)
    else:
        standing.drop_column(key, name, place)
    return True


def _alter_column(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    cursor.take("COLUMN")
    name = cursor.name()
    if not name or HOLE in name:
        return False
    if cursor.take("TYPE") or cursor.take("SET", "DATA", "TYPE"):
        standing.alter_column(key, name, place, type=read_type(cursor, standing))
    elif cursor.take("SET", "NOT", "NULL"):
        standing.alter_column(key, name, place, nullable=False)
    elif cursor.take("DROP", "NOT", "NULL"):
        standing.alter_column(key, name, place, nullable=True)
    elif cursor.take("SET", "DEFAULT"):
        standing.alter_column(key, name, place, default=True, server_default="")
    elif cursor.take("DROP", "DEFAULT") or cursor.take("DROP", "IDENTITY"):
        standing.alter_column(key, name, place, default=False, server_default="")
    elif cursor.take("ADD", "GENERATED"):
        standing.alter_column(key, name, place, default=True, server_default="")
    else:
        return cursor.word in ("SET", "RESET", "RESTART")
    return True


def _modify(cursor: Cursor, key: str, standing: Standing, place: Place, renames: bool = False) -> bool:
    """MySQL's MODIFY and CHANGE say the whole column anew."""
    cursor.take("COLUMN")
    old = cursor.name() if renames else ""
    column = read_column(cursor, Table(key), standing, place)
    if HOLE in old + column.name:
        return False
    if old and old != column.name:
        standing.rename_column(key, old, column.name, place)
    standing.alter_column(key, column.name, place, type=column.type, nullable=column.nullable, default=column.default)
    return True


def _change(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    return _modify(cursor, key, standing, place, renames=True)


def _rename(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    if cursor.take_one("TO", "AS"):
        new = cursor.name()
        schema = key.rpartition(".")[0]
        if HOLE not in new:
            standing.rename_table(key, key_of(new, schema) if "." not in new else new, place)
        return HOLE not in new
    kind = cursor.take_one("COLUMN", "CONSTRAINT", "INDEX", "KEY")
    old = cursor.name()
    cursor.take("TO")
    new = cursor.name()
    if HOLE in old + new or not new:
        return False
    if kind in ("INDEX", "KEY"):
        standing.rename_index(old, new)
    elif kind == "CONSTRAINT":
        standing.rename_constraint(key, old, new, place)
    else:
        standing.rename_column(key, old, new, place)
    return True


def _set(cursor: Cursor, key: str, standing: Standing, place: Place) -> bool:
    if cursor.take("SCHEMA"):
        standing.rename_table(key, key_of(key.rpartition(".")[2], cursor.name()), place)
    return True


ACTIONS: dict[str, Callable[[Cursor, str, Standing, Place], bool]] = {
    "ADD": _add,
    "DROP": _drop_part,
    "ALTER": _alter_column,
    "MODIFY": _modify,
    "CHANGE": _change,
    "RENAME": _rename,
    "SET": _set,
}
