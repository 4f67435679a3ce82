"""Bounds on the size of a request's body, in the application and in front of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nginx import server_blocks
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.flask.routes import Route, routes

OTHERS = re.compile(
    r"^\s*(LimitRequestBody\s+[1-9]\d*|limit-post\s*[=:]\s*[1-9]\d*|max_size\s+\d+|.*proxy-body-size[\"']?:\s*[\"']?[1-9]\w*)", re.MULTILINE
)
TAKES_BODY = {"POST", "PUT", "PATCH"}


@dataclass(frozen=True, slots=True)
class Bound:
    """One place that bounds bodies, or lifts the bound: then `limits` is False."""

    said: str
    place: Place
    limits: bool


def bounds(repo: Repo) -> list[Bound]:
    """Every bound, the application's first."""
    return [*_configured(repo), *_nginx(repo), *_others(repo)]


def taking_bodies(repo: Repo) -> list[Route]:
    """The routes that accept a body."""
    return [route for route in repo.fact(routes) if TAKES_BODY & set(route.methods)]


def _configured(repo: Repo) -> Iterator[Bound]:
    for setting in settings(repo, "MAX_CONTENT_LENGTH"):
        value = setting.value
        if value.fixed and value.literal is None:
            yield Bound("MAX_CONTENT_LENGTH is None", setting.place, limits=False)
        elif value.fixed and isinstance(value.literal, int | float):
            yield Bound(f"MAX_CONTENT_LENGTH is {_size(value.literal)}", setting.place, limits=True)
        else:
            yield Bound("MAX_CONTENT_LENGTH is set", setting.place, limits=True)


def _size(number: float) -> str:
    return f"{number / 1024**2:.3g} MB" if number >= 1024**2 else f"{number:.0f} bytes"


def _nginx(repo: Repo) -> Iterator[Bound]:
    for block in repo.fact(server_blocks):
        if not block.passes_on:
            continue
        given = block.all("client_max_body_size")
        for directive in given:
            if directive.args[:1] == ("0",):
                yield Bound("client_max_body_size is 0: nginx passes on a body of any size", directive.place, limits=False)
            elif directive.args:
                yield Bound(f"nginx takes {directive.args[0]} at most", directive.place, limits=True)
        if not given:
            yield Bound("nginx takes 1 MB at most, its default", block.place, limits=True)


def _others(repo: Repo) -> Iterator[Bound]:
    """Apache, uWSGI, Caddy and ingress-nginx."""
    for file in repo.files(".conf", ".ini", ".htaccess", "Caddyfile", ".yml", ".yaml"):
        if file.mentions(b"LimitRequestBody", b"limit-post", b"request_body", b"proxy-body-size") and (match := OTHERS.search(file.text)):
            yield Bound(f"`{match[1].strip()}`", Place(file.path, file.text[: match.start(1)].count("\n") + 1), limits=True)
