"""What the application requires, in all the forms that teams write it down in."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingus_gate.repo import Repo
from mingus_gate.repo.requirements import normalised, required, requirements
from tests.tools import Files, write


def found(files: Files) -> list[tuple[str, str, str, str]]:
    """(name, specifier, place, group) of every requirement of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), files))
        return [(one.name, one.specifier, str(one.place), one.group) for one in repo.fact(requirements)]


FORMS: dict[str, tuple[Files, list[tuple[str, str, str, str]]]] = {
    "a requirements file": (
        {
            "requirements.txt": """\
            # the web
            Flask==3.0.3  # pinned
            celery[redis,auth] >= 5.3, < 6
            Flask_SQLAlchemy
            gunicorn==22.0; sys_platform != "win32"

            --index-url https://pypi.example.org/simple
            -i https://pypi.example.org/simple
            -c constraints.txt
            """
        },
        [
            ("flask", "==3.0.3", "requirements.txt:2", ""),
            ("celery", "<6,>=5.3", "requirements.txt:3", ""),
            ("flask-sqlalchemy", "", "requirements.txt:4", ""),
            ("gunicorn", "==22.0", "requirements.txt:5", ""),
        ],
    ),
    "hashes over several lines": (
        {"requirements.txt": "flask==3.0.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via app\nredis==5.0 --hash=sha256:cc\n"},
        [("flask", "==3.0.3", "requirements.txt:1", ""), ("redis", "==5.0", "requirements.txt:5", "")],
    ),
    "addresses": (
        {
            "requirements.txt": """\
            -e git+https://github.com/pallets/flask.git@main#egg=Flask
            git+https://github.com/celery/celery#egg=celery&subdirectory=x
            redis @ https://example.org/redis-5.0.tar.gz
            https://example.org/wheels/stripe-9.0.0-py3-none-any.whl
            ./libs/ours
            -e .
            """
        },
        [
            ("flask", "", "requirements.txt:1", ""),
            ("celery", "", "requirements.txt:2", ""),
            ("redis", "", "requirements.txt:3", ""),
            ("stripe", "", "requirements.txt:4", ""),
        ],
    ),
    "UTF-16, as PowerShell writes it": (
        {"requirements.txt": "flask==3.0.3\r\nredis==5.0\r\n".encode("utf-16")},
        [("flask", "==3.0.3", "requirements.txt:1", ""), ("redis", "==5.0", "requirements.txt:2", "")],
    ),
    "a file that others include": (
        {
            "requirements/base.txt": "flask\n",
            "requirements/local.txt": "-r base.txt\nflask-debugtoolbar\n",
            "requirements/production.txt": "-r base.txt\n-r ../build/requirements.txt\ngunicorn\n",
            "build/requirements.txt": "psycopg\n-r ../requirements/production.txt\n",
        },
        [
            ("psycopg", "", "build/requirements.txt:1", ""),
            ("flask", "", "requirements/base.txt:1", ""),
            ("flask-debugtoolbar", "", "requirements/local.txt:2", "local"),
            ("gunicorn", "", "requirements/production.txt:3", ""),
        ],
    ),
    "for something else": (
        {
            "requirements-dev.txt": "black\n",
            "test_requirements.txt": "pytest\n",
            "docs/requirements.txt": "sphinx\n",
            "tests/requirements.txt": "faker\n",
        },
        [
            ("sphinx", "", "docs/requirements.txt:1", "documentation"),
            ("black", "", "requirements-dev.txt:1", "dev"),
            ("pytest", "", "test_requirements.txt:1", "test"),
            ("faker", "", "tests/requirements.txt:1", "test"),
        ],
    ),
    "pyproject.toml": (
        {
            "pyproject.toml": """\
            [project]
            name = "ledger"
            dependencies = [
                "flask>=3",
                "redis",
            ]
            [project.optional-dependencies]
            metrics = ["prometheus-client"]
            [dependency-groups]
            dev = ["pytest", {include-group = "lint"}]
            [tool.uv]
            dev-dependencies = ["ruff"]
            """
        },
        [
            ("flask", ">=3", "pyproject.toml:4", ""),
            ("redis", "", "pyproject.toml:5", ""),
            ("prometheus-client", "", "pyproject.toml:8", "metrics"),
            ("pytest", "", "pyproject.toml:10", "dev"),
            ("ruff", "", "pyproject.toml:12", "dev"),
        ],
    ),
    "Poetry": (
        {
            "pyproject.toml": """\
            [tool.poetry.dependencies]
            python = "^3.11"
            Flask = "^3.0"
            celery = {version = "5.3", extras = ["redis"]}
            boto3 = {version = "*", optional = true}
            ours = {path = "../ours"}
            [tool.poetry.dev-dependencies]
            black = "*"
            [tool.poetry.group.test.dependencies]
            pytest = "8"
            """
        },
        [
            ("flask", "^3.0", "pyproject.toml:3", ""),
            ("celery", "5.3", "pyproject.toml:4", ""),
            ("boto3", "", "pyproject.toml:5", "optional"),
            ("ours", "", "pyproject.toml:6", ""),
            ("black", "", "pyproject.toml:8", "dev"),
            ("pytest", "8", "pyproject.toml:10", "test"),
        ],
    ),
    "Pipfile": (
        {"Pipfile": '[packages]\nflask = "==3.0"\nredis = "*"\n[dev-packages]\npytest = "*"\n'},
        [("flask", "==3.0", "Pipfile:2", ""), ("redis", "", "Pipfile:3", ""), ("pytest", "", "Pipfile:5", "dev")],
    ),
    "setup.cfg": (
        {"setup.cfg": "[options]\ninstall_requires =\n    flask>=3\n    redis # cache\n[options.extras_require]\ntest = pytest\n"},
        [("flask", ">=3", "setup.cfg:3", ""), ("redis", "", "setup.cfg:4", ""), ("pytest", "", "setup.cfg:6", "test")],
    ),
    "setup.py": (
        {
            "setup.py": """\
            from setuptools import setup
            needed = ["flask>=3", "redis"]
            setup(install_requires=needed, extras_require={"test": ["pytest"]}, tests_require=open("x").read())
            """
        },
        [("flask", ">=3", "setup.py:2", ""), ("redis", "", "setup.py:2", ""), ("pytest", "", "setup.py:3", "test")],
    ),
    "setup.py that reads a file": ({"setup.py": "from setuptools import setup\nsetup(install_requires=open('r.txt').read().splitlines())\n"}, []),
    "environment.yml": (
        {"environment.yml": "name: app\ndependencies:\n  - python=3.11\n  - flask>=3 # web\n  - pip:\n    - 'stripe==9.0'\n"},
        [("flask", ">=3", "environment.yml:4", ""), ("stripe", "==9.0", "environment.yml:6", "")],
    ),
    "nothing": ({"app.py": "import flask\n"}, []),
}


