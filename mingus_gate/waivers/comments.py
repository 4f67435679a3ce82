"""The waivers in comments of the code: `mingus: accept RULE -- reason`."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import NamedTuple

from mingus_gate.model import Place, Role, Waiver
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File
from mingus_gate.waivers.table import one_line

COMMENT = re.compile(r"(?:(?<!#)#+|//|;|<!--|/\*)\s*mingus:\s*accept(?![\w-])")
"""How a comment that accepts begins, in Python, YAML, Dockerfiles, nginx and shell (`#`), INI (`;`), JavaScript, HTML and CSS."""

CLOSES = re.compile(r"-->|\*/|#\}")
NEWLINE = re.compile(r"(\r\n|\r|\n)")
ACCEPTED = re.compile(r"\s+(?P<rule>\S+)(?:\s+until\s+(?P<until>\S+))?\s+(?:--|—|–)\s*(?P<reason>\S.*)")
ENDS = re.compile(r"\buntil (\d{4}-\d\d-\d\d)\W*$")
FORM = "write `mingus: accept RULE -- reason` or `mingus: accept RULE until 2026-12-31 -- reason`"

STATEMENTS = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)
"""Those that have no block."""


def accepted(repo: Repo, files: Iterable[File]) -> list[Waiver]:
    """Those in comments of `files`, which are taken out of the text that rules will see: a reason may hold words they look for."""
    found: list[Waiver] = []
    for file in files:
        if file.role in (Role.VENDORED, Role.GENERATED):  # nobody writes comments there
            continue
        with suppress(OSError):  # it is gone since it was listed: for the rules to tell
            if b"mingus:" in file.read():
                found += _taken_out(repo, file)
    return found


def _taken_out(repo: Repo, file: File) -> Iterator[Waiver]:
    text = file.read().decode("utf-8", "surrogateescape")  # what is not UTF-8 stays as it is
    if not COMMENT.search(text):
        return
    lines = NEWLINE.split(text)[::2]
    begins = _comment_columns(lines) if file.path.endswith(".py") else None
    said = [_on_line(line, 0 if begins is None else begins.get(number, len(line))) for number, line in enumerate(lines, 1)]
    alone = [bool(found) and not line[: found[0].start].strip() for found, line in zip(said, lines, strict=True)]
    file.data = _without(said, text).encode("utf-8", "surrogateescape")
    for number, found in enumerate(said, 1):
        # one that stands alone is for the line below; several may stand above one another
        below = next((n for n in range(number, len(alone)) if not alone[n]), number) + 1
        targets = (below,) if alone[number - 1] else (number, *_begun_above(repo, file, number)) if found else ()
        yield from (_of_comment(part.text, Place(file.path, number, part.start + 1), targets) for part in found)


class Said(NamedTuple):
    """A comment that accepts: where it stands in its line, and what follows its first words."""

    start: int
    end: int
    text: str


def _on_line(line: str, begin: int) -> list[Said]:
    found = list(COMMENT.finditer(line, begin))
    parts = []
    for match, following in zip(found, [*(m.start() for m in found[1:]), len(line)], strict=False):
        closed = CLOSES.search(line, match.end(), following)
        parts.append(Said(match.start(), closed.end() if closed else following, line[match.end() : closed.start() if closed else following].rstrip()))
    return parts


def _without(said: Sequence[Sequence[Said]], text: str) -> str:
    """The text with spaces in place of what is said."""
    pieces = NEWLINE.split(text)
    for number, found in enumerate(said):
        for part in found:
            line = pieces[2 * number]
            pieces[2 * number] = line[: part.start] + " " * (part.end - part.start) + line[part.end :]
    return "".join(pieces)


def _comment_columns(lines: Sequence[str]) -> dict[int, int] | None:
    """Where the comments of Python code begin, by line: its texts may hold what looks like one. None where it cannot be told."""
    source = iter([f"{line}\n" for line in lines])
    try:
        return {t.start[0]: t.start[1] for t in tokenize.generate_tokens(lambda: next(source, "")) if t.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None


def _begun_above(repo: Repo, file: File, line: int) -> list[int]:
    """Where the Python statement begins that ends on `line`: formatters move a comment behind the last bracket."""
    module = repo.module(file) if file.path.endswith(".py") else None
    return [node.lineno for node in module.nodes(*STATEMENTS) if node.lineno < line == node.end_lineno] if module else []


def _of_comment(said: str, place: Place, lines: tuple[int, ...]) -> Waiver:
    match = ACCEPTED.fullmatch(said)
    if not match:
        return Waiver(one_line(said).partition(" ")[0], "", "", None, place, place.path, lines=lines).unless([FORM])
    reason = one_line(match["reason"])
    until = match["until"] or (at_end[1] if (at_end := ENDS.search(reason)) else "")
    mistakes = []
    try:
        expires = date.fromisoformat(until) if until else None
    except ValueError:
        expires, mistakes = None, [f"`until` is not followed by a date: {FORM}"]
    return Waiver(one_line(match["rule"]), reason, "", expires, place, place.path, lines=lines).unless(mistakes)
