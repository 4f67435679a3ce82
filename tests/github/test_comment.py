"""One comment: created once, found again whatever stands around it, written when there is something to write."""

from __future__ import annotations

from typing import Any

import pytest

from mingus_gate.github.client import ApiError, Client
from mingus_gate.github.comment import BOUND, compose, publish
from mingus_gate.github.event import Event, read_event
from mingus_gate.github.inputs import Mode
from mingus_gate.model import Place, Severity, broken
from mingus_gate.reports.links import Links
from tests.github.conftest import Environ
from tests.github.server import JOB, PERSON, READ_ONLY, GitHub
from tests.reports.samples import blocked, ready, report, result, rule

BLOCKED = compose(blocked(), Links(), "default")
READY = compose(ready(), Links(), "default")


@pytest.fixture
def event(environ: Environ) -> Event:
    return read_event(environ())


def write(github: GitHub, event: Event, text: str, mode: Mode = "auto", token: str = JOB) -> str:
    return publish(Client(event.api, event.graphql, token, sleep=lambda _: None), event, text, mode)


def written(github: GitHub) -> list[tuple[Any, ...]]:
    return [(c["id"], c["body"], c["edits"]) for c in github.comments]


def test_the_first_lines_are_hidden_and_plain() -> None:
    lines = BLOCKED.splitlines()
    assert lines[0] == "<!-- mingus-gate:v1 key=default -->"
    assert lines[1] == "<!-- Blocked: 22.2 POOR, 68% verified, 2 critical issues -->"
    assert lines[3].startswith("### ")


def test_created_then_updated(github: GitHub, event: Event) -> None:
    first = write(github, event, BLOCKED)
    assert write(github, event, READY) == first == "https://github.com/acme/shop/pull/7#issuecomment-1001"
    assert written(github) == [(1001, READY, 1)]


def test_the_same_text_is_not_written_again(github: GitHub, event: Event) -> None:
    write(github, event, BLOCKED)
    github.comments[0]["body"] = BLOCKED.replace("\n", "\r\n").rstrip()  # as browsers send it
    assert write(github, event, BLOCKED)
    assert github.comments[0]["edits"] == 0


def test_a_push_that_changes_nothing_for_a_reader_is_not_written(github: GitHub, event: Event) -> None:
    shas = ("f00ba12" + "0" * 33, "c0ffee1" + "1" * 33)
    links = [Links(f"https://github.com/acme/shop/blob/{sha}/", f"https://github.com/acme/shop/actions/runs/{n}", sha) for n, sha in enumerate(shas)]
    first, second = (compose(blocked(), link, "default") for link in links)
    assert first != second
    write(github, event, first)
    write(github, event, second)
    assert written(github) == [(1001, first, 0)]


def test_the_text_does_not_depend_on_the_time_it_took() -> None:
    assert compose(blocked(seconds=1.0), Links(), "default") == compose(blocked(seconds=9.0), Links(), "default")


@pytest.mark.parametrize(("mode", "text", "edits"), [("always", BLOCKED, 1), ("changes", BLOCKED + "more", 0), ("changes", READY, 1)])
def test_modes(github: GitHub, event: Event, mode: Mode, text: str, edits: int) -> None:
    write(github, event, BLOCKED)
    write(github, event, text, mode)
    assert github.comments[0]["edits"] == edits


def test_on_the_third_page(github: GitHub, event: Event) -> None:
    for number in range(230):
        github.comment(f"I think {number}", "octocat")
    write(github, event, BLOCKED)
    write(github, event, READY)
    assert len(github.comments) == 231
    assert github.comments[-1]["body"] == READY


def test_somebody_elses_marker_is_left_alone(github: GitHub, event: Event) -> None:
    github.comment(BLOCKED, "mallory")
    github.comment(f"quoting: {BLOCKED}")
    write(github, event, READY)
    assert [c["body"] for c in github.comments[:2]] == [BLOCKED, f"quoting: {BLOCKED}"]
    assert github.comments[2]["body"] == READY


