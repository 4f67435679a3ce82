"""The `op.…` lines of a migration, written from the nouns of a schema as Alembic's autogenerate would write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mingus_gate.repo.schema.nouns import Column, ForeignKey, Index, Table, Type

GENERIC = re.compile(
    "String|Text|Unicode|UnicodeText|Integer|SmallInteger|BigInteger|Numeric|Float|Double|Boolean|Date|DateTime|Time|Interval|LargeBinary|Enum|JSON|ARRAY"
    "|Uuid|PickleType|CHAR|VARCHAR|NCHAR|NVARCHAR|TEXT|CLOB|INTEGER|INT|SMALLINT|BIGINT|NUMERIC|DECIMAL|FLOAT|REAL|DOUBLE|DOUBLE_PRECISION|BOOLEAN|DATE"
    "|DATETIME|TIME|TIMESTAMP|BLOB|BINARY|VARBINARY|UUID"
)
POSTGRESQL = re.compile("JSONB|HSTORE|INET|CIDR|MACADDR8?|BYTEA|TSVECTOR|CITEXT|BIT|OID|MONEY|INTERVAL|ENUM|(INT4|INT8|NUM|DATE|TS|TSTZ)RANGE")
TYPE_INSIDE = re.compile(r"(?<![\w.\"'])(?:\w+\.)*[A-Z]\w*(?=[(),])")
"""A type as an argument: the `db.Text` of `ARRAY(db.Text)`."""


def type_line(type_: Type) -> str:
    """`String(20)` as a migration writes it: `sa.String(20)`. A type of the application's own stays as it stands."""
    whole = "" if "…" in type_.shown else type_.shown  # shortened, it would not run
    head, bracket, rest = whole.partition("(")
    return f"{_owned(head)}{bracket}{TYPE_INSIDE.sub(lambda found: _owned(found[0]), rest)}" if head else "..."


def _owned(name: str) -> str:
    last = name.rpartition(".")[2]
    if GENERIC.fullmatch(last):
        return f"sa.{last}"
    return f"postgresql.{last}" if POSTGRESQL.fullmatch(last) else name


def column_line(column: Column) -> str:
    """`sa.Column("plan", sa.String(20), nullable=False)`."""
    options = [f"server_default={column.server_default or '...'}"] if column.default else []
    if column.nullable is False or column.primary_key:
        options.append("nullable=False")
    return f"sa.Column({', '.join([_text(column.name), type_line(column.type), *options])})"


def add_column(table: str, column: Column) -> str:
    return f"op.add_column({_text(_bare(table))}, {column_line(column)}{_schema(table)})"


def drop_column(table: str, column: str) -> str:
    return f"op.drop_column({_text(_bare(table))}, {_text(column)}{_schema(table)})"


def alter_column(table: str, model: Column, there: Column, *, type_: bool = False) -> str:
    """The line that gives a column the model's type, or whether it may be NULL."""
    change = f"type_={type_line(model.type)}" if type_ else f"nullable={model.nullable and not model.primary_key}"
    in_python = there.type.shown.partition("(")[0].rpartition(".")[2][:1].isupper()  # SQL says `character varying(20)`
    existing = f"existing_type={type_line(there.type)}, " if in_python else ""
    return f"op.alter_column({_text(_bare(table))}, {_text(model.name)}, {existing}{change}{_schema(table)})"


def create_table(table: Table) -> tuple[str, ...]:
    """The line that makes a table, and one for each of its indexes."""
    parts = [column_line(column) for column in table.columns.values()]
    if keys := [column.name for column in table.columns.values() if column.primary_key]:
        parts.append(f"sa.PrimaryKeyConstraint({', '.join(map(_text, keys))})")
    parts += [f"sa.UniqueConstraint({', '.join(map(_text, key.columns))}{_named(key.name)})" for key in table.indexes if key.constraint]
    for link in table.foreign_keys:
        if link.refers:
            there = [f"{link.refers}.{column}" for column in link.refers_to]
            parts.append(f"sa.ForeignKeyConstraint({_list(link.columns)}, {_list(there)}{_named(link.name)})")
    line = f"op.create_table({', '.join([_text(_bare(table.name)), *parts])}{_schema(table.name)})"
    return line, *(add_index(table.name, index) for index in table.indexes if not index.constraint and index.columns)


def drop_table(table: str) -> str:
    return f"op.drop_table({_text(_bare(table))}{_schema(table)})"


def add_index(table: str, index: Index) -> str:
    name = _text(index.name) if index.name else "None"
    if index.constraint:
        return f"op.create_unique_constraint({name}, {_text(_bare(table))}, {_list(index.columns)}{_schema(table)})"
    return f"op.create_index({name}, {_text(_bare(table))}, {_list(index.columns)}{', unique=True' if index.unique else ''}{_schema(table)})"


def drop_index(table: str, index: Index) -> str:
    name = _text(index.name) if index.name else "..."
    if index.constraint:
        return f'op.drop_constraint({name}, {_text(_bare(table))}, type_="unique"{_schema(table)})'
    return f"op.drop_index({name}, table_name={_text(_bare(table))}{_schema(table)})"


def add_foreign_key(table: str, link: ForeignKey) -> str:
    name = _text(link.name) if link.name else "None"
    schemas = "".join(
        f", {side}_schema={_text(whole.rpartition('.')[0])}" for side, whole in (("source", table), ("referent", link.refers)) if "." in whole
    )
    sides = f"{_text(_bare(table))}, {_text(_bare(link.refers))}, {_list(link.columns)}, {_list(link.refers_to)}"
    return f"op.create_foreign_key({name}, {sides}{schemas})"


def drop_foreign_key(table: str, link: ForeignKey) -> str:
    return f'op.drop_constraint({_text(link.name) if link.name else "..."}, {_text(_bare(table))}, type_="foreignkey"{_schema(table)})'


def _bare(table: str) -> str:
    return table.rpartition(".")[2]


def _schema(table: str) -> str:
    schema = table.rpartition(".")[0]
    return f", schema={_text(schema)}" if schema else ""


def _named(name: str) -> str:
    return f", name={_text(name)}" if name else ""


def _list(names: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, names))}]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
