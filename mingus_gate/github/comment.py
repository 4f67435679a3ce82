"""The one comment the gate keeps on a pull request: found by marker and author, written only when there is something to write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from mingus_gate.github.client import ApiError, Client
from mingus_gate.github.event import Event
from mingus_gate.github.inputs import Mode
from mingus_gate.model import Report
from mingus_gate.reports.links import Links
from mingus_gate.reports.markdown import one_line, render_markdown

JOB_LOGIN = "github-actions[bot]"
"""Whom a job's own token writes as."""

AIM = 20_000
"""Bytes a comment should have. What blocks is always shown: five rows stay far under the bound."""

BOUND = 60_000
"""Bytes a comment never exceeds; GitHub refuses more than 65,536 characters."""

MARKER = re.compile(r"<!-- mingus-gate:v1 key=(\S+) -->")
"""The comment's first line, for ever: later versions must find what earlier ones wrote."""

RUN = re.compile(r"\b[0-9a-f]{7}(?:[0-9a-f]{33}(?:[0-9a-f]{24})?)?\b|/actions/runs/\d+")
"""What differs in every run: ids of commits, whole or as people are shown them, and the address of the run."""

STATE = re.compile(r"^<!-- state (\w+) -->", re.MULTILINE)


def compose(report: Report, links: Links, key: str, name: str = "", notes: Sequence[str] = ()) -> str:
    """The comment's text. Its first lines are hidden: the marker, then what a mail's preview shows."""
    for rows in (5, 3, 1):
        page = render_markdown(report, links, name=name, rows=rows, limit=AIM, timed=False, notes=notes)
        text = f"<!-- mingus-gate:v1 key={key} -->\n<!-- {one_line(report)} -->\n<!-- state {_state(report)} -->\n{page}"
        if len(text.encode()) <= BOUND:
            break
    return text


def publish(client: Client, event: Event, text: str, mode: Mode) -> str:
    """Creates or updates the comment and returns its address. Raises ApiError."""
    try:
        return _publish(client, event, text, mode)
    except ApiError as error:
        if not error.maybe_done:
            raise
    # the answer was lost, perhaps after the comment was made: look again, or there would be two
    return _publish(client, event, text, mode)


def _publish(client: Client, event: Event, text: str, mode: Mode) -> str:
    posted = next(iter(_own(client, event, text)), None)
    if posted and not _worth_writing(str(posted.get("body")), text, mode):
        return _address(posted)
    if posted:
        try:
            return _address(client.patch(f"/repos/{event.repository}/issues/comments/{posted['id']}", {"body": text}))
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise  # not found: somebody has just deleted it
    made = client.post(f"/repos/{event.repository}/issues/{event.pull}/comments", {"body": text})
    return _address(_first_of_two_runs(client, event, text, made))


def _first_of_two_runs(client: Client, event: Event, text: str, made: dict[str, Any]) -> dict[str, Any]:
    """Where another run made its comment at the same time, the oldest stays, with our text, and ours goes.

    One that somebody has answered since, or set a reaction to, is left alone.
    """
    comments = list(client.get_all(f"/repos/{event.repository}/issues/{event.pull}/comments"))
    own = _own(client, event, text, comments)
    if not own or own[0]["id"] == made.get("id"):
        return made
    answered = any(int(c["id"]) > int(made["id"]) and c not in own for c in comments)
    mine = next((c for c in own if c["id"] == made["id"]), made)
    if not answered and not (mine.get("reactions") or {}).get("total_count"):
        client.delete(f"/repos/{event.repository}/issues/comments/{made['id']}")
    return client.patch(f"/repos/{event.repository}/issues/comments/{own[0]['id']}", {"body": text})


def _own(client: Client, event: Event, text: str, comments: Iterable[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The comments with our marker and key that this token wrote, oldest first: anybody can copy the marker."""
    listed = comments if comments is not None else client.get_all(f"/repos/{event.repository}/issues/{event.pull}/comments")
    marked = [c for c in listed if _first(MARKER.match, str(c.get("body"))) == _first(MARKER.match, text)]
    login = _login(client) if marked else ""
    return sorted((c for c in marked if (c.get("user") or {}).get("login") == login), key=lambda c: int(c["id"]))


def _login(client: Client) -> str:
    try:
        return client.login() or JOB_LOGIN
    except ApiError:
        return JOB_LOGIN


def _worth_writing(old: str, new: str, mode: Mode) -> bool:
    if mode == "changes":
        return _first(STATE.search, old) != _first(STATE.search, new)
    return mode == "always" or _told(old) != _told(new)


def _told(text: str) -> str:
    """What a reader cares about: not which commit was judged in which run, nor how a browser ends its lines."""
    return RUN.sub("", text.replace("\r\n", "\n").strip())


def _first(find: Callable[[str], re.Match[str] | None], text: str) -> str:
    match = find(text)
    return match[1] if match else ""


def _state(report: Report) -> str:
    """What `comment: changes` compares: verdict, score and what blocks."""
    score = report.score
    return hashlib.sha256(repr((score.verdict, score.value, sorted(score.blocking))).encode()).hexdigest()[:12]


def _address(comment: dict[str, Any]) -> str:
    return str(comment.get("html_url") or "")
