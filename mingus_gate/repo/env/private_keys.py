"""Private keys in the tree: PEM blocks whose content is a key, not a placeholder."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.tree import File

BLOCK = re.compile(
    rb"-----BEGIN (?P<kind>(?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY)-----"
    rb"(?P<body>(?:[A-Za-z0-9+/=\s\\\"',:.]|-(?!----)){1,20000})-----END (?P=kind)-----"
)
NOT_PRODUCTION = re.compile(
    r"localhost|snake-?oil|self-?signed|dummy|fake|mock|placeholder|(^|[/_.-])(test\w*|dev|demo|sample|example|fixtures?)([/_.-]|$)", re.IGNORECASE
)
SMALLEST = 40
"""Bytes of the smallest key that is one (an Ed25519 key in PKCS#8 has 48)."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key. `encrypted` needs a passphrase to be used; `used` is the deploy file that names it, or None."""

    kind: str
    place: Place
    encrypted: bool
    for_tests: bool
    used: Place | None = None


def private_keys(repo: Repo) -> list[PrivateKey]:
    """Every real private key in tracked text, but those of other people's code, in path and line order."""
    roles = (Role.PRODUCTION, Role.GENERATED, Role.TEST, Role.EXAMPLE, Role.DOCUMENTATION)
    return [key for file in repo.files(roles=roles) if file.fact(_holds_key) for key in _keys(repo, file)]


def _holds_key(file: File) -> bool:
    return b"PRIVATE KEY-----" in file.read()


def _keys(repo: Repo, file: File) -> Iterator[PrivateKey]:
    for match in BLOCK.finditer(file.data):
        body = match["body"]
        encrypted = match["kind"].startswith(b"ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in body
        if encrypted or _is_key(body):
            place = Place(file.path, file.data.count(b"\n", 0, match.start()) + 1)
            aside = file.role is not Role.PRODUCTION or for_development(file.path) or bool(NOT_PRODUCTION.search(file.path))
            yield PrivateKey(match["kind"].decode().lower(), place, encrypted, aside, _named_by(repo, file) if aside else None)


def _is_key(body: bytes) -> bool:
    """Whether the text between the marks decodes to what every key begins with."""
    text = re.sub(rb"\\[nr]|[\s\"',\\]|[A-Za-z-]+:[^\n]*", b"", body)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) >= SMALLEST and decoded.startswith((b"\x30", b"openssh-key-v1")) and len(set(decoded)) > 16


def _named_by(repo: Repo, key: File) -> Place | None:
    """Where production names the key by its path, in a deploy file or in served code: then it is in use, whatever its name says."""
    if "/" not in key.path or key.path.endswith(".py"):
        return None
    word = key.path.encode()
    code = (module.file for module in repo.python(word, served=True))
    deploys = (f for f in repo.files("Dockerfile", ".yml", ".yaml", ".service", ".conf", ".env.production") if f.mentions(word))
    for file in (*deploys, *code):
        if not for_development(file.path) and not NOT_PRODUCTION.search(file.path):
            for number, line in enumerate(file.lines, 1):
                if key.path in line.partition("#")[0] and f"{key.path}." not in line:
                    return Place(file.path, number)
    return None
