"""GitHub's REST API over HTTP: one session, every page, a time limit on each request, a few retries."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from mingus_gate import __version__

BUDGET = 60.0
"""Seconds that all requests and pauses of a run may take together; the verdict does not wait longer for its telling."""

CONNECT, READ = 5.0, 15.0
"""Seconds to connect and to wait for bytes; GitHub itself cuts a request off after 10."""

REDIRECTS = (301, 302, 307, 308)

PAUSES = (1.0, 4.0, 9.0)
"""Seconds before the second try and the ones after it."""

UNTOLD_WAIT = 60.0
"""Seconds GitHub wants after a refusal for too many requests that names none (docs.github.com, best practices for the REST API)."""

PAGES = 100
"""Of a hundred entries each; no pull request has more comments than that."""

LARGEST = 20_000_000
"""Bytes of an answer that are read: a page of a hundred comments has at most 26 MB, and never has."""


class ApiError(Exception):
    """GitHub did not do what was asked. The text says what to do and holds no secret; `status` is 0 without an answer."""

    def __init__(self, status: int, text: str, *, wait: float = 0, lost: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait
        """Seconds to wait where too many requests were made, else 0."""
        self.maybe_done = lost or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        """The answer was lost or is a gateway's: what was asked may have been done."""

    @property
    def refused_for_now(self) -> bool:
        """Too many requests: nothing was done, and the same may succeed after `wait` seconds."""
        return self.wait > 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    following: str
    """Address of the next page, or empty."""

    @property
    def json(self) -> Any:
        """The body's value; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def said(self) -> str:
        """GitHub's own words."""
        return str(self.json.get("message", ""))[:200] if isinstance(self.json, dict) else ""

    @property
    def target(self) -> str:
        """Where a redirect leads, or empty."""
        return self.headers.get("Location", "") if self.status in REDIRECTS else ""


