"""Health routes as facts: which routes speak of the application's health, and which extensions bring some."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import apps
from mingus_gate.repo.flask.routes import TENANT, Route, routes
from mingus_gate.repo.python import keyword, string, walk

PLAIN = re.compile(r"\w+_health_?checks?|_*(health(z|_?checks?)?|livez|liveness|readyz|readiness|(lb)?heartbeat|is_?alive|alive)_*(\.json)?")
"""Words that say health wherever they stand."""
VAGUE = re.compile(r"_?(status|ping|pong|up|ready|live|monitor)(\.json)?")
"""Words that say it only where nothing else is said."""
PART = re.compile(
    r"live(ness)?|read(y|iness)|startup|db|databases?|postgres(ql)?|redis|cache|celery|queue|workers?|dependencies|system|detail(s|ed)?|full|deep|simple"
    r"|basic|status|check|email|services?"
)
GENERIC = re.compile(r"api|rest|v?\d+|_?internal|system|management|monitor(ing)?|ops|public|core|app|site|_.*|admin|common|utils?")
REFUSES = re.compile(r"abort\(\s*40[13]|,\s*40[13]\b|unauthori[sz]ed|redirect\([^\n]*(login|signin|auth)|require_login", re.IGNORECASE)
DOCKERFLOW = ("/__version__", "/__heartbeat__", "/__lbheartbeat__")
HEALTHZ = ("/healthz/live", "/healthz/ready")
SHORT = 14
"""Statements of a view that still may be a `/status` for machines; a page about the status of orders is longer."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A library that answers for the application's health. `asks` tells whether it was given a dependency to ask."""

    name: str
    place: Place
    asks: bool | None
    paths: tuple[str, ...] = ()


def health_routes(repo: Repo) -> list[Route]:
    """The routes that speak of health, in path and line order."""
    return [route for route in repo.fact(routes) if "GET" in route.methods and speaks_of_health(route)]


def speaks_of_health(route: Route) -> bool:
    words = path_words(route)
    if "<" in TENANT.sub("", route.path) or not words:
        return False
    at = next((i for i, word in enumerate(words) if PLAIN.fullmatch(word)), None)
    if at is not None:
        named = bool(re.search(r"health|alive|live|ready|readiness|heartbeat|ping|status|check", route.name, re.IGNORECASE))
        return all(PART.fullmatch(word) or PLAIN.fullmatch(word) for word in words[at + 1 :]) and (named or is_general(route))
    at = next((i for i, word in enumerate(words) if VAGUE.fullmatch(word)), None)
    if at is None or (route.guard and "status" in words[at]):
        return False
    others = words[:at] + words[at + 1 :]
    return all(GENERIC.fullmatch(w) or PART.fullmatch(w) for w in others) and _is_short(route)


def is_general(route: Route) -> bool:
    """Whether it speaks for the whole application: `/api/health`, not `/orders/health`."""
    words = path_words(route)
    at = next((i for i, word in enumerate(words) if PLAIN.fullmatch(word) or VAGUE.fullmatch(word)), len(words))
    return all(GENERIC.fullmatch(word) for word in words[:at])


def path_words(route: Route) -> list[str]:
    return [word.lower().replace("-", "_") for word in TENANT.sub("", route.path).split("/") if word]


def _is_short(route: Route) -> bool:
    count = sum(isinstance(node, ast.stmt) for body in route.bodies for node in walk(body))
    return count <= SHORT and not any("render_template" in ast.unparse(body) for body in route.bodies)


def health_extensions(repo: Repo) -> list[Extension]:
    """flask-healthz, py-healthcheck, dockerflow and mingus_gate's own routes, where the application uses them."""
    found = []
    for module, call in repo.calls("mingus_gate.monitor.create_health_routes", served=True):
        found.append(Extension("mingus_gate.monitor", module.place(call), True, ("/health/system",)))
    for module, call in repo.calls("flask_healthz.Healthz", served=True):
        found.append(Extension("flask-healthz", module.place(call), None, HEALTHZ))
    for module, call in repo.calls("*.register_blueprint", served=True):
        if call.args and module.name(call.args[0]).startswith("flask_healthz."):
            found.append(Extension("flask-healthz", module.place(call), None, HEALTHZ))
    checked = any(True for _ in repo.calls("*.add_check", served=True))
    for module, call in repo.calls("healthcheck.HealthCheck", served=True):
        found.append(Extension("py-healthcheck", module.place(call), checked or keyword(call, "checkers") is not None, _paths(call, "/healthcheck")))
    for module, call in repo.calls("dockerflow.flask.Dockerflow", "dockerflow.flask.app.Dockerflow", served=True):
        found.append(Extension("dockerflow", module.place(call), bool(keyword(call, "db", "redis", "migrate")) or None, DOCKERFLOW))
    return found + _answered_before_routing(repo)


def _answered_before_routing(repo: Repo) -> list[Extension]:
    """`if environ["PATH_INFO"] == "/healthz": return …` in a WSGI middleware, and the same with `request.path` in a hook."""
    found = []
    for module in repo.python(b"PATH_INFO", b"request.path", served=True):
        for node in module.nodes(ast.If):
            test = node.test
            if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and any(isinstance(s, ast.Return) and s.value for s in node.body):
                path = string(test.comparators[0]) or ""
                asked = re.search(r"PATH_INFO|request\.path", ast.unparse(test.left))
                if asked and PLAIN.fullmatch(path.rstrip("/").rpartition("/")[2].replace("-", "_")):
                    found.append(Extension(f"the code before routing, at {path},", module.place(node), None, (path,)))
    return found


def _paths(call: ast.Call, default: str) -> tuple[str, ...]:
    """The path an extension is given as its second argument or `path`."""
    return (string(call.args[1] if len(call.args) > 1 else keyword(call, "path")) or default,)


def login_gate(repo: Repo) -> tuple[Place, str] | None:
    """A function that runs before every request of the application and sends people to a login: where, and what it reads."""
    names = {app.name for app in repo.fact(apps)} | {"app", "application"}
    for module in repo.python(b"before_request", b"before_app_request", served=True):
        for function in module.functions:
            hooked = [module.name(d) for d in function.decorator_list if module.name(d).endswith(("before_request", "before_app_request"))]
            everywhere = any(name.endswith("before_app_request") or name.split(".")[-2] in names for name in hooked)
            if everywhere and REFUSES.search(ast.unparse(function)):
                used = [node.id for node in walk(function) if isinstance(node, ast.Name)]
                lists = [ast.unparse(value) for name in used for value in module.constants.get(name, [])]
                return module.place(function), "\n".join([ast.unparse(function), *lists])
    return None
