"""Do queued tasks run, end and get noticed when they don't?"""

from __future__ import annotations

from mingus_gate.checks.background_tasks import broker, settings, tasks
from mingus_gate.model import Check

CHECK = Check(
    "background-tasks",
    "Background tasks",
    "Do queued tasks run, end and get noticed when they don't?",
    weight=2,
    static={**tasks.RULES, **settings.RULES, **broker.RULES},
)