class Client:
    """Asks the API at `api` with `token`. Only what can be asked twice without harm is tried again, within BUDGET seconds in all."""

    def __init__(
        self, api: str, graphql: str, token: str, *, sleep: Callable[[float], object] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.api, self.graphql, self._token, self._sleep, self._clock = api, graphql, token, sleep, clock
        self._end = clock() + BUDGET
        self._session = requests.Session()
        self._session.auth = self._sign  # a ~/.netrc of the runner would otherwise replace the header
        self._session.headers.update(
            {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": f"mingus-gate/{__version__}"}
        )

    def get_all(self, path: str) -> Iterator[dict[str, Any]]:
        """The entries of all pages below `path`. A redirected repository keeps its pages at the new address."""
        url = f"{self.api}{path}?per_page=100"
        for _ in range(PAGES):
            answer = self._ask("GET", url)
            if not isinstance(answer.json, list):
                raise ApiError(answer.status, "GitHub answered with something else than a list")
            yield from (entry for entry in answer.json if isinstance(entry, dict))
            url = answer.following
            if not url or not self._is_ours(url):
                return

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _object(self._ask("POST", f"{self.api}{path}", json=body, again=False))

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _object(self._ask("PATCH", f"{self.api}{path}", json=body))

    def delete(self, path: str) -> None:
        self._ask("DELETE", f"{self.api}{path}")

    def login(self) -> str:
        """The name comments of this token appear under. REST's /user is closed to a job's token, so GraphQL is asked."""
        answer = _object(self._ask("POST", self.graphql, json={"query": "query { viewer { login } }"}))
        viewer = (answer.get("data") or {}).get("viewer") or {}
        return str(viewer.get("login") or "")

    def _ask(self, method: str, url: str, *, again: bool = True, **options: Any) -> Answer:
        """The answer. Without one, or where the server is at fault, it is asked again if that does no harm (`again`)."""
        for pause in PAUSES:
            try:
                return self._ask_once(method, url, **options)
            except ApiError as error:
                wait = error.wait or pause
                if not (error.refused_for_now or (again and error.maybe_done)) or self._clock() + wait > self._end:
                    raise
                self._sleep(wait)
        return self._ask_once(method, url, **options)

    def _ask_once(self, method: str, url: str, **options: Any) -> Answer:
        for _ in range(3):
            answer = self._send(method, url, **options)
            target = urljoin(url, answer.target)
            if not answer.target or not self._is_ours(target):
                break
            url = target  # a renamed repository; the method is kept, which requests would not do
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, _advice(answer), wait=_wait(answer))
        return answer

    def _send(self, method: str, url: str, **options: Any) -> Answer:
        left = self._end - self._clock()
        host = urlsplit(url).netloc
        if left <= 0:
            raise ApiError(0, f"no answer from {host} within {BUDGET:g} seconds")
        try:
            with self._session.request(
                method, url, timeout=(min(CONNECT, left), min(READ, left)), allow_redirects=False, stream=True, **options
            ) as answer:
                return Answer(answer.status_code, answer.headers, self._body(answer), answer.links.get("next", {}).get("url", ""))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            lost = isinstance(error, requests.ConnectionError | requests.Timeout | urllib3.exceptions.HTTPError)
            raise ApiError(0, f"no answer from {host} ({type(error).__name__})", lost=lost) from None

    def _body(self, answer: requests.Response) -> bytes:
        """The body, in the pieces that arrive: one that drips would never meet a time limit on whole ones."""
        body = bytearray()
        while piece := answer.raw.read1(65_536, decode_content=True):
            body += piece
            if len(body) > LARGEST or self._clock() > self._end:
                raise requests.ReadTimeout
        return bytes(body)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _is_ours(self, url: str) -> bool:
        """Whether a page's address is the API's own: the token goes nowhere else."""
        return urlsplit(url)[:2] == urlsplit(self.api)[:2]


def _object(answer: Answer) -> dict[str, Any]:
    """Raises ApiError where the answer is none; what was asked may have been done."""
    if answer.json is None:
        raise ApiError(0, f"GitHub's answer ({answer.status}) is not JSON", lost=True)
    return answer.json if isinstance(answer.json, dict) else {}


def _wait(answer: Answer) -> float:
    """Seconds to wait where too many requests were made: the server's own word, else GitHub's advice; 0 for any other refusal."""
    limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in answer.said.lower()
    if not limited and not (answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in answer.headers):
        return 0
    after = answer.headers.get("Retry-After", "")
    if after.isdecimal():
        return max(float(after), 1)
    with suppress(TypeError, ValueError, IndexError):
        return max(email.utils.parsedate_to_datetime(after).timestamp() - time.time(), 1)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(float(reset) - time.time(), 1)
    return UNTOLD_WAIT


def _advice(answer: Answer) -> str:
    """What GitHub said and what helps."""
    said, status = answer.said, answer.status
    needed = answer.headers.get("X-Accepted-GitHub-Permissions", "").replace("=", ": ")[:100]
    if "rate limit" in said.lower() or status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"GitHub answered {status} ({said}): too many requests were made; the next run tries again"
    if "lock" in said.lower():
        return f"GitHub answered {status} ({said}): the conversation is locked; unlock it, or set `comment: never`"
    remedy = {
        301: "the repository has moved to another host; run the gate there",
        401: "the token is wrong or has expired; leave `github-token` at its default",
        403: f"the token lacks a permission{f' (GitHub accepts {needed})' if needed else ''}; "
        "give the job `permissions: pull-requests: write` (a pull request from a fork never gets it)",
        404: "the pull request is gone, or the token may not see it; give the job `permissions: pull-requests: write`",
        410: "issues and comments are switched off in this repository; set `comment: never`",
        422: "GitHub does not take this text; please report it, with the job's summary",
    }.get(status, "")
    return f"GitHub answered {status}{f' ({said})' if said else ''}{f': {remedy}' if remedy else ''}"
