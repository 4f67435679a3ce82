"""Do code, migrations and database agree on the schema?"""

from __future__ import annotations

from mingus_gate.checks.migrations import drift, graph, live, locks, steps, use
from mingus_gate.model import Check

CHECK = Check(
    "migrations",
    "Migrations",
    "Do code, migrations and database agree on the schema?",
    weight=3,
    static={**graph.RULES, **drift.RULES, **steps.RULES, **locks.RULES, **use.RULES},
    live=live.RULES,
)
