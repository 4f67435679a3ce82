"""Proxies in front of the application as facts, and how the application learns from them who its client is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nginx import server_blocks
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import Module, keyword, string, walk
from mingus_gate.repo.web.edges import edges

FIXES = ("werkzeug.middleware.proxy_fix.ProxyFix", "werkzeug.contrib.fixers.ProxyFix")
HEADER = re.compile(r"^(http_)?x[-_]forwarded[-_]for$", re.IGNORECASE)
OTHER_HEADERS = re.compile(r"^(http_)?(x[-_]real[-_]ip|cf[-_]connecting[-_]ip|true[-_]client[-_]ip|x[-_]forwarded[-_]for)$", re.IGNORECASE)
ADDRESS = re.compile(r"(^|\.)request\.remote_addr$|(^|\.)get_remote_address$")
FIRST = re.compile(r"(split|partition)\([^()]*\)\[0\]$")


@dataclass(frozen=True, slots=True)
class Fix:
    """A `ProxyFix`. `count` is how many proxies it counts for the address; empty where that could not be told."""

    place: Place
    count: str


def proxy_fixes(repo: Repo) -> list[Fix]:
    """Every ProxyFix of served code."""
    found = []
    for module, call in repo.calls(*FIXES, served=True):
        given = keyword(call, "x_for", "num_proxies") or (call.args[1] if len(call.args) > 1 else None)
        if isinstance(given, ast.Starred):
            found.append(Fix(module.place(call), "as many proxies as the configuration says"))
            continue
        value = repo.resolve(module, given) if given is not None else None
        if value is None:
            count = "1 proxy (the default)"
        elif value.fixed:
            count = f"{value.literal} prox{'y' if value.literal == 1 else 'ies'}"
        else:
            count = f"as many proxies as {' or '.join(value.env) or 'the configuration'} says"
        found.append(Fix(module.place(call), count))
    return sorted(found, key=lambda fix: fix.place)


def believed_headers(repo: Repo) -> list[Place]:
    """Where served code takes the first entry of X-Forwarded-For, which the client writes, for the client's address."""
    return sorted(
        module.place(node)
        for module in repo.python(b"orwarded", b"ORWARDED", b"access_route", served=True)
        for node in _first_entries(module)
        if not only_for_tests(module, node)
    )


def _first_entries(module: Module) -> Iterator[ast.AST]:
    for node in module.nodes(ast.Subscript):
        text = ast.unparse(node)
        of_header = FIRST.search(text) and any(HEADER.match(string(inner) or "") for inner in walk(node))
        if re.search(r"request\.access_route\[0\]$", text) or of_header:
            yield node


def other_headers(repo: Repo) -> Place | None:
    """Where served code reads another header that a proxy writes the client's address to, or the whole of X-Forwarded-For."""
    for module in repo.python(b"eal-I", b"EAL_I", b"onnecting-I", b"ONNECTING_I", b"orwarded", b"ORWARDED", b"orwarded_for", served=True):
        for node in module.nodes(ast.Constant):
            if OTHER_HEADERS.match(string(node) or "") and not only_for_tests(module, node):
                return module.place(node)
    return None


def asks_address(repo: Repo) -> Place | None:
    """Where served code asks for the client's address."""
    for module in repo.python(b"remote_addr", b"get_remote_address", served=True):
        for node in (*module.nodes(ast.Attribute), *module.nodes(ast.Call), *module.nodes(ast.Name)):
            if ADDRESS.search(module.name(node)) and not only_for_tests(module, node):
                return module.place(node)
    return None


def proxy_in_front(repo: Repo) -> tuple[str, Place] | None:
    """A proxy of the tree that hands requests on over HTTP: its kind and where."""
    for block in repo.fact(server_blocks):
        passed = next((d for d in block.directives if d.name == "proxy_pass"), None)
        if passed and not any(d.name in ("uwsgi_pass", "fastcgi_pass") for d in block.directives):
            return "nginx", passed.place
    for file in repo.files("Procfile"):
        if re.search(r"(?m)^web:", file.text) and "/" not in file.path:
            return "Heroku's router (Procfile)", Place(file.path, file.text[: file.text.index("web:")].count("\n") + 1)
    for edge in repo.fact(edges):
        if kind := re.match(r"Caddy|Traefik|(the )?ingress|Fly|Render", edge.name):
            return kind[0], edge.place
    return None
