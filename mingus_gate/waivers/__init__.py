"""Waivers: what may stay broken, until when, and who says so. Both forms are read and judged here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatch

from mingus_gate.model import Check, Kind, Observation, Result, Role, Waiver, told
from mingus_gate.redact import Redactor
from mingus_gate.repo.tree import role_of
from mingus_gate.waivers.comments import accepted
from mingus_gate.waivers.table import nearest, written

__all__ = ["accepted", "nearest", "waive", "written"]

LONGEST = timedelta(days=90)
EARLY = timedelta(days=14)
"""From so long before its end a waiver is warned of."""


def waive(
    answers: Mapping[Check, Sequence[Result]], waivers: Iterable[Waiver], *, today: date, known: Collection[str], redactor: Redactor | None = None
) -> tuple[dict[Check, tuple[Result, ...]], tuple[Waiver, ...]]:
    """The answers with what is waived marked, and each waiver with what became of it.

    `today` is the day in UTC; a waiver holds to the end of its last. `known` are the codes of the rules there are.
    """
    found = {o.place.path for results in answers.values() for r in results if r.kind is Kind.FAIL for o in r.telling if o.place}
    # in tests and documents stand examples of such comments
    meant = [w for w in waivers if not w.lines or role_of(w.path) is Role.PRODUCTION or w.path in found]
    judged = [_judged(waiver, today, known, redactor or Redactor()) for waiver in meant]
    valid = [waiver for waiver in judged if waiver.state != "invalid"]
    marked = {check: tuple(_marked(result, valid) for result in results) for check, results in answers.items()}
    by_code = {result.rule.code: result for results in marked.values() for result in results}
    return marked, tuple(w if w.state == "invalid" else _used(w, by_code.get(w.rule), today) for w in judged)


def _judged(waiver: Waiver, today: date, known: Collection[str], redactor: Redactor) -> Waiver:
    """The waiver, invalid where it names no rule, or on this day; its texts are the team's and may hold anything."""
    mistakes = [waiver.note] if waiver.note else []
    if waiver.rule and waiver.rule not in known:
        near = nearest(waiver.rule, known) if "." in waiver.rule else ""
        mistakes.append(f"no rule `{waiver.rule}`{near or '; a waiver names one rule, as `mingus-gate rules` lists them'}")
    left = (waiver.expires - today) if waiver.expires else None
    if left and left < timedelta():
        mistakes.append(f"ended on {waiver.expires}: mend what it was for, or decide anew")
    elif left and left > LONGEST:
        endless = "leave `until` out" if waiver.lines else 'write `expires = "never"`'
        mistakes.append(f"ends in {left.days} days: write a date up to {today + LONGEST} ({LONGEST.days} days), or {endless}")
    rule = waiver.rule if waiver.rule in known else redactor.text(waiver.rule)
    shown = replace(waiver, rule=rule, reason=redactor.text(waiver.reason), owner=redactor.text(waiver.owner), note="")
    return shown.unless(map(redactor.text, mistakes))


def _marked(result: Result, waivers: Sequence[Waiver]) -> Result:
    """The result with a waiver at each broken observation that one covers; its message then tells what is left."""
    if result.kind is not Kind.FAIL:
        return result
    seen = tuple(o if o.holds is not False else replace(o, waiver=_waiver(result, o, waivers)) for o in result.observations)
    if not any(o.waiver for o in seen):
        return result
    marked = replace(result, observations=seen)
    return replace(marked, message=told(marked.telling))


def _waiver(result: Result, seen: Observation, waivers: Sequence[Waiver]) -> Waiver | None:
    return next((waiver for waiver in waivers if _covers(waiver, result, seen)), None)


def _covers(waiver: Waiver, result: Result, seen: Observation) -> bool:
    if waiver.rule != result.rule.code or seen.holds is not False:
        return False
    if waiver.fingerprint:
        return waiver.fingerprint == (seen.fingerprint or result.fingerprint)
    if waiver.lines:
        return seen.place is not None and seen.place.path == waiver.path and seen.place.line in waiver.lines
    return not waiver.path or (seen.place is not None and (seen.place.path == waiver.path or fnmatch(seen.place.path, waiver.path)))


def _used(waiver: Waiver, result: Result | None, today: date) -> Waiver:
    if result and result.kind is Kind.FAIL and any(_covers(waiver, result, seen) for seen in result.observations):
        if not waiver.expires or waiver.expires - today > EARLY:
            return replace(waiver, state="used")
        days = (waiver.expires - today).days
        return replace(waiver, state="ending", note=f"ends {'today' if not days else 'in 1 day' if days == 1 else f'in {days} days'}")
    # a rule that was not asked, or could not tell, may find it again
    if not result or result.kind is Kind.UNKNOWN or not result.observations:
        return waiver
    return replace(waiver, state="unused", note="what it was for is not found any more: remove it")
