from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

ENV = {"migrations/env.py": "from alembic import context\n"}
USERS = '''
    """create users"""

    import sqlalchemy as sa
    from alembic import op

    revision = "1a2b"
    down_revision = None


    def upgrade():
        op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))


    def downgrade():
        op.drop_table("users")
'''
NAMES = '''
    """add names"""

    import sqlalchemy as sa
    from alembic import op

    revision = "3c4d"
    down_revision = "1a2b"


    def upgrade():
        op.add_column("users", sa.Column("name", sa.String(80)))


    def downgrade():
        op.drop_column("users", "name")
'''
EMAILS = NAMES.replace("3c4d", "5e6f").replace("name", "email")
LINE = {**ENV, "migrations/versions/1a2b_users.py": USERS, "migrations/versions/3c4d_names.py": NAMES}
FORK = {**LINE, "migrations/versions/5e6f_emails.py": EMAILS}
MERGE = 'revision = "7a8b"\ndown_revision = ("3c4d", "5e6f")\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    pass\n'
PLAIN_APP = "from flask import Flask\n\napp = Flask(__name__)\n"


def step(id_: str, down: str, body: str = "pass", back: str = "pass", more: str = "") -> str:
    return f"from alembic import op\nrevision = {id_}\ndown_revision = {down}\n{more}\ndef upgrade():\n    {body}\n\ndef downgrade():\n    {back}\n"


NEWEST = "migrations/versions/5e6f.py"
POSTGRESQL = {"requirements.txt": "psycopg[binary]==3.2.1\n"}
DIALECTS = "from sqlalchemy.dialects import mysql, postgresql"


def grown(body: str, more: str = "") -> dict[str, str]:
    """The line of two revisions and a third that does `body`."""
    return {**LINE, NEWEST: "import sqlalchemy as sa\n" + step('"5e6f"', '"3c4d"', body, more=f"{more}\n")}


def widened(table: str) -> str:
    return f'op.alter_column("{table}", "id", existing_type=sa.Integer(), type_=sa.BigInteger())'


MODELS = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    db = SQLAlchemy(app)


    class User(db.Model):
        id = db.Column(db.Integer, primary_key=True)
"""
CREATES = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()


    def create_app():
        app = Flask(__name__)
        db.init_app(app)
        with app.app_context():
            db.create_all()
        return app
"""
FACTORY = CREATES.replace("            db.create_all()\n", "            pass\n")

DRIFT_MODELS = """
    from flask import Flask
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    db = SQLAlchemy(app)
    Migrate(app, db)


    class User(db.Model):
        __tablename__ = "users"

        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80))
"""
TARGET = {
    "migrations/env.py": """
    from alembic import context
    from flask import current_app

    target_metadata = current_app.extensions["migrate"].db.metadata
    context.configure(target_metadata=target_metadata)
"""
}
AGREE = {**LINE, **TARGET, "app.py": DRIFT_MODELS}
NAME = "        name = db.Column(db.String(80))\n"


def modelled(column: str, **more: str) -> dict[str, str]:
    """The line of two revisions, and a model that says `column` instead of its name."""
    return {**AGREE, "app.py": DRIFT_MODELS.replace(NAME, f"        {column}\n" if column else ""), **more}


def made(*columns: str) -> dict[str, str]:
    """A revision that makes the users with the given columns, and the model."""
    return {
        **TARGET,
        "app.py": DRIFT_MODELS,
        "migrations/versions/1a2b_users.py": USERS.replace("primary_key=True)", f"primary_key=True), {', '.join(columns)}"),
    }


