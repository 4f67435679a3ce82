from pathlib import Path
from textwrap import dedent, indent

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.replay import Replayed, replayed
from mingus_gate.repo.schema.nouns import Schema, Table
from tests.tools import write

ENV = {"migrations/env.py": "from alembic import context\n"}
USERS = "op.create_table('users', sa.Column('id', sa.Integer(), primary_key=True), sa.Column('name', sa.String(40), nullable=False))"


def revision(id_: str, body: str, down: str | None = None, before: str = "") -> dict[str, str]:
    """A revision whose upgrade is `body`, with `before` at module level."""
    head = (
        f"from alembic import op\nimport sqlalchemy as sa\nfrom sqlalchemy.dialects import postgresql\nrevision = {id_!r}\ndown_revision = {down!r}\n"
    )
    return {f"migrations/versions/{id_}.py": f"{head}{dedent(before)}\ndef upgrade():\n{indent(dedent(body).strip() or 'pass', '    ')}\n"}


def replay_all(root: Path, *bodies: str, before: str = "", files: dict[str, str] | None = None) -> list[Replayed]:
    found: dict[str, str] = ENV | (files or {})
    for number, body in enumerate(bodies):
        found |= revision(f"r{number}", body, f"r{number - 1}" if number else None, before)
    return Repo(write(root, found)).fact(replayed)


def replay(root: Path, *bodies: str, before: str = "", files: dict[str, str] | None = None) -> Schema:
    (found,) = replay_all(root, *bodies, before=before, files=files)
    return found.schema


def columns(table: Table) -> list[str]:
    assert not table.unclear
    return list(table.columns)


# -- operations ------------------------------------------------------------------------------------------------------


def test_a_table_with_all_that_it_holds(tmp_path: Path) -> None:
    body = """
        op.create_table(
            "orders",
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("number", sa.String(length=20), server_default="1", unique=True),
            sa.Column("user_id", sa.Integer(), sa.ForeignKey("users.id"), index=True),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
            schema="shop",
        )
    """
    table = replay(tmp_path, USERS, body).tables["shop.orders"]
    assert {c.name: (c.type.family, c.type.length, c.nullable, c.default, c.primary_key) for c in table.columns.values()} == {
        "id": ("integer", None, False, False, True),
        "number": ("string", 20, True, True, False),
        "user_id": ("integer", None, True, False, False),
    }
    assert [(i.columns, i.unique, i.constraint) for i in table.indexes] == [(("number",), True, True), (("user_id",), False, False)]
    assert [(f.columns, f.refers, f.refers_to) for f in table.foreign_keys] == [(("user_id",), "users", ("id",))]
    assert str(table.columns["number"].place) == "migrations/versions/r1.py:11"


def test_columns_come_change_and_go(tmp_path: Path) -> None:
    schema = replay(
        tmp_path,
        USERS,
        "op.add_column('users', sa.Column('age', sa.Integer()))\nop.add_column(table_name='users', column=sa.Column('x', sa.Text()))",
        "op.alter_column('users', 'age', type_=sa.BigInteger(), nullable=False, server_default='0')\nop.drop_column('users', 'x')",
        "op.alter_column('users', 'name', new_column_name='login', existing_nullable=False)",
    )
    assert columns(schema.tables["users"]) == ["id", "login", "age"]
    age = schema.tables["users"].columns["age"]
    assert (age.type.family, age.nullable, age.default, str(age.place)) == ("bigint", False, True, "migrations/versions/r1.py:8")


def test_an_alteration_that_changes_nothing_touches_nothing(tmp_path: Path) -> None:
    table = replay(tmp_path, USERS, "op.alter_column('users', sa.Column('name', sa.Text()))").tables["users"]
    assert columns(table) == ["id", "name"]


