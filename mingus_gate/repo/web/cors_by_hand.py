"""Cross-origin headers that the application writes itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import Function, Module, string, walk
from mingus_gate.repo.web.cors_policy import Policy, is_true

ALLOW_ORIGIN, ALLOW_CREDENTIALS = "access-control-allow-origin", "access-control-allow-credentials"


def written_policies(repo: Repo) -> Iterator[Policy]:
    for module in repo.python(b"Access-Control-Allow-Origin", b"access-control-allow-origin", served=True):
        given = list(_given_headers(module))
        for name, value, at in given:
            if name == ALLOW_ORIGIN and not only_for_tests(module, at) and not _is_read(value):
                function = module.function_around(at)
                credentials = [v for n, v, other in given if n == ALLOW_CREDENTIALS and module.function_around(other) is function]
                yield _by_hand(repo, module, function, value, at, credentials)


def _is_read(value: ast.expr) -> bool:
    """`{"Access-Control-Allow-Origin": response.headers.get("Access-Control-Allow-Origin")}` reports the header, it does not set it."""
    given = value.args[0] if isinstance(value, ast.Call) and value.args else value.slice if isinstance(value, ast.Subscript) else None
    return (string(given) or "").lower() == ALLOW_ORIGIN


def _by_hand(repo: Repo, module: Module, function: Function | None, value: ast.expr, at: ast.AST, credentials: list[ast.expr]) -> Policy:
    allowed: bool | None = False
    for node in credentials:
        allowed = allowed or is_true(repo.resolve(module, node))
    names = _origin_names(module, function)
    if _is_origin(module, value, names):
        checked = function is not None and _checked(module, function, names)
        return Policy(module.place(at), ("the origins it checks",) if checked else (), (), "", allowed, not checked, by_hand=True)
    resolved = repo.resolve(module, value)
    return Policy(module.place(at), resolved.texts, resolved.env, resolved.unresolved, allowed, by_hand=True)


def _given_headers(module: Module) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """The names and values of headers: `headers["X"] = v`, `headers.add("X", v)`, `{"X": v}`."""
    for target, value in module.assignments():
        if isinstance(target, ast.Subscript) and (name := string(target.slice)):
            yield name.lower(), value, target
    for call in module.nodes(ast.Call):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in ("add", "set", "setdefault", "add_header") and len(call.args) == 2 and (name := string(call.args[0])):
            yield name.lower(), call.args[1], call
    for pairs in module.nodes(ast.Dict):
        if isinstance(module.parent(pairs), ast.Dict):
            continue  # a record of headers, not the headers of an answer
        for key, value in zip(pairs.keys, pairs.values, strict=True):
            if name := string(key):
                yield name.lower(), value, key or value


def _origin_names(module: Module, function: Function | None) -> set[str]:
    """The local names that hold the origin that asks."""
    return {
        target.id
        for target, value in module.assignments()
        if isinstance(target, ast.Name) and module.function_around(target) is function and _is_origin(module, value, set())
    }


def _is_origin(module: Module, node: ast.AST, names: set[str]) -> bool:
    """`request.headers.get("Origin")`, `request.headers["Origin"]`, `request.origin`, or a name that holds it."""
    if isinstance(node, ast.BoolOp):
        return any(_is_origin(module, value, names) for value in node.values)
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return module.name(node).endswith("request.origin")
    given = node.args[0] if isinstance(node, ast.Call) and node.args else node.slice if isinstance(node, ast.Subscript) else None
    owner = node.func if isinstance(node, ast.Call) else node.value if isinstance(node, ast.Subscript) else None
    return (string(given) or "").lower() in ("origin", "http_origin") and bool(re.search(r"headers(\.get)?$|environ(\.get)?$", module.name(owner)))


def _checked(module: Module, function: Function, names: set[str]) -> bool:
    """Whether a condition of the function compares the origin with something, or hands it to a function that may."""
    tests = [n.test for n in walk(function) if isinstance(n, ast.If | ast.IfExp)]
    tests += [c for n in walk(function) if isinstance(n, ast.comprehension) for c in n.ifs]
    for node in (inner for test in tests for inner in walk(test) if _is_origin(module, inner, names)):
        parent = module.parent(node)
        if isinstance(parent, ast.Compare) and any(
            not isinstance(side, ast.Constant) for side in (parent.left, *parent.comparators) if side is not node
        ):
            return True
        if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.Eq | ast.NotEq):
            return True
        if isinstance(parent, ast.Call | ast.List | ast.Tuple | ast.Set | ast.BinOp | ast.Attribute | ast.keyword):
            return True
    return False
