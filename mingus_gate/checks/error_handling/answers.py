"""Whether the client gets a clean answer when something fails."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import reached
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.error_handlers import EVERYTHING, UNKNOWN, Handler, error_handlers
from mingus_gate.repo.flask.exception_text import is_broad, leak_in_handler, leaks
from mingus_gate.repo.flask.routes import app_place, routes
from mingus_gate.repo.python import Module, walk

FLASK_ERRORS = "https://flask.palletsprojects.com/en/stable/errorhandling/"

SERVER_ERROR_PAGE = Rule(
    "error-handling.server-error-page",
    Severity.WARNING,
    "The application answers its own failures",
    'Register one: `@app.errorhandler(500)` above a function that logs and answers `jsonify(error="internal error"), 500`.',
    "`errorhandler(500)`, `errorhandler(Exception)` and `register_error_handler`",
    "Without it a client that asked for JSON gets Flask's HTML page, and nobody decided what is logged and told.",
    FLASK_ERRORS,
)
NOT_FOUND_PAGE = Rule(
    "error-handling.not-found-page",
    Severity.INFO,
    "Unknown addresses get an answer of the application's own",
    'Register one: `@app.errorhandler(404)` above a function that answers `jsonify(error="not found"), 404`.',
    "`errorhandler(404)`, handlers for all HTTP errors, and catch-all routes",
    "404 is the error that people and programs see most; it should look like the rest of the application.",
    FLASK_ERRORS,
)
EXCEPTION_TEXT = Rule(
    "error-handling.exception-text",
    Severity.WARNING,
    "No text of unexpected exceptions reaches the client",
    'Log it and answer words of your own: `current_app.logger.exception("…")` and `return jsonify(error="internal error"), 500`.',
    "`except Exception as e` in views and handlers for Exception",
    "The text of an unexpected exception holds SQL, file paths, host names and at times credentials; it is written for you, not for whoever asks.",
    "https://cheatsheetseries.owasp.org/cheatsheets/Error_Handling_Cheat_Sheet.html",
)
HTTP_EXCEPTIONS_KEPT = Rule(
    "error-handling.http-exceptions-kept",
    Severity.WARNING,
    "The handler for everything lets HTTP errors be what they are",
    "Begin it with `if isinstance(e, HTTPException): return e`.",
    "`errorhandler(Exception)`",
    "A handler for Exception gets 400, 404, 405 and 413 too; answered with 500 they wake people up and make clients try again.",
    f"{FLASK_ERRORS}#generic-exception-handlers",
)

SERVER_ERRORS = {"500", "InternalServerError", "HTTPException", *EVERYTHING}
NOT_FOUND = {"404", "NotFound", "HTTPException", *EVERYTHING}
TELLS_APART = re.compile(r"HTTPException|get_response|\.code\b|['\"]code['\"]")
ONE_CODE = re.compile(r"hasattr\(\w+, 'code'\)|\w+\.code\s*(==|!=|in)\s*[\w\[({]")
"""A test for one status, not the status handed on."""


def server_error_page(repo: Repo) -> Iterator[Observation]:
    yield from _answered(repo, SERVER_ERRORS, "500 or Exception")


def not_found_page(repo: Repo) -> Iterator[Observation]:
    table = repo.fact(routes)
    everything = next((route for route in table if re.fullmatch(r"/<path:\w+>", route.path)), None)
    if everything and not any(NOT_FOUND & set(handler.codes) for handler in repo.fact(error_handlers)):
        yield holds(f"`{everything.name}` answers every address", everything.place)
        return
    yield from _answered(repo, NOT_FOUND, "404")


def _answered(repo: Repo, codes: set[str], wanted: str) -> Iterator[Observation]:
    """A handler for one of `codes`, on the application rather than on one blueprint."""
    if not repo.fact(routes):
        return
    handlers = repo.fact(error_handlers)
    fitting = [handler for handler in handlers if codes & set(handler.codes)]
    if first := next((h for h in fitting if h.everywhere), fitting[0] if fitting else None):
        yield holds(f"{' and '.join(c for c in first.codes if c in codes)} is answered", first.place)
    elif hidden := next((h for h in handlers if UNKNOWN in h.codes), None):
        yield unclear("what this handler is registered for could not be told", hidden.place)
    elif (extension := _rest_extension(repo)) and all(isinstance(route.view, ast.ClassDef) for route in repo.fact(routes)):
        yield holds(f"{extension} answers the errors of its resources in JSON")
    else:
        yield broken(f"no handler for {wanted}", app_place(repo))


def _rest_extension(repo: Repo) -> str:
    names = ("flask_restx.Api", "flask_restful.Api", "flask_restplus.Api")
    return next((module.name(call.func).partition(".")[0] for module, call in repo.calls(*names, served=True)), "")


def exception_text(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    found = [*_views(repo), *_handlers(repo)]
    yield from found
    if not found:
        yield from proven_absent(repo, "`except Exception` in views, and handlers for Exception")


def _views(repo: Repo) -> Iterator[Observation]:
    seen: set[ast.AST] = set()
    for route in repo.fact(routes):
        if route.guard and re.search(r"admin|super|staff|operator", f"{route.guard} {route.path}"):
            continue  # shown to those who run it
        for body in route.bodies:
            if body not in seen:
                seen.add(body)
                yield from _told(route.module, body, route.name)


def _handlers(repo: Repo) -> Iterator[Observation]:
    functions = {h.function: h for h in repo.fact(error_handlers) if h.function is not None and EVERYTHING & set(h.codes)}
    for function, handler in functions.items():
        if leak := leak_in_handler(function):
            yield broken("the handler for every exception answers with its text", handler.module.place(leak))
        else:
            yield holds("the handler for every exception answers words of its own", handler.place)


def _told(module: Module, body: ast.AST, name: str) -> Iterator[Observation]:
    caught = [node for node in walk(body) if isinstance(node, ast.ExceptHandler) and is_broad(module, node)]
    found = list(leaks(body, caught))
    for leak in found[:1]:
        more = f" (and {len(found) - 1} more in it)" if len(found) > 1 else ""
        yield broken(f"`{name}` answers with the text of whatever exception there was{more}", module.place(leak))
    if caught and not found:
        yield holds(f"`{name}` answers words of its own", module.place(caught[0]))


def http_exceptions_kept(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    handlers = repo.fact(error_handlers)
    catching = [handler for handler in handlers if EVERYTHING & set(handler.codes) and handler.function is not None]
    if not catching:
        yield from proven_absent(repo, "`errorhandler(Exception)`")
    for handler in catching:
        text = "\n".join(_body(node) for _, node in reached(repo, handler.module, handler.function, 1)) if handler.function else ""
        beside = [h for h in handlers if "HTTPException" in h.codes and (h.everywhere if handler.everywhere else h.owner == handler.owner)]
        if beside:
            yield holds("HTTP errors have a handler of their own", beside[0].place)
        elif TELLS_APART.search(ONE_CODE.sub("", text)):
            yield holds("it tells HTTP errors from others", handler.place)
        elif not re.search(r"^\s*return\b", text, re.MULTILINE) and "raise" in text:
            yield holds("it raises on", handler.place)
        elif re.search(r"\b500\b|INTERNAL_SERVER_ERROR", text):
            yield broken(_turned([h for h in handlers if h.module is handler.module]), handler.place)
        else:
            yield unclear("the status that this handler answers could not be told", handler.place)


def _body(node: ast.AST) -> str:
    """The code of a function without its signature, whose annotations may name any exception."""
    return "\n".join(map(ast.unparse, node.body)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ast.unparse(node)


def _turned(handlers: list[Handler]) -> str:
    own = sorted({code for handler in handlers for code in handler.codes if code.isdigit() and code != "500"})
    kept = f" (only {', '.join(own)} have handlers of their own)" if own else ""
    return f"HTTP errors are answered with 500{kept}"


RULES = {
    SERVER_ERROR_PAGE: server_error_page,
    NOT_FOUND_PAGE: not_found_page,
    EXCEPTION_TEXT: exception_text,
    HTTP_EXCEPTIONS_KEPT: http_exceptions_kept,
}
