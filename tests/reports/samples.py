"""Reports made by hand, so that tests of what is shown do not change with the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal

from mingus_gate.model import (
    Check,
    Checklist,
    ChecklistItem,
    ChecklistSection,
    Observation,
    Place,
    Report,
    Result,
    Rule,
    Scanned,
    Severity,
    Unread,
    Waiver,
    absent,
    broken,
    holds,
    unclear,
)
from mingus_gate.redact import Redactor
from mingus_gate.run import fold
from mingus_gate.score import judge, judge_checks, recommend


def rule(code: str, severity: Severity = Severity.WARNING, fix: str = "Write `x = 1`.") -> Rule:
    return Rule(code, severity, "It is as it should be", fix, "`Something(`", "It breaks otherwise.")


def result(of: Rule, *observations: Observation) -> Result:
    return fold(of, "static", list(observations), Redactor())


def report(
    *results: Result,
    fail_on: Literal["critical", "warning", "never"] = "critical",
    min_score: float | None = None,
    checklist: Checklist | None = None,
    **more: Any,
) -> Report:
    """A report of `results`; a check for each check id in their codes."""
    names = dict.fromkeys(r.rule.check for r in results)
    checks = [Check(name, name.replace("-", " ").capitalize(), "Is it?", 2) for name in names]
    judged = judge_checks({check: [r for r in results if r.rule.check == check.id] for check in checks})
    return Report(
        score=judge(judged, fail_on=fail_on, min_score=min_score),
        checks=judged,
        checklist=checklist or Checklist(""),
        scanned=more.pop("scanned", Scanned(1204, 640, listing="git")),
        recommendations=recommend(judged),
        started_at="2026-11-23T12:00:00+00:00",
        seconds=more.pop("seconds", 2.13),
        commit=more.pop("commit", "f00ba12" + "0" * 33),
        **more,
    )


WEBHOOK = rule("payments.signed-webhook", Severity.CRITICAL, "Pass the raw body and the header to `Webhook.construct_event`.")
STORAGE = rule("rate-limiting.shared-storage", Severity.CRITICAL, 'Write `storage_uri=os.environ["REDIS_URL"]`.')
POOL = rule("database-pooling.pool-size", Severity.WARNING, "Set `pool_size` where the engine is made.")
RECYCLE = rule("database-pooling.recycle", Severity.INFO, "Add `pool_recycle`.")
IDEMPOTENT = rule("payments.idempotent", Severity.WARNING)
TASKS = rule("background-tasks.time-limits")


def blocked(**more: Any) -> Report:
    """Two critical issues, one warning, something that holds, something unknown, something that does not apply."""
    return report(
        result(POOL, holds("pool_size=20, max_overflow=5", Place("app/config.py", 31), pool_size=20)),
        result(RECYCLE, broken("connections are kept for ever", Place("app/config.py", 31))),
        result(STORAGE, broken("limits are counted per process (`memory://`)", Place("app/__init__.py", 31))),
        result(
            WEBHOOK, broken("the webhook accepts unsigned events", Place("app/payments.py", 48)), broken("so does this", Place("app/hooks.py", 7))
        ),
        result(IDEMPOTENT, unclear("the key comes from `settings.load()`", Place("app/payments.py", 12))),
        result(TASKS, absent("looked for `Celery(`")),
        result(rule("cache.bounded")),
        checklist=Checklist(
            "",
            (
                ChecklistSection("Payments", 3, (item("payments.signed", "contradicted", "payments.signed-webhook"), item("payments.live", ""))),
                ChecklistSection("Database", 9, (item("database.pool", "verified", "database-pooling.pool-size"),)),
            ),
        ),
        scanned=Scanned(1204, 640, (Unread("old.py", "SyntaxError", 3),), listing="git"),
        **more,
    )


def ready(**more: Any) -> Report:
    return report(
        result(POOL, holds("pool_size=20", Place("app/config.py", 31))), result(WEBHOOK, holds("events are verified", Place("app/pay.py", 4))), **more
    )


TABLE = Waiver(STORAGE.code, "one worker until the move", "ana@example.com", date(2026, 12, 31), Place("pyproject.toml", 12), state="used")
COMMENT = Waiver(WEBHOOK.code, "a sandbox, see #12", "", None, Place("app/payments.py", 48), "app/payments.py", lines=(48,), state="used")
ENDED = Waiver("tls.hsts", "", "ben", date(2026, 11, 1), Place("pyproject.toml", 20), state="invalid", note="ended on 2026-11-01: mend it")


def waived(**more: Any) -> Report:
    """`blocked`, with one critical issue waived in the table and one of two places of the other by a comment."""
    made = blocked(**more)
    covered = {STORAGE.code: (TABLE, None), WEBHOOK.code: (COMMENT, None)}
    results = [_waive(r, *covered[r.rule.code]) if r.rule.code in covered else r for r in made.results]
    soon = replace(ENDED, state="ending", note="ends in 3 days")
    gone = replace(ENDED, state="unused", note="remove it")
    return replace(report(*results, **more), checklist=made.checklist, scanned=made.scanned, waivers=(TABLE, COMMENT, gone, soon, ENDED))


def _waive(of: Result, *waivers: Waiver | None) -> Result:
    """The result with the n-th waiver on its n-th broken place."""
    marked = tuple(replace(o, waiver=w) for o, w in zip(of.observations, waivers, strict=False))
    return replace(of, observations=marked)


def item(name: str, verdict: Literal["verified", "contradicted", "unknown", ""], *rules: str) -> ChecklistItem:
    return ChecklistItem(name, f"The item {name}", 1, verdict == "contradicted", rules, verdict)
