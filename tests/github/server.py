"""A small GitHub on this machine: issue comments and pull requests, pages, permissions, and whatever goes wrong when told to.

Each request, and each answer it gives by itself, is held against GitHub's OpenAPI description; `complaints` collects what does not fit.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.github.openapi import answer_complaints, complaints, sample

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (JSON, or a text as it is), headers."""

Fault = Callable[[], Answer] | Answer | str | None
"""Answered instead: a function is called and its answer sent; None cuts the connection; "hang" says nothing until the end,
"drip" sends a byte now and then, "truncated" stops in the middle, "lost" does what was asked and cuts the connection."""

JOB = "ghs_job"
READ_ONLY = "ghs_fork"
ISSUES_ONLY = "ghs_issues"
PERSON = "ghp_person"
EXPIRED = "ghs_expired"

LOGINS = {JOB: "github-actions[bot]", READ_ONLY: "github-actions[bot]", ISSUES_ONLY: "github-actions[bot]", PERSON: "octocat"}
LARGEST = 65_536


@dataclass
class GitHub:
    """What the server remembers. `faults` answer instead of it: the first whose method matches is used up."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    prefix: str = ""
    """`/api/v3` on GitHub Enterprise Server."""

    locked: bool = False
    address: str = ""
    closing: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    @property
    def api(self) -> str:
        return self.address + self.prefix

    @property
    def graphql(self) -> str:
        return self.address + ("/api/graphql" if self.prefix else "/graphql")

    def comment(self, body: str, login: str = LOGINS[JOB], **more: Any) -> dict[str, Any]:
        """Adds a comment, as somebody would by hand."""
        number = max((c["id"] for c in self.comments), default=1000) + 1
        url = f"https://github.com/acme/shop/pull/7#issuecomment-{number}"
        made = sample("issue-comment", id=number, body=body, user=sample("simple-user", login=login), html_url=url, **more) | {"edits": 0}
        self.comments.append(made)
        return made

    def pull(self, number: int, sha: str, *, state: str = "open", owner: str = "acme") -> dict[str, Any]:
        """Opens a pull request, from a fork where `owner` is another."""
        repository = sample("repository", full_name=f"{owner}/shop")
        head = {"label": f"{owner}:work", "ref": "work", "repo": repository, "sha": sha, "user": sample("simple-user", login=owner)}
        base = {**head, "label": "acme:main", "ref": "main", "repo": sample("repository", full_name="acme/shop"), "sha": "ba5e" * 10}
        made = sample("pull-request-simple", number=number, state=state, head=head, base=base)
        self.pulls.append(made)
        return made

    def answer(self, method: str, url: str, token: str, body: Any) -> Answer:
        path, query = urlsplit(url).path.removeprefix(self.prefix), parse_qs(urlsplit(url).query)
        if token not in LOGINS:
            return 401, {"message": "Bad credentials"}, {}
        if path in ("/graphql", "/api/graphql"):
            return 200, {"data": {"viewer": {"login": LOGINS[token]}}}, {}
        self.complaints += complaints(method, path, query, body)
        with self.lock:
            status, answered, headers = self.do(method, path, query, token, body)
        self.complaints += answer_complaints(method, path, status, answered)
        return status, answered, headers

    def do(self, method: str, path: str, query: dict[str, list[str]], token: str, body: Any) -> Answer:
        if method != "GET" and token in (READ_ONLY, ISSUES_ONLY):
            needed = {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"}
            return 403, {"message": "Resource not accessible by integration"}, needed
        if method != "GET" and self.locked:
            return 403, {"message": "Unable to create comment because issue is locked."}, {}
        if method in ("POST", "PATCH") and len(body["body"]) > LARGEST:
            return 422, {"message": "Validation Failed", "documentation_url": ""}, {}
        if path == "/repos/acme/shop/issues/7/comments":
            return self.page(path, query) if method == "GET" else (201, self.comment(body["body"], LOGINS[token]), {})
        if match := re.fullmatch(r"/repos/acme/shop/issues/comments/(\d+)", path):
            return self.change(method, int(match[1]), token, body)
        if match := re.fullmatch(r"/repos/acme/shop/commits/(\w+)/pulls", path):
            return 200, [p for p in self.pulls if p["head"]["sha"] == match[1] and p["head"]["repo"]["full_name"] == "acme/shop"], {}
        if path == "/repos/acme/shop/pulls":
            wanted = query.get("state", ["open"])[0]
            return 200, [p for p in self.pulls if p["state"] == wanted], {}
        return 404, {"message": "Not Found"}, {}

    def page(self, path: str, query: dict[str, list[str]]) -> Answer:
        size, number = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
        more = len(self.comments) > size * number
        link = {"Link": f'<{self.api}{path}?per_page={size}&page={number + 1}>; rel="next"'} if more else {}
        return 200, self.comments[size * (number - 1) : size * number], link

    def change(self, method: str, number: int, token: str, body: dict[str, Any]) -> Answer:
        found = next((c for c in self.comments if c["id"] == number), None)
        if found is None:
            return 404, {"message": "Not Found"}, {}
        if found["user"]["login"] != LOGINS[token]:
            return 403, {"message": "Must have admin rights to Repository."}, {}
        if method == "DELETE":
            self.comments.remove(found)
            return 204, None, {}
        found.update(body=body["body"], edits=found["edits"] + 1)
        return 200, found, {}


class Handler(BaseHTTPRequestHandler):
    github: GitHub

    def reply(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.github.requests.append(f"{self.command} {self.path}")
        fault: tuple[str, Fault] | None = next((f for f in self.github.faults if f[0] == self.command), None)
        if fault:
            self.github.faults.remove(fault)
        how = fault[1] if fault else "as it should"
        if how == "hang":
            self.github.closing.wait(90)
        if how in (None, "hang"):
            self.cut()
        elif how == "drip":
            self.drip()
        elif isinstance(how, str):
            self.do_it(how, json.loads(sent) if sent else None)
        else:
            self.say(*(how() if callable(how) else how))

    def do_it(self, how: str, body: Any) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        answer = self.github.answer(self.command, self.path, token, body)
        if how == "lost":
            self.cut()
        else:
            self.say(*answer, half=how == "truncated")

    def say(self, status: int, body: Any, headers: dict[str, str], *, half: bool = False) -> None:
        data = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if half else data)
        if half:
            self.cut()

    def drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with suppress(OSError):
            while not self.github.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()

    def cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    do_GET = do_POST = do_PATCH = do_DELETE = reply  # noqa: N815  (the names http.server calls)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serve() -> Iterator[GitHub]:
    """A GitHub that listens on a free port of this machine until the block ends."""
    github = GitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"github": github}))
    server.daemon_threads = True
    github.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield github
    finally:
        github.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
