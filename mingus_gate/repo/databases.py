"""Which database production runs on, as far as addresses and drivers tell. Standard library only."""

from __future__ import annotations

import re

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.dotenv import env_files
from mingus_gate.repo.engines import engines
from mingus_gate.repo.flask_app import settings
from mingus_gate.repo.requirements import required

ADDRESS = re.compile(r"(postgres|postgresql|cockroachdb|mysql|mariadb|mssql|oracle)(\+\w+)?://")
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
    if not found:
        found = {kind: driver.place for kind, names in DRIVERS.items() if (driver := required(repo, *names))}
    return found
