"""Are secrets, cookies, CSRF, CORS and headers set for production?"""

from __future__ import annotations

from mingus_gate.checks.security_config import browsers, callers, live, start
from mingus_gate.model import Check

CHECK = Check(
    "security-config",
    "Security configuration",
    "Are secrets, cookies, CSRF, CORS and headers set for production?",
    weight=4,
    static={**start.RULES, **browsers.RULES, **callers.RULES},
    live=live.RULES,
)
