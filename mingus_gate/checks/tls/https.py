"""Whether certificates of others are checked, and visitors are kept on HTTPS."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import services
from mingus_gate.repo.deploy.nginx import ServerBlock, server_blocks
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.edges import edges
from mingus_gate.repo.web.https import Forced, forced
from mingus_gate.repo.web.verification import checks

VERIFICATION = Rule(
    "tls.verification",
    Severity.CRITICAL,
    "Certificates of others are checked",
    "Remove `verify=False`, `CERT_NONE` or what else is named; a private certificate authority is given as a file: "
    '`requests.get(url, verify="/etc/ssl/ca.pem")`, `ssl.create_default_context(cafile="/etc/ssl/ca.pem")`.',
    "calls of requests, httpx and aiohttp, `ssl` contexts and `sslmode` in served code",
    "Without the check anybody on the way can answer in the other's name, read the keys and change the data; encryption alone does not help.",
    "https://requests.readthedocs.io/en/latest/user/advanced/#ssl-cert-verification",
)
FORCED_HTTPS = Rule(
    "tls.forced-https",
    Severity.WARNING,
    "Plain HTTP is turned away",
    "Redirect at the proxy: `return 301 https://$host$request_uri;` in nginx, or in the application `Talisman(app)`.",
    "Talisman, SSLify and redirects before the request; nginx, Caddy, Traefik, Apache and ingress redirects; fly.toml, app.yaml, render.yaml",
    "The first request of a visitor who types the name goes out in plain text, with the cookie, for everybody on the network to read.",
    "https://flask.palletsprojects.com/en/stable/web-security/#security-headers",
)
HSTS = Rule(
    "tls.hsts",
    Severity.WARNING,
    "Browsers are told to stay on HTTPS",
    'Send the header at the proxy: `add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;`, or use `Talisman(app)`.',
    "`Strict-Transport-Security` in served code, nginx, Caddy, Traefik and Apache files; Talisman and SSLify",
    "A redirect can be stripped on the way. With the header the browser does not ask over plain HTTP again, for as long as max-age says.",
    "https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Strict-Transport-Security",
)

HALF_A_YEAR = 15_768_000


def verification(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(checks)
    for check in found:
        if check.on is None:
            yield unclear(f"{check.what}: {check.why}", check.place)
        elif check.on:
            yield holds(f"{check.what} {check.why}".strip(), check.place)
        else:
            yield broken(f"certificates are not checked ({check.what}){f' {check.why}' if check.why else ''}", check.place)
    if not found:
        yield from proven_absent(repo, VERIFICATION.looks_for)


def forced_https(repo: Repo) -> Iterator[Observation]:
    around = repo.fact(edges)
    redirecting = [e for e in around if e.redirects and e.hsts is None]
    yield from (holds(edge.name, edge.place) for edge in redirecting)
    mounted = [volume for service in repo.fact(services) for volume in service.volumes]
    in_application = any(f.redirects == Value((True,)) and not f.guard for f in repo.fact(forced))
    for edge in (e for e in around if not e.redirects and not in_application):
        if redirecting and not any(edge.place.path.rpartition("/")[2] in volume for volume in mounted):
            yield unclear(f"{edge.name} here, {redirecting[0].place} turns it away: which one is deployed?", edge.place)
        else:
            yield broken(edge.name, edge.place)
    for item in repo.fact(forced):
        if item.redirects is not None:
            yield from _forced(item, item.redirects, "HTTPS is forced", proxied=bool(redirecting))


def _forced(item: Forced, value: Value, what: str, *, proxied: bool) -> Iterator[Observation]:
    """What `force_https` or `strict_transport_security` of one place comes to."""
    if item.guard:
        yield unclear(f"{what} only where `{item.guard}`", item.place)
    elif value.fixed and value.literal is False:
        if not proxied:
            yield unclear(f"{item.name} leaves it to a proxy, and no proxy in the tree sees to it", item.place)
    elif value.may_be(lambda v: not v):
        yield broken(f"{what} only when {' or '.join(value.env)} is set" if value.env else f"{what} only sometimes", item.place)
    elif value.unresolved:
        yield unclear(f"{what} where `{value.unresolved}`", item.place)
    else:
        yield holds(f"{what} by {item.name}", item.place)


def hsts(repo: Repo) -> Iterator[Observation]:
    sending = [e for e in repo.fact(edges) if e.hsts is not None]
    yield from (_long_enough(edge.name, edge.hsts, edge.place) for edge in sending)
    found = [item for item in repo.fact(forced) if item.hsts is not None]
    for item in found:
        decided = list(_forced(item, item.hsts or Value(), "HSTS is sent", proxied=bool(sending)))
        yield from [_long_enough(f"HSTS is sent by {item.name}", item.seconds, item.place)] if decided and decided[0].holds else decided
    if not sending and not found:
        for block in repo.fact(server_blocks):
            if block.tls and block.passes_on:
                yield broken("TLS is served without the Strict-Transport-Security header", listens_at(block))


def _long_enough(name: str, seconds: int | None, place: Place) -> Observation:
    if seconds is None:
        return holds(name, place)
    if seconds < HALF_A_YEAR:
        return broken(f"HSTS lasts {seconds} s, less than half a year", place, max_age=seconds, threshold=HALF_A_YEAR)
    return holds(f"{name} (max-age {seconds})", place, max_age=seconds)


def listens_at(block: ServerBlock) -> Place:
    """The line that a server block of nginx is named by."""
    return next((d.place for d in block.directives if d.name == "listen"), block.place)


RULES = {
    VERIFICATION: verification,
    FORCED_HTTPS: forced_https,
    HSTS: hsts,
}
