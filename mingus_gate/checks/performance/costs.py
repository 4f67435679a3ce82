"""Whether a request costs no more than it must: no echo, no profiler, a page of rows, and a number measured."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.database.lists import list_routes
from mingus_gate.repo.flask.app import apps, only_for_tests, proven_absent, settings
from mingus_gate.repo.monitoring.load_tests import load_tests
from mingus_gate.repo.python import Module, source_of

QUERY_ECHO = Rule(
    "performance.query-echo",
    Severity.WARNING,
    "Queries are neither echoed nor recorded in production",
    "Set `SQLALCHEMY_ECHO = False` and `SQLALCHEMY_RECORD_QUERIES = False` in the production configuration.",
    "`SQLALCHEMY_ECHO`, `SQLALCHEMY_RECORD_QUERIES` and `create_engine(echo=…)`",
    "Echo logs every statement with its parameters: slow, and customers' data in plain text. Recording keeps every query of a request in memory.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/config/#flask_sqlalchemy.config.SQLALCHEMY_ECHO",
)
TOOLBAR = Rule(
    "performance.toolbar",
    Severity.WARNING,
    "No debug toolbar or profiler runs in production",
    "Install it only below `if app.debug:`, and leave `DEBUG_TB_ENABLED` unset outside development.",
    "`DebugToolbarExtension(`, `DEBUG_TB_ENABLED` and `ProfilerMiddleware(`",
    "A profiler slows every request and fills the disk or the log; the toolbar shows configuration and queries to whoever opens the page.",
    "https://flask-debugtoolbar.readthedocs.io/en/latest/#configuration",
)
BOUNDED_LISTS = Rule(
    "performance.bounded-lists",
    Severity.INFO,
    "Routes that list rows answer a page of them",
    "Take a page: `db.paginate(db.select(Invoice).order_by(Invoice.id), per_page=50, max_per_page=100)`.",
    "views for GET that read with `.all()` or `.fetchall()`, or page and limit what they read",
    "A table that grows with use is read, built and sent whole for each request: quick in the first month, a timeout in the second year.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/pagination/",
)
LOAD_TEST = Rule(
    "performance.load-test",
    Severity.INFO,
    "A load test or a budget is in the tree",
    'Add a `locustfile.py` whose `HttpUser` asks the three busiest pages, `self.client.get("/")`, and run it before a release.',
    "Locust, k6, Artillery, Gatling and JMeter files, pytest-benchmark and Lighthouse budgets",
    "Without a number measured before the release nobody knows how much traffic it takes, nor whether the last change halved it.",
    "https://docs.locust.io/en/stable/writing-a-locustfile.html",
)

PROFILERS = ("ProfilerMiddleware", "LineProfilerMiddleware", "LinesmanMiddleware")
DEVELOPMENT_ONLY = re.compile(r"debug|develop|\bdev\b|profil|local|toolbar|testing", re.IGNORECASE)


def query_echo(repo: Repo) -> Iterator[Observation]:
    found = [(s.key, s.value, s.place) for s in settings(repo, "SQLALCHEMY_ECHO", "SQLALCHEMY_RECORD_QUERIES")]
    found += [("echo", e.options["echo"], e.place) for e in repo.fact(engines) if "echo" in e.options]
    for key, value, place in found:
        if key == "SQLALCHEMY_RECORD_QUERIES" and (reader := _reads_queries(repo)):
            yield holds(f"the recorded queries are read at {reader}", place)
        elif value.may_be(lambda v: bool(v) and v not in ("0", "false", "False")):
            when = f" when {value.env[0]} is not set" if value.env else ""
            yield broken(f"{key} is on{when}", place)
        elif value.unresolved and not value.env:
            yield unclear(f"{key} is `{value.unresolved}`", place)
        else:
            yield holds(f"{key} is off" if value.literals else f"{key} comes from {value.env[0]}", place)
    if not found:
        quiet = [e for e in repo.fact(engines) if not e.unresolved]
        yield from (holds("the engine is made without echo", e.place) for e in quiet)
        yield from proven_absent(repo, "`SQLALCHEMY_ECHO`, `create_engine(`") if not repo.fact(engines) else ()


def _reads_queries(repo: Repo) -> Place | None:
    """Where served code looks at the recorded queries, for a log of the slow ones."""
    names = ("get_debug_queries", "get_recorded_queries")
    read = repo.calls(*(f"*.{name}" for name in names), served=True)
    return next((module.place(call) for module, call in read if not only_for_tests(module, call)), None)


def toolbar(repo: Repo) -> Iterator[Observation]:
    found = False
    for setting in settings(repo, "DEBUG_TB_ENABLED"):
        found = True
        if setting.value.may_be(bool):
            yield broken("DEBUG_TB_ENABLED is on", setting.place)
        elif setting.value.unresolved:
            yield unclear(f"DEBUG_TB_ENABLED is `{setting.value.unresolved}`", setting.place)
        else:
            yield holds("DEBUG_TB_ENABLED is off", setting.place)
    for module, call in repo.calls("flask_debugtoolbar.DebugToolbarExtension", served=True):
        if not found:
            yield holds("the debug toolbar runs only where app.debug is on", module.place(call))
        found = True
    for module, call in repo.calls(*(f"*.{name}" for name in PROFILERS), served=True):
        found = True
        if guard := _guard(module, call):
            yield holds(f"the profiler runs only below `{guard}`", module.place(call))
        else:
            yield broken("a profiler runs on every request", module.place(call))
    if not found:
        yield from proven_absent(repo, TOOLBAR.looks_for)


def _guard(module: Module, node: ast.AST) -> str:
    """The condition around a statement that keeps it out of production, or the name of its function, or ""."""
    for above in module.ancestors(node):
        if isinstance(above, ast.If) and DEVELOPMENT_ONLY.search(ast.unparse(above.test)):
            return source_of(above.test)
    function = module.function_around(node)
    if function and DEVELOPMENT_ONLY.search(function.name):
        return function.name
    return "__main__" if any(isinstance(a, ast.If) and "__main__" in ast.unparse(a.test) for a in module.ancestors(node)) else ""


def bounded_lists(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(list_routes)
    for listed in found:
        if listed.bound:
            yield holds(f"{listed.route.path} answers a page (`{listed.bound}`)", listed.place)
        else:
            yield broken(f"{listed.route.path} answers every row of {listed.table}", listed.place)
    if not found and not repo.fact(engines):
        yield from proven_absent(repo, BOUNDED_LISTS.looks_for)


def load_test(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(load_tests)
    for file, tool in found[:5]:
        yield holds(f"found: {tool}", Place(file.path), tool=tool)
    if not found and repo.fact(apps):
        yield broken("no load test and no budget in the tree")


RULES = {
    QUERY_ECHO: query_echo,
    TOOLBAR: toolbar,
    BOUNDED_LISTS: bounded_lists,
    LOAD_TEST: load_test,
}
