"""Whether the health routes of the running application answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from mingus_gate.model import Observation, Rule, Severity, broken, holds
from mingus_gate.repo.flask.health_routes import health_routes
from mingus_gate.target import Target, shown

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


RULES = {
    ANSWERS: answers,
}
