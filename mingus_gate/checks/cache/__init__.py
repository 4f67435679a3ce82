"""Is the cache shared, bounded and protected?"""

from __future__ import annotations

from mingus_gate.checks.cache import entries, live, stores
from mingus_gate.model import Check

CHECK = Check(
    "cache",
    "Cache",
    "Is the cache shared, bounded and protected?",
    weight=1,
    static={**entries.RULES, **stores.RULES},
    live=live.RULES,
)
