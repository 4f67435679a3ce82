"""Calls to Stripe as facts: where its keys come from, what is created with which amount, and under which idempotency key."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.flask.configured import configured
from mingus_gate.repo.python import Module, keyword, string, walk
from mingus_gate.repo.values import Value

CREATED = ("PaymentIntent", "Charge", "Refund", "Subscription", "Transfer", "Payout", "Invoice", "InvoiceItem", "Topup", "SubscriptionSchedule")
RESOURCES = ("payment_intents", "charges", "refunds", "subscriptions", "transfers", "payouts", "invoices", "invoice_items", "topups")
PRICED = (
    *CREATED,
    "checkout.Session",
    "Price",
    "Plan",
    "PaymentLink",
    "Coupon",
    *RESOURCES,
    "sessions",
    "prices",
    "plans",
    "payment_links",
    "coupons",
)
AMOUNTS = ("amount", "unit_amount", "amount_off", "amount_to_capture")
MAKING = ("create", "modify", "update", "capture")


@dataclass(frozen=True, eq=False)
class Key:
    """One place that gives Stripe's library a secret key. `value` is what it can come to; `here` is True where a literal
    in it is written in the same statement, so that the fault is this line's and nobody else's."""

    module: Module
    node: ast.expr
    place: Place
    value: Value

    @property
    def here(self) -> bool:
        texts = [text for text in self.value.literals if isinstance(text, str)]
        pieces = [piece for n in walk(self.node) if (piece := string(n)) and piece not in self.value.env]
        return any(piece in text for piece in pieces for text in texts)


@dataclass(frozen=True, eq=False)
class Creation:
    """A call that makes something at Stripe that costs money when made twice. `idempotent` is None where `hidden` keeps it from being seen."""

    name: str
    place: Place
    idempotent: bool | None
    hidden: str = ""


@dataclass(frozen=True, eq=False)
class Amount:
    """An expression handed to Stripe as an amount."""

    module: Module
    node: ast.expr
    name: str

    @property
    def place(self) -> Place:
        return self.module.place(self.node)


def keys(repo: Repo) -> list[Key]:
    """Every place of served code that sets `stripe.api_key`, makes a `StripeClient` or hands a call its `api_key`."""
    found = []
    for module in repo.python(b"api_key", b"StripeClient", served=True):
        given = [(target, value) for target, value in module.assignments() if _stripe_name(module, target) == "stripe.api_key"]
        for call in module.nodes(ast.Call):
            name = _stripe_name(module, call.func)
            if name and (node := keyword(call, "api_key") or (call.args[0] if call.args and name.endswith("StripeClient") else None)):
                given.append((node, node))
        for at, node in given:
            empty = isinstance(node, ast.Constant) and not node.value
            if not empty and not only_for_tests(module, at):
                found.append(Key(module, node, module.place(at), configured(repo, module, node)))
    return sorted(found, key=lambda key: key.place)


def creations(repo: Repo) -> list[Creation]:
    """Every call of served code that creates a payment, refund, subscription or the like."""
    found = []
    for module in repo.python(b"stripe", served=True):
        for call in module.nodes(ast.Call):
            name = _stripe_name(module, call.func)
            if name.endswith(".create") and name.split(".")[-2] in (*CREATED, *RESOURCES):
                idempotent, hidden = _idempotent(module, call)
                found.append(Creation(".".join(name.split(".")[-2:]), module.place(call), idempotent, hidden))
    return sorted(found, key=lambda creation: creation.place)


def _idempotent(module: Module, call: ast.Call) -> tuple[bool | None, str]:
    given = keyword(call, "idempotency_key")
    options = keyword(call, "options") or (call.args[1] if len(call.args) > 1 else None)
    if given is None and options is not None:
        given = next((v for d in _dicts(module, options) for k, v in zip(d.keys, d.values, strict=True) if string(k) == "idempotency_key"), None)
        if given is None and not isinstance(options, ast.Dict):
            return None, ast.unparse(options)
    if given is not None:
        return not (isinstance(given, ast.Constant) and not given.value), ""
    spread = next((k.value for k in call.keywords if k.arg is None), None)
    if spread is None:
        return False, ""
    dicts = _dicts(module, spread)
    named = any(string(k) == "idempotency_key" for d in dicts for k in d.keys)
    return (True if named else False if dicts else None), "" if dicts else ast.unparse(spread)


def amounts(repo: Repo) -> list[Amount]:
    """What served code hands Stripe as `amount` and `unit_amount`, also within nested dictionaries and `**options`."""
    found = []
    for module in repo.python(b"stripe", served=True):
        for call in module.nodes(ast.Call):
            name = _stripe_name(module, call.func)
            if name.rpartition(".")[2] in MAKING and any(f".{name}".endswith(f".{priced}.{name.rpartition('.')[2]}") for priced in PRICED):
                found += [Amount(module, node, key) for key, node in _amounts(module, call)]
    return sorted(found, key=lambda amount: amount.place)


def _amounts(module: Module, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    yield from ((k.arg, k.value) for k in call.keywords if k.arg in AMOUNTS)
    for node in (*call.args, *(k.value for k in call.keywords)):
        nested = [n for n in walk(node) if isinstance(n, ast.Dict)] if not isinstance(node, ast.Name) else _dicts(module, node)
        for table in nested:
            for key, value in zip(table.keys, table.values, strict=True):
                if (name := string(key)) in AMOUNTS and name:
                    yield name, value


def _dicts(module: Module, node: ast.expr) -> list[ast.Dict]:
    """The dictionary an expression is, or the one its name is given in the same function."""
    if isinstance(node, ast.Dict):
        return [node]
    if not isinstance(node, ast.Name):
        return []
    function = module.function_around(node)
    return [
        v
        for t, v in module.assignments()
        if isinstance(t, ast.Name) and t.id == node.id and module.function_around(t) is function and isinstance(v, ast.Dict)
    ]


def _stripe_name(module: Module, node: ast.expr) -> str:
    """The dotted name of something of Stripe's library or of one of its clients; else empty."""
    name = module.name(node)
    head = name.partition(".")[0]
    first = node
    while isinstance(first, ast.Attribute | ast.Call):
        first = first.value if isinstance(first, ast.Attribute) else first.func
    local = first.id if isinstance(first, ast.Name) else ""
    if (
        head == "stripe"
        or local == "stripe"
        or (re.search(r"stripe", name, re.IGNORECASE) and any(f".{r}." in f"{name}." for r in (*RESOURCES, "sessions")))
    ):
        return name
    return name if any(f".{r}.create" in name for r in RESOURCES[:3]) else ""
