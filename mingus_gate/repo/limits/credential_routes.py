"""The routes that take credentials or money from anybody, and what limits each of them."""

from __future__ import annotations

import ast
import re

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in, reached
from mingus_gate.repo.flask.routes import TENANT, Route, routes
from mingus_gate.repo.limits.limiter import limited_mounts
from mingus_gate.repo.limits.own_limiters import LIMITING, own_limiters
from mingus_gate.repo.python import string, walk

CREDENTIALS = re.compile(
    r"(user_|do_)?(log|sign)_?(in|up|on)(_user|_post|_api)?|authenticate(_user)?|register(_user|_post)?|registration"
    r"|(request_|send_)?(forgot(ten)?|reset|recover|lost)(_my)?_?password(_request|_confirm|_email)?|forgot"
    r"|password_?(reset|recovery|forgot\w*)(_request|_confirm)?|(get_|create_|issue_|access_|auth_|oauth2?_|api_|refresh_)?tokens?"
    r"|(verify_)?(otp|mfa|2fa|totp|two_?factor)(_login|_verify)?|magic_?link"
    r"|(login|auth|password|accounts?|users?)/(reset|recover|recovery|session|sessions)"
)
MONEY = re.compile(r"checkout|create_checkout_session|pay|payments?|create_payment_intent|charge|donat(e|ions?)|purchase|buy")
SECRETS = re.compile(r"passw|passphrase|codename|secret|otp|credential|email|token|card|amount|stripe|payment|charge", re.IGNORECASE)
ELSEWHERE = re.compile(r"webhook|callback|logout|validate|unregister", re.IGNORECASE)


def credential_routes(repo: Repo) -> list[Route]:
    """Routes that take a password, a token or the wish for a new one from anybody."""
    return [route for route in repo.fact(routes) if _named(route, CREDENTIALS) and _reads_secret(repo, route)]


def money_routes(repo: Repo) -> list[Route]:
    """Routes that take a payment from anybody."""
    return [route for route in repo.fact(routes) if _named(route, MONEY) and _reads_secret(repo, route)]


def _named(route: Route, names: re.Pattern[str]) -> bool:
    """Whether anybody may post to the route, and the end of its path or its view is named like one of `names`.

    A path with a variable in it belongs to one thing, or is a secret link: not a door that everybody may try.
    """
    path = TENANT.sub("", route.path)
    if not {"POST", "PUT"} & set(route.methods) or (route.guard and "basic_auth" not in route.guard) or ELSEWHERE.search(path) or "<" in path:
        return False
    words = [part.lower().replace("-", "_") for part in path.split("/") if part]
    ends = ("/".join(words[-1:]), "/".join(words[-2:]), _words(route.name))
    return any(names.fullmatch(end) for end in ends)


def _reads_secret(repo: Repo, route: Route) -> bool:
    """Whether the view handles something worth guessing; a login that only redirects to an identity provider does not."""
    return route.view is None or bool(route.guard) or bool(word_in(repo, route, SECRETS))


def _words(name: str) -> str:
    """`ForgotPassword` and `forgotPassword` as `forgot_password`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Resource").removesuffix("View").removesuffix("API")).lower()


def limit_on(repo: Repo, route: Route) -> str:
    """What limits a route by itself: a decorator, a limit on its blueprint, or a limiter its view asks; empty where nothing does."""
    for name in route.decorators:
        if LIMITING.search(name) and not name.endswith(".exempt"):
            return ".".join(name.split(".")[-2:]) if name.endswith("limit") and "limiter" in name else name.rpartition(".")[2]
    if route.mount and route.mount in repo.fact(limited_mounts):
        return "a limit on its blueprint"
    idle = {own.function for own in repo.fact(own_limiters) if own.counts_in == "nothing"}
    for body in route.bodies:
        for module, node in reached(repo, route.module, body):
            for call in calls_in(node) if node not in idle else []:
                name = module.name(call.func)
                if LIMITING.search(name) and ((found := called(repo, module, call)) is None or found[1] not in idle):
                    return ".".join(name.split(".")[-2:])
    return ""


def word_in(repo: Repo, route: Route, pattern: re.Pattern[str]) -> str:
    """The first match of `pattern` in the names that a route's view uses, and the functions of the tree it calls; or empty."""
    texts = (_names(node) for body in route.bodies for _, node in reached(repo, route.module, body))
    return next((found[0] for text in texts if (found := pattern.search(text))), "")


def _names(node: ast.AST) -> str:
    """The names a function uses and the short texts it may look up (`request.form["password"]`), without its prose."""
    words = [n.id if isinstance(n, ast.Name) else n.attr if isinstance(n, ast.Attribute) else string(n) or "" for n in walk(node)]
    return " ".join(word for word in words if word.isidentifier())