def test_a_renamed_table_keeps_what_points_to_it(tmp_path: Path) -> None:
    body = "op.create_table('posts', sa.Column('user_id', sa.Integer(), sa.ForeignKey('users.id')))\nop.rename_table('users', 'people')"
    schema = replay(tmp_path, USERS, body)
    assert set(schema.tables) == {"people", "posts"}
    assert schema.tables["posts"].foreign_keys[0].refers == "people"


def test_a_dropped_table_and_one_that_takes_its_name(tmp_path: Path) -> None:
    posts = "op.create_table('posts', sa.Column('user_id', sa.Integer(), sa.ForeignKey('users.id')))"
    rebuilt = f"op.rename_table('users', 'users_old')\n{USERS}\nop.drop_table('users_old')"
    schema = replay(tmp_path, USERS, posts, rebuilt)
    assert set(schema.tables) == {"users", "posts"}
    assert schema.tables["posts"].foreign_keys[0].refers == "users"


def test_a_table_that_another_branch_knows_by_its_old_name(tmp_path: Path) -> None:
    schema = replay(tmp_path, USERS, "op.rename_table('users', 'people')", "op.alter_column('users', 'name', nullable=True)")
    assert schema.tables["people"].columns["name"].nullable
    assert (set(schema.assumed), set(schema.crossed)) == (set(), {"users"})


def test_a_table_that_another_branch_dropped_or_made(tmp_path: Path) -> None:
    schema = replay(tmp_path, USERS, "op.drop_table('users')\nop.add_column('users', sa.Column('a', sa.Text()))", f"{USERS}\n{USERS}")
    assert (set(schema.assumed), set(schema.crossed), set(schema.tables)) == (set(), {"users"}, {"users"})


def test_indexes_and_constraints_come_and_go_by_name(tmp_path: Path) -> None:
    made = """
        op.create_index(op.f("ix_users_name"), "users", ["name"], unique=True)
        op.create_index("ix_lower", "users", [sa.text("lower(name)")])
        op.create_unique_constraint("uq_name", "users", ["name"])
        op.create_foreign_key("fk_self", "users", "users", ["id"], ["id"])
        op.create_check_constraint("ck", "users", "id > 0")
    """
    table = replay(tmp_path / "made", USERS, made).tables["users"]
    assert [(i.name, i.columns, i.unique) for i in table.indexes] == [
        ("ix_users_name", ("name",), True),
        ("ix_lower", (), False),
        ("uq_name", ("name",), True),
    ]
    gone = """
        op.drop_index("ix_users_name", table_name="users")
        op.drop_index("ix_lower")
        op.drop_constraint("uq_name", "users", type_="unique")
        op.drop_constraint("fk_self", "users")
        op.drop_constraint("ck", "users", type_="check")
    """
    table = replay(tmp_path / "gone", USERS, made, gone).tables["users"]
    assert (table.indexes, table.foreign_keys, table.unclear) == ([], [], "")


def test_a_constraint_by_the_name_the_database_gave_it(tmp_path: Path) -> None:
    made = "op.create_table('posts', sa.Column('author', sa.Integer(), sa.ForeignKey('users.id')), sa.Column('slug', sa.Text(), unique=True))"
    renamed = "op.alter_column('posts', 'author', new_column_name='user_id')"
    dropped = "op.drop_constraint('posts_author_fkey', 'posts', type_='foreignkey')\nop.drop_constraint('posts_slug_key', 'posts')"
    table = replay(tmp_path, USERS, made, renamed, dropped).tables["posts"]
    assert (table.indexes, table.foreign_keys) == ([], [])


def test_a_primary_key_that_is_made_later(tmp_path: Path) -> None:
    made = "op.create_table('t', sa.Column('a', sa.Integer()))\nop.create_primary_key('pk', 't', ['a'])"
    column = replay(tmp_path / "a", made).tables["t"].columns["a"]
    assert (column.primary_key, column.nullable) == (True, False)
    column = replay(tmp_path / "b", made, "op.drop_constraint('t_pkey', 't', type_='primary')").tables["t"].columns["a"]
    assert (column.primary_key, column.nullable) == (False, False)


