import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus_gate.model import Place
from mingus_gate.repo.migrations.ddl import run_sql
from mingus_gate.repo.migrations.standing import HOLE, Standing
from mingus_gate.repo.schema.nouns import Table

HERE = Place("a.py", 1)
USERS = """
    CREATE TABLE users (
        id serial PRIMARY KEY,
        name varchar(40) NOT NULL DEFAULT 'a;b, c' UNIQUE,  -- a comment; with a mark
        "Mail" character varying,
        team_id bigint REFERENCES public.teams (id) ON DELETE CASCADE,
        made timestamp(6) with time zone DEFAULT now() NOT NULL,
        score numeric(10, 2) CHECK (score > 0),
        tags text[],
        CONSTRAINT uq UNIQUE (name, team_id)
    );
"""


def run(*texts: str, dialect: str = "postgresql") -> Standing:
    standing = Standing(dialect)
    for text in texts:
        run_sql(text, standing, HERE)
    return standing


def users(*texts: str) -> Table:
    return run(USERS, *texts).schema.tables["users"]


def test_a_table() -> None:
    table = users()
    assert {c.name: (c.type.family, c.type.length, c.nullable, c.default) for c in table.columns.values()} == {
        "id": ("integer", None, False, False),
        "name": ("string", 40, False, True),
        "Mail": ("string", None, True, False),
        "team_id": ("bigint", None, True, False),
        "made": ("timestamptz", None, False, True),
        "score": ("numeric", None, True, False),
        "tags": ("array", None, True, False),
    }
    assert [c.name for c in table.columns.values() if c.primary_key] == ["id"]
    assert [(i.name, i.columns) for i in table.indexes] == [("", ("name",)), ("uq", ("name", "team_id"))]
    assert [(f.columns, f.refers, f.refers_to) for f in table.foreign_keys] == [(("team_id",), "teams", ("id",))]
    assert not table.unclear


ALTERED = {
    "ADD COLUMN age int": ["id", "name", "Mail", "team_id", "made", "score", "tags", "age"],
    "ADD age int, DROP COLUMN IF EXISTS tags CASCADE": ["id", "name", "Mail", "team_id", "made", "score", "age"],
    "ADD COLUMN IF NOT EXISTS name text": ["id", "name", "Mail", "team_id", "made", "score", "tags"],
    'RENAME COLUMN "Mail" TO mail': ["id", "name", "mail", "team_id", "made", "score", "tags"],
    "RENAME name TO login": ["id", "login", "Mail", "team_id", "made", "score", "tags"],
}


@pytest.mark.parametrize("action", ALTERED)
def test_columns_come_and_go(action: str) -> None:
    table = users(f"ALTER TABLE users {action}")
    assert (list(table.columns), table.unclear) == (ALTERED[action], "")


def test_a_column_is_altered() -> None:
    text = """
        ALTER TABLE ONLY public.users
            ALTER COLUMN name TYPE text USING name::text, ALTER name DROP NOT NULL, ALTER COLUMN name DROP DEFAULT,
            ALTER COLUMN score SET DATA TYPE double precision, ALTER score SET NOT NULL, ALTER score SET DEFAULT 0;
    """
    found = users(text).columns
    assert (found["name"].type.family, found["name"].nullable, found["name"].default) == ("text", True, False)
    assert (found["score"].type.family, found["score"].nullable, found["score"].default) == ("float", False, True)


def test_constraints() -> None:
    table = users(
        "ALTER TABLE users DROP CONSTRAINT uq, ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES other (a)", "ALTER TABLE users ADD UNIQUE (made)"
    )
    assert [i.columns for i in table.indexes] == [("name",), ("made",)]
    assert [f.refers for f in table.foreign_keys] == ["teams", "other"]
    assert users("ALTER TABLE users DROP CONSTRAINT users_team_id_fkey").foreign_keys == []
    assert [i.name for i in users("ALTER TABLE users RENAME CONSTRAINT uq TO uq2").indexes] == ["", "uq2"]


def test_indexes() -> None:
    table = users(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON users USING btree (name DESC, made) WHERE (score > 1)",
        "CREATE INDEX lower_ix ON public.users (lower(name)); CREATE INDEX trgm ON users USING gin (name gin_trgm_ops)",
        "CREATE INDEX gone ON users (name)",
        "DROP INDEX CONCURRENTLY gone",
        "ALTER INDEX ix RENAME TO ix2",
    )
    assert [(i.name, i.columns, i.unique) for i in table.indexes if not i.constraint] == [
        ("ix2", ("name", "made"), True),
        ("lower_ix", (), False),
        ("trgm", ("name",), False),
    ]


def test_tables_are_renamed_and_dropped() -> None:
    assert set(run(USERS, "ALTER TABLE users RENAME TO people").schema.tables) == {"people"}
    assert set(run(USERS, "ALTER TABLE users SET SCHEMA shop").schema.tables) == {"shop.users"}
    assert set(run(USERS, "RENAME TABLE users TO people").schema.tables) == {"people"}
    assert run(USERS, "DROP TABLE IF EXISTS users, others CASCADE").schema.tables == {}
    assert run("CREATE TABLE shop.a (id int)", "DROP SCHEMA shop CASCADE").schema.tables == {}


def test_enums() -> None:
    texts = ["CREATE TYPE mood AS ENUM ('good', 'bad')", "ALTER TABLE users ADD mood mood NOT NULL DEFAULT 'good'"]
    assert users(*texts).columns["mood"].type.values == ("good", "bad")
    changed = users(
        *texts, "ALTER TYPE mood ADD VALUE 'ok' BEFORE 'bad'", "ALTER TYPE mood RENAME VALUE 'bad' TO 'poor'", "ALTER TYPE mood RENAME TO m2"
    )
    assert (changed.columns["mood"].type.values, changed.columns["mood"].type.name) == (("good", "poor", "ok"), "m2")


