"""Whether Stripe's events are believed only when signed."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.stripe.signature import bypass, payload_kind, verifications
from mingus_gate.repo.stripe.webhooks import webhooks

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


RULES = {
    SIGNED_WEBHOOK: signed_webhook,
    RAW_BODY: raw_body,
}
