"""Stripe's events as facts: the routes and functions that take them, and how each makes sure that Stripe sent them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in, definition, reached, texts_in
from mingus_gate.repo.flask.routes import Route, routes
from mingus_gate.repo.python import Module, source_of
from mingus_gate.repo.requirements import required
from mingus_gate.repo.stripe.signature import Verification, verifications

EVENT = re.compile(
    r"(checkout\.session|payment_intent|setup_intent|customer\.(subscription|source)|subscription_schedule|invoiceitem|payment_link"
    r"|charge\.(dispute|refund))\.[a-z_.]+|invoice\.(paid|payment_(succeeded|action_required)|finalized|upcoming)"
    r"|charge\.(succeeded|failed|refunded|captured)|customer\.(created|updated|deleted)|payout\.(paid|failed)"
)
"""Names of Stripe's events; those that other providers use too are left out."""
OTHER_PROVIDER = re.compile(
    r"paypal|twilio|slack|github|gitlab|paddle|razorpay|paystack|square|braintree|mollie|adyen|plaid|sendgrid|mailgun|lemon", re.IGNORECASE
)
MENTIONS = re.compile(r"stripe|hook|construct_event", re.IGNORECASE)
TAKES = re.compile(r"hook|event|callback|notif|\bipn\b", re.IGNORECASE)
READS = re.compile(r"\brequest\.(data|json|form|values|stream|get_json|get_data|body)\b|\brequest\b(?=[,)])")
BY_HAND = re.compile(r"(^|\.)(compare_digest|secure_compare)$")
MAKES = re.compile(r"WebhookEndpoint|webhook_endpoints")
"""What registers webhooks at Stripe names its events too."""
HEADER = "stripe-signature"
GUARDS = re.compile(r"verif|sign|webhook|stripe|secur|valid|auth|token|protect", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Webhook:
    """What takes Stripe's events: a route, or a function that checks their signature and that no route of ours calls.

    `checked` is the verification, or how else it is made sure that Stripe sent the event; `doubt` is what kept us from
    seeing that. Both empty: nothing makes sure.
    """

    name: str
    place: Place
    route: Route | None
    verification: Verification | None = None
    checked: str = ""
    doubt: str = ""


def stripe_used(repo: Repo) -> bool:
    """Whether production code imports Stripe's library or the application requires it."""
    imported = any(name.partition(".")[0] == "stripe" for module in repo.python(b"stripe") for name in module.imports.values())
    return imported or required(repo, "stripe") is not None


def webhooks(repo: Repo) -> list[Webhook]:
    """Everything that takes Stripe's events, in path and line order."""
    if not stripe_used(repo):
        return []
    found = [hook for route in repo.fact(routes) if (hook := _of_route(repo, route))]
    linked = {hook.verification.call for hook in found if hook.verification}
    for verification in repo.fact(verifications):
        if verification.call not in linked:
            function = verification.module.function_around(verification.call)
            name = function.name if function else verification.module.path
            found.append(Webhook(name, verification.place, None, verification, "its signature is checked"))
    return sorted(found, key=lambda hook: hook.place)


def _of_route(repo: Repo, route: Route) -> Webhook | None:
    if OTHER_PROVIDER.search(f"{route.path} {route.name}") or not {"POST", "PUT"} & set(route.methods) or not _worth_following(route):
        return None
    nodes = [node for body in route.bodies for node in reached(repo, route.module, body)]
    nodes += _around(repo, route)
    if verification := _verification(repo, nodes):
        return Webhook(route.name, route.place, route, verification, "its signature is checked")
    if not _takes_events(route, nodes):
        return None
    checked = _checked_otherwise(nodes)
    return Webhook(route.name, route.place, route, None, checked, "" if checked else _doubt(repo, route, nodes))


def _worth_following(route: Route) -> bool:
    """Whether the route or its code names Stripe or a webhook: following every route of a large application takes seconds."""
    code = [line for body in route.bodies for line in route.module.file.lines[getattr(body, "lineno", 1) - 1 : getattr(body, "end_lineno", 0)]]
    return any(MENTIONS.search(text) for text in (route.path, route.name, *route.decorators, *code))


def _around(repo: Repo, route: Route) -> list[tuple[Module, ast.AST]]:
    """The bodies of the route's decorators and of what runs before every request to its blueprint."""
    found = [definition(repo, route.module, name) for name in route.decorators]
    return [each for one in found if one for each in reached(repo, *one, depth=1)]


def _verification(repo: Repo, nodes: list[tuple[Module, ast.AST]]) -> Verification | None:
    """The signature check among the calls of `nodes`, or in a function that one of them names but that could not be followed."""
    known = {v.call: v for v in repo.fact(verifications)}
    by_name = {f.name: v for v in known.values() if (f := v.module.function_around(v.call))}
    calls = [(module, call) for module, node in nodes for call in calls_in(node)]
    direct = next((known[call] for _, call in calls if call in known), None)
    return direct or next((by_name[last] for module, call in calls if (last := _last(module, call)) in by_name), None)


def _last(module: Module, call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else module.name(call.func).rpartition(".")[2]


def _takes_events(route: Route, nodes: list[tuple[Module, ast.AST]]) -> bool:
    """Told by its path, by the names of Stripe's events in its code, or by the header it reads."""
    own = [text for body in route.bodies for text in texts_in(body)]
    if any(text.lower().replace("_", "-") == HEADER for text in own):
        return True
    written = " ".join(ast.unparse(body) for body in route.bodies)
    if route.guard or not READS.search(written) or MAKES.search(written):
        return False
    named = f"{route.path} {route.name}".lower()
    events = any(EVENT.fullmatch(text) for _, node in nodes for text in texts_in(node))
    return bool(("stripe" in named and TAKES.search(named)) or (events and (TAKES.search(named) or any(EVENT.fullmatch(text) for text in own))))


def _checked_otherwise(nodes: list[tuple[Module, ast.AST]]) -> str:
    for module, node in nodes:
        for call in calls_in(node):
            name = module.name(call.func)
            if BY_HAND.search(name):
                return f"its signature is checked by hand ({source_of(call.func)})"
            if name.endswith(("Event.retrieve", "events.retrieve")):
                return "the event is fetched again from Stripe"
    return ""


def _doubt(repo: Repo, route: Route, nodes: list[tuple[Module, ast.AST]]) -> str:
    """The decorator or call that may check the signature and whose code is not in the tree."""
    for name in route.decorators:
        last = name.rpartition(".")[2]
        if GUARDS.search(last) and not re.search(r"exempt|csrf|limit|route", name) and definition(repo, route.module, name) is None:
            return f"the decorator `{last}` could not be followed"
    for module, node in nodes:
        for call in calls_in(node):
            if any(_hands_on(argument) for argument in call.args) and not _known(repo, module, call):
                return f"`{source_of(call)}` could not be followed"
    return ""


def _hands_on(argument: ast.expr) -> bool:
    """The request itself, its headers, or something named like a signature."""
    shown = ast.unparse(argument)
    return bool(re.fullmatch(r"(self\.)?request(\.headers)?|\w*sig(nature|_header)?\w*", shown))


def _known(repo: Repo, module: Module, call: ast.Call) -> bool:
    """Whether what is called is in the tree, or is known not to check a signature."""
    name = module.name(call.func)
    return called(repo, module, call) is not None or bool(
        re.search(r"(^|\.)(print|len|str|bool|dict|debug|info|warning|error|exception|log|get|isinstance)$", name)
    )
