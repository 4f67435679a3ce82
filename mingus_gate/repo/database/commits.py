"""Commits inside `try` as facts: whether the session can still be used after one has failed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, walk

COMMIT = re.compile(r"(^|[._])(session|db_session|Session)\.commit$|^(g\.)?db\.commit$")
BROAD = {
    "Exception",
    "BaseException",
    "SQLAlchemyError",
    "DBAPIError",
    "IntegrityError",
    "OperationalError",
    "DatabaseError",
    "DataError",
    "StatementError",
}
ROLLS_BACK = re.compile(r"rollback|roll_back|session\.(remove|close|invalidate)\b|\bsession_scope\b", re.IGNORECASE)
USES = re.compile(
    r"(^|[._])(session|db_session)\.(add|add_all|commit|execute|flush|get|query|scalars?|delete|merge|refresh|bulk_\w+)$|\.query\.|\.query$"
)
LEAVES = {"abort", "exit", "fail", "retry", "handle_error"}


@dataclass(frozen=True, slots=True)
class Failure:
    """An `except` after a commit. `good` tells whether it rolls back or leaves; else `again` is where the session is used next."""

    place: Place
    good: bool
    again: int = 0


def failures(repo: Repo) -> list[Failure]:
    """What follows each commit that fails inside a `try`; handlers that end the request or task without a rollback are left out."""
    found: list[Failure] = []
    for module in repo.python(b".commit()", served=True):
        if not any(name.partition(".")[0] in ("sqlalchemy", "flask_sqlalchemy") or "db" in name for name in module.imports.values()):
            continue
        for tried in module.nodes(ast.Try):
            if _commits(module, tried.body):
                found += _of(module, tried)
    return sorted(found, key=lambda failure: failure.place)


def _commits(module: Module, body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Call) and COMMIT.search(module.name(node.func)) for node in _inside(body))


def _inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of statements that run here: not those of functions defined in them, nor of a `try` that answers for its own."""
    waiting: list[ast.AST] = list(body)
    for node in waiting:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Try | ast.With):
            waiting += list(ast.iter_child_nodes(node))


def _here(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of statements without those of functions defined in them."""
    waiting: list[ast.AST] = list(statements)
    for node in waiting:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += list(ast.iter_child_nodes(node))


def _of(module: Module, tried: ast.Try) -> Iterator[Failure]:
    function = module.function_around(tried)
    if function is None or any(ROLLS_BACK.search(ast.unparse(s)) for s in tried.finalbody):
        return
    for handler in tried.handlers:
        if not _catches(module, handler):
            continue
        text = "\n".join(map(ast.unparse, handler.body))
        if ROLLS_BACK.search(text) or any(isinstance(node, ast.Raise) for node in walk(handler)):
            yield Failure(module.place(handler), True)
        elif not _leaves(module, handler) and (again := _used_again(module, function, tried, handler)):
            yield Failure(module.place(handler), False, again)


def _catches(module: Module, handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or module.name(kind).rpartition(".")[2] in BROAD for kind in kinds)


def _leaves(module: Module, handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Return | ast.Raise | ast.Break):
        return True
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and module.name(last.value.func).rpartition(".")[2] in LEAVES


def _used_again(module: Module, function: Function, tried: ast.Try, handler: ast.ExceptHandler) -> int:
    """The line of the first use of the session that follows the handler: in it, after the `try`, or in the loop's next turn."""
    after = [*handler.body]
    child: ast.AST = tried
    for above in module.ancestors(tried):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(above, block, [])
            if isinstance(statements, list) and child in statements:
                after += statements[statements.index(child) + 1 :]
        if isinstance(above, ast.For | ast.While | ast.AsyncFor):
            after += above.body
        if above is function:
            break
        child = above
    for node in _here(after):
        if isinstance(node, ast.Call) and (USES.search(name := module.name(node.func)) or COMMIT.search(name)):
            return node.lineno
    return 0
