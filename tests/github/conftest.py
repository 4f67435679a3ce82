from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github.server import JOB, GitHub, serve

Environ = Callable[..., dict[str, str]]


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve() as server:
        yield server
    assert server.complaints == [], "GitHub's description of its API does not know this"


@pytest.fixture
def environ(tmp_path: Path, github: GitHub) -> Environ:
    """What GitHub sets for a job on pull request 7; keywords change the event."""

    def make(name: str = "pull_request", *, fork: bool = False, event: Any = None, **more: str) -> dict[str, str]:
        head = {"sha": "f00ba12" + "0" * 33, "repo": {"full_name": "somebody/shop" if fork else "acme/shop"}}
        payload = event if event is not None else {"pull_request": {"number": 7, "head": head, "base": {"sha": "ba5e000"}}}
        (tmp_path / "event.json").write_text(payload if isinstance(payload, str) else json.dumps(payload))
        return {
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SHA": "abcdef0" + "0" * 33,
            "GITHUB_RUN_ID": "99",
            "GITHUB_API_URL": github.address,
            "GITHUB_GRAPHQL_URL": f"{github.address}/graphql",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "RUNNER_TEMP": str(tmp_path),
            "INPUT_GITHUB_TOKEN": JOB,
            **more,
        }

    return make
