"""Types as written and the family each comes to."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.schema.nouns import Type
from mingus_gate.repo.schema.types import read_type
from tests.tools import write

HEAD = """\
import enum
import sqlalchemy as sa
import sqlalchemy_utils
from sqlalchemy import ARRAY, DateTime, Enum, String
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.mutable import MutableDict
from app.db import db
from app.types import Code, Guid, Money, Point, Status, Wrapped, Zoned
import geoalchemy2

SIZE = 30
NAMES = ("a", "b")

class Color(enum.Enum):
    red = "r"
    blue = "b"
"""
OWN = """\
import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, UserDefinedType
from sqlalchemy.dialects.postgresql import UUID

Money = sa.Numeric(10, 2)

class Code(TypeDecorator):
    impl = sa.String

class Guid(TypeDecorator):
    impl = sa.CHAR
    def load_dialect_impl(self, dialect):
        if dialect.name == "postgresql":
            return dialect.type_descriptor(UUID())
        return dialect.type_descriptor(sa.CHAR(32))

class Status(sa.Integer):
    pass

class Zoned(TypeDecorator):
    impl = sa.DateTime(timezone=True)

class Point(UserDefinedType):
    def get_col_spec(self):
        return "POINT"

class Wrapped(TypeDecorator):
    def __init__(self, inner):
        self.impl = inner
"""
DB = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"
READ: list[tuple[str, Type]] = [
    ("sa.Integer", Type("integer")),
    ("sa.BigInteger()", Type("bigint")),
    ("sa.String(120)", Type("string", 120)),
    ("String(length=SIZE)", Type("string", 30)),
    ("db.String(80)", Type("string", 80)),
    ("sa.VARCHAR", Type("string")),
    ("db.Text", Type("text")),
    ("sa.CHAR(2)", Type("char", 2)),
    ("DateTime(timezone=True)", Type("timestamptz")),
    ("sa.DateTime(True)", Type("timestamptz")),
    ("postgresql.TIMESTAMP(timezone=False)", Type("timestamp")),
    ("DateTime(timezone=ZONES)", Type("")),
    ("sa.Double()", Type("float")),
    ("mysql.TINYINT(1)", Type("boolean")),
    ("mysql.LONGTEXT()", Type("text")),
    ("postgresql.UUID(as_uuid=True)", Type("uuid")),
    ("postgresql.JSONB(astext_type=sa.Text())", Type("jsonb")),
    ("sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')", Type("jsonb")),
    ("sa.Text().with_variant(mysql.LONGTEXT(), 'mysql')", Type("text")),
    ("MutableDict.as_mutable(postgresql.JSONB)", Type("jsonb")),
    ("Enum('a', 'b', name='letter')", Type("enum", values=("a", "b"), name="letter")),
    ("sa.Enum(*NAMES, name='letter')", Type("enum", values=("a", "b"), name="letter")),
    ("db.Enum(Color)", Type("enum", values=("red", "blue"), name="color")),
    ("Enum(Color, values_callable=lambda e: [x.value for x in e])", Type("enum", values=("r", "b"), name="color")),
    ("Enum(Color, native_enum=False)", Type("string", 4)),
    ("Enum('a', native_enum=False, length=50)", Type("string", 50)),
    ("sqlalchemy_utils.UUIDType(binary=False)", Type("uuid")),
    ("sqlalchemy_utils.EmailType", Type("string", 255)),
    ("sqlalchemy_utils.ChoiceType(CHOICES)", Type("string", 255)),
    ("sqlalchemy_utils.ChoiceType(CHOICES, impl=sa.Integer())", Type("integer")),
    ("geoalchemy2.Geometry('POINT')", Type("geometry")),
    ("Money", Type("numeric")),
    ("Code(12)", Type("string", 12)),
    ("Guid", Type("uuid")),
    ("Status()", Type("integer")),
    ("Zoned", Type("timestamptz")),
    ("Point", Type("point")),
    ("Wrapped(sa.Text)", Type("")),
    ("unknown.Thing()", Type("")),
]


@pytest.mark.parametrize(("written", "expected"), READ, ids=[row[0] for row in READ])
def test_a_type_as_written(written: str, expected: Type) -> None:
    found = _read(written)
    assert (found.family, found.length, found.values, found.name) == (expected.family, expected.length, expected.values, expected.name)
    assert found.shown.replace('"', "'") == written


def test_an_array_names_its_items() -> None:
    found = _read("ARRAY(sa.String(3))")
    assert found.family == "array"
    assert found.item
    assert (found.item.family, found.item.length) == ("string", 3)


def _read(written: str) -> Type:
    with tempfile.TemporaryDirectory() as folder:
        files = {"app/models.py": f"{HEAD}\nx = {written}\n", "app/types.py": OWN, "app/db.py": DB}
        repo = Repo(write(Path(folder), files))
        module = repo.module(next(repo.files("models.py")))
        assert module
        statement = module.tree.body[-1]
        assert isinstance(statement, ast.Assign)
        return read_type(repo, module, statement.value)
