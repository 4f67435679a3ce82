"""Whether callers are who they say they are, and send no more than is taken."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import apps, proven_absent
from mingus_gate.repo.flask.back_doors import gates
from mingus_gate.repo.flask.routes import app_place
from mingus_gate.repo.flask.tokens import Token, checked_tokens, made_tokens
from mingus_gate.repo.limits.bodies import bounds, other_proxy, taking_bodies
from mingus_gate.repo.web.proxies import asks_address, believed_headers, other_headers, proxy_fixes, proxy_in_front

BACK_DOOR = Rule(
    "security-config.back-door",
    Severity.CRITICAL,
    "Nobody is let in for a value that stands in the source",
    "Delete the line; where tests need it, ask for a setting that only they switch on: `if current_app.testing and …`.",
    "tests of passwords, tokens, users and request headers against literals, and `check_password_hash`, `compare_digest` and the like",
    "Whoever reads the repository, or guesses `test-token`, is let in; nothing in the logs tells them from a real user.",
    "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
)
JWT_VERIFIED = Rule(
    "security-config.jwt-verified",
    Severity.CRITICAL,
    "The signature of every token is checked, with a named algorithm",
    'Check it, and name the algorithm: `jwt.decode(token, key, algorithms=["HS256"])`.',
    "`jwt.decode` of PyJWT, python-jose and authlib, and flask-jwt-extended",
    "A token whose signature nobody checks is written by whoever sends it: any user, any role.",
    "https://pyjwt.readthedocs.io/en/stable/algorithms.html#specifying-an-algorithm",
)
JWT = Rule(
    "security-config.jwt",
    Severity.WARNING,
    "Access tokens expire",
    'Let them end: `JWT_ACCESS_TOKEN_EXPIRES = timedelta(minutes=15)`, or `"exp": datetime.now(UTC) + timedelta(minutes=15)` in the payload.',
    "`JWT_ACCESS_TOKEN_EXPIRES`, `create_access_token` and the payloads of `jwt.encode`",
    "A token cannot be called back: one that never ends, once copied from a log or a laptop, opens the account for ever.",
    "https://flask-jwt-extended.readthedocs.io/en/stable/options.html#JWT_ACCESS_TOKEN_EXPIRES",
)
PROXIES = Rule(
    "security-config.proxies-counted",
    Severity.WARNING,
    "The client's address is what a counted number of proxies say",
    "Count the proxies in front, and read `request.remote_addr`: `app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)`.",
    "ProxyFix, X-Forwarded-For read by hand, and proxies of the tree (nginx, Procfile, ingress)",
    "Without it each client has the proxy's address, in limits and logs alike; the first entry of the header is whatever the client wrote.",
    "https://flask.palletsprojects.com/en/stable/deploying/proxy_fix/",
)
REQUEST_SIZE = Rule(
    "security-config.request-size",
    Severity.WARNING,
    "The size of a request is bounded",
    "Set the largest body you take: `MAX_CONTENT_LENGTH = 16 * 1024 * 1024`, or `client_max_body_size 16m;` in nginx.",
    "`MAX_CONTENT_LENGTH`, `client_max_body_size` and the like, and routes that accept POST, PUT or PATCH",
    "Flask reads a body of any size by itself: a few that are large enough fill memory and disk.",
    "https://flask.palletsprojects.com/en/stable/web-security/#resource-use",
)


def back_door(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(gates)
    for gate in found:
        yield broken(f"`{gate.name}` opens for {gate.opens}", gate.place) if gate.opens else holds(f"`{gate.name}` asks what is stored", gate.place)
    if not found:
        yield from proven_absent(repo, BACK_DOOR.looks_for)


def jwt_verified(repo: Repo) -> Iterator[Observation]:
    yield from _tokens(repo, repo.fact(checked_tokens), JWT_VERIFIED)


def jwt(repo: Repo) -> Iterator[Observation]:
    yield from _tokens(repo, repo.fact(made_tokens), JWT)


def _tokens(repo: Repo, found: list[Token], rule: Rule) -> Iterator[Observation]:
    for token in found:
        yield Observation(token.good, token.said, token.place)
    if not found:
        yield from proven_absent(repo, rule.looks_for)


def proxies_counted(repo: Repo) -> Iterator[Observation]:
    believed, fixes = repo.fact(believed_headers), repo.fact(proxy_fixes)
    for place in believed:
        yield broken("the client's address is the first entry of X-Forwarded-For, which the client writes", place)
    for fix in fixes:
        yield holds(f"ProxyFix counts {fix.count}", fix.place)
    front, asking = proxy_in_front(repo), asks_address(repo)
    if believed or fixes:
        return
    if not front or not asking:
        yield from proven_absent(repo, "a proxy in the tree with an application that asks for the client's address")
    elif other := other_headers(repo):
        yield unclear(f"the client's address is also read from a header at {other}; which one counts could not be told", asking)
    else:
        yield broken(f"{front[0]} stands in front ({front[1]}) and no ProxyFix: this is the proxy's address, not the client's", asking)


def request_size(repo: Repo) -> Iterator[Observation]:
    found, taking = repo.fact(bounds), repo.fact(taking_bodies)
    lifted = next((bound for bound in found if not bound.limits), None)
    limits = [bound for bound in found if bound.limits]
    for bound in limits:
        yield holds(bound.said, bound.place)
    if limits or not repo.fact(apps):
        return
    if not taking:
        yield from proven_absent(repo, "routes that accept POST, PUT or PATCH")
    else:
        shown = f"{len(taking)} routes accept" if len(taking) > 1 else "a route accepts"
        unbounded = f"{shown} a body, and nothing in the tree bounds its size"
        if lifted:
            yield broken(lifted.said, lifted.place)
        elif other := repo.fact(other_proxy):
            yield unclear(f"{shown} a body; whether a proxy like the one at {other} bounds its size is not in the tree", other)
        else:
            yield broken(unbounded, app_place(repo))


RULES = {
    BACK_DOOR: back_door,
    JWT_VERIFIED: jwt_verified,
    JWT: jwt,
    PROXIES: proxies_counted,
    REQUEST_SIZE: request_size,
}
