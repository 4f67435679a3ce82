"""Bounds on the size of a request's body, in the application and in front of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nginx import server_blocks
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.start_lines import start_lines
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.flask.routes import Route, routes
from mingus_gate.repo.tree import File

OTHERS = re.compile(
    r"^\s*(LimitRequestBody\s+[1-9]\d*|limit-post\s*[=:]\s*[1-9]\d*|max_size\s+\d+|.*proxy-body-size[\"']?:\s*[\"']?[1-9]\w*)", re.MULTILINE
)
NGINX_DEFAULT = "nginx takes 1 MB at most, its default"
NGINX_FILE = re.compile(r"nginx|\.conf(\.\w+)?$|(^|/)sites-(available|enabled)/", re.IGNORECASE)
BODY_SIZE = re.compile(r"(?:^|[{;])[ \t]*client_max_body_size[ \t]+([^;\n]+);", re.MULTILINE)
PASSES = re.compile(r"(?:^|[{;])[ \t]*(?:proxy|uwsgi|fastcgi)_pass[ \t]+([^;\n]+);", re.MULTILINE)
DEVELOPMENT_CERTIFICATE = re.compile(rb"ssl_certificate[ \t][^;\n]{0,300}?[_.-]dev(elopment)?\b")
MOD_WSGI = re.compile(r"mod_wsgi-express(?!.{0,2000}--limit-request-body)")
INGRESS = re.compile(r"^kind:\s*Ingress\b", re.MULTILINE)
INGRESS_NGINX = re.compile(r"(?:ingress\.class|ingressClassName)[\"']?:\s*[\"']?(nginx)\b")
TAKES_BODY = {"POST", "PUT", "PATCH"}


@dataclass(frozen=True, slots=True)
class Bound:
    """One place that bounds bodies, or lifts the bound: then `limits` is False."""

    said: str
    place: Place
    limits: bool


def bounds(repo: Repo) -> list[Bound]:
    """Every bound, the application's first."""
    found = [*_configured(repo), *_nginx(repo), *_others(repo)]
    return found or list(_servers(repo))


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
    seen: set[str] = set()
    for block in repo.fact(server_blocks):
        seen.add(block.place.path)
        given = block.all("client_max_body_size") if block.passes_on else []
        for directive in given:
            if directive.args[:1] == ("0",):
                yield Bound("client_max_body_size is 0: nginx passes on a body of any size", directive.place, limits=False)
            elif directive.args:
                yield Bound(f"nginx takes {directive.args[0]} at most", directive.place, limits=True)
        if not given and block.passes_on:
            yield Bound(NGINX_DEFAULT, block.place, limits=True)
    for file in repo.files():
        if (
            file.path not in seen
            and NGINX_FILE.search(file.path)
            and not for_development(file.path)
            and not DEVELOPMENT_CERTIFICATE.search(file.data)
        ):
            yield from _part(file)


def _part(file: File) -> Iterator[Bound]:
    """What a file says that nginx includes, or that a program makes nginx's configuration of."""
    told = next((match for match in BODY_SIZE.finditer(file.text) if match[1] != "0"), None) or PASSES.search(file.text)
    if told:
        said = f"nginx takes {told[1].strip('{} ')} at most" if told.re is BODY_SIZE else NGINX_DEFAULT
        yield Bound(said, Place(file.path, file.text.count("\n", 0, told.start()) + 1), limits=True)


def other_proxy(repo: Repo) -> Place | None:
    """A proxy that stands in the documents, or in a configuration for development: production may have one like it."""
    for file in repo.files(roles=(Role.DOCUMENTATION, Role.PRODUCTION, Role.EXAMPLE)):
        told = None
        if file.mentions(b"client_max_body_size", b"proxy_pass", b"uwsgi_pass") and not file.path.endswith((".py", ".js", ".ts", ".rb")):
            told = BODY_SIZE.search(file.text) or PASSES.search(file.text)
        if told:
            return Place(file.path, file.text.count("\n", 0, told.start()) + 1)
    return None


def _servers(repo: Repo) -> Iterator[Bound]:
    """Those that bound bodies unless told otherwise: mod_wsgi-express, and ingress-nginx."""
    for line in repo.fact(start_lines):
        if line.sure and MOD_WSGI.search(line.text):
            yield Bound("mod_wsgi-express takes 10 MB at most, its default", line.place, limits=True)
    for file in repo.files(".yml", ".yaml"):
        if file.mentions(b"Ingress") and not for_development(file.path) and INGRESS.search(file.text) and (found := INGRESS_NGINX.search(file.text)):
            place = Place(file.path, file.text.count("\n", 0, found.start(1)) + 1)
            yield Bound("ingress-nginx takes 1 MB at most, its default", place, limits=True)


def _others(repo: Repo) -> Iterator[Bound]:
    """Apache, uWSGI, Caddy and ingress-nginx."""
    for file in repo.files(".conf", ".ini", ".htaccess", "Caddyfile", ".yml", ".yaml"):
        if file.mentions(b"LimitRequestBody", b"limit-post", b"request_body", b"proxy-body-size") and (match := OTHERS.search(file.text)):
            yield Bound(f"`{match[1].strip()}`", Place(file.path, file.text[: match.start(1)].count("\n") + 1), limits=True)
