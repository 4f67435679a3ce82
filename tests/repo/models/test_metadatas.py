"""What models declare: tables, columns, metadatas, and what stays unclear."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.models.loaded import loaded
from mingus_gate.repo.models.metadatas import metadata_of, metadatas
from mingus_gate.repo.models.tables import Metadata
from tests.tools import Files, write

DB = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"
BASE = "from sqlalchemy import *\nfrom sqlalchemy.orm import *\nBase = declarative_base()\n"
ID = "    id = db.Column(db.Integer, primary_key=True)\n"
ROOT_ID = "    id = Column(Integer, primary_key=True)\n"


def read(files: Files) -> list[Metadata]:
    with tempfile.TemporaryDirectory() as folder:
        return Repo(write(Path(folder), files)).fact(metadatas)


def tables(files: Files) -> dict[str, str]:
    """Table → its columns, a space between, of all metadatas."""
    return {name: " ".join(table.columns) for m in read(files) for name, table in m.schema.tables.items()}


DECLARED: list[tuple[str, Files, dict[str, str]]] = [
    ("Flask-SQLAlchemy's name", DB + f"class OrderLine(db.Model):\n{ID}", {"order_line": "id"}),
    ("an acronym", DB + f"class HTTPLog(db.Model):\n{ID}", {"http_log": "id"}),
    ("its own name", DB + f"class User(db.Model):\n    __tablename__ = 'users'\n{ID}", {"users": "id"}),
    ("a named column", DB + f"class User(db.Model):\n{ID}    state = db.Column('status', db.Text)\n", {"user": "id status"}),
    ("a relationship is none", DB + f"class User(db.Model):\n{ID}    posts = db.relationship('Post')\n", {"user": "id"}),
    ("a property is none", DB + f"class User(db.Model):\n{ID}    @property\n    def name(self): return 1\n", {"user": "id"}),
    (
        "a deferred column",
        DB + f"from sqlalchemy.orm import deferred\nclass User(db.Model):\n{ID}    bio = deferred(db.Column(db.Text))\n",
        {"user": "id bio"},
    ),
    (
        "a mixin, and what hides its column",
        DB
        + "class Stamps:\n    made = db.Column(db.DateTime)\n    seen = db.Column(db.DateTime)\n"
        + f"class User(Stamps, db.Model):\n{ID}    seen = None\n",
        {"user": "id made"},
    ),
    (
        "an abstract base in another file",
        {
            "app/db.py": DB + f"class Model(db.Model):\n    __abstract__ = True\n{ID}",
            "app/models.py": "from .db import Model\nclass Post(Model):\n    __tablename__ = 'posts'\n",
        },
        {"posts": "id"},
    ),
    (
        "an abstract base through a star import",
        {
            "app/db.py": DB + f"class Model(db.Model):\n    __abstract__ = True\n{ID}",
            "app/models.py": "from .db import *\nclass Post(Model):\n    __tablename__ = 'posts'\n",
        },
        {"posts": "id"},
    ),
    (
        "single-table inheritance",
        DB + f"class Person(db.Model):\n{ID}class Admin(Person):\n    level = db.Column(db.Integer)\n",
        {"person": "id level"},
    ),
    (
        "joined-table inheritance",
        DB + f"class Person(db.Model):\n{ID}class Admin(Person):\n    id = db.Column(db.ForeignKey('person.id'), primary_key=True)\n",
        {"person": "id", "admin": "id"},
    ),
    (
        "a declared_attr with the class's names",
        BASE
        + "class Named:\n    @declared_attr\n    def __tablename__(cls): return f'app_{cls.__name__.lower()}'\n"
        + "    @declared_attr\n    def owner_id(cls): return Column(ForeignKey('owners.id'))\n"
        + f"class Post(Named, Base):\n{ROOT_ID}",
        {"app_post": "id owner_id"},
    ),
    (
        "Mapped",
        (
            "from sqlalchemy.orm import *\nfrom typing import Optional\nclass Base(DeclarativeBase): pass\n"
            "class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    name: Mapped[str | None]\n    posts: Mapped[list['Post']] = relationship()\n    other: int\n"
        ),
        {"users": "id name"},
    ),
    (
        "a composite",
        BASE
        + f"class Line(Base):\n    __tablename__ = 'lines'\n{ROOT_ID}"
        + "    start = composite(Point, mapped_column('x', Integer), mapped_column('y', Integer))\n",
        {"lines": "id x y"},
    ),
    (
        "a table between",
        DB + "tags = db.Table('tags', db.Column('post_id', db.ForeignKey('post.id')), db.Column('tag_id', db.Integer))\n",
        {"tags": "post_id tag_id"},
    ),
    ("a table on a metadata", "from sqlalchemy import *\nmetadata = MetaData()\nt = Table('t', metadata, Column('a', Integer))\n", {"t": "a"}),
    (
        "__table__",
        BASE + "class User(Base):\n    __table__ = Table('users', Base.metadata, Column('id', Integer, primary_key=True))\n",
        {"users": "id"},
    ),
    ("a schema", DB + f"class Bill(db.Model):\n    __table_args__ = {{'schema': 'billing'}}\n{ID}", {"billing.bill": "id"}),
    (
        "a schema of the metadata",
        (
            "from sqlalchemy import *\nfrom sqlalchemy.orm import *\nBase = declarative_base(metadata=MetaData(schema='app'))\n"
            f"class A(Base):\n    __tablename__ = 'a'\n{ROOT_ID}"
        ),
        {"app.a": "id"},
    ),
    (
        "a helper",
        DB + f"def text(**options):\n    return db.Column(db.Text, **options)\nclass A(db.Model):\n{ID}    b = text(nullable=False)\n",
        {"a": "id b"},
    ),
    (
        "model_class",
        (
            "from flask_sqlalchemy import SQLAlchemy\nimport sqlalchemy as sa\nclass Keyed:\n    id = sa.Column(sa.Integer, primary_key=True)\n"
            "db = SQLAlchemy(model_class=Keyed)\nclass A(db.Model):\n    b = db.Column(db.Text)\n"
        ),
        {"a": "b id"},
    ),
    ("tests are none", {"tests/models.py": DB + f"class A(db.Model):\n{ID}"}, {}),
    ("revisions are none", {"migrations/versions/a.py": DB + f"down_revision = None\nclass A(db.Model):\n{ID}"}, {}),
    ("a class without a root", f"from sqlalchemy import Column, Integer\nclass A:\n{ROOT_ID}", {}),
]


@pytest.mark.parametrize(("files", "expected"), [pytest.param(*row[1:], id=row[0]) for row in DECLARED])
def test_the_tables_and_their_columns(files: Files, expected: dict[str, str]) -> None:
    assert tables(files) == expected


UNCLEAR: list[tuple[str, Files, str, str]] = [
    (
        "a mixin of a package",
        "from flask_dance.consumer.storage.sqla import OAuthConsumerMixin\n" + DB + f"class OAuth(OAuthConsumerMixin, db.Model):\n{ID}",
        "o_auth",
        "OAuthConsumerMixin",
    ),
    ("a column under a condition", DB + f"class A(db.Model):\n{ID}    if POSTGRES:\n        b = db.Column(db.Text)\n", "a", "POSTGRES"),
    ("columns of a loop", DB + f"class A(db.Model):\n{ID}    for n in NAMES:\n        locals()[n] = db.Column(db.Text)\n", "a", "NAMES"),
    (
        "a column now and then",
        DB + f"class A(db.Model):\n{ID}    b = db.Column(db.Text) if POSTGRES else None\n",
        "a",
        "db.Column(db.Text) if POSTGRES else None",
    ),
    ("versions", DB + f"class A(db.Model):\n    __versioned__ = {{}}\n{ID}", "a_version", "__versioned__"),
    ("a mapper of its own", DB + f"class V:\n    __mapper_cls__ = make\nclass A(V, db.Model):\n{ID}", "a_history", "__mapper_cls__"),
    ("arguments from elsewhere", DB + f"class A(db.Model):\n    __table_args__ = table_args()\n{ID}", "a", "table_args()"),
    ("reflected", DB + "t = db.Table('t', db.metadata, autoload_with=engine)\n", "t", "db.Table('…', db.metadata, autoload_with=engine)"),
]


@pytest.mark.parametrize(("files", "table", "reason"), [pytest.param(*row[1:], id=row[0]) for row in UNCLEAR])
def test_what_cannot_be_read_marks_its_table(files: Files, table: str, reason: str) -> None:
    assert read(files)[0].schema.tables[table].unclear == reason


def test_a_part_of_the_arguments_that_cannot_be_read_leaves_the_columns_known() -> None:
    table = read(DB + f"class A(db.Model):\n    __table_args__ = (constraint(), db.UniqueConstraint('id', name='uq'))\n{ID}")[0].schema.tables["a"]
    assert (table.unclear, table.unclear_keys, [index.name for index in table.indexes]) == ("", "constraint()", ["uq"])


def test_a_name_that_cannot_be_told_leaves_no_table_known_to_be_missing() -> None:
    schema = read(DB + f"class A(db.Model):\n    __tablename__ = name_of('a')\n{ID}")[0].schema
    assert (list(schema.tables), schema.unclear) == ([], "name_of('a')")


def test_a_models_file_that_does_not_parse_leaves_no_table_known_to_be_missing() -> None:
    files = {"a.py": DB + f"class A(db.Model):\n{ID}", "b.py": "from a import db\nclass B(db.Model:\n    id = db.Column()\n"}
    assert read(files)[0].schema.unclear == "b.py does not parse"


def test_metadatas_and_binds_are_told_apart() -> None:
    files = (
        DB
        + f"class A(db.Model):\n{ID}class B(db.Model):\n    __bind_key__ = 'logs'\n{ID}"
        + BASE.replace("import *", "import Column, Integer", 1)
        + f"class C(Base):\n    __tablename__ = 'c'\n{ROOT_ID}"
    )
    assert [(m.name, m.bind_key, list(m.schema.tables)) for m in read(files)] == [("db", "", ["a"]), ("db", "logs", ["b"]), ("Base", "", ["c"])]


def test_indexes_foreign_keys_and_the_types_they_give() -> None:
    files = DB + (
        f"class User(db.Model):\n{ID}    email = db.Column(db.String(80), index=True, unique=True)\n"
        "    team_id = db.Column(db.ForeignKey('team.id'))\n"
        "class Team(db.Model):\n    id = db.Column(db.BigInteger, primary_key=True)\n    state = db.Column('status', db.Text, unique=True)\n"
        "    __table_args__ = (db.Index('ix_state', state), db.UniqueConstraint('id', 'status', name='uq'))\n"
        "db.Index('ix_lower', db.func.lower(User.email), unique=True)\n"
    )
    user, team = read(files)[0].schema.tables.values()
    assert [(i.name, i.columns, i.unique, i.constraint) for i in user.indexes] == [
        ("ix_user_email", ("email",), True, False),
        ("ix_lower", (), True, False),
    ]
    assert [(i.name, i.columns, i.constraint) for i in team.indexes] == [
        ("", ("status",), True),
        ("ix_state", ("status",), False),
        ("uq", ("id", "status"), True),
    ]
    assert [(k.columns, k.refers, k.refers_to) for k in user.foreign_keys] == [(("team_id",), "team", ("id",))]
    assert user.columns["team_id"].type.family == "bigint"


@pytest.mark.parametrize(
    ("naming", "name"),
    [
        ("{'ix': 'idx_%(table_name)s_%(column_0_name)s'}", "idx_a_b"),
        ("{'uq': 'x'}", "ix_a_b"),
        ("{'ix': '%(own)s', 'own': own}", ""),
        ("conventions()", ""),
    ],
)
def test_the_naming_convention_names_indexes(naming: str, name: str) -> None:
    files = (
        "from flask_sqlalchemy import SQLAlchemy\nfrom sqlalchemy import MetaData\n"
        f"db = SQLAlchemy(metadata=MetaData(naming_convention={naming}))\nclass A(db.Model):\n{ID}    b = db.Column(db.Text, index=True)\n"
    )
    assert [index.name for index in read(files)[0].schema.tables["a"].indexes] == [name]


@pytest.mark.parametrize("target", ["models.Base.metadata", "Base.metadata", "metadata", "models.metadata", "Base"])
def test_the_metadata_that_env_py_means(target: str) -> None:
    models = (
        BASE
        + f"metadata = Base.metadata\nclass A(Base):\n    __tablename__ = 'a'\n{ROOT_ID}"
        + f"Other = declarative_base()\nclass B(Other):\n    __tablename__ = 'b'\n{ROOT_ID}"
    )
    env = f"from app import models\nfrom app.models import Base, metadata\ntarget_metadata = {target}\n"
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), {"app/models.py": models, "env.py": env}))
        module = repo.module(next(repo.files("env.py")))
        assert module
        statement = module.tree.body[-1]
        assert isinstance(statement, ast.Assign)
        found = metadata_of(repo, module, statement.value)
    assert found
    assert list(found.schema.tables) == ["a"]


def test_a_module_that_nothing_imports_is_not_loaded() -> None:
    files = {
        "app/__init__.py": "from flask import Flask\nimport stripe\nfrom app.models import user\napp = Flask(__name__)\n",
        "app/models/__init__.py": "",
        "app/models/user.py": "",
        "app/models/stripe.py": "",
        "app/models/old.py": "",
    }
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), files))
        assert {path: loaded(repo, path) for path in files if "models/" in path and "__init__" not in path} == {
            "app/models/user.py": True,
            "app/models/stripe.py": False,
            "app/models/old.py": False,
        }


LOST = "from elsewhere import db\nclass B(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n"


def test_models_of_a_db_that_is_not_found_belong_to_the_only_one() -> None:
    (metadata,) = read({"a.py": DB + f"class A(db.Model):\n{ID}", "b.py": LOST})
    assert (sorted(metadata.schema.tables), metadata.schema.unclear) == (["a", "b"], "")


def test_models_of_a_db_that_is_one_of_several_leave_no_table_known_to_be_missing() -> None:
    found = read({"a/db.py": DB + f"class A(db.Model):\n{ID}", "c/db.py": DB + f"class C(db.Model):\n{ID}", "b.py": LOST})
    assert [m.schema.unclear for m in found] == ["db, which is not found"] * 3


def test_models_of_a_base_that_is_not_found_are_on_a_metadata_of_their_own() -> None:
    other = "from elsewhere import Base\nfrom sqlalchemy import Column, Integer\nclass B(Base):\n    __tablename__ = 'b'\n    id = Column(Integer)\n"
    found = read({"a.py": DB + f"class A(db.Model):\n{ID}", "b.py": other})
    assert [(m.name, list(m.schema.tables), m.schema.unclear) for m in found] == [
        ("db", ["a"], "Base, which is not found"),
        ("Base", ["b"], "Base, which is not found"),
    ]


def test_tables_of_packages_are_there_and_unclear() -> None:
    files = {"app.py": DB + f"class A(db.Model):\n{ID}", "config.py": "from app import db\nSESSION_TYPE = 'sqlalchemy'\nSESSION_SQLALCHEMY = db\n"}
    assert {table.name: table.unclear for table in read(files)[0].schema.tables.values()} == {"a": "", "sessions": "SESSION_SQLALCHEMY"}


ODD: list[tuple[str, str]] = [
    ("classes in a circle", f"class A(B, db.Model):\n{ID}class B(A):\n{ID}"),
    ("a class above itself", f"class A(A, db.Model):\n{ID}"),
    ("names in a circle", f"X = Y\nY = X\nBase = Base\nclass A(Base, db.Model):\n{ID}    x = db.Column(X)\n"),
    ("types in a circle", f"class T(S): pass\nclass S(T): pass\nclass A(db.Model):\n{ID}    x = db.Column(T)\n    y = db.Column(S(3))\n"),
    ("a long line of classes", f"class C0(db.Model):\n{ID}" + "".join(f"class C{n}(C{n - 1}): pass\n" for n in range(1, 200))),
    ("a long line of classes, the other way round", "".join(f"class C{n}(C{n + 1}): pass\n" for n in range(200)) + f"class C200(db.Model):\n{ID}"),
    ("columns of nothing", f"class A(db.Model):\n{ID}    a = db.Column(*a)\n    b = db.Column(**b)\n    c = db.Column()\n    d = db.Column(None)\n"),
    ("annotations of nothing", f"class A(db.Model):\n{ID}    a: Mapped[()]\n    b: Mapped['[']\n    c: Mapped\n    d: Mapped[Union[None]]\n"),
    (
        "arguments of nothing",
        f"class A(db.Model):\n{ID}    __table_args__ = (db.Index(), db.UniqueConstraint(), {{**x}})\n",
    ),
    ("tables of nothing", f"db.Table()\ndb.Table('x')\ndb.Table(None, db.metadata)\nclass A(db.Model):\n{ID}"),
    ("a helper that calls itself", f"def h(a, **b):\n    return h(a, **b)\nclass A(db.Model):\n{ID}    x = h(1)\n"),
]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in ODD])
def test_odd_models_do_not_stop_us(text: str) -> None:
    assert read(DB + text)


def test_sqlmodel_declares_tables_that_we_do_not_read() -> None:
    (metadata,) = read("from sqlmodel import Field, SQLModel, Column\nclass Hero(SQLModel, table=True):\n    __tablename__ = 'heroes'\n    id: int\n")
    assert (metadata.schema.tables, metadata.schema.unclear) == ({}, "sqlmodel.SQLModel")
