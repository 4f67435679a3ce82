"""What is understood of the run's environment and event file."""

from __future__ import annotations

from typing import Any

import pytest

from mingus_gate.github.event import Event, read_event
from tests.github.conftest import Environ


def test_a_pull_request(environ: Environ) -> None:
    event = read_event(environ())
    assert (event.name, event.repository, event.pull, event.fork) == ("pull_request", "acme/shop", 7, False)
    assert event.head == "f00ba12" + "0" * 33
    assert event.sha == "abcdef0" + "0" * 33
    assert event.run == "https://github.com/acme/shop/actions/runs/99"


def test_a_pull_request_from_a_fork(environ: Environ) -> None:
    assert read_event(environ(fork=True)).fork


def test_a_fork_that_was_deleted_is_a_fork(environ: Environ) -> None:
    assert read_event(environ(event={"pull_request": {"number": 7, "head": {"sha": "a", "repo": None}}})).fork


def test_an_enterprise_server(environ: Environ) -> None:
    event = read_event(environ(GITHUB_API_URL="https://ghes.example/api/v3/", GITHUB_SERVER_URL="https://ghes.example/"))
    assert (event.api, event.run) == ("https://ghes.example/api/v3", "https://ghes.example/acme/shop/actions/runs/99")


@pytest.mark.parametrize("name", ["push", "pull_request_target", "workflow_run", "schedule"])
def test_other_events_have_no_pull_request(environ: Environ, name: str) -> None:
    """pull_request_target and workflow_run judge the base's code; to report it on the pull request would be a lie."""
    event = read_event(environ(name))
    assert (event.pull, event.fork, event.head) == (None, False, "abcdef0" + "0" * 33)


@pytest.mark.parametrize("payload", ["", "{", "[]", '"x"', {"pull_request": []}, {"pull_request": {"number": "7", "head": 1}}])
def test_an_event_file_that_is_not_understood(environ: Environ, payload: Any) -> None:
    assert read_event(environ(event=payload)).pull is None


def test_no_github_at_all() -> None:
    assert read_event({}) == Event(api="https://api.github.com", graphql="https://api.github.com/graphql", server="https://github.com")


@pytest.mark.parametrize(
    ("name", "payload", "base"),
    [
        ("pull_request", {"pull_request": {"number": 7, "base": {"sha": "ba5e"}}}, "ba5e"),
        ("push", {"before": "c0ffee"}, "c0ffee"),
        ("push", {"before": "0" * 40}, ""),
        ("push", {"before": None}, ""),
        ("merge_group", {"merge_group": {"base_sha": "feed"}}, "feed"),
        ("schedule", {"before": "c0ffee"}, ""),
        ("workflow_dispatch", {}, ""),
    ],
)
def test_what_to_compare_with(environ: Environ, name: str, payload: Any, base: str) -> None:
    assert read_event(environ(name, event=payload)).base == base
