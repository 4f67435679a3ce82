"""Requests counted and timed for Prometheus, by endpoint so that the number of series is bounded."""

from __future__ import annotations

import os
import time

from flask import Flask, Response, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Counter("ledger_requests_total", "Requests answered", ["method", "endpoint", "status"])
SECONDS = Histogram("ledger_request_seconds", "Time to answer", ["endpoint"], buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
PAYMENT_EVENTS = Counter("ledger_payment_events_total", "Webhook calls by what became of them", ["outcome"])


def init_app(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.metrics_began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        REQUESTS.labels(request.method, endpoint, str(response.status_code)).inc()
        if "metrics_began" in g:
            SECONDS.labels(endpoint).observe(time.perf_counter() - g.metrics_began)
        return response


def exposition() -> bytes:
    """What Prometheus reads: the sum over all gunicorn workers where they share PROMETHEUS_MULTIPROC_DIR."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
