"""Random histories, run by the real Alembic on SQLite: the replayed schema equals what SQLAlchemy reflects of the database."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.replay import replayed
from mingus_gate.repo.schema.nouns import Schema
from mingus_gate.repo.schema.type_names import FAMILIES
from tests.tools import write

ENV = """\
from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
"""
HEAD = """\
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}


def column(name, kind, **options):
    return sa.Column(name, kind, **options)


def upgrade():
"""
TYPES = ("Integer()", "BigInteger()", "String(40)", "Text()", "Boolean()", "DateTime()", "Date()", "Numeric(10, 2)", "Float()", "LargeBinary()")
SQL_TYPES = ("integer", "varchar(40)", "text", "boolean", "bigint")
Described = dict[str, dict[str, Any]]


@dataclass
class Model:
    """What the history has made so far, as much as the next operation must know."""

    draw: Callable[..., Any]
    tables: dict[str, list[str]] = field(default_factory=dict)
    indexes: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    uniques: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    keys: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    count: int = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def pick(self, items: Any) -> Any:
        return self.draw(st.sampled_from(sorted(items)))

    def one_of(self, *ways: list[str]) -> list[str]:
        return list(self.draw(st.sampled_from(ways)))

    def kind(self) -> str:
        return f"sa.{self.draw(st.sampled_from(TYPES))}"

    def free(self, table: str) -> list[str]:
        """The columns that no index or key is over."""
        used = {c for t, columns in (*self.indexes.values(), *self.uniques.values()) if t == table for c in columns}
        used |= {column for t, column, _ in self.keys.values() if t == table}
        return [c for c in self.tables[table] if c not in used]

    def columns(self, table: str) -> tuple[str, ...]:
        return tuple(self.draw(st.lists(st.sampled_from(self.tables[table]), min_size=1, max_size=2, unique=True)))


def create_table(m: Model) -> list[str]:
    table, names = m.name("t"), [m.name("c") for _ in range(m.draw(st.integers(1, 3)))]
    columns = [f"column({n!r}, {m.kind()}, nullable={m.draw(st.booleans())})" for n in names]
    extra = []
    if m.draw(st.booleans()):
        unique = m.name("uq")
        extra.append(f"sa.UniqueConstraint({names[0]!r}, name={unique!r})")
        m.uniques[unique] = table, (names[0],)
    if m.tables and m.draw(st.booleans()):
        other, key, name = m.pick(m.tables), m.name("fk"), m.name("c")
        columns.append(f"sa.Column({name!r}, sa.Integer(), sa.ForeignKey('{other}.id', name={key!r}))")
        names.append(name)
        m.keys[key] = table, name, other
    if m.draw(st.booleans()):
        indexed = m.name("c")
        columns.append(f"sa.Column({indexed!r}, sa.Integer(), index=True, server_default='1')")
        names.append(indexed)
        m.indexes[f"ix_{table}_{indexed}"] = table, (indexed,)
    m.tables[table] = names
    items = ["sa.Column('id', sa.Integer(), primary_key=True)", *columns, *extra]
    return [f"op.create_table({table!r}, {', '.join(items)})"]


def create_by_sql(m: Model) -> list[str]:
    table, names = m.name("t"), [m.name("c") for _ in range(m.draw(st.integers(1, 3)))]
    m.tables[table] = names
    columns = [
        f"{n} {m.draw(st.sampled_from(SQL_TYPES))}{m.draw(st.sampled_from(('', ' NOT NULL', ' DEFAULT NULL', ' NOT NULL DEFAULT 1')))}" for n in names
    ]
    return [f'op.execute("CREATE TABLE {table} (id integer PRIMARY KEY NOT NULL, {", ".join(columns)})")']


def drop_table(m: Model) -> list[str]:
    table = m.pick(m.tables)
    if any(other == table for _, _, other in m.keys.values()):
        return []
    del m.tables[table]
    for held in (m.indexes, m.uniques, m.keys):
        for name in [n for n, about in held.items() if about[0] == table]:
            del held[name]
    return [f"op.drop_table({table!r})"]


def rename_table(m: Model) -> list[str]:
    old, new = m.pick(m.tables), m.name("t")
    m.tables[new] = m.tables.pop(old)
    for held in (m.indexes, m.uniques):
        for name, (table, columns) in held.items():
            held[name] = (new if table == old else table, columns)
    m.keys = {n: (new if t == old else t, c, new if o == old else o) for n, (t, c, o) in m.keys.items()}
    return [m.draw(st.sampled_from((f"op.rename_table({old!r}, {new!r})", f'op.execute("ALTER TABLE {old} RENAME TO {new}")')))]


def add_columns(m: Model) -> list[str]:
    table, names, kind = m.pick(m.tables), [m.name("c") for _ in range(m.draw(st.integers(1, 2)))], m.kind()
    m.tables[table] += names
    default = m.draw(st.sampled_from(("", ", nullable=False, server_default='0'", ", nullable=True")))
    if m.draw(st.booleans()):
        return [f"for name in {names!r}:", f"    op.add_column({table!r}, column(name, {kind}{default}))"]
    if m.draw(st.booleans()):
        return [f"with op.batch_alter_table({table!r}) as batch:", *(f"    batch.add_column(sa.Column({n!r}, {kind}{default}))" for n in names)]
    return [f'op.execute("ALTER TABLE {table} ADD COLUMN {n} {m.draw(st.sampled_from(SQL_TYPES))}")' for n in names]


def drop_column(m: Model) -> list[str]:
    table = m.pick(m.tables)
    free = m.free(table)
    if len(m.tables[table]) < 2 or not free:
        return []
    name = m.pick(free)
    m.tables[table].remove(name)
    batch = [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.drop_column({name!r})"]
    return m.one_of(batch, [f"op.drop_column({table!r}, {name!r})"], [f'op.execute("ALTER TABLE {table} DROP COLUMN {name}")'])


def alter_column(m: Model) -> list[str]:
    table = m.pick(m.tables)
    name = m.pick(m.tables[table])
    how = m.draw(st.sampled_from(("nullable=False", "nullable=True", "server_default='1'", "server_default=None", f"type_={m.kind()}")))
    return [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.alter_column({name!r}, {how})"]


def rename_column(m: Model) -> list[str]:
    table = m.pick(m.tables)
    free = m.free(table)
    if not free:
        return []
    old, new = m.pick(free), m.name("c")
    m.tables[table] = [new if c == old else c for c in m.tables[table]]
    batch = [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.alter_column({old!r}, new_column_name={new!r})"]
    return m.one_of(batch, [f'op.execute("ALTER TABLE {table} RENAME COLUMN {old} TO {new}")'])


def create_index(m: Model) -> list[str]:
    table, name = m.pick(m.tables), m.name("ix")
    columns = m.columns(table)
    m.indexes[name] = table, columns
    sql = f'op.execute("CREATE INDEX {name} ON {table} ({", ".join(columns)})")'
    return [m.draw(st.sampled_from((f"op.create_index(op.f({name!r}), {table!r}, {list(columns)!r}, unique={m.draw(st.booleans())})", sql)))]


def drop_index(m: Model) -> list[str]:
    if not m.indexes:
        return []
    name = m.pick(m.indexes)
    table, _ = m.indexes.pop(name)
    return [m.draw(st.sampled_from((f"op.drop_index({name!r}, table_name={table!r})", f'op.execute("DROP INDEX {name}")')))]


def create_unique(m: Model) -> list[str]:
    table, name = m.pick(m.tables), m.name("uq")
    columns = m.columns(table)
    if (table, columns) in m.uniques.values():
        return []
    m.uniques[name] = table, columns
    return [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.create_unique_constraint({name!r}, {list(columns)!r})"]


def drop_unique(m: Model) -> list[str]:
    if not m.uniques:
        return []
    name = m.pick(m.uniques)
    table, _ = m.uniques.pop(name)
    return [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.drop_constraint({name!r}, type_='unique')"]


def create_foreign_key(m: Model) -> list[str]:
    table, other, name = m.pick(m.tables), m.pick(m.tables), m.name("fk")
    column = m.pick(m.tables[table])
    if any((t, c) == (table, column) for t, c, _ in m.keys.values()):
        return []
    m.keys[name] = table, column, other
    return [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.create_foreign_key({name!r}, {other!r}, [{column!r}], ['id'])"]


def drop_foreign_key(m: Model) -> list[str]:
    if not m.keys:
        return []
    name = m.pick(m.keys)
    table, _, _ = m.keys.pop(name)
    return [f"with op.batch_alter_table({table!r}) as batch:", f"    batch.drop_constraint({name!r}, type_='foreignkey')"]


STEPS: tuple[Callable[[Model], list[str]], ...] = (
    create_table,
    create_by_sql,
    drop_table,
    rename_table,
    add_columns,
    add_columns,
    drop_column,
    alter_column,
    alter_column,
    rename_column,
)
STEPS += (create_index, create_index, drop_index, create_unique, drop_unique, create_foreign_key, drop_foreign_key)


@st.composite
def revision_files(draw: Callable[..., Any]) -> dict[str, str]:
    model = Model(draw)
    files = {"migrations/env.py": ENV, "migrations/script.py.mako": ""}
    for number in range(draw(st.integers(1, 4))):
        lines: list[str] = []
        for _ in range(draw(st.integers(1, 5))):
            lines += (draw(st.sampled_from(STEPS)) if model.tables else create_table)(model)
        head = HEAD.format(id=f"r{number}", down=f"r{number - 1}" if number else None)
        files[f"migrations/versions/r{number}.py"] = head + "".join(f"    {line}\n" for line in lines or ["pass"])
    return files


def upgraded(root: Path) -> Described:
    """The schema that Alembic makes, as SQLAlchemy reflects it."""
    config = Config()
    config.set_main_option("script_location", str(root / "migrations"))
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        inspector = sqlalchemy.inspect(connection)
        return {name: reflected(inspector, name) for name in inspector.get_table_names() if name != "alembic_version"}


def reflected(inspector: sqlalchemy.Inspector, table: str) -> dict[str, Any]:
    primary = inspector.get_pk_constraint(table)["constrained_columns"]
    columns = {
        column["name"]: (family(str(column["type"])), column["nullable"], has_default(column["default"]), column["name"] in primary)
        for column in inspector.get_columns(table)
    }
    return {
        "columns": columns,
        "indexes": sorted((str(i["name"]), tuple(i["column_names"]), bool(i["unique"])) for i in inspector.get_indexes(table)),
        "uniques": sorted((str(u["name"]), tuple(u["column_names"])) for u in inspector.get_unique_constraints(table)),
        "keys": sorted((tuple(f["constrained_columns"]), f["referred_table"]) for f in inspector.get_foreign_keys(table)),
    }


def has_default(default: str | None) -> bool:
    return default not in (None, "NULL")


def family(sql: str) -> str:
    return FAMILIES[re.sub(r"\(.*", "", sql)]


def told(schema: Schema) -> Described:
    """The replayed schema in the same words."""
    assert not schema.unclear
    assert not schema.assumed
    assert not [t.unclear or t.unclear_keys for t in schema.tables.values() if t.unclear or t.unclear_keys]
    return {
        table.name: {
            "columns": {c.name: (c.type.family, c.nullable, c.default, c.primary_key) for c in table.columns.values()},
            "indexes": sorted((i.name, i.columns, i.unique) for i in table.indexes if not i.constraint),
            "uniques": sorted((i.name, i.columns) for i in table.indexes if i.constraint),
            "keys": sorted((f.columns, f.refers) for f in table.foreign_keys),
        }
        for table in schema.tables.values()
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(revision_files())
def test_the_replayed_schema_is_what_alembic_makes(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), files)
        (found,) = Repo(root).fact(replayed)
        assert told(found.schema) == upgraded(root)
