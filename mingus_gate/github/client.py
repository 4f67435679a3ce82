"""GitHub's REST API over HTTP: one session, every page, a time limit on each request, a few retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from mingus_gate import __version__

TIMEOUT = (5, 15)
"""Seconds to connect and to wait for bytes; GitHub itself cuts a request off after 10."""

PAUSES = (1.0, 4.0)
"""Seconds before the second and the third try."""

LONGEST_PAUSE = 20.0
PAGES = 100
"""Of a hundred entries each; no pull request has more comments than that."""


class ApiError(Exception):
    """GitHub did not do what was asked. The text says what to do and holds no secret; `status` is 0 without an answer."""

    def __init__(self, status: int, text: str, *, wait: float = 0, lost: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.wait = wait
        """Seconds the server asked us to wait."""
        self.maybe_done = lost or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        """The answer was lost or is a gateway's: what was asked may have been done."""

    @property
    def refused_for_now(self) -> bool:
        """Too many requests: nothing was done, and the same may succeed later."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS


class Client:
    """Asks the API at `api` with `token`. Only what can be asked twice without harm is tried again."""

    def __init__(self, api: str, graphql: str, token: str, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.api, self.graphql, self._token, self._sleep = api, graphql, token, sleep
        self._session = requests.Session()
        self._session.auth = self._sign  # a ~/.netrc of the runner would otherwise replace the header
        self._session.headers.update(
            {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": f"mingus-gate/{__version__}"}
        )

    def get_all(self, path: str) -> Iterator[dict[str, Any]]:
        """The entries of all pages below `path`."""
        url = f"{self.api}{path}?per_page=100"
        for _ in range(PAGES):
            answer = self._ask("GET", url)
            entries = _json(answer)
            if not isinstance(entries, list):
                raise ApiError(answer.status_code, "GitHub answered with something else than a list")
            yield from (entry for entry in entries if isinstance(entry, dict))
            url = answer.links.get("next", {}).get("url", "")
            if not url or not self._is_ours(url):
                return

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _object(self._ask("POST", f"{self.api}{path}", json=body, again=False))

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _object(self._ask("PATCH", f"{self.api}{path}", json=body))

    def login(self) -> str:
        """The name comments of this token appear under. REST's /user is closed to a job's token, so GraphQL is asked."""
        answer = _object(self._ask("POST", self.graphql, json={"query": "query { viewer { login } }"}))
        viewer = (answer.get("data") or {}).get("viewer") or {}
        return str(viewer.get("login") or "")

    def _ask(self, method: str, url: str, *, again: bool = True, **options: Any) -> requests.Response:
        """The answer. Without one, or where the server is at fault, it is asked again if that does no harm (`again`)."""
        for pause in PAUSES:
            try:
                return self._ask_once(method, url, **options)
            except ApiError as error:
                if not (error.refused_for_now or (again and error.maybe_done)):
                    raise
                self._sleep(min(max(pause, error.wait), LONGEST_PAUSE))
        return self._ask_once(method, url, **options)

    def _ask_once(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(method, url, timeout=TIMEOUT, **options)
        except requests.RequestException as error:
            lost = isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)
            raise ApiError(0, f"no answer from {urlsplit(url).netloc} ({type(error).__name__})", lost=lost) from None
        if not answer.ok:
            wait = answer.headers.get("Retry-After", "")
            raise ApiError(answer.status_code, _advice(answer), wait=float(wait) if wait.isdecimal() else 0)
        return answer

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _is_ours(self, url: str) -> bool:
        """Whether a page's address is the API's own: the token goes nowhere else."""
        return urlsplit(url)[:2] == urlsplit(self.api)[:2]


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise ApiError(0, f"GitHub's answer ({answer.status_code}) is not JSON", lost=True) from None


def _object(answer: requests.Response) -> dict[str, Any]:
    found = _json(answer)
    return found if isinstance(found, dict) else {}


def _advice(answer: requests.Response) -> str:
    """What GitHub said and what helps."""
    try:
        said = str(answer.json().get("message", ""))[:200]
    except (ValueError, AttributeError):
        said = ""
    needed = answer.headers.get("X-Accepted-GitHub-Permissions", "").replace("=", ": ")[:100]
    if "rate limit" in said.lower():
        return f"GitHub answered {answer.status_code} ({said}): too many requests were made; the next run tries again"
    remedy = {
        401: "the token is wrong or has expired; leave `github-token` at its default",
        403: f"the token lacks a permission{f' (GitHub accepts {needed})' if needed else ''}; "
        "give the job `permissions: pull-requests: write` (a pull request from a fork never gets it)",
        404: "the pull request is gone, or the token may not see it; give the job `permissions: pull-requests: write`",
    }.get(answer.status_code, "")
    return f"GitHub answered {answer.status_code}{f' ({said})' if said else ''}{f': {remedy}' if remedy else ''}"
