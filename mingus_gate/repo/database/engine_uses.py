"""Whether an engine made in a function outlives it, told by what the function does with it."""

from __future__ import annotations

import ast
import re

from mingus_gate.repo.python import Function, Module, walk

USED_UP = {"inspect", "create_all", "drop_all", "reflect", "MetaData", "read_sql", "read_sql_query", "to_sql"}
"""Calls that use the engine they are given and do not keep it."""

CACHES = re.compile(r"cache|memo|once|singleton|fixture", re.IGNORECASE)
SESSIONS = {"sessionmaker", "scoped_session", "Session"}


def stays(module: Module, made: ast.expr) -> bool:
    """Whether what a call in a function makes is kept: returned, yielded, put into something or handed to another, cached or global."""
    function = module.function_around(made)
    if function is None or any(isinstance(n, ast.Global | ast.Nonlocal) for n in walk(function)):
        return True
    if any(CACHES.search(module.name(decorator)) for decorator in function.decorator_list):
        return True
    return _kept(module, function, made, session=False)


def _kept(module: Module, function: Function, node: ast.expr, session: bool) -> bool:
    """Whether the value of `node` leaves the function. A session that is handed on is used there, and ends here."""
    parent = module.parent(node)
    if isinstance(parent, ast.keyword):
        parent = module.parent(parent)
    if isinstance(parent, ast.Attribute | ast.withitem | ast.Expr | ast.Compare):
        return False
    if isinstance(parent, ast.Call):
        last = module.name(parent.func).rpartition(".")[2] or (parent.func.attr if isinstance(parent.func, ast.Attribute) else "")
        if parent.func is node or last in SESSIONS:
            return _kept(module, function, parent, session=True)
        return not session and last not in USED_UP
    if isinstance(parent, ast.Assign) and all(isinstance(target, ast.Name) for target in parent.targets):
        names = {target.id for target in parent.targets if isinstance(target, ast.Name)}
        uses = [n for n in walk(function) if isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)]
        return any(_kept(module, function, use, session) for use in uses)
    return True
