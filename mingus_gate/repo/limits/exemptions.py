"""What Flask-Limiter is told to leave alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.flask.blueprints import mounts
from mingus_gate.repo.flask.health_routes import speaks_of_health
from mingus_gate.repo.flask.routes import Route, routes
from mingus_gate.repo.python import Module

DECORATOR = re.compile(r"limiter\.exempt$", re.IGNORECASE)
HARMLESS = re.compile(
    r"health|metrics|prometheus|static|assets?\b|hook|callback|\bipn\b|favicon|robots|sitemap|manifest|docs?\b|swagger|openapi|version|ping|heartbeat"
    r"|status|monitor|ready|alive|live|log_?out|sign_?out|media|themes?|css|js\b|images?|avatar|events?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """One `limiter.exempt`. `route` is what it leaves unlimited though it is neither for machines nor static; None where all are.
    `known` is False where what is exempt could not be found."""

    name: str
    place: Place
    route: Route | None
    known: bool = True


def exemptions(repo: Repo) -> list[Exemption]:
    """Every exemption, in path and line order."""
    found: dict[Place, Exemption] = {}
    for route in repo.fact(routes):
        if any(DECORATOR.search(name) for name in route.decorators):
            found.setdefault(route.place, Exemption(route.name, route.place, None if _harmless(route) else route))
    table = repo.fact(mounts)
    for module, argument in _handed(repo):
        name = module.name(argument).rpartition(".")[2]
        key = table.key(module, argument)
        of_blueprint = [route for route in repo.fact(routes) if key and route.mount == key]
        meant = of_blueprint or [route for route in repo.fact(routes) if route.name == name]
        wide = [route for route in meant if not _harmless(route)]
        place = module.place(module.parent(argument) or argument)
        found[place] = Exemption(name or "an expression", place, wide[0] if wide else None, bool(meant))
    return sorted(found.values(), key=lambda exemption: exemption.place)


def exempt_routes(repo: Repo) -> list[Route]:
    """The routes that `limiter.exempt` leaves unlimited: as a decorator, or called with the view or its blueprint."""
    found = [route for route in repo.fact(routes) if any(DECORATOR.search(name) for name in route.decorators)]
    for module, argument in _handed(repo):
        key = repo.fact(mounts).key(module, argument)
        view = definition(repo, module, module.name(argument))
        found += [route for route in repo.fact(routes) if (key and route.mount == key) or (view and route.view is view[1])]
    return found


def _handed(repo: Repo) -> Iterator[tuple[Module, ast.expr]]:
    """What `limiter.exempt(…)` is called with."""
    for module, call in repo.calls("*.exempt", served=True):
        if module.name(call.func).lower().endswith("limiter.exempt"):
            yield from ((module, argument) for argument in call.args)


def _harmless(route: Route) -> bool:
    return speaks_of_health(route) or bool(HARMLESS.search(f"{route.path} {route.name}"))
