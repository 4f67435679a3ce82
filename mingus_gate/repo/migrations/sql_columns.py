"""Columns and constraints as SQL writes them. Standard library only."""

from __future__ import annotations

import re
from dataclasses import replace

from mingus_gate.model import Place
from mingus_gate.repo.migrations.sql_tokens import Cursor, Token
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.schema.nouns import UNTOLD, Column, ForeignKey, Index, Table, Type
from mingus_gate.repo.schema.type_names import FAMILIES, SIZED, ZONED

SPELLED = {"CHARACTER": "CHAR", "TIMESTAMPTZ": "TIMESTAMP", "TIMETZ": "TIME", "SERIAL4": "SERIAL", "SERIAL8": "BIGSERIAL", "SERIAL2": "SMALLINT"}
SPELLED |= {"SMALLSERIAL": "SMALLINT", "BOOL": "BOOLEAN", "NATIONAL": "NCHAR"}
COUNTING = ("SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL2", "SERIAL4", "SERIAL8")
AFTER_TYPE = re.compile(
    "NOT|NULL|DEFAULT|PRIMARY|UNIQUE|REFERENCES|CHECK|COLLATE|GENERATED|CONSTRAINT|USING|AS|KEY|FIRST|AUTO_INCREMENT|AUTOINCREMENT|COMMENT|AFTER|ON"
    "|DEFERRABLE|INITIALLY|STORAGE|COMPRESSION|CASCADE|RESTRICT"
)
"""Words that stand after a column's type, or in its place."""
CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "LIKE", "PERIOD")

WHY = "SQL that could not be read: {}"


def read_type(cursor: Cursor, standing: Standing) -> Type:
    """The type that comes next: `varchar(120)`, `double precision`, `timestamp with time zone`, `text[]`, an enum's name."""
    start = cursor.at
    quoted = not cursor.done and not cursor.word
    name = cursor.name()
    word = name.upper().rpartition(".")[2]
    zoned = word in ("TIMESTAMPTZ", "TIMETZ")
    family = "" if quoted and word != "CHAR" else FAMILIES.get(SPELLED.get(word, word), "")
    if cursor.take_one("VARYING"):
        family = "string" if word != "BIT" else "bit"
    cursor.take_one("PRECISION")
    length = _number(cursor.group())
    if cursor.take("WITH", "TIME", "ZONE"):
        zoned = True
    cursor.take("WITHOUT", "TIME", "ZONE")
    cursor.take_one("UNSIGNED")
    if zoned:
        family = ZONED.get(family, family)
    found = Type(family, length if family in SIZED else None) if family else _enum(standing, name)
    while cursor.take("["):
        while not cursor.done and not cursor.take("]"):
            cursor.at += 1
        found = Type("array", item=found)
    if cursor.take_one("ARRAY"):
        found = Type("array", item=found)
    return replace(found, shown=" ".join(t.value for t in cursor.tokens[start : cursor.at])[:60])


def _enum(standing: Standing, name: str) -> Type:
    values = standing.enums.get(name) or standing.enum_values(name)
    return Type("enum", values=values, name=name) if values or name in standing.enums else UNTOLD


def _number(parts: list[list[Token]]) -> int | None:
    return int(parts[0][0].value) if parts and parts[0][0].value.isdecimal() and len(parts[0][0].value) < 9 else None


def read_column(cursor: Cursor, table: Table, standing: Standing, place: Place) -> Column:
    """A column's definition; its unique constraint and foreign key are put into the table."""
    name = cursor.name()
    counts = cursor.word in COUNTING
    column = Column(name, read_type(cursor, standing) if not AFTER_TYPE.fullmatch(cursor.word) else UNTOLD, not counts, place=place)
    constraint = ""
    while not cursor.done:
        if cursor.take("CONSTRAINT"):
            constraint = cursor.name()
        elif cursor.take_one("UNIQUE"):
            table.indexes.append(Index(constraint, (name,), unique=True, constraint=True, place=place))
        elif cursor.take("REFERENCES"):
            table.foreign_keys.append(_references(cursor, (name,), constraint, place))
        else:
            column = _with_word(cursor, column)
    return column


