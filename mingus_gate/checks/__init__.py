"""The fourteen checks, in report order. A check is one file; its rules are constants at the top of it."""

from mingus_gate.checks import (
    database_pooling,
)
from mingus_gate.model import Check, Rule

CHECKS: tuple[Check, ...] = (database_pooling.CHECK,)

RULES: dict[str, Rule] = {rule.code: rule for check in CHECKS for rule in check.rules}
