"""Differences between two schemas, written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mingus_gate.model import Place
from mingus_gate.repo.schema.diff import Comparison, diff
from mingus_gate.repo.schema.nouns import UNTOLD, Column, ForeignKey, Index, Schema, Table, Type

INTEGER = Type("integer", shown="db.Integer")
ID = Column("id", INTEGER, False, primary_key=True)
EMAIL = Column("email", Type("string", 254, shown="String(254)"), False, place=Place("models.py", 8))
USER_ID = Column("user_id", INTEGER)


def table(name: str, *columns: Column, indexes: tuple[Index, ...] = (), foreign_keys: tuple[ForeignKey, ...] = (), unclear: str = "") -> Table:
    return Table(name, Place("models.py", 5), {c.name: c for c in (ID, *columns)}, list(indexes), list(foreign_keys), unclear)


def schema(*tables: Table, unclear: str = "", assumed: tuple[str, ...] = ()) -> Schema:
    return Schema({t.name: t for t in tables}, unclear, assumed={name: Place("versions/1.py", 9) for name in assumed})


def told(found: Comparison) -> list[tuple[str, str, str]]:
    return [(d.kind, d.table, d.column) for d in found.differences]


def compare(model: Table, there: Table, dialect: str = "postgresql") -> Comparison:
    return diff(schema(model), schema(there), dialect)


def test_the_same_schema_has_no_difference() -> None:
    found = compare(table("users", EMAIL), table("users", EMAIL))
    assert (found.tables, found.columns, found.differences, found.doubts) == (1, 2, [], [])


def test_a_missing_table() -> None:
    members = table(
        "shop.members",
        replace(EMAIL, default=True, server_default='"a@b"'),
        USER_ID,
        indexes=(Index("ix_members_email", ("email",)), Index("", ("user_id",), unique=True, constraint=True)),
        foreign_keys=(ForeignKey(("user_id",), "users", ("id",)),),
    )
    [missing] = diff(schema(members), schema()).differences
    assert (missing.kind, missing.table, missing.place) == ("table", "shop.members", Place("models.py", 5))
    assert missing.message == "no migration makes the table shop.members (3 columns)"
    assert missing.steps == (
        (
            'op.create_table("members", sa.Column("id", sa.Integer, nullable=False), '
            'sa.Column("email", sa.String(254), server_default="a@b", nullable=False), sa.Column("user_id", sa.Integer), '
            'sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("user_id"), sa.ForeignKeyConstraint(["user_id"], ["users.id"]), schema="shop")'
        ),
        'op.create_index("ix_members_email", "members", ["email"], schema="shop")',
    )


def test_a_missing_column_brings_its_keys() -> None:
    model = table("users", EMAIL, indexes=(Index("", ("email",), True, True),))
    [missing] = compare(model, table("users")).differences
    assert (missing.kind, missing.column, missing.place) == ("column", "email", Place("models.py", 8))
    assert missing.steps == (
        'op.add_column("users", sa.Column("email", sa.String(254), nullable=False))',
        'op.create_unique_constraint(None, "users", ["email"])',
    )


def test_leftovers() -> None:
    there = schema(table("users", EMAIL, USER_ID), table("old"))
    found = diff(schema(table("users")), there)
    assert told(found) == [("required leftover", "users", "email"), ("leftover", "users", "user_id"), ("leftover", "old", "")]
    assert [d.steps for d in found.differences] == [
        ('op.drop_column("users", "email")',),
        ('op.drop_column("users", "user_id")',),
        ('op.drop_table("old")',),
    ]


@pytest.mark.parametrize("filled", [{"default": True}, {"default": None}, {"nullable": None}])
def test_a_leftover_that_need_not_be_filled(filled: dict[str, bool | None]) -> None:
    there = table("users", replace(EMAIL, **filled))  # type: ignore[arg-type]
    assert told(compare(table("users"), there)) == [("leftover", "users", "email")]


@pytest.mark.parametrize(
    ("model", "there", "dialect", "kind"),
    [
        (Type("string", 20), Type("text"), "postgresql", "type"),
        (Type("string", 20), Type("string", 20), "postgresql", ""),
        (Type("string", 20), Type("string"), "postgresql", ""),
        (Type("string", 20), Type("string", 30), "postgresql", "length"),
        (UNTOLD, Type("string"), "postgresql", ""),
        (Type("enum", values=("a", "b")), Type("enum", values=("a",)), "postgresql", "length"),
        (Type("enum", values=("a",)), Type("enum", values=("a", "b")), "postgresql", ""),
        (Type("enum", name="mood"), Type("enum", name="state"), "postgresql", "type"),
        (Type("timestamptz"), Type("timestamp"), "postgresql", "type"),
        (Type("timestamptz"), Type("timestamp"), "", ""),
        (Type("boolean"), Type("smallint"), "mysql", ""),
        (Type("array", item=Type("string")), Type("array", item=Type("integer")), "postgresql", "type"),
    ],
)
def test_types(model: Type, there: Type, dialect: str, kind: str) -> None:
    found = compare(table("users", Column("x", model)), table("users", Column("x", there)), dialect)
    assert [d.kind for d in found.differences] == ([kind] if kind else [])
    assert bool(found.doubts) == (not model.family)


def test_what_a_type_change_says() -> None:
    there = table("users", replace(EMAIL, type=Type("integer", shown="sa.Integer()")))
    [found] = compare(table("users", EMAIL), there).differences
    assert found.message == "users.email is String(254) here and sa.Integer() in the migrations"
    assert found.steps == ('op.alter_column("users", "email", existing_type=sa.Integer(), type_=sa.String(254))',)


def test_nullable() -> None:
    [found] = compare(table("users", EMAIL), table("users", replace(EMAIL, nullable=True))).differences
    assert (found.kind, found.message) == ("nullable", "users.email is NOT NULL here and NULL in the migrations")
    assert found.steps == ('op.alter_column("users", "email", existing_type=sa.String(254), nullable=False)',)


def test_a_primary_key_is_never_null() -> None:
    assert not compare(table("users"), table("users", replace(ID, nullable=True))).differences


def test_nullable_that_is_not_known() -> None:
    found = compare(table("users", replace(EMAIL, nullable=None)), table("users", EMAIL))
    assert not found.differences
    assert [(d.kind, d.name) for d in found.doubts] == [("nullable", "users.email")]


@pytest.mark.parametrize(
    ("model", "there"),
    [
        (Index("", ("email",), True, True), Index("users_email_key", ("email",), True, True)),
        (Index("ix_users_email", ("email",), True), Index("uq_email", ("email",), True, True)),
        (Index("a", ("email", "user_id"), True, True), Index("a", ("user_id", "email"), True, True)),
        (Index("ix_users_email", ("email",)), Index("ix_mail", ("email",))),
        (Index("ix_lower", ()), Index("ix_lower", ())),
    ],
)
def test_keys_that_are_alike(model: Index, there: Index) -> None:
    assert not compare(table("users", EMAIL, USER_ID, indexes=(model,)), table("users", EMAIL, USER_ID, indexes=(there,))).differences


def test_keys_that_differ() -> None:
    model = table(
        "users", EMAIL, USER_ID, indexes=(Index("ix_users_email", ("email",), True),), foreign_keys=(ForeignKey(("user_id",), "teams", ("id",)),)
    )
    there = table(
        "users", EMAIL, USER_ID, indexes=(Index("ix_users_email", ("email",)),), foreign_keys=(ForeignKey(("user_id",), "users", ("id",), "fk"),)
    )
    found = compare(model, there).differences
    assert [d.steps[0] for d in found] == [
        'op.create_index("ix_users_email", "users", ["email"], unique=True)',
        'op.drop_index("ix_users_email", table_name="users")',
        'op.create_foreign_key(None, "users", "teams", ["user_id"], ["id"])',
        'op.drop_constraint("fk", "users", type_="foreignkey")',
    ]
    assert {d.kind for d in found} == {"key"}


@pytest.mark.parametrize(
    "there", [ForeignKey(("user_id",), "public.users", ("id",)), ForeignKey(("user_id",), "users"), ForeignKey(("user_id",), "")]
)
def test_foreign_keys_that_are_alike(there: ForeignKey) -> None:
    model = ForeignKey(("user_id",), "users", ("id",))
    assert not compare(table("x", USER_ID, foreign_keys=(model,)), table("x", USER_ID, foreign_keys=(there,))).differences


def test_the_default_schema_may_be_named() -> None:
    assert not diff(schema(table("public.users")), schema(table("users"))).differences


def test_what_is_unclear_is_no_difference() -> None:
    unread = table("users", unclear="*columns()")
    missing = diff(schema(unread), schema())
    assert (missing.differences, [(d.kind, d.expression) for d in missing.doubts]) == ([], [("table", "*columns()")])
    for found in (diff(schema(table("users", EMAIL)), schema(unread)), diff(schema(unread), schema(table("users", EMAIL)))):
        assert (found.differences, [(d.kind, d.name) for d in found.doubts]) == ([], [("column", "users")])
    hidden = diff(schema(table("users", EMAIL), table("notes")), schema(table("users"), unclear="op.execute(sql)"))
    assert (hidden.differences, sorted((d.kind, d.table) for d in hidden.doubts)) == ([], [("column", "users"), ("table", "notes")])
    dynamic = diff(schema(unclear="type(name, (Base,), {})"), schema(table("old")))
    assert (dynamic.differences, [(d.kind, d.table) for d in dynamic.doubts]) == ([], [("leftover", "old")])


def test_tables_that_were_there_before_the_history() -> None:
    found = diff(schema(table("users", EMAIL), table("notes")), schema(table("users"), assumed=("users",)))
    assert not found.differences
    assert [(d.kind, d.table) for d in found.doubts] == [("table", "notes")]


def test_a_column_that_a_key_of_the_migrations_names_may_be_there() -> None:
    found = diff(schema(table("users", EMAIL)), schema(table("users", indexes=(Index("ix", ("email",)),))))
    assert not [d for d in found.differences if d.kind == "column"]
    assert [(d.kind, d.name) for d in found.doubts] == [("column", "users.email")]


def test_a_type_written_in_sql_is_not_named_in_the_line() -> None:
    there = table("users", replace(EMAIL, type=Type("text", shown="character varying(80)")))
    [found] = compare(table("users", EMAIL), there).differences
    assert found.steps == ('op.alter_column("users", "email", type_=sa.String(254))',)
