"""Random models, run by SQLAlchemy and Flask-SQLAlchemy themselves: the tables we read equal those of the real metadata."""

from __future__ import annotations

import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from mingus_gate.repo import Repo
from mingus_gate.repo.models.metadatas import metadatas
from mingus_gate.repo.schema.nouns import Schema
from mingus_gate.repo.schema.type_names import FAMILIES
from tests.tools import write

IMPORTS = """\
import datetime, decimal, enum, uuid
from typing import Annotated, Optional
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, declared_attr, deferred, mapped_column

class Color(enum.Enum):
    red = 1
    blue = 2

class Money(sa.types.TypeDecorator):
    impl = sa.Numeric
    cache_ok = True

class Code(sa.types.TypeDecorator):
    impl = String
    cache_ok = True

short = Annotated[str, mapped_column(String(20))]
"""
PLAIN = "Base = declarative_base()\n"
MODERN = "class Base(DeclarativeBase):\n    type_annotation_map = {dict: postgresql.JSONB, datetime.datetime: sa.DateTime(timezone=True)}\n"
FLASK = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\nBase = db.Model\n"
TYPES = (
    *("Integer", "sa.BigInteger()", "String", "String(40)", "sa.Text", "sa.Boolean()", "sa.DateTime(timezone=True)", "sa.Date", "sa.Float"),
    *("sa.Enum(Color)", 'sa.Enum("a", "b", name="letter")', "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')", "postgresql.ARRAY(sa.Text)"),
    *("Money(10, 2)", "Code(12)", "sa.LargeBinary", "sa.Uuid()", "sa.Enum('x', 'yyy', native_enum=False)", "postgresql.INET"),
)
ANNOTATIONS = ("int", "str", "bool", "float", "bytes", "datetime.date", "datetime.datetime", "decimal.Decimal", "uuid.UUID", "Color", "short")
CLASSES = ("User", "OrderLine", "HTTPRequest", "APIKey2", "userRole", "A1b", "DBThing")
OPTIONS = ("nullable=False", "nullable=True", "unique=True", "index=True", "server_default='1'", "index=True, unique=True", "")


