"""Whether health routes are there, and say what they know of the process and its dependencies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.probes import liveness_routes
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.health_answers import SHOWN, Asked, asked, claims, depends, kind_of
from mingus_gate.repo.flask.health_routes import health_extensions, health_routes, path_words
from mingus_gate.repo.flask.routes import Route, app_place, routes

LOOKED_FOR = "routes named health, healthz, livez, readyz, ping, status, heartbeat, and flask-healthz, py-healthcheck, dockerflow"

EXISTS = Rule(
    "health-endpoints.exists",
    Severity.CRITICAL,
    "The application has a health route",
    'Add one: `@app.get("/health")` above `def health(): return {"status": "ok"}`.',
    LOOKED_FOR,
    "Without one the load balancer sends people to a process that hangs, and a deployment is called done before anything answers.",
    "https://learn.microsoft.com/en-us/azure/architecture/patterns/health-endpoint-monitoring",
)
HONEST = Rule(
    "health-endpoints.honest",
    Severity.CRITICAL,
    "A health route says nothing of a dependency that it did not ask",
    'Ask before you answer: `db.session.execute(text("SELECT 1"))`, and 503 where it fails; or leave the line out of a liveness answer.',
    "answers that name a database, Redis or a queue, and routes named ready, readiness or db",
    'A constant "database": "connected" is still sent when the database is gone: every dashboard stays green and nobody is called.',
    "https://learn.microsoft.com/en-us/azure/architecture/patterns/health-endpoint-monitoring",
)
READINESS = Rule(
    "health-endpoints.readiness",
    Severity.WARNING,
    "Some health route asks the database",
    'Add a readiness route: `@app.get("/readyz")` that runs `db.session.execute(text("SELECT 1"))` and answers 503 where that fails.',
    LOOKED_FOR,
    "A process that lives but cannot reach its database fails every request; only a route that asks can take it out of rotation.",
    "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
)
LIVENESS = Rule(
    "health-endpoints.liveness",
    Severity.WARNING,
    "The liveness route asks no dependency",
    'Let it answer for the process alone: `@app.get("/livez")` that returns `{"status": "ok"}`; ask the database in `/readyz`.',
    "routes named livez, live, liveness or alive, /healthz beside a readiness route, and what a livenessProbe asks",
    "An orchestrator restarts what is not alive: with the database in the answer, one outage of it restarts every instance, again and again.",
    "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
)

READY = re.compile(r"_*(ready|readiness|readyz)_*")


def exists(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    for route in repo.fact(health_routes):
        yield holds(f"{route.path} is answered by `{route.name}`", route.place)
    for extension in repo.fact(health_extensions):
        yield holds(f"{extension.name} answers", extension.place)
    if not repo.fact(health_routes) and not repo.fact(health_extensions):
        yield broken(f"no route, of {len(repo.fact(routes))}, answers for the application's health", app_place(repo))


def honest(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    found = [seen for route in repo.fact(health_routes) for seen in _honest(repo, route)]
    yield from found
    if not found:
        yield from proven_absent(repo, "health routes that speak of a database, Redis or a queue")


def _honest(repo: Repo, route: Route) -> Iterator[Observation]:
    seen = asked(repo, route)
    said = claims(repo, route)
    for claim in said:
        place = claim.module.place(claim.node)
        if claim.kind in seen.kinds:
            yield holds(f"{route.path} asks {SHOWN[claim.kind]} before it answers {claim.text}", place)
        elif seen.opaque:
            yield unclear(f"{route.path} answers {claim.text}; whether `{seen.opaque}` asks it could not be told", place)
        else:
            yield broken(f"{route.path} answers {claim.text} without asking", place, claim=claim.text)
    wanted = kind_of(path_words(route)[-1])
    if said or not (READY.fullmatch(path_words(route)[-1]) or wanted) or not depends(repo, route):
        return
    if seen.kinds:
        yield holds(f"{route.path} asks {_shown(seen)}", route.place)
    elif seen.opaque:
        yield unclear(f"whether `{seen.opaque}` in {route.path} asks a dependency could not be told", route.place)
    else:
        yield broken(f"{route.path} answers without asking {SHOWN.get(wanted, 'any dependency')}", route.place)


def readiness(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    if not depends(repo):
        yield from proven_absent(repo, "imports of database and Redis clients")
        return
    yield from _asking(repo)


def _asking(repo: Repo) -> Iterator[Observation]:
    found: list[tuple[Route, Asked]] = [(route, asked(repo, route)) for route in repo.fact(health_routes)]
    good = [(route, seen) for route, seen in found if seen.kinds]
    extensions = repo.fact(health_extensions)
    hidden = next(((route, seen) for route, seen in found if seen.opaque), None)
    for route, seen in good:
        yield holds(f"{route.path} asks {_shown(seen)}", route.place)
    if good:
        return
    if extensions:
        given = extensions[0]
        words = f"{given.name} was given dependencies to ask" if given.asks else f"what {given.name} asks could not be told"
        yield holds(words, given.place) if given.asks else unclear(words, given.place)
    elif hidden:
        yield unclear(f"whether `{hidden[1].opaque}` in {hidden[0].path} asks a dependency could not be told", hidden[0].place)
    else:
        yield broken("no health route asks the database or anything else", found[0][0].place if found else app_place(repo))


def _shown(seen: Asked) -> str:
    return " and ".join(SHOWN[kind] for kind in sorted(seen.kinds))


def liveness(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    found = repo.fact(liveness_routes)
    for route, why in found:
        seen = asked(repo, route)
        if seen.kinds:
            yield broken(f"{route.path}{why} asks {_shown(seen)}", route.place)
        elif seen.opaque:
            yield unclear(f"whether `{seen.opaque}` in {route.path}{why} asks a dependency could not be told", route.place)
        else:
            yield holds(f"{route.path}{why} asks no dependency", route.place)
    if not found:
        yield from proven_absent(repo, LIVENESS.looks_for)


RULES = {
    EXISTS: exists,
    HONEST: honest,
    READINESS: readiness,
    LIVENESS: liveness,
}
