"""Texts, flags and calls as they are written."""

from __future__ import annotations

import ast
import re

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, string
from mingus_gate.repo.schema.lookup import last_name

PLAIN_FIELD = re.compile(r"\{\w*\}")


def text_of(repo: Repo, module: Module, node: ast.expr | None) -> str | None:
    """The text of an expression; `op.f("…")` and `quoted_name("…", True)` are the text they are given."""
    if isinstance(node, ast.Constant):
        return string(node)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format" and (pattern := string(node.func.value)):
            return _formatted(repo, module, pattern, node)
        return text_of(repo, module, node.args[0]) if node.args and last_name(module, node) in ("f", "quoted_name", "conv") else None
    literal = repo.resolve(module, node).literal if node is not None else None
    return literal if isinstance(literal, str) else None


def _formatted(repo: Repo, module: Module, pattern: str, call: ast.Call) -> str | None:
    """`"{}.{}".format("users", "id")`, all of it texts."""
    texts = [text_of(repo, module, argument) for argument in call.args]
    named = {word.arg or "": text_of(repo, module, word.value) for word in call.keywords}
    if "{" in PLAIN_FIELD.sub("", pattern) or None in texts or None in named.values():
        return None
    try:
        return pattern.format(*texts, **named)
    except (IndexError, KeyError, ValueError):
        return None


def flag(repo: Repo, module: Module, node: ast.expr | None, default: bool | None) -> bool | None:
    if node is None:
        return default
    literal = node.value if isinstance(node, ast.Constant) else repo.resolve(module, node).literal
    return literal if isinstance(literal, bool) else bool(literal) if isinstance(literal, int) else None


def is_call(module: Module, call: ast.Call, name: str) -> bool:
    return last_name(module, call) == name


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