def _with_word(cursor: Cursor, column: Column) -> Column:
    """The column with the next word of its definition; words that we do not compare are passed."""
    if cursor.take("NOT", "NULL"):
        return replace(column, nullable=False)
    if cursor.take("DEFAULT"):
        return replace(column, default=not cursor.take("NULL"))
    if cursor.take("PRIMARY", "KEY"):
        return replace(column, primary_key=True, nullable=False)
    if cursor.take("GENERATED"):
        counts = any(t.word == "IDENTITY" for t in cursor.tokens[cursor.at :])
        return replace(column, default=True, nullable=column.nullable and not counts)
    if cursor.word == "(":
        cursor.group()
    else:
        cursor.at += 1
    return column


def read_constraint(cursor: Cursor, table: Table, place: Place) -> bool:
    """A table's constraint, put into the table; False where it is none that we know."""
    name = cursor.name() if cursor.take("CONSTRAINT") else ""
    if cursor.take("PRIMARY", "KEY"):
        for column in _names(cursor):
            if column in table.columns:
                table.columns[column] = replace(table.columns[column], primary_key=True, nullable=False)
    elif cursor.take("UNIQUE", "USING", "INDEX"):
        made_of = cursor.name()
        table.indexes = [replace(i, name=name or i.name, constraint=True) if i.name == made_of else i for i in table.indexes]
    elif cursor.take_one("UNIQUE"):
        named = "" if cursor.take_one("KEY", "INDEX") and cursor.word == "(" else cursor.name()
        cursor.take("NULLS", "NOT", "DISTINCT")
        table.indexes.append(Index(name or named, _names(cursor), unique=True, constraint=True, place=place))
    elif cursor.take("FOREIGN", "KEY"):
        if cursor.word != "(":
            name = name or cursor.name()
        columns = _names(cursor)
        if cursor.take("REFERENCES"):
            table.foreign_keys.append(_references(cursor, columns, name, place))
    elif cursor.take_one("KEY", "INDEX"):
        table.indexes.append(Index(cursor.name(), _names(cursor), place=place))
    else:
        return cursor.word in ("CHECK", "EXCLUDE", "FULLTEXT", "SPATIAL", "NOT")
    return True


def _references(cursor: Cursor, columns: tuple[str, ...], name: str, place: Place) -> ForeignKey:
    table = key_of(cursor.name())
    return ForeignKey(columns, table, _names(cursor), name, place)


def _names(cursor: Cursor) -> tuple[str, ...]:
    """The columns in the bracket that comes next; none where one of them is an expression."""
    return plain_names(cursor.group())


def plain_names(parts: list[list[Token]]) -> tuple[str, ...]:
    """The names of columns in an index; what sorts them is left out, and an expression leaves nothing."""
    sorting = ("ASC", "DESC", "NULLS", "FIRST", "LAST")
    found = [[t for t in part if t.word not in sorting] for part in parts]
    classes = [part[:1] if len(part) == 2 and part[1].value.endswith("_ops") else part for part in found]
    return tuple(part[0].value for part in classes) if all(len(part) == 1 and part[0].kind != "text" for part in classes) else ()


def put_column(cursor: Cursor, table: Table, standing: Standing, place: Place) -> None:
    """Reads a column into a table; one whose name is computed makes it unclear."""
    column = read_column(cursor, table, standing, place)
    if not column.name or HOLE in column.name:
        table.unclear = table.unclear or as_read(cursor.tokens)
    else:
        table.columns[column.name] = column


def as_read(found: list[Token]) -> str:
    """The head of a statement, its texts blanked."""
    text = " ".join("'…'" if t.kind in ("text", "body") else t.word or t.value for t in found[:8])
    return WHY.format(text.replace(HOLE, "…"))
