"""What the load balancer, the orchestrator and Prometheus ask."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache as once
from typing import Any

import redis
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ledger import metrics
from ledger.extensions import db, limiter, talisman

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
limiter.exempt(blueprint)


@once
def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)


def ask_database() -> None:
    db.session.execute(text("SELECT 1"))


def ask_redis() -> None:
    client(current_app.config["RATELIMIT_STORAGE_URI"]).ping()


def ask_cache() -> None:
    client(current_app.config["CACHE_REDIS_URL"]).ping()


def asked(question: Callable[[], None]) -> dict[str, Any]:
    """Whether it answered, and how fast. The reason goes to the log, not to whoever asks."""
    began = time.perf_counter()
    try:
        question()
    except (SQLAlchemyError, redis.RedisError) as error:
        log.warning("dependency does not answer", extra={"dependency": question.__name__, "error": type(error).__name__})
        return {"status": "down"}
    return {"status": "up", "milliseconds": round((time.perf_counter() - began) * 1000, 1)}


@blueprint.get("/livez")
@talisman(force_https=False)
def livez() -> Response:
    """The process answers. It asks nobody, so a database outage does not restart it."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@talisman(force_https=False)
def readyz() -> tuple[Response, int]:
    """It can serve: what every request needs has answered just now."""
    checks = {"database": asked(ask_database), "redis": asked(ask_redis)}
    ready = all(check["status"] == "up" for check in checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503


@blueprint.get("/health")
@talisman(force_https=False)
def health() -> tuple[Response, int]:
    """For people and dashboards: the same, the cache, and which release answers."""
    checks = {"database": asked(ask_database), "redis": asked(ask_redis), "cache": asked(ask_cache)}
    healthy = all(check["status"] == "up" for check in checks.values())
    status = "healthy" if healthy else "unhealthy"
    return jsonify(status=status, release=current_app.config["RELEASE"], checks=checks), 200 if healthy else 503


@blueprint.get("/metrics")
@talisman(force_https=False)
def prometheus() -> Response:
    """Read by Prometheus inside the network; nginx answers 403 outside."""
    return Response(metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
