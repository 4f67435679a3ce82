"""Will the database connections last under load?"""

from __future__ import annotations

from mingus_gate.checks.database_pooling import engines, live, pool, server
from mingus_gate.model import Check

CHECK = Check(
    "database-pooling",
    "Database pooling",
    "Will the database connections last under load?",
    weight=3,
    static={**pool.RULES, **engines.RULES, **server.RULES},
    live=live.RULES,
)
