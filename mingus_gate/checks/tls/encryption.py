"""Whether connections are encrypted, with a key that nobody can read and no withdrawn protocol."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.checks.tls.https import listens_at
from mingus_gate.model import Observation, Place, Role, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.connections import addresses, connections
from mingus_gate.repo.deploy.nginx import server_blocks
from mingus_gate.repo.env.private_keys import private_keys
from mingus_gate.repo.flask.app import apps, proven_absent

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

OLD = {"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"}
KEY_PATTERNS = {"*.pem", "*.key", "*.p12", "*.pfx"}


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
            yield told or unclear("no ssl_protocols: nginx before 1.27.3 offers TLS 1.0 and 1.1", listens_at(block))
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


RULES = {
    ENCRYPTED_CONNECTIONS: encrypted_connections,
    PRIVATE_KEY: private_key,
    NGINX_PROTOCOLS: nginx_protocols,
}
