"""Whether Redis answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds
from mingus_gate.target import Target, shown

REACHABLE = Rule(
    "cache.reachable",
    Severity.WARNING,
    "Redis answers",
    "Start Redis, or correct REDIS_URL: host, port, password and whether it speaks TLS (`rediss://`).",
    "an answer to `PING` at REDIS_URL",
    "With Redis away the cache misses, limits stop counting, and tasks are not taken.",
)


def reachable(target: Target) -> Iterator[Observation]:
    """One PING; nothing is written."""
    from redis.exceptions import RedisError

    address = shown(target.given("REDIS_URL"))
    began = time.monotonic()
    try:
        with target.redis() as client:
            client.ping()
    except (RedisError, OSError) as error:
        yield broken(f"no answer from Redis ({type(error).__name__})", address=address, variable="REDIS_URL")
    else:
        milliseconds = round(1000 * (time.monotonic() - began))
        yield holds(f"Redis answered within {milliseconds} ms", address=address, milliseconds=milliseconds)


RULES = {
    REACHABLE: reachable,
}
