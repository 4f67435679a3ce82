"""Are abusive clients slowed down, in every process alike?"""

from __future__ import annotations

from mingus_gate.checks.rate_limiting import limiter, limits
from mingus_gate.model import Check

CHECK = Check(
    "rate-limiting",
    "Rate limiting",
    "Are abusive clients slowed down, in every process alike?",
    weight=2,
    static={**limiter.RULES, **limits.RULES},
)
