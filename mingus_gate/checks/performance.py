"""Does it answer within its budget, on a production server?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.database.lists import list_routes
from mingus_gate.repo.deploy.servers import Server, option, servers
from mingus_gate.repo.flask.app import apps, only_for_tests, proven_absent, settings
from mingus_gate.repo.monitoring.load_tests import load_tests
from mingus_gate.repo.python import Module, source_of
from mingus_gate.repo.values import Value

DEPLOY_FILES = "the command of Dockerfile, compose, Procfile, systemd, supervisor and Kubernetes files and of the scripts they start"

PRODUCTION_SERVER = Rule(
    "performance.production-server",
    Severity.CRITICAL,
    "A production server is the entry point",
    'Start a WSGI server where the application starts: `CMD ["gunicorn", "--workers", "4", "--bind", "0.0.0.0:8000", "wsgi:app"]`.',
    DEPLOY_FILES,
    "Flask's development server has neither worker processes nor limits nor timeouts; its own documentation says not to use it in production.",
    "https://flask.palletsprojects.com/en/stable/deploying/",
)
WORKERS = Rule(
    "performance.workers",
    Severity.WARNING,
    "Workers or threads are stated",
    "State them where the server starts: `gunicorn --workers 4 --threads 2 …`, or `workers = 4` in gunicorn.conf.py.",
    "`--workers`, `--threads`, `WEB_CONCURRENCY` and gunicorn.conf.py of the servers that deploy files start",
    "gunicorn, uWSGI and uvicorn start one worker unless told; one sync worker answers one request at a time, so a slow request stops all others.",
    "https://docs.gunicorn.org/en/stable/design.html#how-many-workers",
)
SERVER_TIMEOUT = Rule(
    "performance.server-timeout",
    Severity.INFO,
    "The server ends a request that hangs",
    "State the timeout where the server starts: `gunicorn --timeout 30 …`, or `timeout = 30` in gunicorn.conf.py (uWSGI: `harakiri = 30`).",
    "`--timeout` of gunicorn and `harakiri` of uWSGI in deploy files and gunicorn.conf.py",
    "A worker that hangs is lost until it is restarted. The timeouts of the database and of outbound calls must stay below this one.",
    "https://docs.gunicorn.org/en/stable/settings.html#timeout",
)
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
ONE_BY_DEFAULT = {"gunicorn", "uwsgi", "uvicorn", "hypercorn", "granian"}
PROFILERS = ("ProfilerMiddleware", "LineProfilerMiddleware", "LinesmanMiddleware")
DEVELOPMENT_ONLY = re.compile(r"debug|develop|\bdev\b|profil|local|toolbar|testing", re.IGNORECASE)


def production_server(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(servers)
    platform = list(_platform(repo)) if not any(not s.development for s in found) else []
    good = [s for s in found if not s.development]
    yield from (holds(f"{s.name} serves the application", s.place, server=s.name) for s in good)
    yield from platform if not found else ()
    for server in found:
        if server.development:
            started = f"`{' '.join(server.command.argv)[:60]}`" if server.command else "a Python file"
            elsewhere = [s.place for s in good] + [o.place for o in platform]
            kind = server.command.kind if server.command else ""
            if elsewhere and kind not in ("procfile", "systemd", "k8s", "platform", "supervisor"):
                yield unclear(f"{started} is the development server, {elsewhere[0]} starts a production server: which one is deployed?", server.place)
            else:
                yield broken(f"{started} starts the development server", server.place)


def _platform(repo: Repo) -> Iterator[Observation]:
    """Files by which a platform or Apache serves the application itself."""
    for file in repo.files(".wsgi", "passenger_wsgi.py", "zappa_settings.json", "zappa_settings.toml"):
        if file.mentions(b"application", b"app_function"):
            server = "mod_wsgi" if file.path.endswith(".wsgi") else "Passenger" if file.path.endswith(".py") else "Zappa"
            yield holds(f"{server} serves the application", Place(file.path), server=server)


def workers(repo: Repo) -> Iterator[Observation]:
    for server in repo.fact(servers):
        if server.command is None or server.name not in ONE_BY_DEFAULT:
            continue
        given = [(what, *found) for what, flags, key in _concurrency(server) if (found := option(repo, server, flags, key))]
        names = [name for name in ("WEB_CONCURRENCY", "UWSGI_PROCESSES", "UWSGI_WORKERS", "UVICORN_WORKERS") if name in server.command.env]
        if given:
            yield _stated(repo, server, given)
        elif names:
            yield holds(f"{names[0]}={server.command.env[names[0]]}", server.place)
        elif hidden := _left_to_outside(server):
            yield unclear(hidden, server.place)
        else:
            yield broken(f"{server.name} starts one worker (its default)", server.place, workers=1)


def _concurrency(server: Server) -> list[tuple[str, tuple[str, ...], str]]:
    """What is counted, the flags that state it, its name in a configuration file."""
    if server.name == "uwsgi":
        return [("processes", ("--processes", "-p"), "processes"), ("processes", ("--workers",), "workers"), ("threads", ("--threads",), "threads")]
    return [("workers", ("--workers", "-w"), "workers"), ("threads", ("--threads",), "threads")]


def _stated(repo: Repo, server: Server, given: list[tuple[str, Value, Place]]) -> Observation:
    kind = option(repo, server, ("--worker-class", "-k"), "worker_class") if server.name == "gunicorn" else None
    known_sync = kind is None or kind[0].always(lambda v: v == "sync")
    place = given[0][2]
    if server.name in ("gunicorn", "uwsgi") and known_sync and all(value.fixed and str(value.literal) == "1" for _, value, _ in given):
        return broken(f"{server.name} runs one sync worker: one request at a time", place, workers=1)
    shown = {what: str(value.literals[0] if value.literals else f"${value.env[0]}" if value.env else value.unresolved) for what, value, _ in given}
    if kind and not known_sync and kind[0].literals:
        shown["class"] = str(kind[0].literals[0])
    return holds(f"{server.name}: {', '.join(f'{what} {number}' for what, number in shown.items())}", place, **shown)


def _left_to_outside(server: Server) -> str:
    """Why the number of workers cannot be told from the tree, or ""."""
    command = server.command
    if command is None:
        return ""
    if "GUNICORN_CMD_ARGS" in command.env:
        return f"GUNICORN_CMD_ARGS is `{command.env['GUNICORN_CMD_ARGS'][:40]}`"
    if command.kind == "procfile":
        return "the Procfile states no workers; Heroku sets WEB_CONCURRENCY, other platforms do not"
    if command.kind == "k8s" and server.name == "uvicorn":
        return "one process a pod; the replicas decide"
    file = command.flag("-c", "--config", "--ini", "--env-file", "--yaml", "--emperor")
    return f"its configuration file `{file}` is not in the tree" if file and server.config is None and server.ini is None else ""


def server_timeout(repo: Repo) -> Iterator[Observation]:
    for server in repo.fact(servers):
        if server.name not in ("gunicorn", "uwsgi"):
            continue
        found = (
            option(repo, server, ("--timeout", "-t"), "timeout") if server.name == "gunicorn" else option(repo, server, ("--harakiri",), "harakiri")
        )
        what = "timeout" if server.name == "gunicorn" else "harakiri"
        if found is None:
            default = "30 s, its default" if server.name == "gunicorn" else "never: uWSGI's harakiri is off"
            hidden = _left_to_outside(server) if server.command and server.command.kind != "procfile" else ""
            yield unclear(hidden, server.place) if hidden else broken(f"{server.name}'s timeout is not stated ({default})", server.place)
        elif found[0].may_be(lambda v: v in (0, "0")):
            yield broken(f"{what} is 0: a worker that hangs is never ended", found[1], timeout=0)
        elif found[0].unresolved and not found[0].env:
            yield unclear(f"{what} is `{found[0].unresolved}`", found[1])
        else:
            shown = found[0].literals[0] if found[0].literals else f"${found[0].env[0]}"
            yield holds(f"{what} is {shown}", found[1], timeout=str(shown))


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


def bounded_lists(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(list_routes)
    for listed in found:
        if listed.bound:
            yield holds(f"{listed.route.path} answers a page (`{listed.bound}`)", listed.place)
        else:
            yield broken(f"{listed.route.path} answers every row of {listed.table}", listed.place)
    if not found and not repo.fact(engines):
        yield from proven_absent(repo, BOUNDED_LISTS.looks_for)


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


def load_test(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(load_tests)
    for file, tool in found[:5]:
        yield holds(f"found: {tool}", Place(file.path), tool=tool)
    if not found and repo.fact(apps):
        yield broken("no load test and no budget in the tree")


CHECK = Check(
    "performance",
    "Performance",
    "Does it answer within its budget, on a production server?",
    weight=2,
    static={
        PRODUCTION_SERVER: production_server,
        WORKERS: workers,
        SERVER_TIMEOUT: server_timeout,
        QUERY_ECHO: query_echo,
        TOOLBAR: toolbar,
        BOUNDED_LISTS: bounded_lists,
        LOAD_TEST: load_test,
    },
)