def test_a_batch(tmp_path: Path) -> None:
    body = """
        with op.batch_alter_table("users", schema=None) as batch_op:
            batch_op.add_column(sa.Column("mail", sa.String(120), nullable=True))
            batch_op.alter_column("name", existing_type=sa.String(40), nullable=True, type_=sa.Text())
            batch_op.create_index(batch_op.f("ix_mail"), ["mail"], unique=True)
            batch_op.create_unique_constraint("uq", ["name"])
            batch_op.create_foreign_key("fk", "users", ["id"], ["id"])
            batch_op.drop_constraint("uq", type_="unique")
            batch_op.drop_column("id")
    """
    table = replay(tmp_path, USERS, body).tables["users"]
    assert columns(table) == ["name", "mail"]
    assert (table.columns["name"].type.family, table.columns["name"].nullable) == ("text", True)
    assert [i.name for i in table.indexes] == ["ix_mail"]


def test_an_index_goes_with_its_column_and_by_name_from_any_table(tmp_path: Path) -> None:
    body = "op.create_index('ix', 'users', ['name'])\nop.create_index('other', 'users', ['id'])"
    table = replay(tmp_path, USERS, body, "op.drop_column('users', 'name')\nop.drop_index('other', table_name='accounts')").tables["users"]
    assert table.indexes == []


def test_if_not_exists(tmp_path: Path) -> None:
    body = "op.create_table('users', sa.Column('other', sa.Text()), if_not_exists=True)\nop.drop_table('nothing', if_exists=True)"
    assert columns(replay(tmp_path, USERS, body).tables["users"]) == ["id", "name"]


def test_table_objects_and_enums(tmp_path: Path) -> None:
    body = """
        mood = postgresql.ENUM("good", "bad", name="mood")
        mood.create(op.get_bind(), checkfirst=True)
        op.add_column("users", sa.Column("mood", mood))
        sa.Table("notes", sa.MetaData(), sa.Column("id", sa.Integer())).create(op.get_bind())
        op.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'so so'")
        op.create_table("days", sa.Column("mood", postgresql.ENUM(name="mood", create_type=False)))
    """
    schema = replay(tmp_path, USERS, body)
    assert schema.tables["days"].columns["mood"].type.values == ("good", "bad", "so so")
    assert columns(schema.tables["notes"]) == ["id"]
    assert schema.tables["users"].columns["mood"].type.values == ("good", "bad", "so so")


# -- Python around them ----------------------------------------------------------------------------------------------