QUIET: Quiet = {
    "migrations.single-head": [
        ("one line of revisions", LINE),
        ("two branches joined by a merge revision", {**FORK, "migrations/versions/7a8b_merge.py": MERGE}),
        ("no migrations at all", PLAIN_APP),
        (
            "one head for each labelled branch",
            {
                **ENV,
                "migrations/versions/a.py": step('"a"', "None", more='branch_labels = ("shop",)'),
                "migrations/versions/b.py": step('"b"', "None", more='branch_labels = ("blog",)'),
            },
        ),
        (
            "labels on the first revisions of two branches",
            {
                **ENV,
                "migrations/versions/a.py": step('"a"', "None"),
                "migrations/versions/b.py": step('"b"', '"a"', more='branch_labels = "shop"'),
                "migrations/versions/c.py": step('"c"', '"a"', more='branch_labels = "blog"'),
                "migrations/versions/d.py": step('"d"', '"c"'),
            },
        ),
        (
            "two databases with a history each",
            {
                "alembic.ini": "[alembic]\nscript_location = main\n[reports]\nscript_location = reports\n",
                "main/env.py": "from alembic import context\n",
                "main/versions/a.py": step('"a"', "None"),
                "reports/env.py": "from alembic import context\n",
                "reports/versions/a.py": step('"a"', "None"),
            },
        ),
        (
            "ids in every written form",
            {
                **ENV,
                "migrations/versions/a.py": step("'a' 'b'", "None"),
                "migrations/versions/b.py": "from typing import Union\nrevision: str = 'c'\ndown_revision: Union[str, None] = 'a' + 'b'\n",
                "migrations/versions/c.py": "revision, down_revision = 'd', ['c']\n",
                "migrations/versions/d.py": "PARENT = 'd'\nrevision = 'e'\ndown_revision = (PARENT,)\n",
            },
        ),
        ("revisions named like tests and examples", {**ENV, "migrations/versions/a_test.py": USERS, "migrations/versions/b_sample.py": NAMES}),
        (
            "a plugin's own history",
            {**LINE, "app/plugins/shop/migrations/x.py": step('"x"', "None"), "app/plugins/blog/migrations/y.py": step('"y"', "None")},
        ),
    ],
    "migrations.whole-history": [
        ("every parent is there", LINE),
        (
            "a part of the id is enough for depends_on",
            {**LINE, "migrations/versions/z.py": step('"z"', '"3c4d"', more='depends_on = ("1a", "shop@head")\nbranch_labels = "shop"')},
        ),
        ("the package file of the versions folder", {**LINE, "migrations/versions/__init__.py": ""}),
        (
            "an old revision whose id is its name",
            {**ENV, "migrations/versions/1a2b.py": "down_revision = None\n", "migrations/versions/3c4d_names.py": NAMES},
        ),
        (
            "a folder below versions that Alembic does not read",
            {**LINE, "migrations/versions/archive/9f.py": "revision = '9f'\ndown_revision = '8e'\n"},
        ),
        (
            "folders below versions where Alembic is told to read them",
            {
                "alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\nrecursive_version_locations = true\n",
                **ENV,
                "migrations/versions/2024/a.py": USERS,
                "migrations/versions/2025/b.py": NAMES,
            },
        ),
    ],
    "migrations.in-place": [
        ("all in versions/", LINE),
        (
            "several version locations",
            {
                "alembic.ini": "[alembic]\nscript_location = migrations\nversion_locations = migrations/versions app/shop/versions\n",
                **LINE,
                "app/shop/versions/e.py": EMAILS.replace('"1a2b"', '"3c4d"'),
            },
        ),
        (
            "configured in pyproject.toml",
            {
                "pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/db"\nversion_locations = ["%(here)s/db/steps"]\n',
                "db/env.py": "from alembic import context\n",
                "db/steps/a.py": USERS,
                "db/steps/b.py": NAMES,
            },
        ),
        ("another history in a folder of its own, run by code", {**LINE, "app/plugins/shop/migrations/x.py": step('"x"', "None")}),
        ("revisions of a test", {**LINE, "tests/migrations/x.py": step('"3c4d"', "None")}),
    ],
    "migrations.downgrade": [
        ("it takes back what the upgrade did", LINE),
        ("a merge has nothing to take back", {**FORK, "migrations/versions/7a8b_merge.py": MERGE}),
        ("nothing was done, nothing is undone", {**LINE, "migrations/versions/e.py": step('"e"', '"3c4d"')}),
        (
            "it says that there is no way back",
            {
                **LINE,
                "migrations/versions/e.py": step('"e"', '"3c4d"', 'op.execute("UPDATE users SET name = id")', 'raise RuntimeError("no way back")'),
            },
        ),
        (
            "empty ones of long ago",
            {
                **ENV,
                "migrations/versions/a.py": step('"a0"', "None", 'op.execute("SELECT 1")'),
                **{f"migrations/versions/b{n}.py": step(f'"a{n}"', f'"a{n - 1}"', 'op.f("x")', 'op.f("y")') for n in range(1, 7)},
            },
        ),
    ],
    "migrations.destructive": [
        ("the newest adds a column", LINE),
        (
            "dropped long ago",
            {
                **ENV,
                "migrations/versions/a.py": step('"a"', "None", 'op.drop_table("old")'),
                "migrations/versions/b.py": step('"b"', '"a"', 'op.f("x")'),
            },
        ),
        ("dropped by the downgrade", LINE),
        (
            "made and dropped in one step, and a table made to be dropped",
            {
                **ENV,
                "migrations/versions/a.py": step('"a"', "None", 'op.create_table("new"); op.drop_table("new"); op.drop_table("users_tmp")'),
            },
        ),
        (
            "a constraint and an index",
            {**ENV, "migrations/versions/a.py": step('"a"', "None", 'op.drop_index("ix"); op.drop_constraint("ck", "users")')},
        ),
    ],
    "migrations.not-null": [
        (
            "the rows get a value",
            {
                **LINE,
                "migrations/versions/5e6f_plans.py": """
                    import sqlalchemy as sa
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.add_column("users", sa.Column("plan", sa.String(20), nullable=False, server_default="free"))
                """,
            },
        ),
        ("a column that may be NULL", LINE),
        ("on a table that the same revision makes", grown('op.create_table("t"); op.add_column("t", sa.Column("a", sa.Integer, nullable=False))')),
        (
            "on such a table, named by a constant",
            grown('op.create_table(T); op.add_column(T, sa.Column("a", sa.Integer, nullable=False))', "T = 't'"),
        ),
        (
            "filled, then closed",
            grown(
                'op.add_column("users", sa.Column("a", sa.Integer)); op.execute("UPDATE users SET a = 0"); '
                'op.alter_column("users", "a", nullable=False)'
            ),
        ),
        (
            "filled by a helper, closed in a batch",
            grown(
                'op.add_column("users", sa.Column("a", sa.Integer)); fill()\n'
                '    with op.batch_alter_table("users") as b:\n        b.alter_column("a", nullable=False)',
                "def fill():\n    op.get_bind().execute(None)\n",
            ),
        ),
        (
            "filled by its server default, then closed",
            grown('op.add_column("users", sa.Column("a", sa.Integer, server_default="0")); op.alter_column("users", "a", nullable=False)'),
        ),
        ("closed where it was there before", grown('op.alter_column("users", "name", nullable=False)')),
        ("computed, or counting", grown('op.add_column("users", sa.Column("a", sa.Integer, sa.Computed("1"), nullable=False))')),
        ("in the downgrade", {**ENV, "migrations/versions/a.py": step('"a"', "None", "pass", 'op.add_column("t", sa.Column("a", nullable=False))')}),
        (
            "long ago",
            {**grown('op.add_column("users", sa.Column("a", sa.Integer, nullable=False))'), "migrations/versions/z.py": step('"z"', '"5e6f"')},
        ),
    ],
    "migrations.blocking-index": [
        (
            "built concurrently",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
                "migrations/versions/5e6f_find_names.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        with op.get_context().autocommit_block():
                            op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
                """,
            },
        ),
        ("on a table that the same revision makes", POSTGRESQL | grown('op.create_table("t"); op.create_index("ix", "t", ["a"])')),
        (
            "in a batch on such a table",
            POSTGRESQL | grown('op.create_table("t")\n    with op.batch_alter_table("t") as b:\n        b.create_index("ix", ["a"])'),
        ),
        ("by hand, concurrently", POSTGRESQL | grown('op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix ON users (name)")')),
        ("MySQL", {"app.py": PLAIN_APP, "requirements.txt": "pymysql\n"} | grown('op.create_index("ix", "users", ["name"])')),
        (
            "in the downgrade",
            POSTGRESQL | {**LINE, "migrations/versions/z.py": step('"z"', '"3c4d"', "pass", 'op.create_index("ix", "users", ["a"])')},
        ),
    ],
    "migrations.concurrent-index": [
        (
            "outside a transaction",
            {
                **LINE,
                "migrations/versions/5e6f_find_names.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        with op.get_context().autocommit_block():
                            op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
                """,
            },
        ),
        ("after a COMMIT by hand", grown('op.execute("COMMIT")\n    op.execute("CREATE INDEX CONCURRENTLY ix ON users (name)")')),
        ("none", LINE),
    ],
    "migrations.rewrites": [
        (
            "a longer text",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
                "migrations/versions/5e6f_long_names.py": """
                    import sqlalchemy as sa
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.alter_column("users", "name", existing_type=sa.String(80), type_=sa.String(200))
                """,
            },
        ),
        ("to an unbounded text", POSTGRESQL | grown('op.alter_column("users", "name", existing_type=sa.String(80), type_=sa.Text())')),
        (
            "of a table it makes",
            POSTGRESQL | grown('op.create_table("t")\n    ' + widened("t")),
        ),
        (
            "in the downgrade",
            POSTGRESQL | {**LINE, "migrations/versions/z.py": step('"z"', '"3c4d"', "pass", widened("users"))},
        ),
        ("its nullability only", POSTGRESQL | grown('op.alter_column("users", "name", existing_type=sa.String(80), nullable=True)')),
        (
            "MySQL",
            {"app.py": PLAIN_APP, "requirements.txt": "pymysql\n"} | grown(widened("users")),
        ),
    ],
    "migrations.enum-values": [
        (
            "outside a transaction",
            {
                **LINE,
                "migrations/versions/5e6f_paused.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        with op.get_context().autocommit_block():
                            op.execute("ALTER TYPE status ADD VALUE IF NOT EXISTS 'paused'")
                """,
            },
        ),
        ("a value that gets another name", grown("op.execute(\"ALTER TYPE status RENAME VALUE 'paused' TO 'held'\")")),
    ],
    "migrations.batched-data": [
        (
            "some rows at a time",
            {
                **LINE,
                "migrations/versions/5e6f_plans.py": """
                    import sqlalchemy as sa
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        for low in range(0, 1_000_000, 5_000):
                            op.execute(sa.text("UPDATE users SET plan = 'free' WHERE id BETWEEN :low AND :low + 4999").bindparams(low=low))
                """,
            },
        ),
        ("of a table it makes itself", grown('op.create_table("t")\n    op.execute("UPDATE t SET a = 1")')),
        ("in a comment on a column", grown("op.execute(\"COMMENT ON COLUMN users.name IS 'UPDATE with care'\")")),
    ],
    "migrations.dialect": [
        (
            "types of every database",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
            },
        ),
        ("PostgreSQL's own", POSTGRESQL | grown('op.add_column("users", sa.Column("a", postgresql.JSONB))', DIALECTS)),
        ("MySQL's where MySQL is", {"requirements.txt": "pymysql\n"} | grown('op.add_column("users", sa.Column("a", mysql.TINYINT(1)))', DIALECTS)),
        ("one that both know", POSTGRESQL | grown('op.add_column("users", sa.Column("a", mysql.INTEGER))', DIALECTS)),
        ("what the column was", POSTGRESQL | grown('op.alter_column("users", "a", existing_type=mysql.TINYINT(1), type_=sa.Boolean())', DIALECTS)),
        (
            "a variant, and a branch",
            POSTGRESQL
            | grown(
                'op.add_column("users", sa.Column("a", sa.Text().with_variant(mysql.LONGTEXT(), "mysql")))\n'
                '    if op.get_bind().dialect.name == "mysql":\n        op.execute("ALTER TABLE users AUTO_INCREMENT = 9")',
                DIALECTS,
            ),
        ),
    ],
    "migrations.create-all": [
        (
            "the deploy script runs the migrations",
            {**LINE, "app.py": FACTORY, "boot.sh": "#!/bin/sh\nflask db upgrade\nexec gunicorn 'app:create_app()'\n"},
        ),
        (
            "create_all in a command, a script and below __main__",
            {
                **LINE,
                "Procfile": "release: alembic upgrade head\n",
                "app.py": FACTORY
                + """
    @click.command()
    def init_db():
        db.create_all()


    if __name__ == "__main__":
        db.create_all()
""",
                "init_db.py": "from app import create_app, db\nwith create_app().app_context():\n    db.create_all()\n",
                "tests/conftest.py": "from app import db\ndb.create_all()\n",
            },
        ),
        (
            "create_all for SQLite and tests only",
            {
                **LINE,
                "Procfile": "release: flask db upgrade\n",
                "app.py": CREATES.replace(
                    "            db.create_all()", "            if app.testing or db.engine.name == 'sqlite':\n                db.create_all()"
                ),
            },
        ),
        ("create_all and no migrations", CREATES),
    ],
    "migrations.exists": [
        ("models and revisions", {"app.py": MODELS, **LINE}),
        ("no models", PLAIN_APP),
        ("a mixin is no table", PLAIN_APP + "\nclass DatedMixin:\n    made = db.Column(db.DateTime)\n"),
        ("a document of MongoDB is no model", PLAIN_APP + "\nclass User(db.Document):\n    name = db.StringField()\n"),
    ],
    "migrations.missing-tables": [
        ("every table has its revision", AGREE),
        (
            "another base that env.py does not name",
            {
                **AGREE,
                "reports.py": "import sqlalchemy as sa\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\n"
                "class Report(Base):\n    __tablename__ = 'reports'\n    id = sa.Column(sa.Integer, primary_key=True)\n",
                "wsgi.py": "import app, reports\n",
            },
        ),
        (
            "a table that env.py leaves out",
            {
                **AGREE,
                "app.py": DRIFT_MODELS
                + '\n    class View(db.Model):\n        __tablename__ = "view_users"\n        id = db.Column(db.Integer, primary_key=True)\n',
                "migrations/env.py": TARGET["migrations/env.py"].replace(
                    "    context.configure(",
                    "    def include(object, name, type_, reflected, compare_to):\n"
                    '        return not (type_ == "table" and name.startswith("view_"))\n\n    context.configure(include_object=include, ',
                ),
            },
        ),
    ],
    "migrations.missing-columns": [("every column has its revision", AGREE)],
    "migrations.types": [
        ("the same types", AGREE),
        ("a class of SQL for one of Python", made('sa.Column("name", sa.VARCHAR(80))')),
        (
            "a time zone that MySQL has not",
            {
                "requirements.txt": "pymysql\n",
                **made('sa.Column("name", sa.DateTime(timezone=True))'),
                "app.py": DRIFT_MODELS.replace("String(80)", "DateTime"),
            },
        ),
        (
            "env.py says that types are not compared",
            {
                **modelled("name = db.Column(db.Text)"),
                "migrations/env.py": TARGET["migrations/env.py"].replace("configure(", "configure(compare_type=False, "),
            },
        ),
    ],
    "migrations.nullable": [
        ("NULL on both sides", AGREE),
        ("the key is never NULL", modelled("name = db.Column(db.String(80))")),
    ],
    "migrations.required-leftovers": [
        ("no column is left over", AGREE),
        ("the column may be NULL", modelled("")),
        (
            "the database fills it",
            {**made('sa.Column("name", sa.String(80), nullable=False, server_default="x")'), "app.py": DRIFT_MODELS.replace(NAME, "")},
        ),
    ],
    "migrations.lengths": [
        ("the same length", AGREE),
        ("one side says no length", modelled("name = db.Column(db.String)")),
        (
            "an enum's value that a revision took out, and PostgreSQL keeps",
            {
                **made('sa.Column("name", sa.Enum("a", "b", name="mood"))'),
                "migrations/versions/5e6f.py": "import sqlalchemy as sa\n"
                + step('"5e6f"', '"1a2b"', 'op.alter_column("users", "name", type_=sa.Enum("a", name="mood"))'),
                "app.py": DRIFT_MODELS.replace("db.String(80)", 'db.Enum("a", "b", name="mood")'),
            },
        ),
    ],
    "migrations.keys": [
        ("no key on either side", AGREE),
        (
            "a unique index and a unique constraint",
            {
                **modelled("name = db.Column(db.String(80), unique=True)"),
                NEWEST: step('"5e6f"', '"3c4d"', 'op.create_index("by_name", "users", ["name"], unique=True)'),
            },
        ),
    ],
    "migrations.leftovers": [("nothing is left over", AGREE)],
    "migrations.from-empty": [("the first revision makes the tables", AGREE)],
}
REPORTED: Reported = {
    "migrations.missing-tables": [
        (
            "a model without a revision",
            {**ENV, **TARGET, "app.py": DRIFT_MODELS, "migrations/versions/a.py": step('"a"', "None", 'op.execute("SELECT 1")')},
            "app.py:11",
        )
    ],
    "migrations.missing-columns": [
        (
            "a column without a revision",
            modelled("name = db.Column(db.String(80))\n        plan = db.Column(db.String(20), nullable=False)"),
            "app.py:16",
        )
    ],
    "migrations.types": [("a text for a number", modelled("name = db.Column(db.Integer)"), "app.py:15")],
    "migrations.nullable": [("the database takes NULL", modelled("name = db.Column(db.String(80), nullable=False)"), "app.py:15")],
    "migrations.required-leftovers": [
        (
            "nobody fills it any more",
            {**made('sa.Column("name", sa.String(80), nullable=False)'), "app.py": DRIFT_MODELS.replace(NAME, "")},
            "app.py:11",
        )
    ],
    "migrations.lengths": [
        ("a longer text", modelled("name = db.Column(db.String(120))"), "app.py:15"),
        (
            "a new value of an enum",
            {
                **made('sa.Column("name", sa.Enum("a", name="mood"))'),
                "app.py": DRIFT_MODELS.replace("db.String(80)", 'db.Enum("a", "paused", name="mood")'),
            },
            "app.py:15",
        ),
    ],
    "migrations.keys": [("an index without a revision", modelled("name = db.Column(db.String(80), index=True)"), "app.py:15")],
    "migrations.leftovers": [("a column that no model has", modelled(""), "app.py:11")],
    "migrations.from-empty": [
        (
            "the first revision alters a table that was there",
            {**TARGET, "app.py": DRIFT_MODELS, "migrations/versions/3c4d.py": NAMES.replace('"1a2b"', "None")},
            "migrations/versions/3c4d.py:12",
        )
    ],
    "migrations.single-head": [
        ("two branches were merged, their revisions were not", FORK, "migrations/versions/5e6f_emails.py:7"),
        (
            "the later one is named",
            {
                **FORK,
                "migrations/versions/3c4d_names.py": NAMES.replace("add names", "add names\n\n    Create Date: 2026-02-01 10:00:00"),
                "migrations/versions/5e6f_emails.py": EMAILS.replace("add emails", "add emails\n\n    Create Date: 2026-01-01 10:00:00"),
            },
            "migrations/versions/3c4d_names.py:9",
        ),
        (
            "no shared parent",
            {**ENV, "migrations/versions/a.py": step('"a"', "None"), "migrations/versions/b.py": step('"b"', "None")},
            "migrations/versions/b.py:2",
        ),
    ],
    "migrations.whole-history": [
        ("the parent is gone", {**ENV, "migrations/versions/3c4d_names.py": NAMES}, "migrations/versions/3c4d_names.py:8"),
        ("two files with one id", {**LINE, "migrations/versions/copy.py": NAMES}, "migrations/versions/copy.py:7"),
        (
            "a circle",
            {**ENV, "migrations/versions/a.py": step('"a"', '"b"'), "migrations/versions/b.py": step('"b"', '"a"')},
            "migrations/versions/a.py:3",
        ),
        ("a file that is no revision", {**LINE, "migrations/versions/helpers.py": "def table(): ...\n"}, "migrations/versions/helpers.py:1"),
        (
            "it depends on what is not there",
            {**LINE, "migrations/versions/e.py": step('"e"', '"3c4d"', more='depends_on = "ffff"')},
            "migrations/versions/e.py:3",
        ),
    ],
    "migrations.in-place": [
        (
            "beside the versions folder",
            {**ENV, "migrations/versions/1a2b_users.py": USERS, "migrations/3c4d_names.py": NAMES},
            "migrations/3c4d_names.py:7",
        ),
        ("a second copy in another folder", {**LINE, "backend/alembic/versions/3c4d_names.py": NAMES}, "backend/alembic/versions/3c4d_names.py:7"),
    ],
    "migrations.downgrade": [
        (
            "left empty",
            {**LINE, "migrations/versions/3c4d_names.py": NAMES.replace('op.drop_column("users", "name")', "pass")},
            "migrations/versions/3c4d_names.py:15",
        ),
        (
            "not written",
            {**LINE, "migrations/versions/3c4d_names.py": NAMES.partition("    def downgrade")[0]},
            "migrations/versions/3c4d_names.py:7",
        ),
    ],
    "migrations.destructive": [
        (
            "the newest drops a column",
            {
                **LINE,
                "migrations/versions/9a0b_no_names.py": """
                from alembic import op

                revision = "9a0b"
                down_revision = "3c4d"


                def upgrade():
                    op.drop_column("users", "name")
                """,
            },
            "migrations/versions/9a0b_no_names.py:9",
        ),
        (
            "in a batch, by a helper",
            {
                **ENV,
                "migrations/versions/a.py": step('"a"', "None", "_drop()")
                + 'def _drop():\n    with op.batch_alter_table("t") as b:\n        b.drop_column("c")\n',
            },
            "migrations/versions/a.py:12",
        ),
        (
            "in SQL",
            {**ENV, "migrations/versions/a.py": step('"a"', "None", 'op.execute(sa.text("ALTER TABLE users DROP COLUMN name"))')},
            "migrations/versions/a.py:6",
        ),
        (
            "before an empty merge",
            {
                **FORK,
                "migrations/versions/5e6f_emails.py": step('"5e6f"', '"1a2b"', 'op.drop_table("users")'),
                "migrations/versions/7a8b_merge.py": MERGE,
            },
            "migrations/versions/5e6f_emails.py:6",
        ),
    ],
    "migrations.not-null": [
        (
            "the rows have no value for it",
            {
                **LINE,
                "migrations/versions/5e6f_plans.py": """
                    import sqlalchemy as sa
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.add_column("users", sa.Column("plan", sa.String(20), nullable=False))
                """,
            },
            "migrations/versions/5e6f_plans.py:10",
        ),
        ("default is Python's", grown('op.add_column("users", sa.Column("a", sa.Integer, default=0, nullable=False))'), f"{NEWEST}:8"),
        (
            "in a batch",
            grown('with op.batch_alter_table("users") as b:\n        b.add_column(sa.Column("a", sa.Integer, nullable=False, server_default=None))'),
            f"{NEWEST}:9",
        ),
        (
            "added and closed, never filled",
            grown('op.add_column("users", sa.Column("a", sa.Integer))\n    op.alter_column("users", "a", nullable=False)'),
            f"{NEWEST}:9",
        ),
    ],
    "migrations.blocking-index": [
        (
            "built while everybody waits",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
                "migrations/versions/5e6f_find_names.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.create_index("ix_users_name", "users", ["name"])
                """,
            },
            "migrations/versions/5e6f_find_names.py:9",
        ),
        (
            "in a batch",
            POSTGRESQL | grown('with op.batch_alter_table("users") as b:\n        b.create_index("ix", ["name"])'),
            f"{NEWEST}:9",
        ),
        ("by hand", POSTGRESQL | grown('op.execute(sa.text("CREATE INDEX IF NOT EXISTS ix ON public.users (name)"))'), f"{NEWEST}:8"),
        (
            "the address says PostgreSQL, the requirements both",
            {"requirements.txt": "psycopg2\npymysql\n", ".env.example": "DATABASE_URL=postgresql://db/app\n"}
            | grown('op.create_index("ix", "users", ["name"])'),
            f"{NEWEST}:8",
        ),
    ],
    "migrations.concurrent-index": [
        (
            "inside a transaction",
            {
                **LINE,
                "migrations/versions/5e6f_find_names.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
                """,
            },
            "migrations/versions/5e6f_find_names.py:9",
        ),
        ("by hand", grown('op.execute("CREATE INDEX CONCURRENTLY ix ON users (name)")'), f"{NEWEST}:8"),
    ],
    "migrations.rewrites": [
        (
            "a wider number",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
                "migrations/versions/5e6f_more_users.py": """
                    import sqlalchemy as sa
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.alter_column("users", "id", existing_type=sa.Integer(), type_=sa.BigInteger())
                """,
            },
            "migrations/versions/5e6f_more_users.py:10",
        ),
        ("a shorter text", POSTGRESQL | grown('op.alter_column("users", "name", existing_type=sa.Text(), type_=sa.String(20))'), f"{NEWEST}:8"),
        (
            "in a batch",
            POSTGRESQL | grown('with op.batch_alter_table("users") as b:\n        b.alter_column("id", existing_type=sa.JSON(), type_=sa.Text())'),
            f"{NEWEST}:9",
        ),
    ],
    "migrations.enum-values": [
        (
            "inside a transaction",
            {
                **LINE,
                "migrations/versions/5e6f_paused.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.execute("ALTER TYPE status ADD VALUE 'paused'")
                """,
            },
            "migrations/versions/5e6f_paused.py:9",
        ),
    ],
    "migrations.batched-data": [
        (
            "all rows at once",
            {
                **LINE,
                "migrations/versions/5e6f_plans.py": """
                    from alembic import op

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.execute("UPDATE users SET plan = 'free'")
                """,
            },
            "migrations/versions/5e6f_plans.py:9",
        ),
        ("deleted", grown('op.execute("DELETE FROM users")'), f"{NEWEST}:8"),
    ],
    "migrations.dialect": [
        (
            "a type of MySQL",
            {
                **LINE,
                "requirements.txt": "psycopg2-binary==2.9.9\n",
                "migrations/versions/5e6f_active.py": """
                    import sqlalchemy as sa
                    from alembic import op
                    from sqlalchemy.dialects import mysql

                    revision = "5e6f"
                    down_revision = "3c4d"


                    def upgrade():
                        op.add_column("users", sa.Column("active", mysql.TINYINT(1)))
                """,
            },
            "migrations/versions/5e6f_active.py:11",
        ),
        ("a statement of MySQL", POSTGRESQL | grown('op.execute("CREATE TABLE t (id INT AUTO_INCREMENT)")'), f"{NEWEST}:8"),
        ("a statement of SQLite", POSTGRESQL | grown('op.execute("PRAGMA foreign_keys=OFF")'), f"{NEWEST}:8"),
        (
            "PostgreSQL's on MySQL",
            {"requirements.txt": "mysqlclient\n"} | grown('op.add_column("users", sa.Column("a", postgresql.JSONB()))', DIALECTS),
            f"{NEWEST}:8",
        ),
    ],
    "migrations.create-all": [
        ("the factory creates all", {**LINE, "app.py": CREATES}, "app.py:12"),
        (
            "at import, by a helper of another module",
            {
                **LINE,
                "app.py": "from flask import Flask\nfrom store.database import setup\napp = Flask(__name__)\napp.register_blueprint(x)\nsetup(app)\n",
                "store/database.py": "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n\ndef setup(app):\n    db.create_all()\n",
            },
            "store/database.py:6",
        ),
    ],
    "migrations.exists": [("models without migrations", MODELS, "app.py:9")],
}
UNKNOWN: Unknown = {
    "migrations.missing-tables": [
        (
            "the history begins with a schema that was there",
            {
                **TARGET,
                "app.py": DRIFT_MODELS + "\n    class Team(db.Model):\n        id = db.Column(db.Integer, primary_key=True)\n",
                "migrations/versions/3c4d.py": NAMES.replace('"1a2b"', "None"),
            },
            "before the first revision",
        ),
        (
            "SQL that is computed",
            {
                **modelled("name = db.Column(db.String(80))"),
                "app.py": DRIFT_MODELS + "\n    class Team(db.Model):\n        id = db.Column(db.Integer, primary_key=True)\n",
                NEWEST: step('"5e6f"', '"3c4d"', "op.execute(sql())", more="from app import sql"),
            },
            "sql()",
        ),
        ("env.py names no metadata", {**AGREE, **ENV}, "target_metadata"),
    ],
    "migrations.missing-columns": [
        (
            "SQL that is computed",
            {**modelled("plan = db.Column(db.String(80))"), NEWEST: step('"5e6f"', '"3c4d"', "op.execute(sql())", more="from app import sql")},
            "sql()",
        )
    ],
    "migrations.types": [("a type of nobody's", modelled("name = db.Column(strange())"), "strange()")],
    "migrations.nullable": [("a computed flag", modelled("name = db.Column(db.String(80), nullable=app.config['LOOSE'])"), "may be NULL")],
    "migrations.required-leftovers": [("no metadata", {**AGREE, **ENV}, "target_metadata")],
    "migrations.lengths": [("no metadata", {**AGREE, **ENV}, "target_metadata")],
    "migrations.keys": [("no metadata", {**AGREE, **ENV}, "target_metadata")],
    "migrations.leftovers": [("no metadata", {**AGREE, **ENV}, "target_metadata")],
    "migrations.from-empty": [
        ("no metadata", {**AGREE, **ENV}, "target_metadata"),
        (
            "one branch renames the table that another changes",
            {**AGREE, NEWEST: step('"5e6f"', '"3c4d"', "op.rename_table('users', 'people')\n    op.drop_column('users', 'name')")},
            "order of its branches",
        ),
    ],
    "migrations.single-head": [
        ("a computed id", {**LINE, "migrations/versions/e.py": step("make_id()", '"3c4d"')}, "make_id()"),
        ("a file that does not parse", {**FORK, "migrations/versions/7a8b_merge.py": "revision = (\n"}, "7a8b_merge.py"),
        (
            "a second head that hangs on a missing revision",
            {**LINE, "migrations/versions/e.py": step('"e"', '"gone"')},
            "e follows gone",
        ),
        (
            "a labelled branch beside the main line",
            {**LINE, "migrations/versions/e.py": step('"e"', '"1a2b"', more='branch_labels = "shop"')},
            "on purpose",
        ),
        ("a folder of revisions that code runs", {"app/db/a.py": step('"a"', "None"), "app/db/b.py": step('"b"', "None")}, "on purpose"),
    ],
    "migrations.whole-history": [
        (
            "the parent may be in the file that does not parse",
            {**ENV, "migrations/versions/3c4d.py": NAMES, "migrations/versions/b.py": "revision = (\n"},
            "b.py",
        ),
    ],
    "migrations.in-place": [
        ("nothing says who runs them", {"app.py": PLAIN_APP, "app/db/a.py": step('"a"', "None")}, "no env.py"),
        (
            "code sets the folders",
            {**LINE, "app/shop/e.py": EMAILS, "cli.py": 'config.set_main_option("version_locations", "app/shop")\n'},
            "version_locations",
        ),
    ],
    "migrations.destructive": [
        ("the name is computed", {**ENV, "migrations/versions/a.py": step('"a"', "None", "op.drop_table(name)")}, "op.drop_table(name)"),
    ],
    "migrations.not-null": [
        (
            "the rows are deleted first",
            grown('op.execute("DELETE FROM users"); op.add_column("users", sa.Column("a", sa.Integer, nullable=False))'),
            "deleted first",
        ),
        ("MySQL fills it", {"requirements.txt": "pymysql\n"} | grown('op.add_column("users", sa.Column("a", sa.Integer, nullable=False))'), "MySQL"),
        ("the table is computed", grown('op.add_column(name(), sa.Column("a", sa.Integer, nullable=False))'), "computed"),
    ],
    "migrations.blocking-index": [
        ("nothing says which database", grown('op.create_index("ix", "users", ["name"])'), "not known"),
        (
            "the container brings another driver",
            POSTGRESQL | grown('op.create_index("ix", "users", ["name"])') | {"Dockerfile": "FROM python:3.13\nRUN pip install gunicorn pymysql\n"},
            "not known",
        ),
        (
            "the table is made where it is not there",
            POSTGRESQL | grown('if there():\n        op.create_index("ix", "t", ["a"])\n    else:\n        op.create_table("t")'),
            "further down",
        ),
    ],
    "migrations.concurrent-index": [
        (
            "env.py decides about transactions",
            {
                **grown('op.execute("CREATE INDEX CONCURRENTLY ix ON users (name)")'),
                "migrations/env.py": "from alembic import context\nengine = make(isolation_level='AUTOCOMMIT')\n",
            },
            "migrations/env.py",
        ),
    ],
    "migrations.rewrites": [
        ("what it was is not written", POSTGRESQL | grown('op.alter_column("users", "id", type_=sa.BigInteger())'), "existing_type"),
        (
            "the server's time zone decides",
            POSTGRESQL | grown('op.alter_column("users", "at", existing_type=sa.DateTime(), type_=sa.DateTime(timezone=True))'),
            "time zone",
        ),
        ("nothing says which database", grown(widened("users")), "not known"),
    ],
    "migrations.enum-values": [
        (
            "env.py decides about transactions",
            {
                **grown("op.execute(\"ALTER TYPE status ADD VALUE 'paused'\")"),
                "migrations/env.py": "from alembic import context\ncontext.configure(transaction_per_migration=True)\n",
            },
            "migrations/env.py",
        ),
    ],
    "migrations.dialect": [("nothing says which database", LINE, "looked for")],
    "migrations.create-all": [
        (
            "a setting decides",
            {
                **LINE,
                "app.py": CREATES.replace("            db.create_all()", "            if app.config['CREATE']:\n                db.create_all()"),
            },
            "app.config",
        ),
        ("nothing says how migrations are run", {**LINE, "app.py": FACTORY}, "looked for"),
    ],
    "migrations.exists": [
        (
            "models of a library, with a script that makes an application",
            {
                "shop/models.py": "from warehouse import Base, sa\nclass User(Base):\n    __tablename__ = 'users'\n    id = sa.Column(sa.Integer)\n",
                "bin/migrate_db.py": "from flask import Flask\napp = Flask(__name__)\n",
            },
            "somewhere else",
        ),
        ("another tool changes the schema", {"app.py": MODELS, "db/migrations/001_users.sql": "CREATE TABLE users (id int);\n"}, "001_users.sql"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


def test_the_finding_names_heads_files_parent_and_command() -> None:
    message = ask("migrations.single-head", {"app.py": "import flask_migrate\n", **FORK}).message
    assert "3c4d (migrations/versions/3c4d_names.py) and 5e6f (migrations/versions/5e6f_emails.py)" in message
    assert "both on 1a2b (migrations/versions/1a2b_users.py)" in message
    assert '`flask db merge -m "merge heads" 3c4d 5e6f`' in message


def test_the_command_speaks_to_the_configured_section() -> None:
    files = {path.replace("migrations", "db"): text for path, text in FORK.items()}
    message = ask("migrations.single-head", {"conf/alembic.ini": "[main]\nscript_location = ../db\n", **files}).message
    assert '`alembic -c conf/alembic.ini -n main merge -m "merge heads" 3c4d 5e6f`' in message
