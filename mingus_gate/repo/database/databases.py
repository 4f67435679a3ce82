"""Which database production runs on, as far as addresses and drivers tell. Standard library only."""

from __future__ import annotations

import re

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.env.dotenv import env_files
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.requirements import FOR_SOMETHING_ELSE, REQUIREMENTS_FILE
from mingus_gate.repo.tree import File

ADDRESS = re.compile(r"(postgres|postgresql|cockroachdb|mysql|mariadb|mssql|oracle)(\+\w+)?://")
DOCKERFILE = re.compile(r"(^|/)(docker|container)file[^/]*$|\.dockerfile$", re.IGNORECASE)
SAME = {"postgres": "postgresql", "mariadb": "mysql"}
KEYS = ("SQLALCHEMY_DATABASE_URI", "DATABASE_URL", "DATABASE_URI")
DRIVERS = {
    "postgresql": ("psycopg2", "psycopg2-binary", "psycopg", "psycopg-binary", "asyncpg", "pg8000", "psycopg2cffi"),
    "mysql": ("pymysql", "mysqlclient", "mysql-connector-python", "mysql-connector", "mariadb", "aiomysql", "asyncmy"),
    "mssql": ("pyodbc", "pymssql"),
    "oracle": ("oracledb", "cx-oracle"),
}
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mssql": "SQL Server", "oracle": "Oracle", "cockroachdb": "CockroachDB"}


def databases(repo: Repo) -> dict[str, Place]:
    """The kinds of database that production may run on, and what tells: addresses, or else drivers. SQLite does not count."""
    found: dict[str, Place] = {}
    texts = [(text, s.place) for s in settings(repo, *KEYS) for text in s.value.texts]
    texts += [(text, engine.place) for engine in repo.fact(engines) if engine.url for text in engine.url.texts]
    texts += [(e.value, file.place(e.line)) for file in repo.fact(env_files) if file.kind != "test" for e in file.lines.entries if e.key in KEYS]
    for text, place in texts:
        if address := ADDRESS.match(text):
            found.setdefault(SAME.get(address[1], address[1]), place)
    if not found and (files := _installing(repo)):
        found = {kind: line for kind, names in DRIVERS.items() if (line := _required(files, names))}
    return found


def _installing(repo: Repo) -> list[tuple[File, bool]]:
    """The files that say what is installed, and whether they are Dockerfiles."""
    found: list[tuple[File, bool]] = []
    for file in repo.tree:
        if DOCKERFILE.search(file.path) and file.role is Role.PRODUCTION and not _for_development(file):
            found.append((file, True))
        wanted = REQUIREMENTS_FILE.search(file.path) or file.name in ("pyproject.toml", "Pipfile", "setup.py", "setup.cfg")
        if wanted and file.role is not Role.VENDORED and not file.binary and not FOR_SOMETHING_ELSE.search(file.path):
            found.append((file, False))
    return found


def _required(files: list[tuple[File, bool]], names: tuple[str, ...]) -> Place | None:
    """The first line that requires or installs one of the packages, told by text: a commit hook reads no more."""
    word = re.compile(rf"""(?:^|["'])\s*({"|".join(names)})\s*(?=[=<>~!\[;"',@#\s]|$)""", re.IGNORECASE)
    installed = re.compile(rf"pip3? install\b[^\n]{{0,300}}?[\s\"']({'|'.join(names)})(?=[=<>~!\[;\"'\s]|$)", re.IGNORECASE)
    for file, is_image in files:
        pattern = installed if is_image else word
        for number, line in enumerate(file.lines, 1):
            if pattern.search(line):
                return Place(file.path, number)
    return None


def _for_development(file: File) -> bool:
    from mingus_gate.repo.deploy.nouns import for_development  # here: a hook has no time for it where no Dockerfile is

    return for_development(file.path)
