"""Where the text of an exception reaches the client: from `except … as e` to a return, a flash or an abort."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.repo.python import Function, Module, walk

BROAD_NAMES = {"Exception", "BaseException", "SQLAlchemyError", "DBAPIError", "DatabaseError", "OperationalError", "ProgrammingError"}
"""What nobody raises to speak to a client."""
FOR_DEVELOPERS = re.compile(r"debug|testing|develop|is_dev|dev_mode|FLASK_ENV|isinstance|hasattr|show_error|verbose", re.IGNORECASE)
TEXT_CALLS = {"str", "repr", "format", "unicode"}
TRACES = {"format_exc", "format_exception", "format_tb", "format_stack", "exc_info"}
SINKS = {"flash", "abort"}


def is_broad(module: Module, node: ast.ExceptHandler) -> bool:
    """A bare `except`, or one for exceptions that may be anything."""
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or module.name(kind).rpartition(".")[2] in BROAD_NAMES for kind in kinds)


def leaks(body: ast.AST, caught: list[ast.ExceptHandler]) -> Iterator[ast.AST]:
    """The returns, flashes and aborts of a function that carry the text of an exception from one of `caught`."""
    returns = [node for node in walk(body) if isinstance(node, ast.Return) and node.value is not None]
    for handler in caught:
        tainted = _tainted(handler, handler.name)
        for node in walk(handler):
            if _is_sink(node) and _carries(node, handler.name, tainted) and not _for_developers(handler, node):
                yield node
        inside = set(walk(handler))
        last = handler.end_lineno or handler.lineno
        for late in returns:
            if late not in inside and late.lineno > last and tainted and _carries(late, None, tainted):
                yield late


def leak_in_handler(function: Function | ast.Lambda) -> ast.AST | None:
    """What an error handler for every exception answers with its exception's text; its parameter is the exception."""
    arguments = function.args.args
    name = next((a.arg for a in arguments if a.arg != "self"), None)
    if isinstance(function, ast.Lambda):
        return function.body if _carries(function.body, name, set()) else None
    tainted = _tainted(function, name)
    for node in walk(function):
        if _is_sink(node) and _carries(node, name, tainted) and not _for_developers(function, node):
            return node
    return None


def _is_sink(node: ast.AST) -> bool:
    if isinstance(node, ast.Return):
        return node.value is not None
    return isinstance(node, ast.Call) and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in SINKS


def _tainted(scope: ast.AST, name: str | None) -> set[str]:
    """Names that are given the exception's text: `error = str(e)`, `result["error"] = str(e)`."""
    found: set[str] = set()
    for node in walk(scope):
        if isinstance(node, ast.Assign) and _carries(node.value, name, found) and not _for_developers(scope, node):
            found |= {root for target in node.targets if (root := _root(target))}
    return found


def _root(target: ast.AST) -> str:
    """The name that `result["error"]` or `result.error` belongs to."""
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _carries(node: ast.AST, name: str | None, tainted: set[str]) -> bool:
    """Whether an expression holds the exception's text, outside of comparisons, conditions and log calls."""
    if isinstance(node, ast.Compare):
        return False
    if isinstance(node, ast.IfExp):
        if FOR_DEVELOPERS.search(ast.unparse(node.test)):
            return False
        return _carries(node.body, name, tainted) or _carries(node.orelse, name, tainted)
    if _is_text(node, name) or (isinstance(node, ast.Name) and node.id in tainted):
        return True
    if isinstance(node, ast.Call) and re.search(r"log|capture|isinstance|report", ast.unparse(node.func), re.IGNORECASE):
        return False
    return any(_carries(child, name, tainted) for child in ast.iter_child_nodes(node))


def _is_text(node: ast.AST, name: str | None) -> bool:
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in TRACES or (called in TEXT_CALLS and any(_is_it(a, name) for a in node.args))
    if isinstance(node, ast.FormattedValue):
        return _is_it(node.value, name)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        right = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return any(_is_it(item, name) for item in right)
    return isinstance(node, ast.Attribute) and node.attr in ("args", "message") and _is_it(node.value, name)


def _is_it(node: ast.AST, name: str | None) -> bool:
    return name is not None and isinstance(node, ast.Name) and node.id == name


def _for_developers(scope: ast.AST, node: ast.AST) -> bool:
    """Whether a statement stands below `if app.debug`, or below a test of what exception it is."""
    return any(
        isinstance(above, ast.If) and any(node is inner for inner in walk(above)) and FOR_DEVELOPERS.search(ast.unparse(above.test))
        for above in walk(scope)
    )
