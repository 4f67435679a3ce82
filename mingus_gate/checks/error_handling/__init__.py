"""Do failures end in a clean answer and a log line?"""

from __future__ import annotations

from mingus_gate.checks.error_handling import answers, failures
from mingus_gate.model import Check

CHECK = Check(
    "error-handling",
    "Error handling",
    "Do failures end in a clean answer and a log line?",
    weight=2,
    static={**answers.RULES, **failures.RULES},
)