LOOPS = {
    "a literal list": ("for name in ['a', 'b']:\n    op.add_column('users', sa.Column(name, sa.Text()))", ""),
    "pairs": ("for name, kind in (('a', sa.Text()), ('b', sa.String(9))):\n    op.add_column('users', sa.Column(name, kind))", ""),
    "a dictionary": ("for name, kind in {'a': sa.Text(), 'b': sa.Text()}.items():\n    op.add_column('users', sa.Column(name, kind))", ""),
    "a constant": ("for name in NAMES:\n    op.add_column('users', sa.Column(name, sa.Text()))", "NAMES = ['a', 'b']"),
    "formatted": ("for name in NAMES:\n    op.add_column('users', sa.Column(name, sa.Text()))", "NAMES = [f'{x}' for x in 'a b'.split()]"),
    "sql": ("for name in ('a', 'b'):\n    op.execute(f'ALTER TABLE users ADD COLUMN {name} text')", ""),
    "sql by format": ("for name in ('a', 'b'):\n    op.execute('ALTER TABLE {} ADD {} text'.format('users', name))", ""),
    "sql by percent": ("for name in ('a', 'b'):\n    op.execute(sa.text('ALTER TABLE users ADD %s text' % name))", ""),
    "sql through a variable": ("sql = 'ALTER TABLE users '\nsql += 'ADD a text, ADD b text'\nop.get_bind().execute(sa.text(sql))", ""),
    "a comprehension": ("[op.add_column('users', c) for c in [sa.Column(n, sa.Text()) for n in ('a', 'b')]]", ""),
    "a list that is built": (
        "names = []\nnames.append('a')\nnames += ['b']\nfor n in names:\n    op.add_column('users', sa.Column(n, sa.Text()))",
        "",
    ),
    "a helper": ("add('a')\nadd(name='b')", "def add(name, kind=sa.Text()):\n    op.add_column('users', sa.Column(name, kind))"),
    "a helper that gives columns": (
        "for c in both('a', 'b'):\n    op.add_column('users', c)",
        "def both(*names):\n    return [sa.Column(n, sa.Text()) for n in names]",
    ),
    "a helper within": ("def add(n):\n    op.add_column('users', sa.Column(n, sa.Text()))\nadd('a')\nadd('b')", ""),
    "a helper given op": ("add(op, 'a')\nadd(op, 'b')", "def add(operations, n):\n    operations.add_column('users', sa.Column(n, sa.Text()))"),
    "a helper given a batch": (
        "with op.batch_alter_table('users') as b:\n    add(b)",
        "def add(b):\n    b.add_column(sa.Column('a', sa.Text()))\n    b.add_column(sa.Column('b', sa.Text()))",
    ),
    "options by stars": ("opts = {'nullable': True}\nfor n in ('a', 'b'):\n    op.add_column('users', sa.Column(n, sa.Text(), **opts))", ""),
    "a lambda": ("add = lambda n: op.add_column('users', sa.Column(n, sa.Text()))\nadd('a')\nadd('b')", ""),
    "turns that are left": (
        """
        for n in ('id', 'a', 'b', 'c', 'd'):
            if n == 'id':
                continue
            if n == 'c':
                break
            op.add_column('users', sa.Column(n, sa.Text()))
        """,
        "",
    ),
    "async": (
        """
        async def run(connection):
            await connection.execute(sa.text('ALTER TABLE users ADD a text'))
            await connection.execute(sa.text('ALTER TABLE users ADD b text'))
        op.run_async(run)
        """,
        "",
    ),
}


@pytest.mark.parametrize(("body", "before"), LOOPS.values(), ids=LOOPS)
def test_a_loop_or_helper_adds_a_and_b(tmp_path: Path, body: str, before: str) -> None:
    table = replay_all(tmp_path, body, before=before, files=revision("users", USERS))
    (found,) = [r for r in table if not r.history.bare]
    assert columns(found.schema.tables["users"]) == ["id", "name", "a", "b"]


def test_a_helper_of_another_file(tmp_path: Path) -> None:
    helper = "from alembic import op\nfrom sqlalchemy import Column, Date\n\ndef stamp(table):\n    op.add_column(table, Column('made_at', Date()))\n"
    body = "from app.migrating import stamp\nstamp('users')"
    table = replay(tmp_path, USERS, body, files={"app/__init__.py": "", "app/migrating.py": helper}).tables["users"]
    assert columns(table) == ["id", "name", "made_at"]


def test_a_table_whose_columns_are_spread(tmp_path: Path) -> None:
    before = "COMMON = [sa.Column('id', sa.Integer(), primary_key=True)]\n\ndef stamps():\n    return [sa.Column('made', sa.DateTime())]\n"
    schema = replay(tmp_path, "op.create_table('t', *COMMON, sa.Column('a', sa.Text()), *stamps())", before=before)
    assert columns(schema.tables["t"]) == ["id", "a", "made"]


# -- conditions ------------------------------------------------------------------------------------------------------

