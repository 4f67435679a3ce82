"""Pages, retries and what is said when GitHub refuses."""

from __future__ import annotations

import pytest

from mingus_gate.github.client import ApiError, Client
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


def test_the_servers_wish_to_wait_is_kept_within_bounds(github: GitHub, client: Client, slept: list[float]) -> None:
    github.faults += [("POST", (429, {}, {"Retry-After": "7"})), ("POST", (429, {}, {"Retry-After": "9999"}))]
    client.post(COMMENTS, {"body": "x"})
    assert slept == [7, 20]


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