class Text:
    """A models file as it is drawn, a line at a time; column names never come twice."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], kind: str) -> None:
        self.draw, self.kind = draw, kind
        self.columns = 0
        self.lines = [IMPORTS, {"plain": PLAIN, "modern": MODERN, "flask": FLASK}[kind]]
        self.tables: list[tuple[str, str]] = []
        """Class and table of the models that may be inherited from or referred to."""

    def column(self, mixin: bool = False, refers: bool = True) -> list[str]:
        """The lines of one column of a class."""
        self.columns += 1
        name = f"c{self.columns}"
        kind, options = self.draw(st.sampled_from(TYPES)), self.draw(st.sampled_from(OPTIONS))
        rest = f", {options}" if options else ""
        forms = [f"{name} = Column({kind}{rest})", f'{name} = Column("{name}_named", {kind}{rest})', f"{name} = mapped_column({kind}{rest})"]
        if self.kind == "modern":
            note = self.draw(st.sampled_from(ANNOTATIONS))
            forms += [f"{name}: Mapped[{note}]", f"{name}: Mapped[Optional[{note}]]", f'{name}: Mapped["{note} | None"] = mapped_column()']
            forms += [f"{name}: Mapped[{note}] = mapped_column({options})", f"{name}: Mapped[Optional[str]] = mapped_column({kind}{rest})"]
        if not mixin:
            forms.append(f"{name} = deferred(Column({kind}{rest}))")
            if self.tables and refers:
                forms.append(f'{name} = Column(ForeignKey("{self.draw(st.sampled_from(self.tables))[1]}.id"){rest})')
        form = self.draw(st.sampled_from(forms))
        if mixin and self.draw(st.booleans()) and "Mapped[" not in form:
            return ["@declared_attr", f"def {name}(cls):", f"    return {form.partition(' = ')[2]}"]
        return [form]

    def body(self, lines: list[str]) -> None:
        self.lines += [f"    {line}" for line in lines or ["pass"]]

    def some_columns(self, mixin: bool = False, most: int = 3, refers: bool = True) -> list[str]:
        return [line for _ in range(self.draw(st.integers(0, most))) for line in self.column(mixin, refers)]

    def write(self) -> str:
        self.lines.append("class Mixin:")
        self.body(self.some_columns(mixin=True))
        self.lines.append("class Named:")
        self.body(["@declared_attr.directive", "def __tablename__(cls):", '    return f"x_{cls.__name__.lower()}"', *self.some_columns(True, 1)])
        self.lines.append("class Parent(Base):")
        self.body(["__abstract__ = True", "id = Column(Integer, primary_key=True)", *self.some_columns(mixin=True)])
        for name in self.draw(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=4, unique=True)):
            self.model(name)
        if len(self.tables) > 1:
            (_, left), (_, right) = self.tables[:2]
            arguments = f'Column("l", ForeignKey("{left}.id"), primary_key=True), Column("r", ForeignKey("{right}.id"), primary_key=True)'
            self.lines.append(f'between = Table("between", Base.metadata, {arguments}, UniqueConstraint("l", "r", name="uq_between"))')
        return "\n".join(self.lines) + "\n"

    def model(self, name: str) -> None:
        forms = ["own", "mixin", "named"] + (["auto"] if self.kind == "flask" else []) + (["joined", "single"] if self.tables else [])
        form = self.draw(st.sampled_from(forms))
        above, table = self.draw(st.sampled_from(self.tables)) if self.tables else ("", "")
        columns = self.some_columns(refers=form != "joined")  # else the join to the parent is ambiguous
        if form == "single":
            # a column of a child may be named like nothing in its parent's table, and must allow NULL for nobody but us
            self.lines.append(f"class {name}({above}):")
            return self.body(columns)
        if form == "joined":
            self.lines.append(f"class {name}({above}):")
            self.body([f'__tablename__ = "j_{name.lower()}"', f'id = Column(Integer, ForeignKey("{table}.id"), primary_key=True)', *columns])
            return self.tables.append((name, f"j_{name.lower()}"))
        bases = {"own": "Parent", "mixin": "Mixin, Parent", "named": "Named, Parent", "auto": "Mixin, Parent"}[form]
        self.lines.append(f"class {name}({bases}):")
        own = f"t_{name.lower()}" if form in ("own", "mixin") else f"x_{name.lower()}"
        stated = [f'__tablename__ = "{own}"'] if form in ("own", "mixin") else []
        arguments = self.draw(st.sampled_from(([], [f'__table_args__ = (UniqueConstraint("id", name="uq_{name}"), Index("ix_{name}", "id"))'])))
        self.body([*stated, *columns, *arguments])
        if form != "auto" and (form != "named" or self.kind):
            self.tables += [(name, own)] if form != "named" else []
        return None


@st.composite
def models(draw: st.DrawFn) -> str:
    return Text(draw, draw(st.sampled_from(("plain", "modern", "flask")))).write()


def family(kind: sa.types.TypeEngine[Any]) -> str:
    """The word for a real type, by what PostgreSQL is told."""
    if isinstance(kind, sa.Enum) and kind.native_enum:
        return "enum"
    text = kind.compile(dialect=postgresql.dialect()).upper()  # type: ignore[no-untyped-call]
    if text.endswith("[]"):
        return "array"
    if text.startswith(("TIMESTAMP", "TIME")):
        return text.split()[0].lower() + ("tz" if "WITH TIME ZONE" in text else "")
    return FAMILIES[text.split("(")[0].replace("DOUBLE PRECISION", "DOUBLE")]


def real(text: str) -> dict[str, Any]:
    """The tables that SQLAlchemy makes of the text."""
    module = sys.modules["generated"] = types.ModuleType("generated")  # SQLAlchemy looks annotations up there
    try:
        exec(compile(text, "models.py", "exec", dont_inherit=True), module.__dict__)
    finally:
        del sys.modules["generated"]
    metadata: sa.MetaData = module.Base.metadata
    return {key: _described(table) for key, table in metadata.tables.items()}


def _described(table: sa.Table) -> dict[str, Any]:
    uniques = [tuple(c.columns.keys()) for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    return {
        "columns": {c.name: (family(c.type), getattr(c.type, "length", None) if family(c.type) == "string" else None) for c in table.columns},
        "nullable": {c.name: c.nullable for c in table.columns},
        "default": {c.name: c.server_default is not None for c in table.columns},
        "keys": sorted(c.name for c in table.primary_key),
        "indexes": sorted((str(i.name), tuple(c.name for c in i.columns), bool(i.unique)) for i in table.indexes),
        "uniques": sorted(uniques),
        "foreign": sorted((k.parent.name, k.target_fullname) for k in table.foreign_keys),
    }


def ours(schema: Schema) -> dict[str, Any]:
    """The same words for the tables that we read."""
    return {
        key: {
            "columns": {c.name: (c.type.family, c.type.length if c.type.family == "string" else None) for c in table.columns.values()},
            "nullable": {c.name: c.nullable for c in table.columns.values()},
            "default": {c.name: c.default for c in table.columns.values()},
            "keys": sorted(c.name for c in table.columns.values() if c.primary_key),
            "indexes": sorted((i.name, i.columns, i.unique) for i in table.indexes if not i.constraint),
            "uniques": sorted(i.columns for i in table.indexes if i.constraint),
            "foreign": sorted((k.columns[0], f"{k.refers}.{k.refers_to[0]}") for k in table.foreign_keys),
        }
        for key, table in schema.tables.items()
    }


@given(models())
@settings(max_examples=60, deadline=None, report_multiple_bugs=False, suppress_health_check=[HealthCheck.too_slow])
def test_the_tables_we_read_are_those_sqlalchemy_makes(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = Repo(write(Path(folder), {"app/models.py": text})).fact(metadatas)
    assert [metadata.schema.unclear for metadata in found] == [""]
    assert [table.unclear or table.unclear_keys for table in found[0].schema.tables.values()] == [""] * len(found[0].schema.tables)
    assert ours(found[0].schema) == real(text)
