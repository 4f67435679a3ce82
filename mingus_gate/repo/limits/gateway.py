"""Limits set in front of the application: nginx, ingress, API gateways and firewalls, read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

NGINX = re.compile(r"(^|/)nginx[^/]*$|(^|/)nginx/|\.(conf|nginx|vhost)(\.|$)|(^|/)sites-(available|enabled)/", re.IGNORECASE)
OTHERS = re.compile(
    rb"nginx\.ingress\.kubernetes\.io/limit-(rps|rpm|connections)|traefik\.http\.middlewares\.[\w-]+\.ratelimit|^\s*rateLimit:\s*$"
    rb"|name:\s*rate-limiting\b|rate_based_statement|RateBasedStatement|cloudflare_rate_limit|http_req_rate\(|envoy\.filters\.http\.(local_)?ratelimit"
    rb"|throttling_(rate|burst)_limit|ThrottlingRateLimit|azurerm_api_management\w*rate|<rate-limit\b",
    re.MULTILINE,
)
MENTIONS = (b"limit-", b"rate", b"Rate", b"throttl", b"Throttl")
SUFFIXES = (".yml", ".yaml", ".tf", ".json", ".toml", ".xml", ".cfg", ".conf", "Caddyfile")
ROLES = (Role.PRODUCTION, Role.EXAMPLE)  # nginx.conf.template is what production fills in


@dataclass(frozen=True, slots=True)
class GatewayLimit:
    """A limit in front of the application. `location` is the path it covers, a regular expression after `~`; empty is all."""

    place: Place
    kind: str
    location: str = ""

    def covers(self, path: str) -> bool:
        if not self.location.startswith("~"):
            return path.startswith(self.location.removeprefix("="))
        try:
            return bool(re.search(self.location.lstrip("~* "), path))
        except re.error:
            return False


def gateway_limits(repo: Repo) -> list[GatewayLimit]:
    """Every request limit that a configuration file of the tree sets."""
    found: list[GatewayLimit] = []
    for file in repo.files(roles=ROLES):
        if NGINX.search(file.path) and file.mentions(b"limit_req"):
            found += _nginx(file)
        elif file.path.endswith(SUFFIXES) and file.mentions(*MENTIONS) and (match := OTHERS.search(file.data)):
            found.append(GatewayLimit(Place(file.path, file.data[: match.start()].count(b"\n") + 1), match[0].decode("utf-8", "replace").strip()))
    return found


def _nginx(file: File) -> Iterator[GatewayLimit]:
    """`limit_req` directives with the location around each."""
    blocks: list[str] = []
    for number, raw in enumerate(file.lines, 1):
        line = raw.partition("#")[0].strip()
        if re.match(r"limit_req\s", line):
            place = Place(file.path, number, raw.index("limit_req") + 1)
            yield GatewayLimit(place, "nginx limit_req", next((b for b in reversed(blocks) if b), ""))
        opened = re.match(r"location\s+((?:=|~\*?|\^~)?\s*\S+)\s*\{", line)
        for brace in re.findall(r"[{}]", line):
            if brace == "{":
                blocks.append(re.sub(r"^\^~\s*|\s+", "", opened[1]) if opened else "")
            elif blocks:
                blocks.pop()
