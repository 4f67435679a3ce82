"""SQL as tokens and statements, as much of it as DDL needs. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.repo.migrations.standing import HOLE

TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<text>[eEnN]?'(?:[^'\\]|''|\\.)*')"
    rf"|(?P<quoted>\"[^\"]*\"|`[^`]*`|\[[A-Za-z_][\w ]*\](?!\[))"
    rf"|(?P<word>[\w{HOLE}]+)"
    r"|(?P<mark>::|[^\s])",
    re.DOTALL,
)
MAX_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Token:
    """A token. `word` is upper case for words and marks, empty for what is quoted; `value` is what it stands for."""

    kind: str
    value: str
    word: str


def statements(text: str) -> Iterator[list[Token]]:
    """The statements of a text. The body of a trigger, `BEGIN … END`, does not end one."""
    current: list[Token] = []
    depth = begun = 0
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        in_trigger = len(current) > 1 and current[0].word == "CREATE" and any(t.word in ("TRIGGER", "PROCEDURE", "FUNCTION") for t in current[1:4])
        if in_trigger and token.word in ("BEGIN", "CASE"):
            begun += 1
        elif begun and token.word == "END":
            begun -= 1
        if token.word == ";" and depth <= 0 and not begun:
            if current:
                yield current
            current, depth = [], 0
        else:
            current.append(token)
    if current:
        yield current


def tokens(text: str) -> Iterator[Token]:
    """The tokens, comments left out; unquoted names in lower case, as PostgreSQL keeps them."""
    for number, match in enumerate(TOKEN.finditer(text)):
        kind, found = match.lastgroup or "", match[0]
        if kind == "tag" or match["body"] is not None:
            tag = len(match["tag"] or "") + 2
            yield Token("body", found[tag:-tag], "")
        elif kind == "text":
            yield Token(kind, found[found.index("'") + 1 : -1].replace("''", "'"), "")
        elif kind == "quoted":
            yield Token(kind, found[1:-1], "")
        elif kind in ("word", "mark"):
            yield Token(kind, found.lower(), found.upper())
        if number > MAX_TOKENS:
            return


class Cursor:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens, self.at = found, 0

    @property
    def word(self) -> str:
        """The next word in upper case; empty at the end and before what is quoted."""
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def take(self, *words: str) -> bool:
        """Passes the given words, if they come next in a row."""
        ahead = [t.word for t in self.tokens[self.at : self.at + len(words)]]
        if ahead == list(words):
            self.at += len(words)
            return True
        return False

    def take_one(self, *words: str) -> str:
        """Passes one of the given words, if it comes next."""
        found = self.word if self.word in words else ""
        self.at += bool(found)
        return found

    def name(self) -> str:
        """A name, with the schema in front where there is one; empty where none comes."""
        parts: list[str] = []
        while not self.done and self.tokens[self.at].kind in ("word", "quoted", "text"):
            parts.append(self.tokens[self.at].value)
            self.at += 1
            if not self.take("."):
                break
        return ".".join(parts)

    def group(self) -> list[list[Token]]:
        """The parts between commas of `( … )` that comes next; nothing where none does."""
        if not self.take("("):
            return []
        parts: list[list[Token]] = [[]]
        depth = 1
        while not self.done:
            token = self.tokens[self.at]
            self.at += 1
            depth += {"(": 1, ")": -1}.get(token.word, 0)
            if depth == 0:
                break
            if token.word == "," and depth == 1:
                parts.append([])
            else:
                parts[-1].append(token)
        return [part for part in parts if part]

    def rest(self) -> list[Token]:
        found = self.tokens[self.at :]
        self.at = len(self.tokens)
        return found

    def actions(self) -> list[Cursor]:
        """What is left, split at the commas outside brackets."""
        parts: list[list[Token]] = [[]]
        depth = 0
        for token in self.rest():
            depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(token.word, 0)
            if token.word == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(token)
        return [Cursor(part) for part in parts if part]
