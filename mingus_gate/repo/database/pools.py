"""Connection pools as facts: engines told to keep none, poolers in front, and how long the server lets a request run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import services
from mingus_gate.repo.deploy.servers import option, servers
from mingus_gate.repo.flask.app import only_for_tests, settings
from mingus_gate.repo.python import Module, keyword, source_of, string, walk
from mingus_gate.repo.values import Value

NO_POOL = {"NullPool", "StaticPool", "AssertionPool"}
POOLER = re.compile(r"pgbouncer|pgcat|pgpool|odyssey|supavisor|proxysql|pgdog", re.IGNORECASE)
MENTIONS = (b"pgbouncer", b"PgBouncer", b"PGBOUNCER", b":6432", b"pooler.supabase.com", b"pgcat", b"supavisor", b"aws_db_proxy", b".proxy-")
SERVERLESS = ("serverless.yml", "serverless.yaml", "zappa_settings.json", "vercel.json", "samconfig.toml")
GUNICORN_DEFAULT = 30


@dataclass(frozen=True, slots=True)
class PoolClass:
    """A pool class that production gives an engine. `open_` is the expression that decides, where something does."""

    name: str
    place: Place
    open_: str = ""


def pool_classes(repo: Repo) -> list[PoolClass]:
    """Every `poolclass` of an engine that lives as long as its process, in path and line order."""
    found = {found.place: found for module, node in _sources(repo) for found in _pool_class(module, node)}
    return sorted(found.values(), key=lambda each: each.place)


def _sources(repo: Repo) -> Iterator[tuple[Module, ast.expr]]:
    """The expressions that options come from: of Flask's setting, of `SQLAlchemy(engine_options=…)`, of `create_engine(…)`."""
    for setting in settings(repo, "SQLALCHEMY_ENGINE_OPTIONS"):
        yield setting.module, setting.node
    for module, call in repo.calls("flask_sqlalchemy.SQLAlchemy"):
        if (given := keyword(call, "engine_options")) is not None:
            yield module, given
    for module, call in repo.calls("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", served=True):
        if module.function_around(call) is None and not only_for_tests(module, call) and not _is_sqlite(repo, module, call):
            yield module, call


def _is_sqlite(repo: Repo, module: Module, call: ast.Call) -> bool:
    return bool(call.args) and repo.resolve(module, call.args[0]).always(lambda text: str(text).startswith("sqlite"))


def _pool_class(module: Module, source: ast.expr) -> Iterator[PoolClass]:
    if isinstance(source, ast.Name) and len(module.constants.get(source.id, ())) == 1:
        source = module.constants[source.id][0]
    for node in _given(source):
        place = module.place(node)
        names = {module.name(n).rpartition(".")[2] for n in walk(node) if isinstance(n, ast.Name | ast.Attribute)}
        condition = next((a for a in module.ancestors(node) if isinstance(a, ast.If)), None)
        if isinstance(node, ast.Name | ast.Attribute) and condition is None:
            yield PoolClass(module.name(node).rpartition(".")[2], place)
        elif names & NO_POOL:
            yield PoolClass(min(names & NO_POOL), place, source_of(condition.test if condition else node))


def _given(source: ast.expr) -> Iterator[ast.expr]:
    for node in walk(source):
        if isinstance(node, ast.keyword) and node.arg == "poolclass":
            yield node.value
        elif isinstance(node, ast.Dict):
            yield from (value for key, value in zip(node.keys, node.values, strict=True) if string(key) == "poolclass")


def pooler(repo: Repo) -> Place | None:
    """What shows that connections go through a pooler of their own."""
    for service in repo.fact(services):
        if POOLER.search(service.image) or POOLER.search(service.name):
            return service.place
    mentioned = next((file for file in repo.files() if file.mentions(*MENTIONS)), None)
    return Place(mentioned.path) if mentioned else None


def serverless(repo: Repo) -> Place | None:
    """A file by which the application runs as a function that ends after each request."""
    return next((Place(file.path) for file in repo.files(*SERVERLESS)), None)


def request_timeout(repo: Repo) -> tuple[int | None, str, bool]:
    """gunicorn's timeout (0: none) and what says so, or None and why; and whether it ends requests: it does so of sync workers only."""
    found: list[tuple[int, str, bool]] = []
    for server in repo.fact(servers):
        if server.name != "gunicorn":
            continue
        given = option(repo, server, ("--timeout", "-t"), "timeout")
        unread = server.command.flag("-c", "--config") if server.command and server.config is None else None
        if given is None and unread:
            return None, f"gunicorn reads `{unread}`, which is not in the tree", False
        seconds = numbers(given[0]) if given else [GUNICORN_DEFAULT]
        if not seconds and given:
            return None, f"gunicorn's timeout is `{given[0].unresolved or '$' + ''.join(given[0].env[:1])}`", False
        kind = option(repo, server, ("--worker-class", "-k"), "worker_class")
        threads = option(repo, server, ("--threads",), "threads")
        sync = (kind is None or kind[0].literals == ("sync",)) and (threads is None or numbers(threads[0]) == [1])
        found.append((min(seconds), "stated" if given else "its default", sync))
    return min(found, key=lambda each: each[0] or float("inf")) if found else (None, "the tree starts no gunicorn", False)


def numbers(value: Value) -> list[int]:
    """The whole numbers it may be."""
    return [int(v) for v in value.literals if (isinstance(v, int | float) and not isinstance(v, bool)) or (isinstance(v, str) and v.isdecimal())]
