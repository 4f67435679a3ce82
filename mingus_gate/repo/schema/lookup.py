"""Names as models use them: through `from … import *`, and by their last part."""

from __future__ import annotations

import ast

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import Found, definition
from mingus_gate.repo.python import Module

MAX_STEPS = 4


def find(repo: Repo, module: Module, dotted: str) -> Found | None:
    """The function or class that a dotted name in `module` stands for, star imports followed."""
    if not dotted:
        return None
    found = definition(repo, module, dotted)
    if found:
        return found
    at = _start(repo, module, dotted)
    held = at and starred(repo, *at)
    return definition(repo, held[0], held[0].imports.get(held[1], held[1])) if held else None


def _start(repo: Repo, module: Module, dotted: str) -> tuple[Module, str] | None:
    if "." not in dotted:
        return module, dotted
    found = repo.module_of(dotted)
    return found if found and found[1] and "." not in found[1] else None


def starred(repo: Repo, module: Module, name: str, steps: int = MAX_STEPS) -> tuple[Module, str] | None:
    """The module that defines or imports `name`, of those that `module` takes everything from."""
    if name in module.imports or steps <= 0 or not module.file.mentions(b"import *"):
        return None
    for source in module.nodes(ast.ImportFrom):
        if any(alias.name == "*" for alias in source.names):
            found = repo.module_of(module.import_base(source))
            if found is None or found[1] or found[0] is module:
                continue
            if name in found[0].named or name in found[0].constants or name in found[0].imports:
                return found[0], name
            if deeper := starred(repo, found[0], name, steps - 1):
                return deeper
    return None


def last_name(module: Module, node: ast.AST) -> str:
    """The last part of what an expression, or the call of it, stands for: `Column` of `sa.Column(…)`."""
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute):
        return called.attr
    return module.imports.get(called.id, called.id).rpartition(".")[2] if isinstance(called, ast.Name) else ""


def is_file(repo: Repo, dotted: str) -> bool:
    """Whether a dotted name is a file of the tree; asked of every `db` of a `db.Integer`, so it is remembered."""
    known = repo.fact(_known_files)
    if dotted not in known:
        known[dotted] = repo.python_file(dotted.split(".")) is not None
    return known[dotted]


def _known_files(_repo: Repo) -> dict[str, bool]:
    """Dotted names that were asked for."""
    return {}
