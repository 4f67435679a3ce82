"""What a health route claims in its answer, what it asks before it answers, and what there is to ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in, reached
from mingus_gate.repo.flask.app import apps
from mingus_gate.repo.flask.routes import Route
from mingus_gate.repo.python import Module, string, walk
from mingus_gate.repo.served import reachable as imported_from

SHOWN = {"database": "the database", "redis": "Redis", "queue": "the task queue", "another server": "another server"}
DEPENDENCIES = {
    "database": re.compile(r"(db|database|databases|postgres|postgresql|mysql|mariadb|sqlite|sql|mongo|mongodb)"),
    "redis": re.compile(r"(redis|cache|redis_cache|memcached|memcache)"),
    "queue": re.compile(r"(celery|queue|broker|rabbitmq|worker|workers|celery_workers)"),
}
ENDINGS = re.compile(r"^(is_|check_)|_?(status|connection|connected|state|ok|health|healthy|check|available|up)$")
GOOD = {"ok", "connected", "healthy", "up", "available", "active", "online", "operational", "pass", "passed", "running", "reachable", "alive", "good"}
ASKS = {
    "database": re.compile(
        r"\.(execute|scalars?|exec_driver_sql|cursor|fetch(one|all)|connect|query|raw_connection|objects|command|is_alive)\b"
        r"|(^|\.)(db|database|engine|conn|connection|pool|mongo)\.|db_?session|^Session$|psycopg|pymysql|sqlite3|pymongo|get_(db|pg|database)\w*|get_current_revision|database_exists",
        re.IGNORECASE,
    ),
    "redis": re.compile(r"redis|(^|\.)cache\.(get|set|delete|has)\b|memcache|\.ping$", re.IGNORECASE),
    "queue": re.compile(r"celery|\.control\b|\.inspect\b|kombu|pika|amqp|broker|\.delay$", re.IGNORECASE),
    "another server": re.compile(r"^(requests|httpx|urllib|boto3|elasticsearch)\.|urlopen|socket\.create_connection", re.IGNORECASE),
}
"""How the names look that a view uses to ask a dependency."""
LIBRARIES = (
    "sqlalchemy",
    "flask_sqlalchemy",
    "psycopg",
    "psycopg2",
    "pymysql",
    "MySQLdb",
    "pymongo",
    "mongoengine",
    "peewee",
    "redis",
    "flask_redis",
)
HARMLESS = re.compile(
    r"^(flask|jsonify|make_response|Response|render_template\w*|url_for|abort|datetime|date|time|timezone|os|sys|platform|psutil|socket\.gethostname"
    r"|uuid|json|math|random|hashlib|secrets|logging|traceback|importlib|pkg_resources|functools|request|g|werkzeug|collections|typing|dataclasses)\b"
    r"|^(len|str|int|float|bool|dict|list|set|tuple|round|all|any|sum|min|max|getattr|hasattr|isinstance|sorted|print|repr|type|enumerate|zip|range"
    r"|abs|map|filter|super|next|iter|callable|vars|id|open|format|divmod|reversed)$"
    r"|^sqlalchemy\.(text|select|func|literal)\b"
    r"|(^|\.)(log|logger|_logger|LOG|config|headers|metrics)\."
    r"|\.(get|items|keys|values|append|extend|update|isoformat|strftime|lower|upper|format|split|join|startswith|endswith|strip|replace|total_seconds"
    r"|copy|now|utcnow|encode|decode|add|json|timestamp|setdefault|pop|index|count|sort|is_set|popleft|read|readline|title|capitalize)$"
)


@dataclass
class Asked:
    """What a view asks. `opaque` is a call that could not be followed, and may ask anything."""

    kinds: set[str] = field(default_factory=set)
    opaque: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A constant that speaks well of a dependency: `"database": "connected"`."""

    kind: str
    text: str
    module: Module
    node: ast.AST


def asked(repo: Repo, route: Route) -> Asked:
    """What the route's view asks, three calls deep."""
    found = Asked()
    for body in route.bodies:
        for module, node in reached(repo, route.module, body, 3):
            for name in _names(module, node):
                found.kinds |= {kind for kind, pattern in ASKS.items() if pattern.search(name)}
            for call in calls_in(node):
                name = module.name(call.func)
                known = HARMLESS.search(name) or any(pattern.search(name) for pattern in ASKS.values()) or isinstance(call.func, ast.Call)
                if not found.opaque and not known and not _is_text_method(call) and called(repo, module, call) is None:
                    found.opaque = name or ast.unparse(call.func)[:40]
    if route.view is None:
        found.opaque = found.opaque or "a view that was not found"
    return found


def claims(repo: Repo, route: Route) -> list[Claim]:
    """What the view, or a function of the tree it calls, says of dependencies without looking."""
    found = [claim for body in route.bodies for module, node in reached(repo, route.module, body) for claim in _claimed(module, node)]
    return list({claim.node: claim for claim in found}.values())


def kind_of(key: str) -> str:
    """The dependency that a key of the answer, or a part of a path, names; or empty."""
    word = ENDINGS.sub("", key.lower().replace("-", "_")) or key.lower()
    return next((kind for kind, pattern in DEPENDENCIES.items() if pattern.fullmatch(word)), "")


def _claimed(module: Module, node: ast.AST) -> Iterator[Claim]:
    for inner in walk(node):
        pairs: list[tuple[str | None, ast.expr]] = []
        if isinstance(inner, ast.Dict):
            pairs = [(string(key), value) for key, value in zip(inner.keys, inner.values, strict=True)]
        elif isinstance(inner, ast.Call) and module.name(inner.func).rpartition(".")[2] in ("jsonify", "dict"):
            pairs = [(word.arg, word.value) for word in inner.keywords]
        elif isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Subscript):
            pairs = [(string(inner.targets[0].slice), inner.value)]
        for key, value in pairs:
            if key and (kind := kind_of(key)) and (word := _good(node, value)):
                yield Claim(kind, f'"{key}": "{word}"', module, value)


def _good(scope: ast.AST, value: ast.expr) -> str:
    """The good news a constant tells, also through a name that is only ever given constants that do."""
    if isinstance(value, ast.Name):
        given = [n.value for n in walk(scope) if isinstance(n, ast.Assign) and any(isinstance(t, ast.Name) and t.id == value.id for t in n.targets)]
        words = [_good(scope, v) if isinstance(v, ast.Constant) else "" for v in given]
        return words[0] if words and all(words) else ""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.lower() in GOOD:
        return value.value
    return ""


def _names(module: Module, node: ast.AST) -> Iterator[str]:
    body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else [node]
    for statement in body:
        for inner in walk(statement):
            if isinstance(inner, ast.Attribute | ast.Call | ast.Name):
                yield module.name(inner)


def _is_text_method(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant | ast.JoinedStr)


def depends(repo: Repo, route: Route | None = None) -> bool:
    """Whether the application, or the one of several that has this route, holds something a readiness route could ask."""
    paths = [paths for paths in repo.fact(_applications) if route.module.path in paths] if route else []
    return any(
        name.partition(".")[0] in LIBRARIES
        for module in repo.python(*(library.encode() for library in LIBRARIES), served=True)
        if not paths or any(module.path in of_one for of_one in paths)
        for name in module.imports.values()
    )


def _applications(repo: Repo) -> list[set[str]]:
    """For each application of the tree, the files that the file which makes it imports."""
    return [imported_from(repo, [app.module.file]) for app in repo.fact(apps)]