GUARDS = {
    "has_table": "if not sa.inspect(op.get_bind()).has_table('users'):\n    op.drop_table('users')\nelse:\n    {}",
    "table names": "tables = sa.inspect(op.get_bind()).get_table_names()\nif 'users' in tables:\n    {}",
    "column names": """
        names = [c['name'] for c in sa.inspect(op.get_bind()).get_columns('users')]
        if 'a' not in names:
            {}
        if 'name' not in names:
            op.drop_table('users')
        """,
    "early return": "if 'id' not in {{c['name'] for c in sa.inspect(op.get_bind()).get_columns('users')}}:\n    return\n{}",
    "a query": 'found = op.get_bind().execute(sa.text("SELECT 1 FROM information_schema.columns")).scalar()\nif not found:\n    {}',
    "a helper": "if not exists('a'):\n    {}",
    "try": "try:\n    {}\nexcept Exception:\n    pass",
    "dialect": "if op.get_bind().dialect.name == 'postgresql':\n    {}\nelse:\n    op.drop_table('users')",
    "another dialect": "bind = op.get_bind()\nif bind.engine.name in ('sqlite', 'mysql'):\n    return\n{}",
    "offline": "if context.is_offline_mode():\n    raise Exception('no')\n{}",
    "no rows": "rows = op.get_bind().execute(sa.text('SELECT 1 FROM users')).fetchall()\nif not rows:\n    return\n{}",
    "autocommit": "with op.get_context().autocommit_block():\n    {}",
}


@pytest.mark.parametrize("body", GUARDS.values(), ids=GUARDS)
def test_what_a_guard_guards_holds(tmp_path: Path, body: str) -> None:
    add = "op.add_column('users', sa.Column('a', sa.Text()))"
    before = (
        "from alembic import context\n\ndef exists(name):\n    return name in [c['name'] for c in sa.inspect(op.get_bind()).get_columns('users')]\n"
    )
    schema = replay(tmp_path, USERS, body.format(add), before=before)
    assert columns(schema.tables["users"]) == ["id", "name", "a"]


def test_the_other_dialect_where_the_tree_says_so(tmp_path: Path) -> None:
    body = "if op.get_bind().dialect.name == 'mysql':\n    op.drop_column('users', 'name')"
    schema = replay(tmp_path, USERS, body, files={"requirements.txt": "pymysql==1.1\n"})
    assert columns(schema.tables["users"]) == ["id"]


def test_a_guard_on_a_table_that_no_revision_makes(tmp_path: Path) -> None:
    body = (
        "if 'a' not in [c['name'] for c in sa.inspect(op.get_bind()).get_columns('legacy')]:\n    op.add_column('legacy', sa.Column('a', sa.Text()))"
    )
    schema = replay(tmp_path, USERS, body)
    assert list(schema.assumed) == ["legacy"]
    assert not schema.unclear


def test_tables_that_no_revision_makes_are_assumed(tmp_path: Path) -> None:
    schema = replay(tmp_path, "op.add_column('users', sa.Column('a', sa.Text()))\nop.rename_table('posts', 'entries')\nop.drop_table('old')")
    assert (set(schema.assumed), schema.tables, schema.unclear) == ({"users", "entries"}, {}, "")
    assert str(schema.assumed["users"]) == "migrations/versions/r0.py:8"


# -- what cannot be told ---------------------------------------------------------------------------------------------

DOUBTS = {
    "a condition": "import os\nif os.environ['MODE'] == 'x':\n    op.drop_column('users', 'name')",
    "a loop over rows": "for row in op.get_bind().execute(sa.text('SELECT 1')):\n    op.add_column('users', sa.Column(row.name, sa.Text()))",
    "a column's name": "op.add_column('users', sa.Column(pick(), sa.Text()))",
    "a column that is dropped": "op.drop_column('users', pick())",
    "sql": "op.execute('ALTER TABLE users FROBNICATE name')",
    "a column that is not there": "op.alter_column('users', 'nothing', nullable=False)",
    "a while": "while waiting():\n    op.drop_column('users', 'name')",
}


