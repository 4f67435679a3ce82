"""The schema as it stands between two operations of a history, and what an operation can do to it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mingus_gate.model import Place
from mingus_gate.repo.schema.nouns import Column, ForeignKey, Index, Schema, Table

HOLE = "\ufffc"
"""Stands in a text for the part that could not be told."""

ENDINGS = {"primary": ("_pkey", "PRIMARY"), "unique": ("_key", "_uc"), "foreignkey": ("_fkey", "_fk")}
STARTS = {"primary": ("pk_",), "unique": ("uq_", "uix_", "unique_"), "foreignkey": ("fk_",)}
"""What the names of constraints end and start with where people and databases follow their conventions."""


class Standing:
    """A schema that operations change.

    While `doubt` is set, a condition that could not be told stands around the operation: it may have run or not, so the
    tables it touches become unclear.
    """

    def __init__(self, dialect: str = "postgresql") -> None:
        self.schema = Schema()
        self.dialect = dialect
        self.doubt = ""
        self.tolerant = False
        """What the operation works on may be gone already: a guard asked for it."""
        self.temporary: set[str] = set()
        self._former: dict[tuple[str, str], set[str]] = {}
        """(table, column) → the names the column had before; constraints that the database named keep them."""
        self._made_as: dict[str, str] = {}
        """A renamed table's name → the one it had before."""
        self._now: dict[str, str] = {}
        """The name that a table lost → the one it got, or "" where it was dropped: the other branch of a history may still use it."""
        self.enums: dict[str, tuple[str, ...]] = {}
        """The values of the enum types that revisions make by themselves."""

    def begin(self) -> None:
        """A revision begins: nothing is in doubt, and the temporary tables of the last one are gone."""
        self.doubt, self.tolerant = "", False
        self.temporary.clear()

    # -- tables --------------------------------------------------------------------------------------------------

    def table(self, key: str, place: Place, keys: bool = False) -> Table | None:
        """The table that an operation changes, or only its keys; None where no revision made it: it was there before, then."""
        found = self.schema.tables.get(self._heir(key))
        if key not in self.schema.tables and key in self._now:
            self.schema.crossed.setdefault(key, place)
        elif found is None:
            if key not in self.temporary:
                self.schema.assumed.setdefault(key, place)
        elif self.doubt and keys:
            found.unclear_keys = found.unclear_keys or self.doubt
        elif self.doubt:
            found.unclear = found.unclear or self.doubt
        return found

    def _heir(self, key: str) -> str:
        while key not in self.schema.tables and key in self._now:
            key = self._now[key]
        return key

    def create_table(self, table: Table, keep: bool = False) -> None:
        """Makes a table; with `keep` only where there is none of its name yet."""
        standing = self.schema.tables.get(table.name)
        self.schema.assumed.pop(table.name, None)
        if standing and (keep or self.doubt):
            standing.unclear = standing.unclear or (self.doubt if not keep else "")
            return
        if standing:
            self.schema.crossed.setdefault(table.name, table.place or Place(""))
        table.unclear = table.unclear or self.doubt
        self.schema.tables[table.name] = table

    def drop_table(self, key: str) -> None:
        standing = self.schema.tables.get(key)
        self.schema.assumed.pop(key, None)
        if standing and self.doubt:
            standing.unclear = standing.unclear or self.doubt
        elif standing:
            del self.schema.tables[key]
            self._now[key] = ""
            # SQLite's way to change a table: it is renamed, made anew under its name, and dropped; keys mean the new one
            heir = self._made_as.get(key, "")
            for other in self.schema.tables.values():
                kept = (replace(f, refers=heir) if f.refers == key else f for f in other.foreign_keys)
                other.foreign_keys = [f for f in kept if f.refers != key and (f.refers in self.schema.tables or f.refers != heir)]

    def rename_table(self, old: str, new: str, place: Place) -> None:
        found = self.table(old, place)
        if found is None:
            self.schema.assumed.pop(old, None)
            if new not in self.schema.tables:
                self.schema.assumed.setdefault(new, place)
            return
        if self.doubt:
            self.create_table(Table(new, place, unclear=self.doubt), keep=True)
            return
        del self.schema.tables[found.name]
        found.name = new
        self.schema.tables[new] = found
        self._now.pop(new, None)
        self._now[old] = new
        self._made_as[new] = old
        self._former |= {(new, column): names for (table, column), names in self._former.items() if table == old}
        for other in self.schema.tables.values():
            other.foreign_keys = [replace(f, refers=new) if f.refers == old else f for f in other.foreign_keys]

    def unclear_table(self, key: str, why: str, place: Place) -> None:
        """What the table holds is not known from here on."""
        if HOLE in key or not key:
            self.unclear(why, place)
        elif found := self.table(key, place):
            found.unclear = found.unclear or why

    def unclear(self, why: str, place: Place) -> None:
        """Any table may have been changed."""
        if not self.schema.unclear:
            self.schema.unclear, self.schema.unclear_place = why, place

    # -- columns -------------------------------------------------------------------------------------------------

    def add_column(self, key: str, column: Column, place: Place, keep: bool = False) -> Table | None:
        table = self.table(key, place)
        if table and not (keep and column.name in table.columns):
            table.columns[column.name] = column
        return table

    def drop_column(self, key: str, name: str, place: Place) -> None:
        table = self.table(key, place)
        if table and not self.doubt:
            table.columns.pop(name, None)
            table.indexes = [i for i in table.indexes if name not in i.columns]
            table.foreign_keys = [f for f in table.foreign_keys if name not in f.columns]

    def alter_column(self, key: str, name: str, place: Place, **changes: Any) -> None:
        table = self.table(key, place)
        column = table.columns.get(name) if table else None
        if table and column:
            table.columns[name] = replace(column, **changes)
        elif table and not self.tolerant:
            table.unclear = table.unclear or f"column {name} is altered, though no revision makes it"

    def rename_column(self, key: str, old: str, new: str, place: Place) -> None:
        table = self.table(key, place)
        if table is None or self.doubt:
            return
        if old not in table.columns:
            if not self.tolerant:
                table.unclear = table.unclear or f"column {old} is renamed, though no revision makes it"
            return
        self._former[key, new] = self._former.pop((key, old), set()) | {old}
        table.columns = {new if n == old else n: replace(c, name=new) if n == old else c for n, c in table.columns.items()}
        table.indexes = [replace(i, columns=_renamed(i.columns, old, new)) for i in table.indexes]
        table.foreign_keys = [replace(f, columns=_renamed(f.columns, old, new)) for f in table.foreign_keys]
        for other in self.schema.tables.values():
            other.foreign_keys = [replace(f, refers_to=_renamed(f.refers_to, old, new)) if f.refers == key else f for f in other.foreign_keys]

    def primary_key(self, key: str, names: Iterable[str], place: Place) -> None:
        for name in names:
            self.alter_column(key, name, place, primary_key=True, nullable=False)

    # -- indexes and constraints ---------------------------------------------------------------------------------

    def add_index(self, key: str, index: Index, place: Place, keep: bool = False) -> None:
        table = self.table(key, place, keys=True)
        if table and not (keep and any(i.name == index.name for i in table.indexes)):
            table.indexes.append(index)

    def add_foreign_key(self, key: str, foreign_key: ForeignKey, place: Place) -> None:
        table = self.table(key, place, keys=True)
        if table:
            table.foreign_keys.append(foreign_key)

    def drop_index(self, name: str, key: str, place: Place) -> None:
        """Drops an index; but for MySQL its name is enough, whatever table is said with it."""
        named = self.table(key, place, keys=True) if key else None
        own = named and any(i.name == name for i in named.indexes)
        for table in [named] if named and (own or self.dialect == "mysql") else list(self.having(name)):
            if self.table(table.name, place, keys=True) and not self.doubt:
                table.indexes = [i for i in table.indexes if i.name != name]

    def rename_index(self, old: str, new: str) -> None:
        for table in self.having(old):
            table.indexes = [replace(i, name=new) if i.name == old else i for i in table.indexes]

    def having(self, index: str) -> Iterator[Table]:
        """The tables with an index of that name."""
        wanted = index.rpartition(".")[2]
        return (t for t in self.schema.tables.values() if any(i.name == wanted for i in t.indexes))

    def drop_constraint(self, key: str, name: str, kind: str, place: Place) -> None:
        """Drops a constraint by the name it was given, or the one that the database gave it."""
        held = self.schema.tables.get(key)
        if held and (kind := kind or _kind(held, name)) in ("", "check"):
            return
        table = self.table(key, place, keys=kind != "primary")
        if table is None or self.doubt:
            return
        if kind == "primary":
            table.columns = {n: replace(c, primary_key=False) for n, c in table.columns.items()}
        elif kind == "foreignkey":
            gone = self._meant(name, key, table.foreign_keys)
            table.foreign_keys = [f for f in table.foreign_keys if f is not gone]
        elif kind == "unique":
            dropped = self._meant(name, key, [i for i in table.indexes if i.constraint])
            table.indexes = [i for i in table.indexes if i is not dropped]

    def rename_constraint(self, key: str, old: str, new: str, place: Place) -> None:
        table = self.table(key, place, keys=True)
        if table:
            table.indexes = [replace(i, name=new) if i.name == old else i for i in table.indexes]
            table.foreign_keys = [replace(f, name=new) if f.name == old else f for f in table.foreign_keys]

    def _meant(self, name: str, key: str, among: Sequence[Index] | Sequence[ForeignKey]) -> Index | ForeignKey | None:
        """The one of that name, or the unnamed one whose columns the name holds, or the only unnamed one."""
        exact = [one for one in among if one.name and one.name == name]
        unnamed = [one for one in among if not one.name]
        told = [one for one in unnamed if one.columns and all(any(n in name for n in self._names_of(key, c)) for c in one.columns)]
        best = exact or sorted(told, key=lambda one: -len("".join(one.columns))) or (unnamed if len(unnamed) == 1 else [])
        return best[0] if best else None

    def _names_of(self, key: str, column: str) -> set[str]:
        return {column} | self._former.get((key, column), set())

    # -- enums ---------------------------------------------------------------------------------------------------

    def change_enum(self, enum: str, place: Place, **changes: Any) -> None:
        """Changes the type of every column that has the enum type `enum`."""
        for table in self.schema.tables.values():
            for column in list(table.columns.values()):
                if column.type.name == enum:
                    self.alter_column(table.name, column.name, place, type=replace(column.type, **changes))

    def fill_enums(self, table: Table) -> None:
        """Gives the columns that only name an enum type the values it was made with: `ENUM(name="mood", create_type=False)`."""
        for column in table.columns.values():
            kind = column.type
            if kind.family == "enum" and kind.name and not kind.values:
                values = self.enums.get(kind.name) or self.enum_values(kind.name)
                table.columns[column.name] = replace(column, type=replace(kind, values=values))

    def enum_values(self, name: str) -> tuple[str, ...]:
        return next((c.type.values for t in self.schema.tables.values() for c in t.columns.values() if c.type.name == name and c.type.values), ())


def key_of(name: str, schema: str = "") -> str:
    """A table's key in the schema: PostgreSQL's `public` is where tables are that name no schema."""
    return f"{schema}.{name}" if schema and schema != "public" else name.removeprefix("public.")


def _renamed(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def _kind(table: Table, name: str) -> str:
    """The kind of a constraint that only its name is told of."""
    if any(i.name == name for i in table.indexes):
        return "unique"
    if any(f.name == name for f in table.foreign_keys):
        return "foreignkey"
    likely = (kind for kind in ENDINGS if name.endswith(ENDINGS[kind]) or name.startswith(STARTS[kind]))
    return next(likely, "")
