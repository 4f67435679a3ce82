"""Whether the code deals with failures: waits for no answer for ever, logs what it catches, rolls back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.commits import failures
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.exception_text import is_broad
from mingus_gate.repo.flask.routes import routes
from mingus_gate.repo.python import Module, walk
from mingus_gate.repo.web.outbound import outbound_calls

OUTBOUND_TIMEOUTS = Rule(
    "error-handling.outbound-timeouts",
    Severity.WARNING,
    "Calls to other servers have a timeout",
    "Give every call one: `requests.get(url, timeout=(3, 10))`.",
    "`requests`, `httpx` and `urlopen` calls",
    "requests waits for ever. One partner that hangs takes a worker with every request, until none is left to answer anybody.",
    "https://requests.readthedocs.io/en/latest/user/advanced/#timeouts",
)
SWALLOWED = Rule(
    "error-handling.swallowed-exceptions",
    Severity.INFO,
    "No unexpected exception is thrown away in silence",
    'Name the exception you expect, `except KeyError:`, or log it: `except Exception: logger.exception("…")`.',
    "`except:` and `except Exception:` with nothing but `pass`",
    "What is swallowed is found by the customer: no log line, no alert, only wrong data.",
    "https://docs.python.org/3/howto/logging.html",
)
ROLLBACK = Rule(
    "error-handling.rollback",
    Severity.WARNING,
    "A session whose commit failed is rolled back before it is used again",
    "Roll back first thing where it fails: `except SQLAlchemyError: db.session.rollback()`.",
    "`except` clauses around `session.commit()`",
    "After a failed flush the session refuses everything until it is rolled back: the next query fails too, far from the cause.",
    "https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar",
)

LOGS = re.compile(r"\b(log|logger|logging|_log\w*|LOG|capture_exception|print_exc|rollback|report|warn|flash)\b", re.IGNORECASE)
CLEANS_UP = {"close", "rollback", "disconnect", "unlink", "remove", "shutdown", "release", "terminate", "kill", "cancel", "quit", "rmtree", "stop"}


def outbound_timeouts(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(outbound_calls)
    if not found:
        yield from proven_absent(repo, "`requests`, `httpx` and `urlopen` calls in served code")
    for outbound in found:
        if outbound.timeout is not None:
            shown = outbound.timeout.literals[0] if outbound.timeout.literals else outbound.timeout.unresolved or f"${outbound.timeout.env[0]}"
            yield holds(f"`{outbound.client}` has a timeout", outbound.place, timeout=str(shown))
        elif outbound.unresolved:
            yield unclear(f"a timeout may be in `{outbound.unresolved}`", outbound.place)
        else:
            yield broken(f"`{outbound.client}` waits for ever", outbound.place)


def swallowed_exceptions(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    for module in repo.python(b"except", served=True):
        caught = [node for node in module.nodes(ast.ExceptHandler) if is_broad(module, node)]
        silent = [node for node in caught if _is_silent(module, node)]
        for node in silent:
            yield broken("an unexpected exception is thrown away", module.place(node))
        logged = [node for node in caught if any(isinstance(n, ast.Raise) for n in walk(node)) or LOGS.search(ast.unparse(node))]
        if logged and not silent:
            yield holds(f"{len(logged)} broad handler{'s' if len(logged) > 1 else ''} log or raise on", module.place(logged[0]))
        named = next((node for node in module.nodes(ast.ExceptHandler) if node not in caught and _is_silent(module, node)), None)
        if named and named.type and not silent:
            yield holds(f"`except {ast.unparse(named.type)}` names what it passes over", module.place(named))


def _is_silent(module: Module, node: ast.ExceptHandler) -> bool:
    """Nothing but `pass`, and what is tried is not an import or the closing of something."""
    if not all(isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)) for s in node.body):
        return False
    tried = module.parent(node)
    body = tried.body if isinstance(tried, ast.Try) else []
    calls = [n for statement in body for n in walk(statement) if isinstance(n, ast.Call)]
    ends = {module.name(call.func).rpartition(".")[2] for call in calls}
    return not any(isinstance(s, ast.Import | ast.ImportFrom) for s in body) and not (len(body) == 1 and ends & CLEANS_UP)


def rollback(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(failures)
    for failure in found:
        if failure.good:
            yield holds("a failed commit is rolled back or raised on", failure.place)
        else:
            yield broken(f"a failed commit is not rolled back, and the session is used again in line {failure.again}", failure.place)
    if not found:
        yield from proven_absent(repo, "`except` clauses around `session.commit()` after which the work goes on")


RULES = {
    OUTBOUND_TIMEOUTS: outbound_timeouts,
    SWALLOWED: swallowed_exceptions,
    ROLLBACK: rollback,
}
