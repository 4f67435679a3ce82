"""The DDL that revisions run as text, as changes of the schema as it stands. Standard library only: it runs in commit hooks.

What is not understood makes the tables it names unclear. Statements on data change no schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mingus_gate.model import Place
from mingus_gate.repo.migrations.sql_columns import CONSTRAINTS, plain_names, read_column, read_constraint, read_type
from mingus_gate.repo.migrations.sql_tokens import Cursor, Token, statements
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.schema.nouns import Column, Index, Table, Type

CHANGES = re.compile(rf"\b(create|alter|drop|rename|addgeometrycolumn|dropgeometrycolumn|sp_rename)\b|^\W*{HOLE}", re.IGNORECASE)
"""A text without such a word changes no schema."""

MODIFIERS = ("OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED")
QUIET_ACTIONS = re.compile(
    "VALIDATE|ENABLE|DISABLE|OWNER|CLUSTER|REPLICA|INHERIT|NO|ENGINE|CONVERT|AUTO_INCREMENT|COMMENT|ATTACH|DETACH|FORCE|RESET|ROW_FORMAT"
    "|CHARACTER|COLLATE|ORDER|ALGORITHM|LOCK|DEFAULT|REBUILD"
)
"""What ALTER TABLE can do that leaves columns and keys as they are."""

BLOCK_WORDS = ("BEGIN", "THEN", "ELSE", "LOOP", "EXCEPTION")
WHY = "SQL that could not be read: {}"


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
            _alter(cursor, standing, place)
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
            standing.unclear(WHY.format("a statement that is computed"), place)


def _geometry(texts: list[str], found: list[Token], standing: Standing, place: Place) -> None:
    """PostGIS: `SELECT AddGeometryColumn('markers', 'geom', 4326, 'POINT', 2)`."""
    if len(texts) >= 3 and any(t.value == "addgeometrycolumn" for t in found):
        standing.add_column(key_of(texts[-3]), Column(texts[-2], Type("geometry"), place=place), place)
    else:
        _unread(found, standing, place)


def _unread(found: list[Token], standing: Standing, place: Place) -> None:
    """A statement that we cannot read touches the tables it names."""
    for name in {token.value for token in found} & standing.schema.tables.keys():
        standing.unclear_table(name, _shown(found), place)


def _shown(found: list[Token]) -> str:
    """The head of a statement, its texts blanked."""
    text = " ".join("'…'" if t.kind in ("text", "body") else t.word or t.value for t in found[:8])
    return WHY.format(text.replace(HOLE, "…"))


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
        standing.unclear(_shown(cursor.tokens), place)
        return
    parts = cursor.group()
    if not parts or cursor.word == "AS":
        table.unclear = _shown(cursor.tokens)
    for part in sorted(parts, key=lambda p: p[0].word in CONSTRAINTS):
        if part[0].word in CONSTRAINTS:
            if not read_constraint(Cursor(part), table, place):
                table.unclear = _shown(part)
        else:
            _put_column(Cursor(part), table, standing, place)
    standing.create_table(table, keep=keep or standing.tolerant)


def _put_column(cursor: Cursor, table: Table, standing: Standing, place: Place) -> None:
    column = read_column(cursor, table, standing, place)
    if not column.name or HOLE in column.name:
        table.unclear = table.unclear or _shown(cursor.tokens)
    else:
        table.columns[column.name] = column


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


# -- ALTER -------------------------------------------------------------------------------------------------------


def _alter(cursor: Cursor, standing: Standing, place: Place) -> None:
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
        standing.unclear(_shown(cursor.tokens), place)
        return
    if key in standing.temporary or (exists and key not in standing.schema.tables):
        return
    for action in cursor.actions():
        verb = action.take_one(*ACTIONS)
        if not verb and QUIET_ACTIONS.fullmatch(action.word):
            continue
        if not verb or not ACTIONS[verb](action, key, standing, place):
            standing.unclear_table(key, _shown(cursor.tokens), place)
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
            _put_column(Cursor(part), table, standing, place)
        return True
    if not cursor.done and keep and cursor.tokens[cursor.at].value in table.columns:
        return True
    _put_column(cursor, table, standing, place)
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


# -- DROP, RENAME, DO --------------------------------------------------------------------------------------------


def _drop(cursor: Cursor, standing: Standing, place: Place) -> None:
    kind = cursor.take_one("TABLE", "INDEX", "TYPE", "SCHEMA")
    cursor.take_one("CONCURRENTLY")
    cursor.take("IF", "EXISTS")
    for action in cursor.actions():
        name = action.name()
        if kind and HOLE in name and kind in ("TABLE", "SCHEMA"):
            standing.unclear(_shown(cursor.tokens), place)
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
