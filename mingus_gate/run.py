"""Asks every rule and folds what it saw into a result: guarded, timed, redacted."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Literal

from mingus_gate.model import Ask, Check, Kind, Observation, Result, Rule, Unread, told, unclear
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.repo.quote import quote
from mingus_gate.target import NotGivenError, Target

ABOUT_SECRETS = re.compile(r"^env-vars\.|secret|key|token|passw|jwt|back-door|dump")
"""Rules whose findings may point to a line with a secret: that line is never shown."""


def assess(
    checks: Iterable[Check],
    repo: Repo,
    *,
    disabled: Collection[str] = (),
    redactor: Redactor | None = None,
    progress: Callable[[Check], object] = id,
) -> dict[Check, tuple[Result, ...]]:
    """Asks the static rules of `checks`, in order. A rule in `disabled` (codes or check ids) is not asked and says so."""
    redactor = redactor or Redactor()
    answers: dict[Check, tuple[Result, ...]] = {}
    for check in checks:
        progress(check)
        answers[check] = tuple(
            switched_off(rule, "static") if rule.code in disabled or check.id in disabled else _static(rule, ask, repo, redactor)
            for rule, ask in check.static.items()
        )
    return answers


def assess_live(
    checks: Iterable[Check],
    target: Target | None,
    *,
    disabled: Collection[str] = (),
    redactor: Redactor | None = None,
) -> dict[Check, tuple[Result, ...]]:
    """Asks the live rules, one daemon thread a check, all at once; whoever is silent at the deadline is unknown.

    Without a target every rule is unknown. A thread that is stuck is not waited for: it cannot keep the process alive.
    """
    redactor = redactor or Redactor()
    answers: dict[Check, dict[Rule, Result]] = {check: {} for check in checks}

    def ask_all(check: Check, found: dict[Rule, Result]) -> None:
        for rule, ask in check.live.items():
            if rule.code not in disabled and check.id not in disabled:
                began = time.perf_counter()
                observations, crash = observe(ask, target)
                found[rule] = replace(fold(rule, "live", observations, redactor, crash=crash), seconds=time.perf_counter() - began)

    if target:
        threads = [threading.Thread(target=ask_all, args=(check, found), daemon=True) for check, found in answers.items() if check.live]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(target.seconds_left)
    silent = "no answer before the deadline" if target else "the running system was not asked; use `--live`, in the Action `live: true`"
    return {
        check: tuple(
            switched_off(rule, "live")
            if rule.code in disabled or check.id in disabled
            else replace(found.get(rule) or fold(rule, "live", [unclear(silent)], redactor), fingerprint=_digest(rule.code))
            for rule in check.live
        )
        for check, found in answers.items()
    }


def switched_off(rule: Rule, source: Literal["static", "live"]) -> Result:
    return Result(rule, Kind.NOT_APPLICABLE, None, source, "disabled in the configuration", "disabled in [tool.mingus-gate]")


def _static(rule: Rule, ask: Ask, repo: Repo, redactor: Redactor) -> Result:
    repo.blind.clear()
    began = time.perf_counter()
    observations, crash = observe(ask, repo)
    result = fold(rule, "static", observations, redactor, blind=repo.blind.values(), crash=crash)
    marked = tuple(replace(o, fingerprint=fingerprint(rule, o, repo), code=quoted(rule, o, repo)) for o in result.observations)
    first = next((o.fingerprint for o in marked if o.holds is not True), marked[0].fingerprint if marked else _digest(rule.code))
    return replace(result, observations=marked, fingerprint=first, seconds=time.perf_counter() - began)


def observe(ask: Ask, subject: object) -> tuple[list[Observation], str]:
    """What a rule saw, and the type of the exception that ended it. The exception's text may hold secrets: only logged."""
    observations: list[Observation] = []
    try:
        observations.extend(ask(subject))
    except NotGivenError as missing:
        return [unclear(str(missing))], ""
    except Exception as error:  # one rule's fault must not end the others
        import logging  # here: a commit hook has no time to load what it hardly needs

        logging.getLogger(__name__).debug("rule crashed", exc_info=True)
        return [], type(error).__name__
    return observations, ""


def fold(
    rule: Rule,
    source: Literal["static", "live"],
    observations: list[Observation],
    redactor: Redactor,
    *,
    blind: Iterable[Unread] = (),
    crash: str = "",
) -> Result:
    """Any broken → fail with the share that holds; only holding → pass; nothing seen, or not all of it → unknown.

    A file that could not be parsed may hold what a rule looked for: then neither a pass nor a failure without a
    place is believed.
    """
    seen = tuple(
        replace(o, message=redactor.text(o.message), address=redactor.text(o.address), evidence=redactor.any(dict(o.evidence))) for o in observations
    )
    good = [o for o in seen if o.holds is True]
    bad = [o for o in seen if o.holds is False]
    open_ = [o for o in seen if o.holds is None and o.applies]
    hidden = next(iter(blind), None)

    def unknown(reason: str) -> Result:
        return Result(rule, Kind.UNKNOWN, None, source, reason, reason, seen)

    if crash:
        return unknown(f"the rule could not finish ({crash})")
    if bad and (source == "live" or not hidden or any(o.place for o in bad)):
        share = len(good) / (len(good) + len(bad))
        return Result(rule, Kind.FAIL, share, source, told(bad), "", seen)
    if hidden:
        return unknown(f"{hidden.path}:{hidden.line} could not be parsed ({hidden.reason})")
    if open_:
        return unknown(open_[0].message)
    if good:
        return Result(rule, Kind.PASS, 1.0, source, good[0].message, "", seen)
    if seen:
        return Result(rule, Kind.NOT_APPLICABLE, None, source, "does not apply", seen[0].message, seen)
    return unknown(f"found nothing that bears on it; looked for {rule.looks_for}")


def quoted(rule: Rule, observation: Observation, repo: Repo) -> str:
    """The line that is wrong or unclear, for people to see; none for rules about secrets."""
    if observation.holds is True or observation.place is None or ABOUT_SECRETS.search(rule.code):
        return ""
    return Redactor().text(quote(repo, observation.place))


def fingerprint(rule: Rule, observation: Observation, repo: Repo) -> str:
    """Rule, file and the code at the place; not the line number, so it stays when lines move. No secret can be told from it."""
    place = observation.place
    file = repo.file(place.path) if place else None
    line = file.lines[place.line - 1] if file and place and 0 < place.line <= len(file.lines) and not file.binary else ""
    return _digest(rule.code, place.path if place else "", Redactor().text(" ".join(line.split())[:1000]))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
