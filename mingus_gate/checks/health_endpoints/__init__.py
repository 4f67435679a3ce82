"""Can a load balancer and an orchestrator trust its health answers?"""

from __future__ import annotations

from mingus_gate.checks.health_endpoints import answers, live, probes
from mingus_gate.model import Check

CHECK = Check(
    "health-endpoints",
    "Health endpoints",
    "Can a load balancer and an orchestrator trust its health answers?",
    weight=2,
    static={**answers.RULES, **probes.RULES},
    live=live.RULES,
)
