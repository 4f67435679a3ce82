"""Whether the limits hold: on which routes, for whom, and that they count at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mingus_gate.checks.rate_limiting.limiter import COUNTS_LOGINS, LOOKED_FOR, of_library
from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import reached
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.routes import app_place, routes
from mingus_gate.repo.limits.credential_routes import credential_routes, limit_on, money_routes, word_in
from mingus_gate.repo.limits.exemptions import exemptions
from mingus_gate.repo.limits.gateway import gateway_limits
from mingus_gate.repo.limits.limiter import key_function, limiters, told_apart, under_default
from mingus_gate.repo.limits.own_limiters import OwnLimiter, own_limiters
from mingus_gate.repo.python import keyword

AUTH_ROUTES = Rule(
    "rate-limiting.auth-routes",
    Severity.WARNING,
    "Login, signup, password reset and token routes carry a limit",
    'Put a limit on each: `@limiter.limit("5 per minute")` below `@bp.route("/login", methods=["POST"])`.',
    "routes named login, register, reset, forgot or token that accept POST without a login",
    "These are the routes that are guessed at; a limit for the whole application is too wide to stop a slow guesser, none at all stops nobody.",
    "https://cheatsheetseries.owasp.org/cheatsheets/Authentication_Cheat_Sheet.html#protect-against-automated-attacks",
)
COUNTS = Rule(
    "rate-limiting.counts",
    Severity.WARNING,
    "What is called a limiter counts requests",
    'Replace the placeholder by a real limit: `@limiter.limit("10 per minute")` on the routes that ask it.',
    "`Limiter(`, functions of the tree that answer 429, and those they ask",
    "A function named check_rate_limit that always says yes reads like protection in every review and protects nothing.",
    "https://cheatsheetseries.owasp.org/cheatsheets/Denial_of_Service_Cheat_Sheet.html",
)
DEFAULT_LIMIT = Rule(
    "rate-limiting.default-limit",
    Severity.WARNING,
    "Every route has a default limit",
    'Give the limiter one: `Limiter(…, default_limits=["200 per hour"])`, or `RATELIMIT_DEFAULT = "200 per hour"`.',
    "`default_limits`, `application_limits` and `RATELIMIT_DEFAULT`",
    "A new route is forgotten sooner or later; the default covers it until somebody thinks of a better one.",
    "https://flask-limiter.readthedocs.io/en/stable/configuration.html",
)
CLIENT_ADDRESS = Rule(
    "rate-limiting.client-address",
    Severity.WARNING,
    "The client's address is not taken from a header that anyone can set",
    "Use `key_func=get_remote_address` and count the proxies: `app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)`.",
    "`key_func` of `Limiter(`, and what limiters of the tree's own count by",
    "The first entry of X-Forwarded-For is written by the client: a new value with every request is a new client, and no limit is ever reached.",
    "https://flask-limiter.readthedocs.io/en/stable/recipes.html#deploying-an-application-behind-a-proxy",
)
EXEMPTIONS = Rule(
    "rate-limiting.exemptions",
    Severity.WARNING,
    "Only health checks, metrics, static files and webhooks are exempt from limits",
    'Take `@limiter.exempt` off the route; where the default is too tight, give it a limit of its own: `@limiter.limit("60 per minute")`.',
    "`limiter.exempt` on routes and blueprints",
    "An exempt route may be called as fast as the server answers; whoever looks for a way around the limits finds it.",
    "https://flask-limiter.readthedocs.io/en/stable/#rate-limit-exemptions",
)


def auth_routes(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    asked = repo.fact(credential_routes)
    if not asked:
        yield from proven_absent(repo, "login, signup, password reset and token routes")
    every = next((own for own in repo.fact(own_limiters) if own.every_request), None)
    for route in asked:
        shown = f"{'/'.join(m for m in route.methods if m != 'OPTIONS')} {route.path}"
        in_front = next((limit for limit in repo.fact(gateway_limits) if limit.covers(route.path)), None)
        if limit := limit_on(repo, route):
            yield holds(f"{shown} is limited by `{limit}`", route.place)
        elif route.module.path in repo.fact(under_default) and not any(name.endswith("limiter.exempt") for name in route.decorators):
            yield holds(f"{shown} is under the default limit", route.place)
        elif in_front:
            yield holds(f"{shown} is under {in_front.kind} at {in_front.place}", route.place)
        elif word := word_in(repo, route, COUNTS_LOGINS):
            yield holds(f"the view of {shown} counts failed logins (`{word}`)", route.place)
        elif every:
            yield unclear(f"whether `{every.name}` lets {route.path} through could not be told", route.place)
        else:
            yield broken(f"{shown} carries no limit", route.place)


def counts(repo: Repo) -> Iterator[Observation]:
    own = repo.fact(own_limiters)
    if not own:
        library = [holds("Flask-Limiter counts requests", seen.place) for seen in of_library(repo) if seen.holds]
        yield from library or proven_absent(repo, "`Limiter(`, and functions of the tree that answer 429")
    for mine in own:
        if mine.counts_in == "nothing":
            yield broken(f"`{mine.name}` returns True whatever happens: it limits nobody", mine.place)
        elif mine.counts_in:
            yield holds(f"`{mine.name}` counts in {mine.variable or mine.counts_in}", mine.place)
        else:
            yield unclear(f"what `{mine.name}` counts could not be told", mine.place)


def default_limit(repo: Repo) -> Iterator[Observation]:
    if not repo.fact(routes):
        return
    for limiter in repo.fact(limiters):
        if limiter.bound is not False and limiter.defaults:
            yield holds("the limiter has a default limit", limiter.place)
            return
    every: list[OwnLimiter] = [own for own in repo.fact(own_limiters) if own.every_request]
    in_front = [limit for limit in repo.fact(gateway_limits) if limit.location in ("", "/")]
    if every:
        yield holds(f"`{every[0].name}` runs before every request", every[0].place)
    elif in_front:
        yield holds(f"{in_front[0].kind} covers every path", in_front[0].place)
    elif found := repo.fact(limiters):
        yield broken("the limiter has no default limit: routes without a decorator have none", found[0].place)
    elif repo.fact(credential_routes) + repo.fact(money_routes):
        yield broken("no default limit for any route", app_place(repo))
    else:
        yield from proven_absent(repo, f"{LOOKED_FOR}, and routes that take credentials or money")


def client_address(repo: Repo) -> Iterator[Observation]:
    found, own = repo.fact(limiters), repo.fact(own_limiters)
    if not found and not own:
        yield from proven_absent(repo, LOOKED_FOR)
    for limiter in found:
        name, code = key_function(repo, limiter)
        place = limiter.module.place(keyword(limiter.call, "key_func") or limiter.call)
        yield from _keyed(repo, name, [node for _, node in code], place)
    for mine in own:
        nodes = [node for _, node in reached(repo, mine.module, mine.function)]
        yield from (seen for seen in _keyed(repo, mine.name, nodes, mine.place) if seen.holds is not None or "Forwarded" in seen.message)


def _keyed(repo: Repo, name: str, code: list[ast.AST], place: Place) -> Iterator[Observation]:
    told = told_apart(name, code)
    if told == "forwarded":
        by = "get_ipaddr, which believes X-Forwarded-For" if name.endswith("get_ipaddr") else "what X-Forwarded-For says"
        yield broken(f"clients are told apart by {by}", place)
    elif told == "proxies":
        yield unclear("the client's address is taken from X-Forwarded-For; whether proxies are counted rightly could not be told", place)
    elif told:
        proxies = next((module.place(call) for module, call in repo.calls("werkzeug.middleware.proxy_fix.ProxyFix", served=True)), None)
        yield holds(f"clients are told apart by their {told}{f', proxies counted at {proxies}' if proxies else ''}", place)
    elif code or name:
        yield unclear(f"what `{name or 'the key function'}` tells clients apart by could not be told", place)


def exempt(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(exemptions)
    for one in found:
        if one.route:
            path = "/".join(one.route.methods) + f" {one.route.path}"
            yield broken(f"{path} is exempt from every limit", one.place)
        elif one.known:
            yield holds(f"`{one.name}` is exempt, and meant for machines or static", one.place)
        else:
            yield unclear(f"what `{one.name}` exempts could not be told", one.place)
    if not found:
        yield from proven_absent(repo, EXEMPTIONS.looks_for)


RULES = {
    AUTH_ROUTES: auth_routes,
    COUNTS: counts,
    DEFAULT_LIMIT: default_limit,
    CLIENT_ADDRESS: client_address,
    EXEMPTIONS: exempt,
}
