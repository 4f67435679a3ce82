"""Does it answer within its budget, on a production server?"""

from __future__ import annotations

from mingus_gate.checks.performance import costs, server
from mingus_gate.model import Check

CHECK = Check(
    "performance",
    "Performance",
    "Does it answer within its budget, on a production server?",
    weight=2,
    static={**server.RULES, **costs.RULES},
)
