"""Where two schemas differ, pure: what the models declare against what the migrations leave.

Compares what Alembic's autogenerate compares (alembic/autogenerate/compare/), but keys by their columns, not by their names:
a name that differs alone breaks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from mingus_gate.model import Place
from mingus_gate.repo.schema import op_lines as op
from mingus_gate.repo.schema.nouns import Column, ForeignKey, Index, Schema, Table, Type

Kind = Literal["table", "column", "type", "length", "nullable", "key", "leftover", "required leftover"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which models and migrations differ. `steps` are the lines that would close it."""

    kind: Kind
    table: str
    column: str
    message: str
    place: Place | None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that could not be compared, and the expression that stopped us. `kind` "column" is for all below a table, too."""

    kind: Kind
    table: str
    column: str
    expression: str
    place: Place | None

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}" if self.column else self.table


@dataclass(slots=True)
class Comparison:
    """What was compared, and what came out."""

    tables: int = 0
    columns: int = 0
    differences: list[Difference] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def diff(models: Schema, migrated: Schema, dialect: str = "") -> Comparison:
    """Compares the two as they would stand in a database of `dialect`; "" where it is not known."""
    found = Comparison()
    wanted, there = _by_name(models), _by_name(migrated)
    assumed = {_plain(name) for name in migrated.assumed}
    begun = "the schema that was there before the first revision" if assumed else ""
    for name, table in wanted.items():
        if name in assumed:
            continue
        other = there.get(name)
        doubt = table.unclear or (other.unclear if other else migrated.unclear or begun)
        if doubt:
            found.doubts.append(Doubt("column" if other else "table", name, "", doubt, table.place))
        elif other is None:
            many = f"{len(table.columns)} {'column' if len(table.columns) == 1 else 'columns'}"
            found.differences.append(
                Difference("table", name, "", f"no migration makes the table {name} ({many})", table.place, op.create_table(table))
            )
        else:
            found.tables += 1
            found.columns += len(table.columns)
            _compare(found, table, other, dialect)
    for name, table in there.items():
        if name in wanted or name in assumed or table.unclear:
            continue
        if models.unclear:
            found.doubts.append(Doubt("leftover", name, "", models.unclear, models.unclear_place))
        else:
            found.differences.append(
                Difference("leftover", name, "", f"the migrations leave the table {name}, which no model has", table.place, (op.drop_table(name),))
            )
    return _believed(found, migrated)


def _believed(found: Comparison, migrated: Schema) -> Comparison:
    """Without the differences, where something unread may have closed them."""
    if not migrated.unclear:
        return found
    doubts = [Doubt(d.kind, d.table, d.column, migrated.unclear, d.place) for d in found.differences]
    return replace(found, differences=[], doubts=[*found.doubts, *doubts])


def _by_name(schema: Schema) -> dict[str, Table]:
    return {_plain(name): table for name, table in schema.tables.items()}


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _plain(name: str) -> str:
    return name.removeprefix("public.")


def _compare(found: Comparison, table: Table, there: Table, dialect: str) -> None:
    missing = [column for name, column in table.columns.items() if name not in there.columns]
    keys: list[Index | ForeignKey] = [*there.indexes, *there.foreign_keys]
    used = {name for key in keys for name in key.columns}
    for column in missing:
        if column.name in used:  # it was there before the history began, or it is added in a way we do not read
            reason = "a key over it, though no revision adds it"
            found.doubts.append(Doubt("column", table.name, column.name, reason, column.place or table.place))
            continue
        message = f"no migration adds the column {table.name}.{column.name}"
        steps = (op.add_column(table.name, column), *_keys_of(table, column.name))
        found.differences.append(Difference("column", table.name, column.name, message, column.place or table.place, steps))
    for name, column in table.columns.items():
        if name in there.columns:
            _compare_column(found, table, column, there.columns[name], dialect)
    gone = [column for name, column in there.columns.items() if name not in table.columns]
    for column in gone:
        required = column.nullable is False and column.default is False
        rest = ", is NOT NULL and has no server default" if required else ""
        message = f"the migrations leave the column {table.name}.{column.name}, which is in no model{rest}"
        steps = (op.drop_column(table.name, column.name),)
        found.differences.append(Difference("required leftover" if required else "leftover", table.name, column.name, message, table.place, steps))
    if hidden := table.unclear_keys or there.unclear_keys:
        found.doubts.append(Doubt("key", table.name, "", hidden, table.place))
    else:
        found.differences += _compare_keys(table, there, {column.name for column in missing} | {column.name for column in gone})


def _keys_of(table: Table, column: str) -> Iterator[str]:
    """What makes the keys that a missing column stands in."""
    yield from (op.add_index(table.name, index) for index in table.indexes if column in index.columns)
    yield from (op.add_foreign_key(table.name, link) for link in table.foreign_keys if column in link.columns and link.refers)


# -- columns ---------------------------------------------------------------------------------------------------------

NO_ZONES = (frozenset({"timestamp", "timestamptz"}), frozenset({"time", "timetz"}))
PLAIN = (*NO_ZONES, frozenset({"uuid", "char", "binary"}), frozenset({"json", "jsonb"}), frozenset({"interval", "timestamp"}))
ALIKE: dict[str, tuple[frozenset[str], ...]] = {
    "postgresql": (),
    "mysql": (*PLAIN, frozenset({"boolean", "smallint"}), frozenset({"json", "text"})),
    "": (*PLAIN, frozenset({"enum", "string"})),
}
"""Families that a dialect keeps as one type, so that Alembic sees no difference; "" is SQLite, and any other."""


def _compare_column(found: Comparison, table: Table, column: Column, there: Column, dialect: str) -> None:
    name = f"{table.name}.{column.name}"
    place = column.place or table.place
    kind, what = type_gap(column.type, there.type, dialect)
    if kind:
        steps = (op.alter_column(table.name, column, there, type_=True),)
        found.differences.append(Difference(kind, table.name, column.name, f"{name} {what}", place, steps))
    elif not column.type.family or not there.type.family:
        stopped = column.type.shown if not column.type.family else there.type.shown
        found.doubts.append(Doubt("type", table.name, column.name, stopped or f"the type of {name}", place))
    wanted, is_ = _nullable(column), _nullable(there)
    if wanted is None or is_ is None:
        found.doubts.append(Doubt("nullable", table.name, column.name, f"whether {name} may be NULL", place))
    elif wanted is not is_:
        message = f"{name} is {_null(wanted)} here and {_null(is_)} in the migrations"
        steps = (op.alter_column(table.name, column, there),)
        found.differences.append(Difference("nullable", table.name, column.name, message, place, steps))


def type_gap(model: Type, there: Type, dialect: str) -> tuple[Literal["", "type", "length"], str]:
    """In what two types differ, in words; empty where they are alike or one is not known."""
    if not model.family or not there.family:
        return "", ""
    shown = f"is {model.shown or model.family} here and {there.shown or there.family} in the migrations"
    if model.family != there.family:
        return ("", "") if _alike(model.family, there.family, dialect) else ("type", shown)
    if dialect == "postgresql" and model.name and there.name and model.name != there.name:
        return "type", f"is of the type {model.name} here and of {there.name} in the migrations"
    if model.item and there.item:
        return type_gap(model.item, there.item, dialect)
    if model.length and there.length and model.length != there.length:
        return "length", shown
    if model.values and there.values and (more := [value for value in model.values if value not in there.values]):
        return "length", f"knows {', '.join(map(repr, more))} here, which the migrations' enum does not"
    return "", ""


def _alike(one: str, other: str, dialect: str) -> bool:
    return any({one, other} <= group for group in ALIKE.get(dialect, ALIKE[""]))


def _nullable(column: Column) -> bool | None:
    return False if column.primary_key else column.nullable


def _null(nullable: bool) -> str:
    return "NULL" if nullable else "NOT NULL"


# -- keys ------------------------------------------------------------------------------------------------------------


def _compare_keys(table: Table, there: Table, elsewhere: set[str]) -> Iterator[Difference]:
    """Indexes, unique constraints and foreign keys; those over columns that one side does not have are told with the column."""
    wanted, made = _indexes(table, elsewhere), _indexes(there, elsewhere)
    for signature, index in wanted.items():
        if signature not in made:
            message = f"no migration makes the {_called(index)} of {table.name}"
            yield _key(table, index.columns, message, index.place, op.add_index(table.name, index) if index.columns else "")
    for signature, index in made.items():
        if signature not in wanted:
            message = f"the migrations make the {_called(index)} of {table.name}, which the model does not have"
            yield _key(table, index.columns, message, None, op.drop_index(table.name, index))
    links, drawn = _links(table, elsewhere), _links(there, elsewhere)
    unread = {link.columns for link in (*table.foreign_keys, *there.foreign_keys) if not link.refers}
    for link in links:
        if link.columns not in unread and not any(_same(link, other) for other in drawn):
            yield _key(table, link.columns, f"no migration makes the {_drawn(table, link)}", link.place, op.add_foreign_key(table.name, link))
    for link in drawn:
        if link.columns not in unread and not any(_same(link, other) for other in links):
            message = f"the migrations make the {_drawn(table, link)}, which the model does not have"
            yield _key(table, link.columns, message, None, op.drop_foreign_key(table.name, link))


def _key(table: Table, columns: tuple[str, ...], message: str, place: Place | None, step: str) -> Difference:
    return Difference("key", table.name, ", ".join(columns), message, place or table.place, (step,) if step else ())


def _indexes(table: Table, elsewhere: set[str]) -> dict[tuple[bool, tuple[str, ...]], Index]:
    """By what makes them alike: unique or not, and over which columns; a unique index and a unique constraint are one thing."""
    primary = tuple(sorted(column.name for column in table.columns.values() if column.primary_key))
    found: dict[tuple[bool, tuple[str, ...]], Index] = {}
    for index in table.indexes:
        unique = index.unique or index.constraint
        columns = tuple(sorted(index.columns)) if unique else index.columns
        if index.columns and not elsewhere.intersection(index.columns) and columns != primary:
            found.setdefault((unique, columns), index)
        elif not index.columns and index.name:
            found.setdefault((unique, ("", index.name)), index)
    return found


def _called(index: Index) -> str:
    kind = "unique constraint" if index.constraint else "unique index" if index.unique else "index"
    return f"{kind} on {', '.join(index.columns)}" if index.columns else f"{kind} {index.name}"


def _links(table: Table, elsewhere: set[str]) -> list[ForeignKey]:
    return [link for link in table.foreign_keys if not elsewhere.intersection(link.columns)]


def _same(one: ForeignKey, other: ForeignKey) -> bool:
    to_same = (
        not one.refers_to
        or not other.refers_to
        or dict(zip(one.columns, one.refers_to, strict=False)) == dict(zip(other.columns, other.refers_to, strict=False))
    )
    return set(one.columns) == set(other.columns) and _plain(one.refers) == _plain(other.refers) and to_same


def _drawn(table: Table, link: ForeignKey) -> str:
    there = f"{link.refers}({', '.join(link.refers_to)})" if link.refers_to else link.refers
    return f"foreign key from {table.name}({', '.join(link.columns)}) to {there}"
