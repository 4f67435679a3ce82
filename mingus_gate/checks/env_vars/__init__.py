"""Are environment variables complete, documented and free of secrets in the tree?"""

from __future__ import annotations

from mingus_gate.checks.env_vars import secrets, variables
from mingus_gate.model import Check

CHECK = Check(
    "env-vars",
    "Environment variables",
    "Are environment variables complete, documented and free of secrets in the tree?",
    weight=3,
    static={**secrets.RULES, **variables.RULES},
)
