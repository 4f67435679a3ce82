"""HTTPS as the application itself forces it: Talisman, SSLify, redirects before the request, the HSTS header."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, keyword, source_of, walk
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.edges import max_age

YEAR = 31_536_000
FLASK_TALISMAN = ("flask_talisman.Talisman", "flask_talisman.talisman.Talisman", "talisman.Talisman")
SSLIFY = ("flask_sslify.SSLify",)
IN_PRODUCTION = re.compile(r"is_secure|\.scheme|\bnot\b.*(debug|test|dev|local)|prod|!=\s*['\"](dev|test|local)|heroku|dyno", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Forced:
    """One place where the application sees to HTTPS. `redirects` and `hsts` are Values: True, False, or what decides.

    `guard` is the condition it stands below, "" where that is no question; `seconds` the max-age, None if not seen.
    """

    name: str
    place: Place
    redirects: Value | None = None
    hsts: Value | None = None
    seconds: int | None = None
    guard: str = ""


def forced(repo: Repo) -> list[Forced]:
    """Every place of served code that forces HTTPS or sends HSTS, in path and line order."""
    found = [*_talisman(repo), *_sslify(repo), *_redirecting(repo), *_headers(repo)]
    return sorted(found, key=lambda f: f.place)


def _talisman(repo: Repo) -> Iterator[Forced]:
    for module in repo.python(b"alisman", served=True):
        for call in module.nodes(ast.Call):
            if _installs(module, call):
                redirects = _option(repo, module, call, "force_https")
                hsts = _option(repo, module, call, "strict_transport_security")
                age = keyword(call, "strict_transport_security_max_age")
                seconds = repo.resolve(module, age).literals if age is not None else (YEAR,)
                first = next((n for n in seconds if isinstance(n, int | float)), None)
                yield Forced("Talisman", module.place(call), redirects, hsts, int(first) if first is not None else None, guard(module, call))


def _installs(module: Module, call: ast.Call) -> bool:
    """`Talisman(app)`, or `talisman.init_app(app)` of a Talisman made here or elsewhere."""
    name = module.name(call.func)
    if name in FLASK_TALISMAN:
        return bool(call.args or keyword(call, "app"))
    return name.endswith(".init_app") and "talisman" in name.removesuffix(".init_app").rpartition(".")[2].lower()


def _option(repo: Repo, module: Module, call: ast.Call, name: str) -> Value:
    given = keyword(call, name)
    return repo.resolve(module, given) if given is not None else Value((True,))


def _sslify(repo: Repo) -> Iterator[Forced]:
    for module, call in repo.calls(*SSLIFY, served=True):
        if call.args or keyword(call, "app"):
            yield Forced("SSLify", module.place(call), Value((True,)), Value((True,)), YEAR, guard(module, call))


def _redirecting(repo: Repo) -> Iterator[Forced]:
    """Functions that run before each request and redirect one that came without TLS."""
    for module in repo.python(b"before_request", b"before_app_request", served=True):
        for function in module.functions:
            text = "\n".join(module.file.lines[function.lineno - 1 : (function.end_lineno or function.lineno)])
            asks = re.search(r"is_secure|X[-_]Forwarded[-_]Proto|\.scheme", text, re.IGNORECASE)
            if asks and "redirect(" in text and "https" in text and _before_request(module, function):
                yield Forced(f"{function.name}()", module.place(function), Value((True,)), guard=_guard_of_caller(module, function))


def _before_request(module: Module, function: Function) -> bool:
    """Whether a function is decorated with `before_request` or handed to it."""
    decorated = any(module.name(d).rpartition(".")[2] in ("before_request", "before_app_request") for d in function.decorator_list)
    return decorated or any(
        "before_request" in ast.unparse(call.func)
        for call in module.nodes(ast.Call)
        for argument in call.args
        if isinstance(argument, ast.Name | ast.Attribute) and ast.unparse(argument).rpartition(".")[2] == function.name
    )


def _guard_of_caller(module: Module, function: Function) -> str:
    """The condition below which the function, or the one around it, is called or registered."""
    outer = module.function_around(function)
    name = outer.name if outer else function.name
    called = [node for node in module.nodes(ast.Call) if module.name(node.func).rpartition(".")[2] == name]
    return guard(module, called[0]) if called else guard(module, function)


def _headers(repo: Repo) -> Iterator[Forced]:
    for module in repo.python(b"Strict-Transport-Security", b"strict-transport-security", served=True):
        for node in module.nodes(ast.Constant):
            if not (isinstance(node.value, str) and node.value.lower() == "strict-transport-security"):
                continue
            statement = module.enclosing(node, ast.Assign, ast.Expr, ast.Return, ast.AnnAssign, ast.Dict)
            text = ast.unparse(statement) if statement else ""
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue
            yield Forced("the application", module.place(node), None, Value((True,)), max_age(text), guard(module, node))


def guard(module: Module, node: ast.AST) -> str:
    """The condition around a statement that could keep it from running in production, or ""."""
    for above in module.ancestors(node):
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            break
        if isinstance(above, ast.If):
            test = ast.unparse(above.test)
            negated = any(node is inner or node in walk(inner) for inner in above.orelse)
            if not IN_PRODUCTION.search(f"not {test}" if negated else test):
                return f"{'not ' if negated else ''}{source_of(above.test)}"
    return ""