@pytest.mark.parametrize("body", DOUBTS.values(), ids=DOUBTS)
def test_doubt_makes_its_table_unclear_and_no_other(tmp_path: Path, body: str) -> None:
    other = "op.create_table('other', sa.Column('id', sa.Integer()))"
    schema = replay(tmp_path, f"{USERS}\n{other}", body, before="from somewhere import pick, waiting")
    assert schema.tables["users"].unclear
    assert not schema.tables["other"].unclear
    assert not schema.unclear


def test_doubt_about_an_index_leaves_the_columns_known(tmp_path: Path) -> None:
    table = replay(tmp_path, USERS, "import os\nif os.environ['MODE'] == 'x':\n    op.create_index('ix', 'users', ['name'])").tables["users"]
    assert not table.unclear
    assert table.unclear_keys == "os.environ['MODE'] == '…'" or "os.environ" in table.unclear_keys


ANY = {
    "a file": "op.execute(open('schema.sql').read())",
    "statements of a file": "for statement in open('schema.sql').read().split(';'):\n    op.execute(statement)",
    "a table's name": "op.create_table(pick(), sa.Column('id', sa.Integer()))",
    "an operation object": "op.invoke(pick())",
    "create_all": "from app import db\ndb.metadata.create_all(op.get_bind())",
    "sql with a computed table": "op.execute(f'ALTER TABLE {pick()} ADD a text')",
    "another extension": "op.frobnicate('a')",
}


@pytest.mark.parametrize("body", ANY.values(), ids=ANY)
def test_what_may_touch_any_table(tmp_path: Path, body: str) -> None:
    schema = replay(tmp_path, USERS, body, before="from somewhere import pick")
    assert schema.unclear
    assert str(schema.unclear_place).startswith("migrations/versions/r1.py:")


DATA = {
    "core": "op.execute(sa.table('users').update().values(name='x'))",
    "a session": "from sqlalchemy.orm import Session\nsession = Session(bind=op.get_bind())\nsession.query(1).all()\nsession.commit()",
    "rows": "for row in op.get_bind().execute(sa.text('SELECT id FROM users')).fetchall():\n    op.execute(f'UPDATE users SET name = {row.id}')",
    "bulk": "op.bulk_insert(sa.table('users', sa.column('id')), [{'id': 1}])",
    "views and functions": "op.execute('CREATE VIEW v AS SELECT 1')\nop.execute('DROP FUNCTION f()')\nop.execute('CREATE EXTENSION citext')",
    "a package's sql": "from searchable import sql\nop.execute(sql)",
    "nothing": "pass",
}


@pytest.mark.parametrize("body", DATA.values(), ids=DATA)
def test_data_changes_no_schema(tmp_path: Path, body: str) -> None:
    schema = replay(tmp_path, USERS, body)
    assert columns(schema.tables["users"]) == ["id", "name"]
    assert (schema.unclear, schema.assumed) == ("", {})


# -- histories -------------------------------------------------------------------------------------------------------


def test_branches_merges_and_what_they_depend_on(tmp_path: Path) -> None:
    files = ENV | revision("a", USERS) | revision("b", "op.add_column('users', sa.Column('b', sa.Text()))", "a")
    files |= revision("c", "op.add_column('users', sa.Column('c', sa.Text()))", "a")
    merge = "revision = 'm'\ndown_revision = ('b', 'c')\n\ndef upgrade():\n    pass\n"
    other = "from alembic import op\nrevision = 'x'\ndown_revision = None\ndepends_on = 'm'\n\ndef upgrade():\n    op.drop_column('users', 'c')\n"
    (found,) = Repo(write(tmp_path, files | {"migrations/versions/m.py": merge, "migrations/versions/x.py": other})).fact(replayed)
    assert columns(found.schema.tables["users"]) == ["id", "name", "b"]