def test_mysql_s_own() -> None:
    text = """
        ALTER TABLE `t` MODIFY COLUMN a varchar(9) NOT NULL, CHANGE b c int(11) unsigned, ADD INDEX ix (a), ADD (d text, e int), DROP PRIMARY KEY,
            ENGINE=InnoDB
    """
    table = run("CREATE TABLE `t` (`a` text, b int, KEY k (a), PRIMARY KEY (b)) ENGINE=InnoDB", text, dialect="mysql").schema.tables["t"]
    assert {c.name: (c.type.family, c.nullable) for c in table.columns.values()} == {
        "a": ("string", False),
        "c": ("integer", True),
        "d": ("text", True),
        "e": ("integer", True),
    }
    assert ([i.name for i in table.indexes], table.unclear) == (["k", "ix"], "")


def test_a_block_that_asks_first() -> None:
    text = """
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN
                CREATE TYPE mood AS ENUM ('good');
            END IF;
            ALTER TABLE users ADD COLUMN IF NOT EXISTS mood mood;
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$;
        ALTER TABLE users DROP COLUMN tags
    """
    table = users(text)
    assert (table.columns["mood"].type.family, "tags" in table.columns, table.unclear) == ("enum", False, "")


QUIET = [
    "SELECT 1; INSERT INTO users VALUES ('DROP TABLE users'); UPDATE users SET name = 'create'; DELETE FROM users; TRUNCATE users",
    "CREATE VIEW v AS SELECT * FROM users; DROP MATERIALIZED VIEW v; CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ DROP TABLE users; $$",
    "CREATE TRIGGER t AFTER UPDATE ON users BEGIN UPDATE users SET name = CASE WHEN 1 THEN 2 END; DELETE FROM users; END; SELECT 1",
    "CREATE EXTENSION citext; CREATE SEQUENCE s; ALTER SEQUENCE s OWNED BY users.id; GRANT ALL ON users TO x; COMMENT ON TABLE users IS 'drop'",
    "ALTER TABLE users OWNER TO me, ENABLE ROW LEVEL SECURITY, VALIDATE CONSTRAINT uq; ALTER TABLE users ADD CONSTRAINT c CHECK (id > 0)",
    "CREATE TEMPORARY TABLE tmp AS SELECT 1; ALTER TABLE tmp ADD a int; DROP TABLE tmp",
    "ALTER TABLE IF EXISTS nothing ADD a int",
    "PRAGMA foreign_keys=OFF; SET lock_timeout = '1s'; /* DROP TABLE users; */",
    f"UPDATE {HOLE} SET name = {HOLE}",
]


@pytest.mark.parametrize("text", QUIET)
def test_what_changes_no_table(text: str) -> None:
    standing = run(USERS, text)
    assert (standing.schema.tables, standing.schema.unclear, standing.schema.assumed) == (run(USERS).schema.tables, "", {})


UNCLEAR = [
    "ALTER TABLE users FROBNICATE x",
    f"ALTER TABLE users DROP COLUMN {HOLE}",
    f"ALTER TABLE users ADD COLUMN {HOLE} text",
    "EXEC sp_rename 'users', 'people'",
    "ALTER TABLE users ALTER COLUMN nothing TYPE text",
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_understood_makes_its_table_unclear(text: str) -> None:
    schema = run(USERS, "CREATE TABLE other (id int)", text).schema
    assert (bool(schema.tables["users"].unclear), schema.tables["other"].unclear, schema.unclear) == (True, "", "")


@pytest.mark.parametrize(
    "text",
    [f"DROP TABLE {HOLE}", f"ALTER TABLE {HOLE}_x ADD a int", f"{HOLE} TABLE a", "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD a int', t); END $$"],
)
def test_a_computed_table_may_be_any(text: str) -> None:
    assert run(USERS, text).schema.unclear


def test_a_table_from_a_query_is_there_but_unclear() -> None:
    assert run("CREATE TABLE copy AS SELECT * FROM users").schema.tables["copy"].unclear


def test_no_secret_in_what_is_said() -> None:
    assert "hunter2" not in users("ALTER TABLE users FROBNICATE 'hunter2'").unclear


BROKEN = [
    *("", ";", "'", "(" * 5000, "$$" * 99, "DROP", "DROP INDEX", "DO", "RENAME TABLE a"),
    *("CREATE TABLE", "CREATE TABLE a (", "CREATE TABLE a (,)", "CREATE TABLE a (a", "CREATE INDEX", "CREATE UNIQUE INDEX ON", "CREATE TYPE"),
    *("ALTER TABLE", "ALTER TABLE a", "ALTER TABLE users ALTER", "ALTER TABLE users ADD", "ALTER TABLE users RENAME TO", "ALTER TYPE x"),
    *("ALTER TYPE a ADD VALUE", "ALTER TABLE users ADD CONSTRAINT", "ALTER TABLE users DROP", "ALTER TABLE users CHANGE a"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_sql_breaks_nothing(text: str) -> None:
    run(USERS, text)


WORDS = re.findall(
    r"\S+", "CREATE ALTER DROP TABLE INDEX TYPE users name ADD COLUMN CONSTRAINT UNIQUE ( ) , . ; ' $$ = [ ] RENAME TO ON SET NOT NULL DO BEGIN"
)


@given(st.lists(st.sampled_from([*WORDS, HOLE, "varchar", "EXISTS", "IF", "AS", "ENUM", "--", "DEFAULT", "REFERENCES"]), max_size=30))
def test_any_words_in_any_order_break_nothing(words: list[str]) -> None:
    run(USERS, " ".join(words))