def test_the_oldest_own_one_is_updated(github: GitHub, event: Event) -> None:
    github.comment(BLOCKED)
    github.comment(BLOCKED)
    write(github, event, READY)
    assert [c["body"] for c in github.comments] == [READY, BLOCKED]


def test_a_persons_token_finds_its_own(github: GitHub, event: Event) -> None:
    github.comment(BLOCKED)
    write(github, event, BLOCKED, token=PERSON)
    write(github, event, READY, token=PERSON)
    assert [c["body"] for c in github.comments] == [BLOCKED, READY]


def test_when_the_login_cannot_be_asked_it_is_the_jobs(github: GitHub, event: Event) -> None:
    write(github, event, BLOCKED)
    github.faults.append(("POST", (404, {}, {})))
    write(github, event, READY)
    assert written(github) == [(1001, READY, 1)]


def test_keys_have_comments_of_their_own(github: GitHub, event: Event) -> None:
    shop, shop_api = (compose(ready(), Links(), key, key) for key in ("shop", "shop-api"))
    for text in (shop, shop_api, shop, shop_api):
        write(github, event, text)
    assert written(github) == [(1001, shop, 0), (1002, shop_api, 0)]


def test_a_lost_answer_makes_no_second_comment(github: GitHub, event: Event) -> None:
    def made_and_lost() -> tuple[int, str, dict[str, str]]:
        github.comment(BLOCKED)
        return 502, "", {}

    github.faults.append(("POST", made_and_lost))
    assert write(github, event, BLOCKED).endswith("1001")
    assert written(github) == [(1001, BLOCKED, 0)]


@pytest.mark.parametrize("how", ["lost", "truncated"])
def test_an_answer_that_does_not_come_through(github: GitHub, event: Event, how: str) -> None:
    github.faults.append(("POST", how))
    assert write(github, event, BLOCKED).endswith("1001")
    assert [c["body"] for c in github.comments] == [BLOCKED]


def test_a_comment_that_is_deleted_in_between_is_made_anew(github: GitHub, event: Event) -> None:
    write(github, event, BLOCKED)
    github.faults.append(("PATCH", lambda: (github.comments.clear(), (404, {"message": "Not Found"}, {}))[1]))  # type: ignore[func-returns-value]
    write(github, event, READY)
    assert [c["body"] for c in github.comments] == [READY]


def race(github: GitHub, before: int, *, answered: bool = False) -> None:
    """Another run makes its comment between our list and ours; `before` is its number."""

    def both() -> tuple[int, object, dict[str, str]]:
        mine = github.comment(BLOCKED)
        other = github.comment(READY)
        other["id"] = before
        if answered:
            github.comment("why is that?", "octocat")
        return 201, mine, {}

    github.faults.append(("POST", both))


def test_of_two_runs_at_once_the_older_comment_stays(github: GitHub, event: Event) -> None:
    race(github, before=900)
    write(github, event, BLOCKED)
    assert [(c["id"], c["body"]) for c in github.comments] == [(900, BLOCKED)]


def test_the_other_run_takes_its_younger_one_away_itself(github: GitHub, event: Event) -> None:
    race(github, before=1002)
    assert write(github, event, BLOCKED).endswith("1001")
    assert [c["id"] for c in github.comments] == [1001, 1002]


def test_a_comment_that_somebody_answered_is_kept(github: GitHub, event: Event) -> None:
    race(github, before=900, answered=True)
    write(github, event, BLOCKED)
    assert [c["id"] for c in github.comments] == [1001, 900, 1002]


def test_a_read_only_token_is_told_about(github: GitHub, event: Event) -> None:
    with pytest.raises(ApiError, match="pull-requests: write"):
        write(github, event, BLOCKED, token=READ_ONLY)


def test_thousands_of_findings_fit() -> None:
    place = Place("d" * 2000, 1)
    many = [result(rule(f"cache.r{n}", Severity.CRITICAL, "|@" * 999), *[broken("@a" * 900, place)] * 20) for n in range(90)]
    text = compose(report(*many), Links("https://github.com/acme/shop/blob/x/"), "default")
    assert len(text.encode()) < BOUND
    assert text.count("cache.md#r") >= 5