def test_a_database_each(tmp_path: Path) -> None:
    text = """
        from alembic import op
        import sqlalchemy as sa
        revision = "a"
        down_revision = None

        def upgrade(engine_name):
            globals()["upgrade_%s" % engine_name]()

        def upgrade_():
            op.create_table("users", sa.Column("id", sa.Integer()))

        def upgrade_logs():
            op.create_table("lines", sa.Column("id", sa.Integer()))
    """
    found = Repo(write(tmp_path, ENV | {"migrations/versions/a.py": text})).fact(replayed)
    assert {r.engine: list(r.schema.tables) for r in found} == {"": ["users"], "logs": ["lines"]}


def test_a_plugin_s_history_goes_on_from_the_one_it_changes(tmp_path: Path) -> None:
    plugin = "from alembic import op\nrevision = 'p'\ndown_revision = None\n\ndef upgrade():\n    op.drop_column('users', 'name')\n"
    (found,) = replay_all(tmp_path, USERS, files={"plugin/env.py": "from alembic import context\n", "plugin/versions/p.py": plugin})
    assert columns(found.schema.tables["users"]) == ["id"]
    assert found.then


HIDDEN = {
    "a file that does not parse": {"migrations/versions/z.py": "revision = ("},
    "an id that is computed": {"migrations/versions/z.py": "import os\nrevision = os.name\ndown_revision = 'r0'\n"},
    "a circle": {
        "migrations/versions/y.py": "revision = 'y'\ndown_revision = 'z'\n",
        "migrations/versions/z.py": "revision = 'z'\ndown_revision = 'y'\n",
    },
    "a parent that is not there": {"migrations/versions/z.py": "revision = 'z'\ndown_revision = 'gone'\n"},
    "an id twice": {"migrations/versions/z.py": "revision = 'r0'\ndown_revision = None\n"},
}


@pytest.mark.parametrize("files", HIDDEN.values(), ids=HIDDEN)
def test_a_history_that_is_not_known_whole(tmp_path: Path, files: dict[str, str]) -> None:
    schema = replay(tmp_path, USERS, files=files)
    assert schema.unclear
    assert "users" in schema.tables


ENDLESS = {
    "recursion": ("again(0)", "def again(n):\n    op.execute('ALTER TABLE users ADD a text')\n    again(n + 1)"),
    "a huge loop": ("for i in range(10**9):\n    op.add_column('users', sa.Column(f'c{i}', sa.Text()))", ""),
    "loops in loops": (
        "for a in L:\n    for b in L:\n        for c in L:\n            op.add_column('users', sa.Column(a + b + c, sa.Text()))",
        "L = list('abcdefghijklmnopqrstuvwxyz' * 5)",
    ),
    "doubling": ("x = 'a'\nfor i in range(100):\n    x = x + x\nop.add_column('users', sa.Column(x, sa.Text()))", ""),
    "constants in a circle": ("op.add_column('users', sa.Column(A, sa.Text()))", "A = B + 'x'\nB = A + 'x'"),
    "a wide format": (
        "op.execute('ALTER TABLE users ADD %999999999s text' % 'a')\nop.execute('ALTER TABLE users ADD {:>999999999} text'.format('a'))",
        "",
    ),
    "constants that double": (
        "op.add_column('users', sa.Column(A20, sa.Text()))",
        "A0 = 'x'\n" + "\n".join(f"A{n} = A{n - 1} + A{n - 1}" for n in range(1, 40)),
    ),
}


@pytest.mark.parametrize(("body", "before"), ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_left_unclear(tmp_path: Path, body: str, before: str) -> None:
    schema = replay(tmp_path, USERS, body, before=before)
    assert schema.unclear or schema.tables["users"].unclear


def test_three_thousand_revisions(tmp_path: Path) -> None:
    adds = [f"op.add_column('users', sa.Column('c{n}', sa.Text()))" for n in range(3000)]
    assert len(replay(tmp_path, USERS, *adds).tables["users"].columns) == 3002


def test_no_history(tmp_path: Path) -> None:
    assert Repo(write(tmp_path, {"app.py": ""})).fact(replayed) == []
