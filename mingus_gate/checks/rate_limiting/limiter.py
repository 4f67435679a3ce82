"""Whether there is a limiter, and all processes count in one storage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Role, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent, settings
from mingus_gate.repo.flask.routes import Route, app_place, routes
from mingus_gate.repo.limits.credential_routes import credential_routes, limit_on, money_routes, word_in
from mingus_gate.repo.limits.gateway import gateway_limits
from mingus_gate.repo.limits.limiter import STORAGE_KEYS, Limiter, limiters, one_worker, set_at
from mingus_gate.repo.limits.own_limiters import own_limiters

LOOKED_FOR = "`Limiter(`, functions that answer 429, nginx `limit_req` and limits of API gateways"

INSTALLED = Rule(
    "rate-limiting.installed",
    Severity.CRITICAL,
    "An application that takes credentials or money limits requests",
    'Install Flask-Limiter, `limiter = Limiter(get_remote_address, default_limits=["200 per hour"], storage_uri=os.environ["REDIS_URL"])`, '
    "bind it where the application is made, `limiter.init_app(app)`, and leave `RATELIMIT_ENABLED` on.",
    f"routes that take passwords, tokens or payments, and {LOOKED_FOR}",
    "Without a limit anybody may try passwords, reset codes and stolen card numbers as fast as the server answers.",
    "https://flask-limiter.readthedocs.io/en/stable/",
)
SHARED_STORAGE = Rule(
    "rate-limiting.shared-storage",
    Severity.CRITICAL,
    "Limits are counted in storage that all processes share",
    'Count in Redis, without a fallback: `RATELIMIT_STORAGE_URI = os.environ["REDIS_URL"]` or `Limiter(…, storage_uri=os.environ["REDIS_URL"])`; '
    "in a limiter of your own `redis.incr(key)`.",
    "`storage_uri` of `Limiter(` and `RATELIMIT_STORAGE_URI`",
    "In memory every worker counts for itself: eight workers allow eight times the limit, and each restart starts again at zero. "
    "Flask-Limiter counts in memory when it is told nothing.",
    "https://flask-limiter.readthedocs.io/en/stable/#configuring-a-storage-backend",
)

IN_MEMORY = ("memory", "async+memory")
SHARED = re.compile(r"redis|valkey|memcached|mongo|etcd", re.IGNORECASE)
COUNTS_LOGINS = re.compile(r"(failed_|login_|wrong_)\w*(attempt|count|login)|lockout|brute_?force", re.IGNORECASE)
"""Words of a view that locks accounts itself."""


def installed(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    sensitive = repo.fact(credential_routes) + repo.fact(money_routes)
    found = [*of_library(repo), *_in_front(repo), *_of_own(repo, sensitive)]
    yield from found
    if found:
        return
    if not sensitive:
        yield from proven_absent(repo, "routes that take a password, a token or a payment without a login")
    elif word := next((word for route in sensitive if (word := word_in(repo, route, COUNTS_LOGINS))), ""):
        yield unclear(f"no limiter is installed, but a view uses `{word}`", sensitive[0].place)
    else:
        shown = ", ".join(f"{'/'.join(r.methods)} {r.path}" for r in sensitive[:3])
        more = f" and {len(sensitive) - 3} more" if len(sensitive) > 3 else ""
        yield broken(f"no rate limiter at all, and {shown}{more} take credentials or money", app_place(repo), routes=len(sensitive))


def of_library(repo: Repo) -> Iterator[Observation]:
    """Whether each Flask-Limiter of the tree is on and bound."""
    switched = [s for s in settings(repo, "RATELIMIT_ENABLED") if s.value.fixed and not s.value.literal]
    for limiter in repo.fact(limiters):
        if switched:
            yield broken("RATELIMIT_ENABLED is off", switched[0].place)
        elif limiter.bound:
            yield holds("Flask-Limiter is bound to the application", limiter.place)
        elif limiter.bound is None:
            yield unclear("whether this limiter is bound to an application could not be told", limiter.place)
        else:
            yield broken(f"`{limiter.variable}` is never bound to an application (`{limiter.variable}.init_app(app)`)", limiter.place)


def _in_front(repo: Repo) -> Iterator[Observation]:
    for limit in repo.fact(gateway_limits):
        yield holds(f"{limit.kind} limits {limit.location or 'every path'}", limit.place)


def _of_own(repo: Repo, sensitive: list[Route]) -> Iterator[Observation]:
    for own in repo.fact(own_limiters):
        if own.every_request:
            yield holds(f"`{own.name}` answers 429 before every request", own.place)
    seen = {limit: route for route in sensitive if (limit := limit_on(repo, route))} if not repo.fact(limiters) else {}
    for limit, route in seen.items():
        if any(own.name == limit for own in repo.fact(own_limiters)):
            yield holds(f"`{limit}` answers 429 on {route.path}", route.place)
        else:
            yield unclear(f"{route.path} carries a limit of its own ({limit}) that could not be judged", route.place)


def shared_storage(repo: Repo) -> Iterator[Observation]:
    found, own = [limiter for limiter in repo.fact(limiters) if limiter.bound is not False], repo.fact(own_limiters)
    if not found and not own:
        yield from proven_absent(repo, "`Limiter(` and functions that answer 429")
    for limiter in found:
        yield from _stored(repo, limiter)
    for mine in own:
        if mine.counts_in == "memory":
            yield broken(f"`{mine.name}` counts in `{mine.variable}`, a dictionary of one process{one_worker(repo)}", mine.place, storage="memory")
        elif mine.counts_in in ("redis", "database"):
            yield holds(f"`{mine.name}` counts in {mine.counts_in}", mine.place, storage=mine.counts_in)
        elif mine.counts_in != "nothing":
            where = "in the cache; whether processes share it" if mine.counts_in else "; where"
            yield unclear(f"`{mine.name}` counts {where} could not be told".replace(" ;", ";"), mine.place)


def _stored(repo: Repo, limiter: Limiter) -> Iterator[Observation]:
    value, place = limiter.storage, limiter.storage_place
    named_at = next(
        (
            found
            for role in (Role.PRODUCTION, Role.EXAMPLE)
            for key in STORAGE_KEYS
            if (found := set_at(repo, f"FLASK_{key}", role) or set_at(repo, key, role))
        ),
        None,
    )
    if value is None and named_at:
        yield unclear(f"the storage is named at {named_at}, outside of the code; production's own value is not in the tree", place)
    elif value is None or (value.fixed and not value.literal):
        yield broken(f"no storage is named, so limits are counted in the memory of each process{one_worker(repo)}", place, storage="memory")
    elif not any(str(text).startswith(IN_MEMORY) for text in value.literals):
        shared = [text.partition(":")[0] for text in value.texts if text]
        if not shared and (named := SHARED.search(value.unresolved)):
            yield holds(f"limits are counted in {named[0].lower()} (`{value.unresolved}`)", place, storage=named[0].lower())
        elif shared or (value.env and not value.unresolved):
            yield holds(f"limits are counted in {shared[0] if shared else f'${value.env[0]}'}", place, storage=shared[0] if shared else value.env[0])
        else:
            yield unclear(f"the limiter's storage is `{value.unresolved}`", place)
    elif not value.env:
        when = f", unless `{value.unresolved}` is set" if value.unresolved else ""
        yield broken(f"limits are counted in the memory of each process{when}{one_worker(repo)}", place, storage="memory")
    elif where := set_at(repo, value.env[0], Role.PRODUCTION):
        yield holds(f"limits are counted in ${value.env[0]}, set at {where}", place, storage=value.env[0])
    elif where := set_at(repo, value.env[0], Role.EXAMPLE):
        yield unclear(
            f"limits are counted in memory unless {value.env[0]} is set; {where} names it, production's own value is not in the tree", place
        )
    else:
        yield broken(f"limits are counted in memory when {value.env[0]} is not set{one_worker(repo)}", place, storage="memory", variable=value.env[0])


RULES = {
    INSTALLED: installed,
    SHARED_STORAGE: shared_storage,
}
