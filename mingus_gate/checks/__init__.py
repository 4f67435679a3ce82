"""The fourteen checks, in report order. A check is a folder, or one file where it is small; rules are constants at the top.

Each check is imported when it is first asked for: a commit hook needs one or two of them and starts twice as fast.
"""

from __future__ import annotations

from importlib import import_module

from mingus_gate.model import Check, Rule

IDS = (
    "database-pooling",
    "rate-limiting",
    "error-handling",
    "backups",
    "security-config",
    "performance",
    "health-endpoints",
    "tls",
    "env-vars",
    "migrations",
    "cache",
    "background-tasks",
    "payments",
    "monitoring",
)
"""An id is the name of its file or folder, with dashes."""

CHECKS: tuple[Check, ...]
RULES: dict[str, Rule]


def load(check_id: str) -> Check:
    """The check `check_id`, one of IDS."""
    check: Check = import_module(f"{__name__}.{check_id.replace('-', '_')}").CHECK
    return check


def __getattr__(name: str) -> object:
    """Makes CHECKS and RULES when they are first asked for."""
    if name == "CHECKS":
        globals()[name] = tuple(map(load, IDS))
    elif name == "RULES":
        globals()[name] = {rule.code: rule for check in map(load, IDS) for rule in check.rules}
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]
