"""Can a load balancer and an orchestrator trust its health answers?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from mingus_gate.model import Check, Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.probes import Probe, answered_by, liveness_routes, probes
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.health_answers import SHOWN, Asked, asked, claims, depends, kind_of
from mingus_gate.repo.flask.health_routes import health_extensions, health_routes, is_general, login_gate, path_words
from mingus_gate.repo.flask.routes import Route, app_place, routes
from mingus_gate.repo.limits.exemptions import exempt_routes
from mingus_gate.repo.limits.limiter import under_default
from mingus_gate.target import Target, shown

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
OPEN = Rule(
    "health-endpoints.open",
    Severity.WARNING,
    "A health route answers without a login",
    "Take the login decorator off the route that answers only whether it works; keep details behind it.",
    LOOKED_FOR,
    "Load balancers and orchestrators have no session: they get 401 or a redirect to the login page, and take a healthy process out.",
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
)
UNLIMITED = Rule(
    "health-endpoints.unlimited",
    Severity.INFO,
    "The default rate limit leaves the health route out",
    "Put `@limiter.exempt` below the route of the health view.",
    "default limits of Flask-Limiter, and `limiter.exempt` on health routes",
    "Probes come every few seconds from one address; once they meet the limit, a healthy process is restarted for answering 429.",
    "https://flask-limiter.readthedocs.io/en/stable/#rate-limit-exemptions",
)
PROBES_MATCH = Rule(
    "health-endpoints.probes-match",
    Severity.WARNING,
    "Probes name routes that exist",
    "Point the probe to a health route of the application that this container starts: "
    "`HEALTHCHECK CMD python -c \"from urllib.request import urlopen; urlopen('http://localhost:8000/health')\"`.",
    "HEALTHCHECK of Dockerfiles, healthcheck of compose services, httpGet probes of Kubernetes",
    "A probe of an address that answers 404 marks every container unhealthy, or, where failures are ignored, checks nothing.",
    "https://docs.docker.com/reference/dockerfile/#healthcheck",
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
ANSWERS = Rule(
    "health-endpoints.answers",
    Severity.CRITICAL,
    "The health routes answer 200 within a second",
    "Start the application, or mend what the route's answer names; an orchestrator gives a probe one second (`timeoutSeconds: 1`).",
    "answers of the health routes at MINGUS_BASE_URL",
    "A load balancer takes an instance out, and an orchestrator restarts it, when its health route fails or is slow.",
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
)
BUDGET = 1000
"""Milliseconds: Kubernetes' default `timeoutSeconds` is 1."""


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


def open_(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(health_routes)
    free = [route for route in found if not route.guard]
    gate = login_gate(repo)
    for route in free:
        if gate is None or path_words(route)[-1] in gate[1]:
            yield holds(f"{route.path} needs no login", route.place)
        else:
            yield unclear(f"whether the login asked for at {gate[0]} lets {route.path} through could not be told", route.place)
    for extension in repo.fact(health_extensions):
        yield holds(f"{extension.name} asks for no login", extension.place)
    if found and not free and not repo.fact(health_extensions):
        yield broken(f"{found[0].path} asks for a login (`{found[0].guard.rpartition('.')[2]}`)", found[0].place)


def unlimited(repo: Repo) -> Iterator[Observation]:
    found = [route for route in repo.fact(health_routes) if is_general(route) and route.module.path in repo.fact(under_default)]
    if not found:
        yield from proven_absent(repo, "a default limit over a health route")
    exempt = repo.fact(exempt_routes)
    for route in found:
        if route in exempt:
            yield holds(f"{route.path} is exempt", route.place)
        else:
            yield broken(f"{route.path} is under the default limit", route.place)


def probes_match(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    found = repo.fact(probes)
    if not found:
        yield from proven_absent(repo, "HTTP probes of this application in Dockerfiles, compose files and Kubernetes manifests")
    for probe in found:
        yield from _matched(repo, probe)


def _matched(repo: Repo, probe: Probe) -> Iterator[Observation]:
    view = answered_by(repo, probe)
    if view.startswith("*"):
        yield unclear(f"{probe.path} is answered by `{view[1:]}`, which answers every address", probe.place)
    elif view:
        yield holds(f"the {probe.kind} asks {probe.path}, answered by `{view}`", probe.place)
    elif probe.sure and not repo.blind:
        yield broken(
            f"the {probe.kind} asks {probe.path}, which is no route of {f'`{probe.entry}`' if probe.entry else 'the application'}", probe.place
        )
    else:
        yield unclear(f"whether {probe.path} is meant for this application could not be told", probe.place)


def answers(target: Target) -> Iterator[Observation]:
    """One GET of each health route without parameters that the source has, five at the most."""
    import requests

    base = shown(target.given("MINGUS_BASE_URL")).rstrip("/")
    paths = list(dict.fromkeys(route.path for route in target.repo.fact(health_routes) if "<" not in route.path and "GET" in route.methods))
    for path in paths[:5]:
        began = time.monotonic()
        try:
            answer = target.get(path)
        except requests.RequestException as error:
            yield broken(f"no answer ({type(error).__name__})", address=base + path, variable="MINGUS_BASE_URL")
            continue
        milliseconds = round(1000 * (time.monotonic() - began))
        evidence: dict[str, Any] = {"status": answer.status_code, "milliseconds": milliseconds, "threshold_milliseconds": BUDGET}
        if answer.status_code == 200 and milliseconds <= BUDGET:
            yield holds(f"200 within {milliseconds} ms", address=base + path, **evidence)
        elif answer.status_code == 200:
            yield broken(f"200 only after {milliseconds} ms; {BUDGET} is the budget", address=base + path, **evidence)
        else:
            yield broken(f"answers {answer.status_code}", address=base + path, **evidence)


CHECK = Check(
    "health-endpoints",
    "Health endpoints",
    "Can a load balancer and an orchestrator trust its health answers?",
    weight=2,
    static={
        EXISTS: exists,
        HONEST: honest,
        READINESS: readiness,
        LIVENESS: liveness,
        OPEN: open_,
        UNLIMITED: unlimited,
        PROBES_MATCH: probes_match,
    },
    live={ANSWERS: answers},
)
