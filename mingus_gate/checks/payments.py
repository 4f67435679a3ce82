"""Is money taken only on signed, live, idempotent calls?"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from mingus_gate.model import Check, Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.secrets import find_secrets, is_placeholder
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.configured import configured
from mingus_gate.repo.python import walk
from mingus_gate.repo.stripe.amounts import judged
from mingus_gate.repo.stripe.calls import Key, amounts, creations, keys
from mingus_gate.repo.stripe.client import exemptions, handed_out, protections, public_keys
from mingus_gate.repo.stripe.repeats import repeat
from mingus_gate.repo.stripe.signature import bypass, payload_kind, verifications
from mingus_gate.repo.stripe.webhooks import stripe_used, webhooks

LOOKED_FOR = "`import stripe` and stripe among the requirements"

SIGNED_WEBHOOK = Rule(
    "payments.signed-webhook",
    Severity.CRITICAL,
    "Every webhook of Stripe checks the signature",
    "Verify first, and answer 400 where it raises: "
    '`stripe.Webhook.construct_event(request.get_data(), request.headers.get("Stripe-Signature", ""), secret)`.',
    "routes that take Stripe's events, and calls of `construct_event`",
    "The address of a webhook is no secret. Without the signature anybody can post that an invoice was paid.",
    "https://docs.stripe.com/webhooks#verify-official-libraries",
)
RAW_BODY = Rule(
    "payments.raw-body",
    Severity.CRITICAL,
    "The signature is checked over the body as it came",
    "Hand `construct_event` the bytes: `payload = request.get_data()`.",
    "calls of `construct_event` and what they are given as payload",
    "Stripe signs the bytes it sends. JSON that was read and written again differs in spaces and order, so every real event is refused.",
    "https://docs.stripe.com/webhooks/signature",
)
KEYS_FROM_ENVIRONMENT = Rule(
    "payments.keys-from-environment",
    Severity.CRITICAL,
    "Stripe's secret key comes from the environment",
    'Read it without a fallback: `stripe.api_key = os.environ["STRIPE_SECRET_KEY"]`, and roll the key that was written down.',
    "`stripe.api_key = …`, `StripeClient(…)` and `api_key=` in calls of stripe",
    "Who reads the source can charge and refund with a live key. With a test key as fallback, production without its variable accepts orders "
    "and takes no money.",
    "https://docs.stripe.com/keys-best-practices",
)
PLACEHOLDER_KEY = Rule(
    "payments.placeholder-key",
    Severity.WARNING,
    "No placeholder stands in for a missing Stripe key",
    'Let the start fail where the key is missing: `stripe.api_key = os.environ["STRIPE_SECRET_KEY"]`.',
    "`stripe.api_key = …`, `StripeClient(…)` and `api_key=` in calls of stripe",
    "With the variable missing the application starts as if all were well and the first customer who pays sees an error.",
    "https://12factor.net/config",
)
WEBHOOK_SECRET = Rule(
    "payments.webhook-secret-from-environment",
    Severity.CRITICAL,
    "The webhook's signing secret comes from the environment",
    'Read it without a fallback: `os.environ["STRIPE_WEBHOOK_SECRET"]`, and roll the one that was written down.',
    "the secret that calls of `construct_event` are given",
    "Who knows the secret signs events. An empty one is a secret everybody knows: Stripe's library checks with it all the same.",
    "https://docs.stripe.com/webhooks#roll-endpoint-secrets",
)
NO_SECRET_ON_CLIENT = Rule(
    "payments.no-secret-on-client",
    Severity.CRITICAL,
    "No secret key of Stripe reaches the browser",
    'Hand the page the publishable key only, `os.environ["STRIPE_PUBLISHABLE_KEY"]` (`pk_…`), and roll the secret key that was sent.',
    "Stripe's keys in templates, scripts and answers",
    "What reaches one browser reaches everybody. With the secret key they refund, charge and read every customer.",
    "https://docs.stripe.com/keys",
)
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


def _with_stripe(ask: Callable[[Repo], Iterator[Observation]]) -> Callable[[Repo], Iterator[Observation]]:
    """Does not apply to a tree without Stripe."""

    def asked(repo: Repo) -> Iterator[Observation]:
        yield from ask(repo) if stripe_used(repo) else proven_absent(repo, LOOKED_FOR)

    return asked


def signed_webhook(repo: Repo) -> Iterator[Observation]:
    for hook in repo.fact(webhooks):
        if hook.verification:
            how, certain = bypass(hook.verification)
            if not how:
                yield holds(f"`{hook.name}` checks the signature", hook.verification.place)
            elif certain:
                yield broken(f"`{hook.name}` lets events in unchecked: {how}", hook.verification.place)
            else:
                yield unclear(f"`{hook.name}`: {how}", hook.verification.place)
        elif hook.checked:
            yield holds(f"`{hook.name}`: {hook.checked}", hook.place)
        elif hook.doubt:
            yield unclear(f"`{hook.name}`: {hook.doubt}", hook.place)
        else:
            yield broken(f"`{hook.name}` takes Stripe's events and checks no signature", hook.place)


def raw_body(repo: Repo) -> Iterator[Observation]:
    for check in repo.fact(verifications):
        kind, shown = payload_kind(repo, check.module, check.payload)
        if kind == "raw":
            yield holds(f"the payload is `{shown}`", check.place)
        elif kind == "parsed":
            yield broken(f"the payload is `{shown}`, which is not the body as it came", check.place)
        else:
            yield unclear(f"the payload is `{shown}`", check.place)


def keys_from_environment(repo: Repo) -> Iterator[Observation]:
    for key in repo.fact(keys):
        texts = [text for text in key.value.literals if isinstance(text, str) and text]
        real = [text for text in texts if not _placeholder(text)]
        if any(_reported_elsewhere(text) for text in real):
            yield unclear("a live key is written here: env-vars.literal-secrets reports it", key.place)
        elif real and (key.here or not key.value.env):
            yield broken(f"the secret key is a literal{_without(key)}", key.place)
        elif real:
            yield unclear(f"{' and '.join(key.value.env)} has a literal fallback elsewhere", key.place)
        elif key.value.env and not key.value.unresolved:
            yield holds(f"the key comes from {' or '.join(key.value.env)}", key.place)
        else:
            yield unclear(f"the key is `{key.value.unresolved}`" if key.value.unresolved else "the key is a placeholder", key.place)


def placeholder_key(repo: Repo) -> Iterator[Observation]:
    for key in repo.fact(keys):
        placeholders = [text for text in key.value.literals if isinstance(text, str) and text and _placeholder(text)]
        if placeholders and key.here:
            what = "publishable one" if any(text.startswith("pk_") for text in placeholders) else "placeholder"
            yield broken(f"the secret key is a {what}{_without(key)}", key.place)
        elif key.value.env and not placeholders and not key.value.unresolved:
            yield holds(f"no placeholder stands in for {' or '.join(key.value.env)}", key.place)


def _without(key: Key) -> str:
    return f" when {' and '.join(key.value.env)} is not set" if key.value.env else ""


def _placeholder(text: str) -> bool:
    """No secret key that Stripe ever gave: those have 24 or more random characters."""
    return is_placeholder(text) or text.startswith("pk_") or not re.fullmatch(r"(sk|rk)_(live|test)_\w{16,}|\w{32,}", text)


def _reported_elsewhere(text: str) -> bool:
    return any(find_secrets(text.encode()))


def webhook_secret(repo: Repo) -> Iterator[Observation]:
    for check in repo.fact(verifications):
        if check.secret is None:
            continue
        value = configured(repo, check.module, check.secret)
        texts = [text for text in value.literals if isinstance(text, str)]
        if any(map(_reported_elsewhere, texts)):
            yield unclear("a signing secret is written in the source: env-vars.literal-secrets reports it", check.place)
        elif any(texts) and not value.env and not value.unresolved:
            yield broken("the signing secret is a literal", check.place)
        elif any(texts):
            yield unclear(f"{' and '.join(value.env) or value.unresolved} has a literal fallback", check.place)
        elif "" in texts and not _guarded(check.call, check.module.function_around(check.call)):
            yield broken(f"the signing secret is empty, and known to everybody, when {' and '.join(value.env)} is not set", check.place)
        elif value.env and not value.unresolved:
            yield holds(f"the signing secret comes from {' or '.join(value.env)}", check.place)
        else:
            yield unclear(f"the signing secret is `{value.unresolved}`", check.place)


def _guarded(call: ast.Call, function: ast.AST | None) -> bool:
    """Whether a condition on the secret stands before or around the check."""
    tests = [n.test for n in walk(function) if isinstance(n, ast.If) and n.lineno < call.lineno] if function else []
    return any(re.search(r"secret|whsec|key", ast.unparse(test), re.IGNORECASE) for test in tests)


def no_secret_on_client(repo: Repo) -> Iterator[Observation]:
    leaks = list(handed_out(repo))
    for message, place in leaks:
        yield broken(message, place)
    if not leaks:
        yield from (holds(message, place) for message, place in public_keys(repo))


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


CHECK = Check(
    "payments",
    "Payments",
    "Is money taken only on signed, live, idempotent calls?",
    weight=3,
    static={
        SIGNED_WEBHOOK: _with_stripe(signed_webhook),
        RAW_BODY: _with_stripe(raw_body),
        KEYS_FROM_ENVIRONMENT: _with_stripe(keys_from_environment),
        PLACEHOLDER_KEY: _with_stripe(placeholder_key),
        WEBHOOK_SECRET: _with_stripe(webhook_secret),
        NO_SECRET_ON_CLIENT: _with_stripe(no_secret_on_client),
        IDEMPOTENCY: _with_stripe(idempotency),
        INTEGER_AMOUNTS: _with_stripe(integer_amounts),
        EVENTS_ONCE: _with_stripe(events_once),
        CSRF_EXEMPT: _with_stripe(csrf_exempt),
    },
)
