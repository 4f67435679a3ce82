"""What Flask-Limiter is told to leave alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.blueprints import mounts
from mingus_gate.repo.flask.health_routes import speaks_of_health
from mingus_gate.repo.flask.routes import Route, routes

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
        if any(re.search(r"(?i)limiter\.exempt$", name) for name in route.decorators):
            found.setdefault(route.place, Exemption(route.name, route.place, None if _harmless(route) else route))
    table = repo.fact(mounts)
    for module, call in repo.calls("*.exempt", served=True):
        if not module.name(call.func).lower().endswith("limiter.exempt"):
            continue
        for argument in call.args:
            name = module.name(argument).rpartition(".")[2]
            key = table.key(module, argument)
            of_blueprint = [route for route in repo.fact(routes) if key and route.mount == key]
            meant = of_blueprint or [route for route in repo.fact(routes) if route.name == name]
            wide = [route for route in meant if not _harmless(route)]
            place = module.place(call)
            found[place] = Exemption(name or "an expression", place, wide[0] if wide else None, bool(meant))
    return sorted(found.values(), key=lambda exemption: exemption.place)


def _harmless(route: Route) -> bool:
    return speaks_of_health(route) or bool(HARMLESS.search(f"{route.path} {route.name}"))
