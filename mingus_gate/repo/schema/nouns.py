"""The nouns of a schema, told without a database. What could not be told says which expression stopped us."""

from __future__ import annotations

from dataclasses import dataclass, field

from mingus_gate.model import Place


@dataclass(frozen=True, slots=True)
class Type:
    """A column's type as SQLAlchemy and Alembic compare it.

    `family` is a lower-case word of `types.py` ("string", "integer", "timestamp", …), or empty where it could not be
    told. `length` is a text's, `values` an enum's, `item` an array's.
    """

    family: str
    length: int | None = None
    values: tuple[str, ...] = ()
    item: Type | None = None
    shown: str = ""
    """As it stands in the source: `String(120)`."""
    name: str = ""
    """An enum type's name in the database."""


UNTOLD = Type("")


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `nullable` and `default` (the server's) are None where they could not be told."""

    name: str
    type: Type = UNTOLD
    nullable: bool | None = True
    default: bool | None = False
    primary_key: bool = False
    place: Place | None = None
    server_default: str = ""
    """As it stands in the source, where it could be told: `"EUR"`, `sa.text("now()")`."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index or a unique constraint. `columns` is empty where it is over expressions. A name may be empty: the database gives one."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    constraint: bool = False
    """Written as a unique constraint; databases keep it as an index all the same."""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that point to the columns of another table; `refers` is its key in the Schema."""

    columns: tuple[str, ...]
    refers: str
    refers_to: tuple[str, ...] = ()
    name: str = ""
    place: Place | None = None


@dataclass(slots=True)
class Table:
    """A table as it stands. `unclear` is the expression that keeps the whole of it from being known."""

    name: str
    """With its database schema in front, where one is named: `billing.invoices`."""
    place: Place | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    unclear: str = ""
    unclear_keys: str = ""
    """The expression that keeps its indexes, unique constraints and foreign keys from being known; the columns are."""


@dataclass(slots=True)
class Schema:
    """Tables by name. `unclear` is an expression that may touch any table: nothing missing is then believed."""

    tables: dict[str, Table] = field(default_factory=dict)
    unclear: str = ""
    unclear_place: Place | None = None
    assumed: dict[str, Place] = field(default_factory=dict)
    """Tables that revisions alter and none creates, with the first place: they were there before the history began."""
    crossed: dict[str, Place] = field(default_factory=dict)
    """Tables that a revision makes though they are there, or changes though they are gone: the order of branches decides."""
