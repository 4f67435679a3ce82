"""Database dumps and database files in the tree: told by their bytes, told apart from schemas, seeds and fixtures."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mingus_gate.model import Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import role_of

NAME = re.compile(r"\.(sql|dump|pgdump|sqlite3?|db|db3|bak|backup|rdb|mdb)(\.(gz|bz2|xz|zip|zst))?$|dump[^/]*\.gz$", re.IGNORECASE)
HEAD = 2 * 1024 * 1024
"""Bytes of a file that are looked at: where a dump names its tables and first rows."""
PEOPLE_NAMES = rb"(?:user|account|customer|member|person|people|patient|employee|subscriber|order|payment|invoice|session)"
PEOPLE = rb"[`\"\[]?(?:public|dbo)?[`\"\]]?\.?[`\"\[]?\w{0,60}" + PEOPLE_NAMES + rb"\w{0,60}"
DUMP_HEADER = re.compile(
    rb"-- (PostgreSQL database (cluster )?dump|(MySQL|MariaDB) dump|phpMyAdmin SQL Dump|Dumped (from|by))|/\*!M?\d+ SET |mysqldump|pg_dump"
)
SQL_ROWS = re.compile(
    rb"(?im)^(?:COPY\s+" + PEOPLE + rb"[`\"\]]?\s*\([^)]*\)\s+FROM\s+stdin;\r?\n(?!\\\.)|INSERT\s+INTO\s+" + PEOPLE + rb"[`\"\]]?[\s(])"
)
ANY_ROWS = re.compile(rb"(?im)^(?:COPY\s+\S+\s*\([^)]*\)\s+FROM\s+stdin;\r?\n(?!\\\.)|INSERT\s+INTO\s)")
EMAIL = re.compile(rb"[\w.+-]{2,64}@(?!example\.|localhost)(?:[\w-]{1,63}\.){1,4}(?!example|test|invalid)[a-z]{2,20}(?!\w)", re.IGNORECASE)
PASSWORD_HASH = re.compile(rb"\$2[aby]\$\d\d\$[./\w]{20}|pbkdf2:sha\d+|scrypt:\d+|\$argon2|bcrypt_sha256\$")
PEOPLE_TABLE = re.compile(rb"(?i)CREATE TABLE (IF NOT EXISTS )?" + PEOPLE)
TEST_DATA = re.compile(r"(^|[/_.-])(seeds?|fixtures?|samples?|examples?|demo|test\w*|mock\w*|initdb|init)([/_.-]|\d|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A dump or database file. `people` says what shows that it holds people's data; "" where nothing does."""

    path: str
    kind: str
    people: str
    rows: bool


def dump_files(repo: Repo) -> list[DumpFile]:
    """Every tracked dump and database file but those of tests, examples and other people's code."""
    found = []
    for path, head in _candidates(repo):
        if not TEST_DATA.search(path) and (dump := _read(path, _unpacked(head))):
            found.append(dump)
    return found


def _candidates(repo: Repo) -> Iterator[tuple[str, bytes]]:
    """(path, first bytes); files too large to be taken into the tree are looked at too: the largest dumps are the worst."""
    for file in repo.files(roles=(Role.PRODUCTION, Role.DOCUMENTATION, Role.GENERATED)):
        if NAME.search(file.path):
            yield file.path, file.data[:HEAD]
    for skipped in repo.tree.skipped:
        if skipped.reason.startswith("larger") and NAME.search(skipped.path) and role_of(skipped.path) in (Role.PRODUCTION, Role.GENERATED):
            yield skipped.path, _first_bytes(repo.root / skipped.path)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""


def _unpacked(head: bytes) -> bytes:
    """What a gzip file holds, up to the bytes looked at; anything else as it is."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD)
    except zlib.error:
        return b""


def _read(path: str, data: bytes) -> DumpFile | None:
    if data.startswith(b"SQLite format 3\0"):
        people = _people(data) if PEOPLE_TABLE.search(data) else ""
        return DumpFile(path, "SQLite database", people, rows=len(data) > 4096)
    if data.startswith(b"PGDMP"):
        return DumpFile(path, "PostgreSQL dump", "table data of people" if _archived_people(data) else "", b"TABLE DATA" in data)
    if data.startswith(b"REDIS0"):
        return DumpFile(path, "Redis dump", "", rows=len(data) > 200)
    if b"\0" in data[:512] or not DUMP_HEADER.search(data[:20_000]):
        return None
    rows = SQL_ROWS.search(data)
    people = _people(data[rows.start() :]) if rows else ""
    return DumpFile(path, "SQL dump", people, bool(rows or ANY_ROWS.search(data)))


def _archived_people(data: bytes) -> bool:
    return b"TABLE DATA" in data and bool(re.search(rb"(?i)\b\w*(user|account|customer|member|patient|order|payment)s?\b", data))


def _people(data: bytes) -> str:
    """What shows people's data: e-mail addresses or password hashes. Their number is all that is ever told."""
    hashes = len(set(PASSWORD_HASH.findall(data))) and len(PASSWORD_HASH.findall(data))
    emails = len(set(EMAIL.findall(data)))
    if hashes:
        return f"{hashes} password hash{'es' if hashes > 1 else ''}"
    return f"{emails} e-mail address{'es' if emails > 1 else ''}" if emails else ""
