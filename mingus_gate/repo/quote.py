"""A line of the tree that may be shown to anybody: no secret can stand in what is left of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module

HARMLESS = re.compile(
    rb"""[rb]?(["'])(?:"""
    rb"""|\*"""
    rb"""|[A-Z][A-Z_]{1,40}"""  # an environment variable, a method
    rb"""|(?:/[a-z_<>:-]{0,30}){1,6}"""  # a route
    rb"""|[a-z+]{2,20}://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|cache|redis|db|postgres)?(?::\d{1,5})?(?:/\d{0,2})?"""
    rb"""|\d{1,5}(?:(?:\ per\ |/)\d{0,3}\ ?(?:second|minute|hour|day)s?)?"""
    rb""")\1"""
)
"""Texts that show what is meant and can be no secret."""

SPEAKS_OF_SECRETS = re.compile(rb"secret|passw|pwd|token|api_?key|private|credential|auth_?key", re.IGNORECASE)
LONG_NUMBER = 8
"""Digits; a longer number may be a key."""

WIDEST = 160


def quote(repo: Repo, place: Place) -> str:
    """The line at `place`, its texts blanked but for harmless ones, without comment and indentation.

    Only of Python, where what is a text is known: elsewhere any bare word may be a password. Empty where the line
    speaks of secrets, or cannot be told.
    """
    file = repo.file(place.path)
    module = repo.module(file) if file and file.path.endswith(".py") else None
    if module is None or not 0 < place.line <= len(module.file.lines):
        return ""
    line = module.file.lines[place.line - 1].encode("utf-8", "replace")
    shown, at = b"", 0
    for start, end in [*_literals(module, place.line, len(line)), (len(line), len(line))]:
        code, comment, _ = line[at:start].partition(b"#")
        literal = line[start:end]
        shown += code + (b"" if comment else literal if HARMLESS.fullmatch(literal) else b'"\xe2\x80\xa6"' if literal else b"")
        at = max(at, end)
        if comment:
            break
    text = " ".join(shown.decode("utf-8", "replace").split())
    if SPEAKS_OF_SECRETS.search(shown) or not re.search("[A-Za-z_]", text):  # or nothing is left that tells anything
        return ""
    return text if len(text) <= WIDEST else text[: WIDEST - 1].rstrip() + "…"


def _literals(module: Module, line: int, width: int) -> Iterator[tuple[int, int]]:
    """Where texts and long numbers stand on the line, in bytes, in order and apart."""
    found = []
    for node in module.nodes(ast.Constant, ast.JoinedStr):
        last = node.end_lineno or node.lineno
        if node.lineno <= line <= last and _hides(node):
            found.append((node.col_offset if node.lineno == line else 0, (node.end_col_offset or width) if last == line else width))
    at = 0
    for start, end in sorted(found):
        if end > at:
            yield max(start, at), end
            at = end


def _hides(node: ast.expr) -> bool:
    if not isinstance(node, ast.Constant) or isinstance(node.value, str | bytes):
        return True
    return isinstance(node.value, int | float | complex) and len(repr(node.value)) > LONG_NUMBER
