"""Pages, retries and what is said when GitHub refuses."""

from __future__ import annotations

import email.utils
import time

import pytest

from mingus_gate.github.client import BUDGET, ApiError, Client
from tests.github.server import JOB, PERSON, READ_ONLY, GitHub

COMMENTS = "/repos/acme/shop/issues/7/comments"


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(github: GitHub, slept: list[float]) -> Client:
    return make(github, slept=slept)


def make(github: GitHub, token: str = JOB, slept: list[float] | None = None) -> Client:
    return Client(github.address, f"{github.address}/graphql", token, sleep=slept.append if slept is not None else lambda _: None)


def test_all_pages_are_read(github: GitHub, client: Client) -> None:
    for number in range(250):
        github.comment(str(number))
    assert [entry["body"] for entry in client.get_all(COMMENTS)] == [str(number) for number in range(250)]
    assert len(github.requests) == 3


def test_a_page_on_another_host_is_not_asked(github: GitHub, client: Client) -> None:
    """The token must not go where a Link header leads."""
    github.faults.append(("GET", (200, [{"id": 1}], {"Link": '<http://localhost:9/next>; rel="next"'})))
    assert list(client.get_all(COMMENTS)) == [{"id": 1}]


@pytest.mark.parametrize(("token", "login"), [(JOB, "github-actions[bot]"), (PERSON, "octocat")])
def test_login(github: GitHub, token: str, login: str) -> None:
    assert make(github, token).login() == login


@pytest.mark.parametrize("fault", [(502, "<html>bad gateway</html>", {}), (503, {}, {}), None])
def test_reading_is_tried_again(github: GitHub, client: Client, slept: list[float], fault: object) -> None:
    github.faults += [("GET", fault), ("GET", fault)]  # type: ignore[list-item]
    assert list(client.get_all(COMMENTS)) == []
    assert slept == [1, 4]


@pytest.mark.parametrize(
    ("status", "said", "headers", "waits"),
    [
        (429, "", {"Retry-After": "7"}, 7),
        (429, "", {"Retry-After": "in half a minute"}, 30),
        (403, "API rate limit exceeded", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "in 40 seconds"}, 40),
        (403, "You have exceeded a secondary rate limit", {"Retry-After": "2"}, 2),
        (503, "", {"Retry-After": "3"}, 3),
    ],
)
def test_the_servers_own_word_on_how_long_to_wait(
    github: GitHub, client: Client, slept: list[float], status: int, said: str, headers: dict[str, str], waits: float
) -> None:
    now = {"in half a minute": email.utils.formatdate(time.time() + 30, usegmt=True), "in 40 seconds": str(int(time.time()) + 40)}
    github.faults.append(("GET", (status, {"message": said}, {name: now.get(value, value) for name, value in headers.items()})))
    assert list(client.get_all(COMMENTS)) == []
    assert slept == [pytest.approx(waits, abs=5)]


@pytest.mark.parametrize("headers", [{"Retry-After": "9999"}, {}, {"Retry-After": "soon"}])
def test_nobody_waits_longer_than_the_budget(github: GitHub, client: Client, slept: list[float], headers: dict[str, str]) -> None:
    """Without a hint GitHub wants a minute, which is all there is."""
    github.faults.append(("POST", (429, {}, headers)))
    with pytest.raises(ApiError, match="too many requests"):
        client.post(COMMENTS, {"body": "x"})
    assert slept == []


def test_a_server_that_always_fails_takes_no_longer_than_the_budget(github: GitHub) -> None:
    now = [0.0]
    client = Client(github.address, "", JOB, sleep=lambda seconds: now.__setitem__(0, now[0] + seconds), clock=lambda: now[0])
    github.faults += [("GET", (502, "<html>", {}))] * 50
    for _ in range(20):
        with pytest.raises(ApiError):
            list(client.get_all(COMMENTS))
    assert now[0] <= BUDGET


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_server_that_keeps_us_waiting(github: GitHub, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr("mingus_gate.github.client.BUDGET", 1.5)
    client = make(github)
    github.faults += [("GET", how)] * 3
    began = time.monotonic()
    with pytest.raises(ApiError, match="no answer from"):
        list(client.get_all(COMMENTS))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_renamed_repository(github: GitHub, client: Client, status: int) -> None:
    """The method and the body go along, which a browser would not do for a 301."""
    github.faults.append(("POST", (status, {"message": "Moved Permanently"}, {"Location": COMMENTS})))
    client.post(COMMENTS, {"body": "x"})
    assert [c["body"] for c in github.comments] == ["x"]


def test_the_token_does_not_follow_to_another_host(github: GitHub, client: Client) -> None:
    github.faults.append(("GET", (301, {}, {"Location": "http://localhost:9/"})))
    with pytest.raises(ApiError, match="moved to another host"):
        list(client.get_all(COMMENTS))


def test_writing_is_not_tried_again_when_it_may_have_been_done(github: GitHub, client: Client) -> None:
    github.faults.append(("POST", (502, "", {})))
    with pytest.raises(ApiError) as caught:
        client.post(COMMENTS, {"body": "x"})
    assert caught.value.maybe_done
    assert len(github.requests) == 1


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("ghs_wrong", "401 (Bad credentials): the token is wrong or has expired"),
        (READ_ONLY, "GitHub accepts issues: write; pull_requests: write); give the job `permissions: pull-requests: write`"),
    ],
)
def test_a_refusal_says_what_helps(github: GitHub, token: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        make(github, token).post(COMMENTS, {"body": "x"})
    assert words in str(caught.value)
    assert token not in str(caught.value)


def test_a_rate_limit_is_not_taken_for_a_missing_permission(github: GitHub, client: Client) -> None:
    github.faults.append(("POST", (403, {"message": "You have exceeded a secondary rate limit."}, {})))
    with pytest.raises(ApiError, match="too many requests"):
        client.post(COMMENTS, {"body": "x"})


@pytest.mark.parametrize("body", ["<html>", '{"a": 1}', "[1, 2"])
def test_an_answer_that_is_no_list(github: GitHub, client: Client, body: str) -> None:
    github.faults.append(("GET", (200, body, {})))
    with pytest.raises(ApiError, match=r"not JSON|something else than a list"):
        list(client.get_all(COMMENTS))


def test_nobody_answers() -> None:
    client = Client("http://127.0.0.1:9", "", JOB, sleep=lambda _: None)
    with pytest.raises(ApiError, match=r"no answer from 127\.0\.0\.1:9 \(ConnectionError\)"):
        list(client.get_all(COMMENTS))


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [(404, "Not Found", "the pull request is gone"), (410, "Gone", "switched off"), (422, "Validation Failed", "does not take this text")],
)
def test_other_refusals(github: GitHub, client: Client, status: int, said: str, words: str) -> None:
    github.faults.append(("POST", (status, {"message": said}, {})))
    with pytest.raises(ApiError, match=words):
        client.post(COMMENTS, {"body": "x"})


def test_a_locked_conversation(github: GitHub, client: Client) -> None:
    github.locked = True
    with pytest.raises(ApiError, match="the conversation is locked"):
        client.post(COMMENTS, {"body": "x"})
