"""Is traffic encrypted by a certificate that will hold?"""

from __future__ import annotations

from mingus_gate.checks.tls import encryption, https, live
from mingus_gate.model import Check

CHECK = Check(
    "tls",
    "TLS",
    "Is traffic encrypted by a certificate that will hold?",
    weight=3,
    static={**https.RULES, **encryption.RULES},
    live=live.RULES,
)
