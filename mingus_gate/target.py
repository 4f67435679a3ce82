"""The running system: where it is, until when it may be asked, and its connections, opened only when asked.

Client libraries are imported inside the functions that use them: the commit hooks' path must not pay for them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from mingus_gate import __version__
from mingus_gate.repo import Repo

if TYPE_CHECKING:
    from redis import Redis
    from requests import Response
    from sqlalchemy import Connection

SECONDS = 30.0
"""How long the whole live run may take."""

CONNECT = 3.0
"""How long one connection may take to be made, in seconds."""

SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|KEY|DSN", re.IGNORECASE)
PASSWORD = re.compile(r"://[^/@\s]*:([^/@\s]+)@")

DRIVERS = {
    "postgresql": ("postgresql+psycopg", ("connect_timeout",)),
    "mysql": ("mysql+pymysql", ("connect_timeout",)),
    "mariadb": ("mysql+pymysql", ("connect_timeout",)),
}
"""Database → the driver we bring (an extra), whatever driver the application's own address names, and its timeout option."""


class NotGivenError(Exception):
    """Something cannot be asked. The text names the variable or the package that would change it."""


class Target:
    """The running system as the environment describes it. `repo` lends live rules the facts of the source."""

    def __init__(self, environ: Mapping[str, str], repo: Repo, seconds: float = SECONDS) -> None:
        self.environ = environ
        self.repo = repo
        self.deadline = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """Until the deadline, never less than a tenth of a second, so that it can be used as a timeout."""
        return max(self.deadline - time.monotonic(), 0.1)

    @property
    def connect_timeout(self) -> float:
        return min(CONNECT, self.seconds_left)

    def given(self, *names: str) -> str:
        """The first of the variables that has a value. Raises NotGivenError, which names them."""
        for name in names:
            if value := self.environ.get(name, "").strip():
                return value
        raise NotGivenError(f"set {' or '.join(names)} to have the running system asked")

    @property
    def secrets(self) -> list[str]:
        """Values that no report may show: those of secret-named variables, and the passwords in addresses."""
        plain = [value for name, value in self.environ.items() if "://" not in value and SECRET.search(name)]
        return plain + [found[1] for value in self.environ.values() for found in PASSWORD.finditer(value)]

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """A connection to DATABASE_URL, read-only where the server knows that, closed afterwards."""
        from sqlalchemy import create_engine, make_url
        from sqlalchemy.exc import NoSuchModuleError
        from sqlalchemy.pool import NullPool

        url = make_url(self.given("DATABASE_URL").replace("postgres://", "postgresql://", 1))
        driver, options = DRIVERS.get(url.get_backend_name(), ("", ()))
        timeout = {name: max(int(self.connect_timeout), 1) for name in options}
        try:
            engine = create_engine(url.set(drivername=driver) if driver else url, poolclass=NullPool, connect_args=timeout)
        except (ModuleNotFoundError, NoSuchModuleError):
            extra = url.get_backend_name()
            raise NotGivenError(f"install the database driver beside mingus-gate: pip install 'mingus-gate[{extra}]'") from None
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """A client of REDIS_URL that makes one connection and does not retry."""
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = Redis.from_url(
            self.given("REDIS_URL"),
            socket_connect_timeout=self.connect_timeout,
            socket_timeout=self.connect_timeout,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            yield client
        finally:
            client.close()

    def get(self, path: str) -> Response:
        """One GET of a path below MINGUS_BASE_URL; redirects are not followed."""
        import requests

        return requests.get(
            self.given("MINGUS_BASE_URL").rstrip("/") + path,
            timeout=(self.connect_timeout, min(10.0, self.seconds_left)),
            headers={"User-Agent": f"mingus-gate/{__version__}"},
            allow_redirects=False,
        )


def shown(url: str) -> str:
    """An address as reports may show it: without credentials, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    netloc = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def is_local(host: str) -> bool:
    """Whether a host name or address means this machine."""
    return host in ("localhost", "::1") or host.startswith("127.")
