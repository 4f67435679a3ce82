from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import (
    Base,
    Check,
    Checklist,
    ChecklistItem,
    ChecklistSection,
    Kind,
    Place,
    Report,
    Result,
    Rule,
    Scanned,
    Severity,
    Unread,
    broken,
    holds,
)
from mingus_gate.reports.text import render_text
from mingus_gate.score import judge, judge_checks, recommend
from tests.reports.samples import ENDED, blocked, waived
from tests.tools import write


def rule(code: str, severity: Severity) -> Rule:
    return Rule(code, severity, f"{code} should hold", f"Mend {code} with `this = line`.", "`this`", "Because.")


def report() -> Report:
    limits = Check("rate-limiting", "Rate limiting", "Are abusive clients slowed down?", 2)
    tasks = Check("background-tasks", "Background tasks", "Do queued tasks run?", 2)
    shared, auth, unseen = (
        rule("rate-limiting.shared-storage", Severity.CRITICAL),
        rule("rate-limiting.auth", Severity.WARNING),
        rule("a.b", Severity.INFO),
    )
    where = Place("app/__init__.py", 31)
    checks = judge_checks(
        {
            limits: (
                Result(
                    shared,
                    Kind.FAIL,
                    0.0,
                    "static",
                    "limits are counted per process",
                    observations=(broken("limits are counted per process", where),),
                ),
                Result(auth, Kind.PASS, 1.0, "static", "18 of 18 routes limited", observations=(holds("18 of 18 routes limited", where),)),
                Result(unseen, Kind.UNKNOWN, None, "static", "", reason="set REDIS_URL"),
            ),
            tasks: (
                Result(
                    rule("background-tasks.x", Severity.INFO),
                    Kind.NOT_APPLICABLE,
                    None,
                    "static",
                    "does not apply",
                    reason="no Celery: looked for `Celery(`",
                ),
            ),
        }
    )
    items = (
        ChecklistItem("a", "Limits are shared", 3, True, ("rate-limiting.shared-storage",), "contradicted"),
        ChecklistItem("b", "Login is limited", 4, False, ("rate-limiting.auth",), "verified"),
    )
    return Report(
        judge(checks),
        checks,
        Checklist("docs/go-live.md", (ChecklistSection("Limits", 1, items),)),
        Scanned(1204, 300, (Unread("old.py", "SyntaxError: invalid syntax", 7),), (), "git"),
        recommend(checks),
        "2026-11-23T10:00:00+00:00",
        2.14,
    )


EXPECTED = """\
 BLOCKED   28.6 POOR  between 25 and 37.5  88% verified
1 issue blocks this merge.

Critical (1)
 ✖ rate-limiting.shared-storage  rate-limiting.shared-storage should hold
   app/__init__.py:31: limits are counted per process
   fix: Mend rate-limiting.shared-storage with `this = line`.

Checks
 ✖ Rate limiting     29   2 of 3 limits are counted per process at app/__init__.py:31
 – Background tasks              no Celery: looked for `Celery(`

Not verified (1)
 ? a.b: set REDIS_URL

Checklist  1 of 2 done in 1 sections, 1 verified by a rule, 1 contradicted (docs/go-live.md)
 ! Limits are shared: ticked, but the rules say otherwise (rate-limiting.shared-storage)

Do next
 → +71.4 points  rate-limiting.shared-storage (app/__init__.py:31): Mend rate-limiting.shared-storage with
   `this = line`.
not parsed: old.py:7: SyntaxError: invalid syntax

1,204 files (listed by git), 300 parsed, 1 not parsed, 0 skipped · 2.1 s
"""


def test_the_whole_text() -> None:
    assert render_text(report()) == EXPECTED


def test_no_line_is_wider_than_asked_and_nothing_is_lost_when_narrow() -> None:
    narrow = render_text(report(), width=60)
    assert max(map(len, narrow.splitlines())) <= 60
    assert "rate-limiting.shared-storage" in narrow


def test_markup_in_names_is_text(tmp_path: Path) -> None:
    shown = render_text(replace(examine(write(tmp_path, {"[bold]x[/bold].py": "def broken(:\nFlask("}), Config())))
    assert "[bold]x[/bold].py:1" in shown


def test_colour_only_where_asked() -> None:
    assert "\x1b[" in render_text(report(), color=True)
    assert "\x1b" not in render_text(report())


def test_what_is_waived_is_listed_with_who_answers_for_it_and_apart_from_what_is_open() -> None:
    shown = render_text(waived())
    open_, _, rest = shown.partition("Waived (2)")
    assert open_.startswith(" BLOCKED   33.3 POOR  22.2 before waivers  between 22.2 and 65.1  68% verified\n1 issue blocks this merge (1 waived).\n")
    assert "Critical (1)" in open_
    assert "app/hooks.py:7: so does this" in open_
    assert "app/__init__.py:31" not in open_
    assert "rate-limiting" not in rest.partition("Do next")[2]
    assert rest.startswith(
        """
 – rate-limiting.shared-storage  limits are counted per process (`memory://`) at app/__init__.py:31
   ana@example.com, until 2026-12-31: one worker until the move (pyproject.toml:12)
 – payments.signed-webhook  the webhook accepts unsigned events at app/payments.py:48
   a comment, without end: a sandbox, see #12 (app/payments.py:48)

Waivers to look at (3)
 ! pyproject.toml:20 tls.hsts does not waive: ended on 2026-11-01: mend it
 ! pyproject.toml:20 tls.hsts: ends in 3 days
 ! pyproject.toml:20 tls.hsts: remove it
"""
    )


def test_a_base_tells_what_is_waived_apart() -> None:
    before = Base("main", "a1b2c3d" + "0" * 33, blocked().score)
    assert "Against main (a1b2c3d): 0 new, 0 fixed, 0 unchanged, 1 waived." in render_text(waived(base=before))
    assert "Against main (a1b2c3d): 0 new, 0 fixed, 0 unchanged." in render_text(blocked(base=before))


def test_a_long_list_of_waivers_is_cut() -> None:
    shown = render_text(replace(waived(), waivers=(ENDED,) * 12))
    assert shown.count("tls.hsts does not waive") == 10
    assert "… and 2 more" in shown
