"""Is money taken only on signed, live, idempotent calls?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mingus_gate.checks.payments import keys, money, signatures
from mingus_gate.model import Check, Observation
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.stripe.webhooks import stripe_used


def _with_stripe(ask: Callable[[Repo], Iterator[Observation]]) -> Callable[[Repo], Iterator[Observation]]:
    """Does not apply to a tree without Stripe."""

    def asked(repo: Repo) -> Iterator[Observation]:
        yield from ask(repo) if stripe_used(repo) else proven_absent(repo, "`import stripe` and stripe among the requirements")

    return asked


CHECK = Check(
    "payments",
    "Payments",
    "Is money taken only on signed, live, idempotent calls?",
    weight=3,
    static={rule: _with_stripe(ask) for rule, ask in {**signatures.RULES, **keys.RULES, **money.RULES}.items()},
)
