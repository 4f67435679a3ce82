"""Is traffic encrypted by a certificate that will hold?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mingus_gate.model import Check, Observation, Place, Role, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.connections import addresses, connections
from mingus_gate.repo.deploy import services
from mingus_gate.repo.deploy.nginx import ServerBlock, server_blocks
from mingus_gate.repo.env.private_keys import private_keys
from mingus_gate.repo.flask.app import apps, proven_absent
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.edges import edges
from mingus_gate.repo.web.https import Forced, forced
from mingus_gate.repo.web.verification import checks
from mingus_gate.target import Target, is_local, shown

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
ENCRYPTED_CONNECTIONS = Rule(
    "tls.encrypted-connections",
    Severity.WARNING,
    "Database and Redis on other hosts are spoken to over TLS",
    'Ask for it in the engine options, `"connect_args": {"sslmode": "require"}` (better `verify-full`), or end the address with `?sslmode=require`; '
    "write `rediss://…?ssl_cert_reqs=required` for Redis.",
    "addresses of other hosts in the production configuration and compose files, `connect_args`, `ssl_cert_reqs`",
    "Between two hosts the password and every row cross a network; PostgreSQL's default `prefer` falls back to plain text without a word.",
    "https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION",
)
PRIVATE_KEY = Rule(
    "tls.private-key",
    Severity.CRITICAL,
    "No private key is in the tree",
    "Make a new key, mount it at run time, run `git rm --cached FILE`, take it out of the history, and add `*.pem` and `*.key` to .gitignore.",
    "PEM blocks of private keys in tracked text, and the .gitignore lines that keep them out",
    "Whoever has the repository can pose as the server or sign in its name. Deleting the file is not enough: its history keeps the key.",
    "https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns",
)
NGINX_PROTOCOLS = Rule(
    "tls.nginx-protocols",
    Severity.WARNING,
    "No old TLS version is offered",
    "Write `ssl_protocols TLSv1.2 TLSv1.3;` in the http or server block.",
    "`ssl_protocols` and TLS server blocks of nginx files, `SSLProtocol` of Apache files",
    "TLS 1.0 and 1.1 were withdrawn in 2021 (RFC 8996), SSLv3 in 2015; card payments may not use them.",
    "https://datatracker.ietf.org/doc/html/rfc8996",
)
HALF_A_YEAR = 15_768_000
OLD = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"}
KEY_PATTERNS = {"*.pem", "*.key", "*.p12", "*.pfx"}
CERTIFICATE = Rule(
    "tls.certificate",
    Severity.CRITICAL,
    "The certificate is trusted, names the host and will hold",
    "Renew the certificate and let it renew itself (certbot, ACME, your cloud's managed certificates).",
    "the certificate at MINGUS_BASE_URL",
    "On the day it expires, or where its chain is broken, every browser refuses the application.",
    "https://letsencrypt.org/docs/integration-guide/#when-to-renew",
)
LEAST_DAYS = 30
"""Days a certificate must still hold; of a short-lived one a third of its life (Let's Encrypt's advice on renewal)."""


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
                yield broken("TLS is served without the Strict-Transport-Security header", _listen(block))


def _long_enough(name: str, seconds: int | None, place: Place) -> Observation:
    if seconds is None:
        return holds(name, place)
    if seconds < HALF_A_YEAR:
        return broken(f"HSTS lasts {seconds} s, less than half a year", place, max_age=seconds, threshold=HALF_A_YEAR)
    return holds(f"{name} (max-age {seconds})", place, max_age=seconds)


def _listen(block: ServerBlock) -> Place:
    return next((d.place for d in block.directives if d.name == "listen"), block.place)


def encrypted_connections(repo: Repo) -> Iterator[Observation]:
    seen = repo.fact(connections)
    for connection in seen:
        yield (holds if connection.encrypted else broken)(connection.what, connection.place)
    given = repo.fact(addresses)
    outside = next(((value.env[0], place) for value, place in given if value.env and not value.unresolved), None)
    if outside and not seen:
        yield unclear(f"the address comes from {outside[0]}", outside[1])
    if not given and not seen:
        yield from proven_absent(repo, ENCRYPTED_CONNECTIONS.looks_for)


def private_key(repo: Repo) -> Iterator[Observation]:
    found = [key for key in private_keys(repo) if not key.for_tests or key.used]
    for key in found:
        if key.encrypted:
            yield unclear(f"an encrypted {key.kind} is tracked; whether its passphrase is too cannot be told", key.place)
        else:
            used = f", used at {key.used}" if key.used else ""
            yield broken(f"a private key is tracked ({key.kind}){used}", key.place)
    ignored = [(file, n, line) for file in repo.files(".gitignore") for n, line in enumerate(file.lines, 1) if line.strip() in KEY_PATTERNS]
    for file, number, line in ignored[:1]:
        yield holds(f"git ignores {line.strip()}", Place(file.path, number))
    if not ignored and not found:
        yield from proven_absent(repo, f"PEM private keys in {len(repo.tree.files)} files")


def nginx_protocols(repo: Repo) -> Iterator[Observation]:
    found = False
    for block in repo.fact(server_blocks):
        directives = block.all("ssl_protocols")
        includes = [d for d in (*block.directives, *block.above) if d.name == "include" and "letsencrypt" in " ".join(d.args)]
        for directive in directives:
            found = True
            yield _protocols(directive.args, directive.place)
        if block.tls and not directives:
            found = True
            told = holds("certbot's options offer TLS 1.2 and 1.3", includes[0].place) if includes else None
            yield told or unclear("no ssl_protocols: nginx before 1.27.3 offers TLS 1.0 and 1.1", _listen(block))
    for file in repo.files(".conf", ".conf.j2", roles=(Role.PRODUCTION,)):
        for number, line in enumerate(file.lines, 1) if file.mentions(b"SSLProtocol") else ():
            if match := re.match(r"\s*SSLProtocol\s+(.+)", line):
                found = True
                yield _apache_protocols(match[1].split(), Place(file.path, number))
    if not found and repo.fact(apps) and not repo.fact(server_blocks):
        yield from proven_absent(repo, NGINX_PROTOCOLS.looks_for)


def _protocols(names: tuple[str, ...], place: Place) -> Observation:
    if any("$" in name or "{" in name for name in names):
        return unclear(f"ssl_protocols is `{' '.join(names)[:60]}`", place)
    old = [name for name in names if name in OLD]
    if old:
        return broken(f"{', '.join(old)} {'is' if len(old) == 1 else 'are'} offered", place, protocols=list(names))
    return holds(f"only {' and '.join(names)}", place, protocols=list(names))


def _apache_protocols(words: list[str], place: Place) -> Observation:
    offered = set(OLD | {"TLSv1.2", "TLSv1.3"}) - {"TLSv1.0", "SSLv2"} if any(w.lower() in ("all", "+all") for w in words) else set()
    for word in words:
        offered = offered - {word[1:]} if word.startswith("-") else offered | ({word.lstrip("+")} if word.lower() not in ("all", "+all") else set())
    return _protocols(tuple(sorted(offered)), place)


def certificate(target: Target) -> Iterator[Observation]:
    """One verified TLS handshake; nothing is sent over it."""
    import socket
    import ssl

    parts = urlsplit(target.given("MINGUS_BASE_URL"))
    address = f"{parts.hostname}:{parts.port or 443}"
    if parts.scheme != "https" and is_local(parts.hostname or ""):
        yield unclear("an address of this machine says nothing about TLS", address=address)
        return
    if parts.scheme != "https":
        yield broken("the application's address is not https", address=shown(target.given("MINGUS_BASE_URL")))
        return
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), target.connect_timeout) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as encrypted,
        ):
            given = encrypted.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield broken(f"the certificate is not trusted: {error.verify_message}", address=address)
    except OSError as error:
        yield unclear(f"no TLS connection ({type(error).__name__})", address=address)
    else:
        yield _remaining(given, address)


def _remaining(given: Mapping[str, Any], address: str) -> Observation:
    import ssl

    begin, end = (ssl.cert_time_to_seconds(str(given[key])) for key in ("notBefore", "notAfter"))
    left, needed = (end - time.time()) / 86400, min(LEAST_DAYS, (end - begin) / 86400 / 3)
    evidence: dict[str, Any] = {"days_left": round(left, 1), "threshold_days": round(needed, 1)}
    if left < needed:
        return broken(f"the certificate ends in {left:.0f} days; {needed:.0f} are needed", address=address, **evidence)
    return holds(f"trusted, and holds for {left:.0f} days", address=address, **evidence)


CHECK = Check(
    "tls",
    "TLS",
    "Is traffic encrypted by a certificate that will hold?",
    weight=3,
    static={
        VERIFICATION: verification,
        FORCED_HTTPS: forced_https,
        HSTS: hsts,
        ENCRYPTED_CONNECTIONS: encrypted_connections,
        PRIVATE_KEY: private_key,
        NGINX_PROTOCOLS: nginx_protocols,
    },
    live={CERTIFICATE: certificate},
)
