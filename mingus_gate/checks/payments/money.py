"""Whether money moves once and to the cent, and each event arrives and counts once."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.stripe.amounts import judged
from mingus_gate.repo.stripe.calls import amounts, creations
from mingus_gate.repo.stripe.client import exemptions, protections
from mingus_gate.repo.stripe.repeats import repeat
from mingus_gate.repo.stripe.webhooks import webhooks

IDEMPOTENCY = Rule(
    "payments.idempotency",
    Severity.WARNING,
    "What moves money is created under an idempotency key",
    'Add a key that is the same when the same order is tried again: `idempotency_key=f"order-{order.id}"`.',
    "calls such as `PaymentIntent.create(`, `Charge.create(` and `Refund.create(`",
    "A double click, a retried task or a timeout makes the same call twice. Of two calls with one key Stripe makes one payment; without, two.",
    "https://docs.stripe.com/api/idempotent_requests",
)
INTEGER_AMOUNTS = Rule(
    "payments.integer-amounts",
    Severity.WARNING,
    "Amounts are integers of the smallest unit",
    "Keep cents as integers, or round before handing over: `amount=int(round(price * 100))`.",
    "`amount` and `unit_amount` in calls of stripe",
    "Stripe refuses 10.0, and int(19.99 * 100) is 1998: a float loses a cent here and there.",
    "https://docs.stripe.com/currencies#zero-decimal",
)
EVENTS_ONCE = Rule(
    "payments.events-once",
    Severity.INFO,
    "An event that comes twice is handled once",
    'Keep the ids of handled events in a table with a unique key, and answer 200 at once where `event["id"]` is in it.',
    "the event's id, a unique key or a state in what handles Stripe's events, and what it does",
    "Stripe sends an event again until it is answered, and now and then twice all the same: a credit is booked twice, a mail sent twice.",
    "https://docs.stripe.com/webhooks#handle-duplicate-events",
)
CSRF_EXEMPT = Rule(
    "payments.csrf-exempt",
    Severity.WARNING,
    "Stripe's webhook is exempt from CSRF protection",
    "Put `@csrf.exempt` under the route; the signature protects it.",
    "`CSRFProtect(` and `csrf.exempt`",
    "Stripe sends no CSRF token: every event is answered 400 and after three days of retries Stripe switches the endpoint off.",
    "https://flask-wtf.readthedocs.io/en/stable/csrf/#exclude-views-from-protection",
)


def idempotency(repo: Repo) -> Iterator[Observation]:
    for creation in repo.fact(creations):
        if creation.idempotent:
            yield holds(f"`{creation.name}` has an idempotency key", creation.place)
        elif creation.idempotent is None:
            yield unclear(f"the options of `{creation.name}` come from `{creation.hidden}`", creation.place)
        else:
            yield broken(f"`{creation.name}` has no idempotency key", creation.place)


def integer_amounts(repo: Repo) -> Iterator[Observation]:
    for amount in repo.fact(amounts):
        good, shown = judged(repo, amount.module, amount.node)
        if good is None:
            yield unclear(f"{amount.name} is `{shown}`", amount.place)
        elif good:
            yield holds(f"{amount.name} is `{shown}`", amount.place)
        else:
            cut = shown.startswith("int(")
            yield broken(f"{amount.name} is `{shown}`, {'which cuts a float instead of rounding it' if cut else 'a float'}", amount.place)


def events_once(repo: Repo) -> Iterator[Observation]:
    for hook in repo.fact(webhooks):
        found = repeat(repo, hook)
        if found is None:
            continue
        if found.how == "id":
            yield holds(f"`{hook.name}` looks at the event's id", found.place)
        elif found.how == "once":
            yield holds(f"`{hook.name}`: `{found.shown}` keeps what was done from being done again", found.place)
        elif found.how == "state":
            yield holds(f"`{hook.name}` looks at `{found.shown}` before it acts", found.place)
        elif found.how == "hidden":
            yield unclear(f"whether `{hook.name}` meets an event twice depends on `{found.shown}`", found.place)
        elif hook.route:  # a helper that only checks the signature hands the event on
            yield broken(f"`{hook.name}` acts (`{found.shown}`) and looks neither at the event's id nor at what was done before", hook.place)


def csrf_exempt(repo: Repo) -> Iterator[Observation]:
    protected = protections(repo)
    if not protected:
        yield from proven_absent(repo, "`CSRFProtect(` and `SeaSurf(`")
        return
    exempt = exemptions(repo)
    for hook in repo.fact(webhooks):
        if hook.route is None:
            continue
        place = exempt.of(hook.route)
        if place:
            yield holds(f"`{hook.name}` is exempt from CSRF protection", place)
        elif exempt.unclear:
            yield unclear(f"`{exempt.unclear}` may exempt `{hook.name}`", hook.place)
        else:
            yield broken(f"`{hook.name}` is not exempt from the CSRF protection of {protected}", hook.place)


RULES = {
    IDEMPOTENCY: idempotency,
    INTEGER_AMOUNTS: integer_amounts,
    EVENTS_ONCE: events_once,
    CSRF_EXEMPT: csrf_exempt,
}
