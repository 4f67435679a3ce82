"""A small GitHub on this machine: issue comments with pages and permissions, and whatever goes wrong when told to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (JSON, or a text as it is), headers."""

JOB = "ghs_job"
READ_ONLY = "ghs_fork"
PERSON = "ghp_person"

LOGINS = {JOB: "github-actions[bot]", READ_ONLY: "github-actions[bot]", PERSON: "octocat"}
LARGEST = 65_536


@dataclass
class GitHub:
    """What the server remembers. `faults` answer instead of it: the first whose method matches is used up."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[tuple[str, Callable[[], Answer] | Answer | None]] = field(default_factory=list)
    """Method and answer; None cuts the connection, a function is called and its answer sent."""

    address: str = ""

    def comment(self, body: str, login: str = LOGINS[JOB]) -> dict[str, Any]:
        """Adds a comment, as somebody would by hand."""
        number = len(self.comments) + 1001
        url = f"https://github.com/acme/shop/pull/7#issuecomment-{number}"
        made = {"id": number, "body": body, "user": {"login": login}, "html_url": url, "edits": 0}
        self.comments.append(made)
        return made

    def answer(self, method: str, url: str, token: str, body: dict[str, Any]) -> Answer:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if token not in LOGINS:
            return 401, {"message": "Bad credentials"}, {}
        if path == "/graphql":
            return 200, {"data": {"viewer": {"login": LOGINS[token]}}}, {}
        if method != "GET" and token == READ_ONLY:
            needed = {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"}
            return 403, {"message": "Resource not accessible by integration"}, needed
        if method != "GET" and len(body["body"]) > LARGEST:
            return 422, {"message": "Validation Failed"}, {}
        if path == "/repos/acme/shop/issues/7/comments":
            return self.page(path, query) if method == "GET" else (201, self.comment(body["body"], LOGINS[token]), {})
        if match := re.fullmatch(r"/repos/acme/shop/issues/comments/(\d+)", path):
            return self.edit(int(match[1]), token, body)
        return 404, {"message": "Not Found"}, {}

    def page(self, path: str, query: dict[str, list[str]]) -> Answer:
        size, number = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
        more = len(self.comments) > size * number
        link = {"Link": f'<{self.address}{path}?per_page={size}&page={number + 1}>; rel="next"'} if more else {}
        return 200, self.comments[size * (number - 1) : size * number], link

    def edit(self, number: int, token: str, body: dict[str, Any]) -> Answer:
        found = next((c for c in self.comments if c["id"] == number), None)
        if found is None:
            return 404, {"message": "Not Found"}, {}
        if found["user"]["login"] != LOGINS[token]:
            return 403, {"message": "Must have admin rights to Repository."}, {}
        found.update(body=body["body"], edits=found["edits"] + 1)
        return 200, found, {}


def handler(github: GitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            github.requests.append(f"{self.command} {self.path}")
            fault = next((f for f in github.faults if f[0] == self.command), None)
            if fault is None:
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                answer: Answer | None = github.answer(self.command, self.path, token, json.loads(sent) if sent else {})
            else:
                github.faults.remove(fault)
                answer = fault[1]() if callable(fault[1]) else fault[1]
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            status, body, headers = answer
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = reply  # noqa: N815  (the names http.server calls)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def serve() -> Iterator[GitHub]:
    """A GitHub that listens on a free port of this machine until the block ends."""
    github = GitHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(github))
    server.daemon_threads = True
    github.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
