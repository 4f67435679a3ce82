"""What one place of the application allows to other origins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo.values import Value

ANY = re.compile(r"\*|\^?(https?\??|\(https?\??\)|\(https?\|https?\)|\.\*|\.\+|\*)?(\\?:)?(\\?/\\?/)?(\.\*|\.\+|\*)?\$?")
"""Origins that are every origin: `*`, `.*`, `https?://.*`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one place allows. `origins` are texts that may be among the origins, `env` the variables they come from.

    `reflected` is True where a header repeats whatever origin asks. `credentials` is None where it cannot be told.
    `switch` is the setting that must be on for any of it, where the tree does not turn it on.
    """

    place: Place
    origins: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    unresolved: str = ""
    credentials: bool | None = False
    reflected: bool = False
    by_hand: bool = False
    switch: str = ""

    @property
    def any_origin(self) -> bool:
        return self.reflected or any(text and ANY.fullmatch(text) for text in self.origins)

    @property
    def unless(self) -> str:
        """Words for the variables that would change it."""
        return f" when {' or '.join(self.env)} is not set" if self.env and not self.reflected else ""

    @property
    def shown(self) -> str:
        """Words for the origins it allows."""
        if self.env:
            return f"the origins in {' or '.join(self.env)}"
        return "the origins it checks" if self.by_hand else f"{len(self.origins)} named {'origin' if len(self.origins) == 1 else 'origins'}"


def is_true(value: Value) -> bool | None:
    """Whether a switch may be on; None where it cannot be told."""
    if value.may_be(lambda v: str(v).lower() in ("true", "1", "yes", "on")):
        return True
    return None if value.unresolved or (value.env and not value.literals) else False
