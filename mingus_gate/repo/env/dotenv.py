"""Env files as facts, read line by line as python-dotenv and Docker Compose read them. Standard library only: commit hooks ask."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

NAME = re.compile(
    r"\.env(rc)?$|\.flaskenv$|\.env[._-][\w.-]+$"
    r"|^env[._-](example|sample|template|dist|default|prod|staging|local|dev|test)\w*([._-]\w+)*$",
    re.IGNORECASE,
)
NOT_ENV = re.compile(
    r"\.(py|pyi|[cm]?[jt]sx?|md|rst|html?|json|ya?ml|toml|ini|sh|bat|ps1|go|rb|php|java|css|vault|enc|gpg|age|asc|png|svg)$", re.IGNORECASE
)
EXAMPLE = re.compile(r"(^|[._-])(example|sample|template|dist|tpl|tmpl|defaults?|schema|skel|j2|jinja2?|erb)([._-]|$)", re.IGNORECASE)
FOR_TESTS = re.compile(r"(^|[/._-])(tests?|testing|ci|e2e|dev|devel|develop|development|debug|sandbox|playwright|cypress)([/._-]|$)", re.IGNORECASE)

IGNORES_ENV = re.compile(r"/?(\*\*/)?(\.env|\.env\*|\*\.env|\.env\.\*)\s*$")
LINE = re.compile(r"\s*(?:export\s+)?(?P<key>[A-Za-z_][\w.-]*)\s*(?P<equals>=)?[ \t]*(?P<value>.*)", re.DOTALL)
MAX_LINES = 200
"""A quoted value that spans more has a quote that was not meant."""
COMMENTED = re.compile(r"\s*#+\s*(?:export\s+)?([A-Z][A-Z0-9_]+)\s*=")


@dataclass(frozen=True, slots=True)
class Entry:
    """One `KEY=value`; the value is as given, without quotes and comment."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Lines:
    """What a text holds: entries, keys that are only named in comments (`# KEY=`), and lines that are neither."""

    entries: tuple[Entry, ...]
    commented: frozenset[str]
    bad: tuple[tuple[int, str], ...]


@dataclass(frozen=True, eq=False)
class EnvFile:
    """An env file of the tree. `kind` is example (to be copied), test (for tests and development) or plain."""

    file: File
    kind: str
    lines: Lines = field(repr=False)

    def place(self, line: int) -> Place:
        return Place(self.file.path, line)


def env_files(repo: Repo) -> list[EnvFile]:
    """Every env file but vendored ones, in path order."""
    return [
        EnvFile(file, _kind(file), parse(file.text))
        for file in repo.tree
        if file.role is not Role.VENDORED and NAME.search(file.name) and not NOT_ENV.search(file.name) and not file.binary
    ]


def parse(text: str) -> Lines:
    """The entries of an env file. A quoted value may span lines."""
    entries: list[Entry] = []
    commented: set[str] = set()
    bad: list[tuple[int, str]] = []
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if not line.strip() or line.lstrip().startswith("#"):
            commented.update(match[1] for match in [COMMENTED.match(line)] if match)
            continue
        match = LINE.fullmatch(line)
        if match is None or (not match["equals"] and match["value"].strip()):
            bad.append((number, "not of the form KEY=value"))
        elif match["value"][:1] in ("'", '"'):
            value, used = _quoted(match["value"], lines[index : index + MAX_LINES])
            if value is None:
                bad.append((number, "a quote is not closed"))
            else:
                entries.append(Entry(match["key"], value, number))
                index += used
        else:
            value = "" if match["value"].startswith("#") else re.split(r"\s+#", match["value"])[0]
            entries.append(Entry(match["key"], value.strip(), number))
    return Lines(tuple(entries), frozenset(commented), tuple(bad))


def _quoted(first: str, following: list[str]) -> tuple[str | None, int]:
    """The value in quotes that starts `first`, and how many of the following lines it takes; None where it does not end."""
    quote = first[0]
    end = re.compile(rf"((?:\\.|[^\\{quote}])*){quote}", re.DOTALL)
    text = first[1:]
    for used in range(len(following) + 1):
        if used:
            text += "\n" + following[used - 1]
        if quote in (following[used - 1] if used else text) and (match := end.match(text)):
            return match[1], used
    return None, 0


def _kind(file: File) -> str:
    if file.role is Role.TEST:
        return "test"
    if file.role is Role.EXAMPLE or EXAMPLE.search(file.name):
        return "example"
    return "test" if FOR_TESTS.search(file.path) or file.name == ".flaskenv" else "plain"


def ignored_at(repo: Repo) -> Place | None:
    """The line of a .gitignore that keeps `.env` out of the tree."""
    for file in repo.tree:
        if file.name == ".gitignore":
            for number, line in enumerate(file.lines, 1):
                if IGNORES_ENV.fullmatch(line):
                    return Place(file.path, number)
    return None


def secret_entries(file: EnvFile) -> list[tuple[str, int]]:
    """The keys whose values are secrets, and their lines: by name, or by the shape of the value."""
    from mingus_gate.repo.env.secrets import find_secrets, is_placeholder  # here: a hook that asks for entries alone
    from mingus_gate.repo.env.variables import names_secret  # loads a third fewer modules

    found = []
    for entry in file.lines.entries:
        name = entry.key.upper()
        if (names_secret(name) and not is_placeholder(entry.value) and not is_harmless(entry.value)) or next(
            find_secrets(entry.value.encode()), None
        ):
            found.append((entry.key, entry.line))
    return found


def is_harmless(value: str) -> bool:
    """A path, a plain address, a number or a switch under a secret's name."""
    return re.fullmatch(r"[\w.~-]*(/[\w.-]+)+/?|https?://[^@\s]*|true|false|[\d.:]+", value) is not None
