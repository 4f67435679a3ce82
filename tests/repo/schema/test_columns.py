"""Columns and constraints as written, and what they come to in a table."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.schema.constraints import read_arguments
from mingus_gate.repo.schema.nouns import Table
from tests.tools import write

HEAD = """\
import functools
import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column, Integer, String
PREFIX = "my_"
Required = functools.partial(Column, nullable=False)

def reference(table, key="id", **options):
    return sa.Column(sa.ForeignKey("{}.{}".format(table, key)), name="ref", **options)

class User(db.Model):
    __tablename__ = "users"

class OrderLine(db.Model):
    pass
"""
COLUMNS: list[tuple[str, str]] = [
    ("sa.Column('a', sa.Integer())", "a integer null"),
    ("sa.Column('a', sa.Integer(), nullable=False)", "a integer"),
    ("sa.Column('a', sa.Integer(), primary_key=True)", "a integer key"),
    ("sa.Column('a', sa.ForeignKey('u.id'), sa.Integer)", "a integer null -> u.id"),
    ("sa.Column(type_=String(5), name='a')", "a string(5) null"),
    ("sa.Column(PREFIX + 'a', String)", "my_a string null"),
    ("sa.Column(op.f('a'), String)", "a string null"),
    ("sa.Column('a', String, server_default='x')", "a string null default"),
    ("sa.Column('a', String, server_default=sa.text('now()'))", "a string null default"),
    ("sa.Column('a', String, server_default=None)", "a string null"),
    ("sa.Column('a', String, server_default=sa.null())", "a string null"),
    ("sa.Column('a', String, server_default=sa.text('NULL'))", "a string null"),
    ("sa.Column('a', String, nullable=REQUIRED)", "a string null?"),
    ("sa.Column('a', Integer, sa.Identity())", "a integer"),
    ("sa.Column('a', Integer, sa.Computed('b + 1'))", "a integer null default"),
    ("sa.Column('a', String, **options)", "a string null? default?"),
    ("Required('a', String)", "a string"),
    ("reference('users', nullable=False)", "ref ? -> users.id"),
    ("sa.Column('a', sa.ForeignKey(User.id))", "a ? null -> users.id"),
    ("sa.Column('a', sa.ForeignKey(OrderLine.id))", "a ? null -> order_line.id"),
]


@pytest.mark.parametrize(("written", "expected"), COLUMNS, ids=[row[0] for row in COLUMNS])
def test_a_column_as_written(written: str, expected: str) -> None:
    table = _table(written)
    (column,) = table.columns.values()
    words = [column.name, (column.type.family or "?") + (f"({column.type.length})" if column.type.length else "")]
    words += ["key"] if column.primary_key else [] if column.nullable is False else ["null" if column.nullable else "null?"]
    words += ["default" if column.default else "default?"] if column.default is not False else []
    words += [f"-> {key.refers}.{key.refers_to[0]}" for key in table.foreign_keys]
    assert " ".join(words) == expected


def test_a_partial_that_another_file_keeps() -> None:
    files = {
        "shop/base.py": "import functools\nimport sqlalchemy as sa\nColumn = functools.partial(sa.Column, nullable=False)\n",
        "shop/models.py": "import sqlalchemy as sa\nfrom shop.base import Column\nx = [Column('a', sa.Text), Column('b', sa.Text, nullable=True)]\n",
    }
    table = _read(files, "shop/models.py")
    assert [column.nullable for column in table.columns.values()] == [False, True]


INDEXES: list[tuple[str, str]] = [
    ("Column('a', String, index=True)", "ix_t_a (a)"),
    ("Column('a', String, index=True, unique=True)", "ix_t_a (a) unique"),
    ("Column('a', String, unique=True)", " (a) unique constraint"),
    ("Column('a', String), sa.UniqueConstraint('a', name=op.f('uq_a'))", "uq_a (a) unique constraint"),
    ("sa.Index('i', 'a', 'b', unique=True)", "i (a b) unique"),
    ("sa.Index(None, 'a')", "ix_t_a (a)"),
    ("sa.Index('i', sa.text('lower(a)'))", "i ()"),
    ("sa.Index('i', a.desc())", "i (a)"),
    ("sa.Index('i', User.data['x'].astext)", "i ()"),
]


@pytest.mark.parametrize(("written", "expected"), INDEXES, ids=[row[0] for row in INDEXES])
def test_an_index_as_written(written: str, expected: str) -> None:
    (index,) = _table(written).indexes
    found = f"{index.name} ({' '.join(index.columns)})" + " unique" * index.unique + " constraint" * index.constraint
    assert found == expected


def test_constraints_over_columns_that_stand_before_or_after() -> None:
    table = _table("sa.PrimaryKeyConstraint('a', 'b'), Column('a', Integer), Column('b', Integer), sa.CheckConstraint('a > 0')")
    assert [(c.name, c.primary_key, c.nullable) for c in table.columns.values()] == [("a", True, False), ("b", True, False)]
    assert not table.unclear


def test_a_foreign_key_over_several_columns() -> None:
    (key,) = _table("sa.ForeignKeyConstraint(['a', 'b'], ['s.t.x', 's.t.y'], name='fk')").foreign_keys
    assert (key.columns, key.refers, key.refers_to, key.name) == (("a", "b"), "s.t", ("x", "y"), "fk")


@pytest.mark.parametrize("written", ["*columns()", "make()", "Column(NAME, String)"])
def test_what_may_be_a_column_keeps_the_table_from_being_known(written: str) -> None:
    assert _table(written).unclear


@pytest.mark.parametrize("written", ["sa.UniqueConstraint(*columns())", "sa.ForeignKeyConstraint(columns, ['u.id'])"])
def test_a_constraint_that_cannot_be_read_leaves_the_columns_known(written: str) -> None:
    table = _table(written)
    assert not table.unclear
    assert table.unclear_keys


def _table(arguments: str) -> Table:
    return _read({"models.py": f"{HEAD}\nx = [{arguments}]\n"}, "models.py")


def _read(files: dict[str, str], path: str) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), files))
        module = repo.module(next(file for file in repo.files(".py") if file.path == path))
        assert module
        statement = module.tree.body[-1]
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.List)
        table = Table("t")
        read_arguments(repo, module, table, statement.value.elts)
        return table
