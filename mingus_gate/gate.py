"""One run of the gate: a tree → a Report. What every door calls."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from mingus_gate.checklist import read_checklist
from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config, ConfigError, parse
from mingus_gate.loosened import loosened
from mingus_gate.model import Base, Check, CheckResult, Kind, Report, Result, Waiver
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.repo.base import NoBaseError, at_base
from mingus_gate.repo.git import GitError, git
from mingus_gate.run import assess, assess_live
from mingus_gate.score import judge, judge_checks, recommend
from mingus_gate.target import Target
from mingus_gate.waivers import accepted, waive


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is parsed is kept to the end: the garbage collector would look through all of it again and again, for nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_nothing_collected()
def examine(
    root: Path,
    config: Config,
    *,
    only: Sequence[str] = (),
    base: str = "",
    settings: str = "pyproject.toml",
    live: Mapping[str, str] | None = None,
    today: date | None = None,
    progress: Callable[[Check], object] = id,
) -> Report:
    """Judges the tree below `root`.

    `only` names the checks to ask (all where empty). `base` is a git revision: the commit where the two parted is
    judged too, with today's rules and its own configuration, and every result says whether it is new, was there, or is fixed.
    `settings` is the file of the tree that `config` was read from; empty where it is none of it.
    `live` is the environment that tells where the running system is (docs/live.md); without it nothing is connected to.
    `today` is the day, in UTC, that decides which waivers hold.
    """
    began = time.perf_counter()
    now = datetime.now(UTC)
    today = today or now.date()
    repo = Repo(root, tuple(config.exclude))
    chosen = [check for check in CHECKS if not only or check.id in only]
    target = Target(live, repo) if live is not None else None
    redactor = Redactor(target.secrets if target else ())
    compared = _find_base(repo, base) if base else None
    comments = accepted(repo, repo.tree)
    static = assess(chosen, repo, disabled=config.disable, redactor=redactor, progress=progress)
    running = assess_live(chosen, target, disabled=config.disable, redactor=redactor)
    answers = {check: static[check] + running[check] for check in chosen}
    answers, waivers = waive(answers, [*comments, *config.waivers], today=today, known=RULES, redactor=redactor)
    checks = judge_checks(answers)
    if compared and repo.base:
        compared, before = _judge_base(compared, repo, repo.base, chosen, config, settings, waivers, today)
        checks = _with_changes(checks, before)
    results = [result for check in checks for result in check.results]
    return Report(
        score=judge(checks, fail_on=config.fail_on, min_score=config.min_score),
        checks=checks,
        checklist=read_checklist(repo, config.checklist, results),
        scanned=repo.scanned,
        recommendations=recommend(checks),
        started_at=now.isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - began, 3),
        commit=_commit(root),
        base=compared,
        waivers=waivers,
    )


def _find_base(repo: Repo, ref: str) -> Base:
    """Gives the repository its base, or says why there is none."""
    try:
        repo.base, repo.merged, commit = at_base(repo, ref)
    except NoBaseError as error:
        return Base(ref, reason=str(error))
    return Base(ref, commit)


def _judge_base(
    compared: Base, repo: Repo, base: Repo, chosen: Sequence[Check], config: Config, settings: str, waivers: Sequence[Waiver], today: date
) -> tuple[Base, tuple[CheckResult, ...]]:
    """The base of `repo`, judged with its own configuration; `waivers` are those of `repo`."""
    comments = [waiver for waiver in waivers if waiver.lines]
    theirs = _written(base, settings) or config
    of_shared = [w for w in comments if base.file(w.path) is repo.file(w.path)]
    of_others = accepted(base, [file for file in base.tree if repo.file(file.path) is not file])
    answers = assess(chosen, base, disabled=theirs.disable)  # only the source has a past
    answers, earlier = waive(answers, [*of_shared, *of_others, *theirs.waivers], today=today, known=RULES)
    checks = judge_checks(answers)
    less = loosened(repo, base, _written(repo, settings) or config, theirs, waivers, earlier)
    return replace(
        compared,
        score=judge(checks, fail_on=theirs.fail_on, min_score=theirs.min_score),
        loosened=less,
        checks={check.check.id: check.score for check in checks},
        checklist=read_checklist(base, theirs.checklist, [result for check in checks for result in check.results]),
    ), checks


def _written(repo: Repo, settings: str) -> Config | None:
    """The configuration as the tree has it, without what a command line said; None where it is not right, or not of the tree."""
    file = repo.file(settings)
    try:
        return parse(file.text, settings) if file else Config() if settings else None
    except ConfigError:
        return None


def _with_changes(checks: Sequence[CheckResult], before: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Each result with what became of it since the base."""
    broken = {r.rule.code: _broken(r) for c in before for r in c.results if r.kind is Kind.FAIL}
    return tuple(replace(check, results=tuple(_with_change(result, broken.get(result.rule.code)) for result in check.results)) for check in checks)


def _with_change(result: Result, before: set[str] | None) -> Result:
    if result.source == "live":  # the running system has no past to compare with
        return result
    if result.kind is Kind.FAIL:
        return replace(result, change="existing" if before is not None and {o.fingerprint for o in result.telling} <= before else "new")
    # a rule that was switched off, or no longer finds an answer, is not mended
    mended = result.kind is Kind.PASS or (result.kind is Kind.NOT_APPLICABLE and result.observations)
    return replace(result, change="fixed") if before is not None and mended else result


def _broken(result: Result) -> set[str]:
    return {o.fingerprint for o in result.observations if o.holds is False}


def _commit(root: Path) -> str:
    """The commit that is checked out, or an empty string outside git."""
    try:
        return git(root, "rev-parse", "--verify", "-q", "HEAD").decode().strip()
    except GitError:
        return ""
