"""Live rules against real services: what answers, what refuses, what is silent, and what was not told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import create_engine, make_url, text

from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Kind, Result
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.reports import FORMATS
from mingus_gate.run import assess_live
from mingus_gate.target import Target
from tests import services
from tests.tools import Files, write

CANARY = "c4n4ry-" + "passw0rd" * 2


def ask(code: str, environ: dict[str, str], root: Path, files: Files | None = None, seconds: float = 10) -> Result:
    """What the live rule `code` comes to where `environ` tells the addresses."""
    check = next(check for check in CHECKS if check.id == RULES[code].check)
    target = Target(environ, Repo(write(root, files or {})), seconds)
    results = assess_live([check], target, redactor=Redactor(target.secrets))[check]
    return next(result for result in results if result.rule.code == code)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


LIVE = [rule.code for check in CHECKS for rule in check.live]


@pytest.mark.parametrize("code", LIVE)
def test_without_an_address_a_rule_is_unknown_and_names_the_variable(code: str, tmp_path: Path) -> None:
    result = ask(code, {}, tmp_path)
    assert result.kind is Kind.UNKNOWN
    assert result.reason.startswith("set ")


def test_without_live_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://127.0.0.1:{services.free_port()}/x")
    live = [r for r in examine(tmp_path, Config()).results if r.source == "live"]
    assert {r.kind for r in live} == {Kind.UNKNOWN}
    assert {r.reason for r in live} == {"the running system was not asked; use `--live`, in the Action `live: true`"}


def test_a_database_that_answers(postgres_url: str, tmp_path: Path) -> None:
    result = ask("database-pooling.reachable", {"DATABASE_URL": postgres_url}, tmp_path)
    assert result.kind is Kind.PASS
    assert result.observations[0].evidence["milliseconds"] < 10_000


def test_a_database_that_refuses_and_no_password_in_the_report(tmp_path: Path) -> None:
    url = f"postgresql://app:{CANARY}@127.0.0.1:{services.free_port()}/shop"
    result = ask("database-pooling.reachable", {"DATABASE_URL": url}, tmp_path)
    assert result.kind is Kind.FAIL
    assert result.observations[0].address.startswith("postgresql://127.0.0.1:")
    report = examine(tmp_path, Config(), live={"DATABASE_URL": url})
    assert all(CANARY not in render(report) for render in FORMATS.values())


def test_a_database_that_is_silent_ends_on_time(silent_port: int, tmp_path: Path) -> None:
    began = time.monotonic()
    result = ask("database-pooling.reachable", {"DATABASE_URL": f"postgresql://127.0.0.1:{silent_port}/shop"}, tmp_path, seconds=2)
    assert time.monotonic() - began < 4
    assert result.kind in (Kind.FAIL, Kind.UNKNOWN)


def test_a_missing_driver_is_unknown_and_says_what_to_install(tmp_path: Path) -> None:
    result = ask("database-pooling.reachable", {"DATABASE_URL": "oracle://127.0.0.1/shop"}, tmp_path)
    assert result.kind is Kind.UNKNOWN
    assert "install the database driver" in result.reason


MIGRATED = {
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    "migrations/env.py": "",
    "migrations/versions/1_first.py": "revision = 'a1'\ndown_revision = None\ndef upgrade(): pass\ndef downgrade(): pass\n",
    "migrations/versions/2_second.py": "revision = 'b2'\ndown_revision = 'a1'\ndef upgrade(): pass\ndef downgrade(): pass\n",
}


@pytest.mark.parametrize(
    ("stands_at", "kind", "says"),
    [
        ("b2", Kind.PASS, "the database stands at b2"),
        ("a1", Kind.FAIL, "the database stands at a1, the source at b2"),
        ("c3", Kind.FAIL, "the database stands at c3, which this source does not know"),
        (None, Kind.UNKNOWN, "`alembic_version` could not be read (UndefinedTable)"),
    ],
)
def test_the_revision_of_the_database(postgres_url: str, tmp_path: Path, stands_at: str | None, kind: Kind, says: str) -> None:
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        if stands_at:
            connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": stands_at})
    engine.dispose()
    result = ask("migrations.revision", {"DATABASE_URL": postgres_url}, tmp_path, MIGRATED)
    assert (result.kind, result.message) == (kind, says)


def test_redis_that_answers_and_redis_that_is_away(redis_url: str, tmp_path: Path) -> None:
    assert ask("cache.reachable", {"REDIS_URL": redis_url}, tmp_path).kind is Kind.PASS
    away = ask("cache.reachable", {"REDIS_URL": f"redis://:{CANARY}@127.0.0.1:{services.free_port()}"}, tmp_path)
    assert away.kind is Kind.FAIL
    assert CANARY not in repr(away)


class App(BaseHTTPRequestHandler):
    """An application: what it answers is set on the server."""

    server: Any

    def do_GET(self) -> None:
        time.sleep(self.server.delay)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(status: int = 200, delay: float = 0, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a running application."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.status, server.delay, server.headers = status, delay, headers or {}
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https://localhost' if tls else 'http://127.0.0.1'}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


HEALTHY = {"app.py": "from flask import Flask\napp = Flask(__name__)\n@app.route('/healthz')\ndef healthz():\n    return 'ok'\n"}


@pytest.mark.parametrize(
    ("status", "delay", "kind", "says"),
    [
        (200, 0, Kind.PASS, "200 within"),
        (503, 0, Kind.FAIL, "answers 503"),
        (302, 0, Kind.FAIL, "answers 302"),
        (200, 1.2, Kind.FAIL, "200 only after"),
    ],
)
def test_health_routes_are_asked(tmp_path: Path, status: int, delay: float, kind: Kind, says: str) -> None:
    with served(status, delay) as url:
        result = ask("health-endpoints.answers", {"MINGUS_BASE_URL": url}, tmp_path, HEALTHY)
    assert result.kind is kind
    assert says in result.message
    assert result.observations[0].address == f"{url}/healthz"


def test_an_application_that_is_away(tmp_path: Path) -> None:
    gone = {"MINGUS_BASE_URL": f"http://127.0.0.1:{services.free_port()}"}
    assert ask("health-endpoints.answers", gone, tmp_path, HEALTHY).kind is Kind.FAIL
    assert ask("security-config.answer-headers", gone, tmp_path).kind is Kind.UNKNOWN


def test_the_security_headers_of_an_answer(tmp_path: Path) -> None:
    good = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "frame-ancestors 'none'", "Referrer-Policy": "no-referrer"}
    with served(headers=good) as url:
        assert ask("security-config.answer-headers", {"MINGUS_BASE_URL": url}, tmp_path).kind is Kind.PASS
    with served(headers={"X-Frame-Options": "DENY"}) as url:
        result = ask("security-config.answer-headers", {"MINGUS_BASE_URL": url}, tmp_path)
    assert (result.kind, result.value) == (Kind.FAIL, 0.25)


@pytest.mark.parametrize(
    ("days", "trusted", "kind", "says"),
    [(90, True, Kind.PASS, "holds for"), (10, True, Kind.FAIL, "the certificate ends in"), (90, False, Kind.FAIL, "the certificate is not trusted")],
)
def test_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, trusted: bool, kind: Kind, says: str) -> None:
    authority = trustme.CA()
    now = datetime.now(UTC)
    leaf = authority.issue_cert("localhost", not_before=now - timedelta(days=60), not_after=now + timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    if trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with served(tls=context) as url:
        result = ask("tls.certificate", {"MINGUS_BASE_URL": url}, tmp_path)
    assert result.kind is kind
    assert says in result.message


def test_plain_http_fails_but_says_nothing_on_this_machine(tmp_path: Path) -> None:
    assert ask("tls.certificate", {"MINGUS_BASE_URL": "http://app.example.org"}, tmp_path).kind is Kind.FAIL
    assert ask("tls.certificate", {"MINGUS_BASE_URL": "http://127.0.0.1:8000"}, tmp_path).kind is Kind.UNKNOWN
