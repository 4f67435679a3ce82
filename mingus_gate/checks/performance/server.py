"""Whether a production server starts, with workers and a timeout stated."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.servers import Server, option, servers
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

ONE_BY_DEFAULT = {"gunicorn", "uwsgi", "uvicorn", "hypercorn", "granian"}


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


RULES = {
    PRODUCTION_SERVER: production_server,
    WORKERS: workers,
    SERVER_TIMEOUT: server_timeout,
}
