"""Whether probes get to the health routes: no login, no limit, and an address that exists."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.checks.health_endpoints.answers import LOOKED_FOR
from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.probes import Probe, answered_by, probes
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.health_routes import health_extensions, health_routes, is_general, login_gate, path_words
from mingus_gate.repo.flask.routes import routes
from mingus_gate.repo.limits.exemptions import exempt_routes
from mingus_gate.repo.limits.limiter import under_default

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


RULES = {
    OPEN: open_,
    UNLIMITED: unlimited,
    PROBES_MATCH: probes_match,
}