@pytest.mark.parametrize(("files", "expected"), FORMS.values(), ids=FORMS.keys())
def test_every_form_is_read(files: Files, expected: list[tuple[str, str, str, str]]) -> None:
    assert sorted(found(files)) == sorted(expected)


def test_names_have_one_spelling() -> None:
    assert {normalised(name) for name in ("Flask_SQLAlchemy", "flask.sqlalchemy", "FLASK--SQLALCHEMY")} == {"flask-sqlalchemy"}


def test_what_the_application_always_needs_is_told_from_the_rest(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"requirements.txt": "sentry_sdk[flask]==2.0\n", "requirements-dev.txt": "pytest\n"}))
    needed = required(repo, "raven", "Sentry.SDK")
    assert needed
    assert str(needed.place) == "requirements.txt:1"
    assert required(repo, "pytest") is None


def test_a_file_that_includes_itself_or_leaves_the_tree_ends(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"requirements.txt": "-r requirements.txt\n-r ../../etc/requirements.txt\n-r missing.txt\nflask\n"}))
    assert [one.name for one in repo.fact(requirements)] == ["flask"]


@pytest.mark.parametrize("name", ["pyproject.toml", "Pipfile", "setup.cfg", "setup.py"])
def test_a_file_that_cannot_be_parsed_makes_rules_blind(name: str, tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {name: "[[[ (\n= =\n"}))
    assert repo.fact(requirements) == []
    assert list(repo.blind) == [name]


PIECES = [
    "flask",
    "==",
    "1.0",
    "[",
    "]",
    "(",
    "\\\n",
    "\n",
    " ",
    "#",
    ";",
    "-r ",
    "-e ",
    "--hash=",
    "@",
    "https://",
    "#egg=",
    "'",
    '"',
    ",",
    "=",
    "é",
    "\0",
    "[tool.poetry",
]
PIECES += [
    "[project]\n",
    "dependencies = [",
    "[options]\n",
    "install_requires =",
    "setup(install_requires=",
    ".",
    "- ",
    "dependencies:\n",
    "\ufeff",
    "{",
]


@settings(deadline=None)
@given(
    st.sampled_from(["requirements.txt", "pyproject.toml", "Pipfile", "setup.cfg", "setup.py", "environment.yml"]),
    st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(PIECES), max_size=30).map(lambda p: "".join(p).encode())),
)
def test_any_content_gives_requirements_or_none(name: str, data: bytes) -> None:
    for package, _, place, _ in found({name: data}):
        assert package == normalised(package)
        assert place.startswith(f"{name}:")
