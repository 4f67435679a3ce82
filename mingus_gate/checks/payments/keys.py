"""Whether Stripe's secrets come from the environment, real ones, and stay on the server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.secrets import find_secrets, is_placeholder
from mingus_gate.repo.flask.configured import configured
from mingus_gate.repo.python import walk
from mingus_gate.repo.stripe.calls import Key, keys
from mingus_gate.repo.stripe.client import handed_out, public_keys
from mingus_gate.repo.stripe.signature import verifications

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


RULES = {
    KEYS_FROM_ENVIRONMENT: keys_from_environment,
    PLACEHOLDER_KEY: placeholder_key,
    WEBHOOK_SECRET: webhook_secret,
    NO_SECRET_ON_CLIENT: no_secret_on_client,
}
