"""One run of the gate: a tree → a Report. What every door calls."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mingus_gate.checklist import read_checklist
from mingus_gate.checks import CHECKS
from mingus_gate.config import Config, ConfigError, parse
from mingus_gate.model import Base, Check, CheckResult, Kind, Report, Result
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.repo.base import NoBaseError, at_base
from mingus_gate.repo.git import GitError, git
from mingus_gate.run import assess, assess_live
from mingus_gate.score import judge, judge_checks, recommend
from mingus_gate.target import Target


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
    live: Mapping[str, str] | None = None,
    progress: Callable[[Check], object] = id,
) -> Report:
    """Judges the tree below `root`.

    `only` names the checks to ask (all where empty). `base` is a git revision: the commit where the two parted is
    judged too, with today's rules and its own configuration, and every result says whether it is new, was there, or is fixed.
    `live` is the environment that tells where the running system is (docs/live.md); without it nothing is connected to.
    """
    began = time.perf_counter()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    repo = Repo(root, tuple(config.exclude))
    chosen = [check for check in CHECKS if not only or check.id in only]
    target = Target(live, repo) if live is not None else None
    redactor = Redactor(target.secrets if target else ())
    static = assess(chosen, repo, disabled=config.disable, redactor=redactor, progress=progress)
    running = assess_live(chosen, target, disabled=config.disable, redactor=redactor)
    checks = judge_checks({check: static[check] + running[check] for check in chosen})
    compared, before = _judge_base(repo, chosen, config, base) if base else (None, ())
    checks = _with_changes(checks, before) if compared and compared.score else checks
    results = [result for check in checks for result in check.results]
    return Report(
        score=judge(checks, fail_on=config.fail_on, min_score=config.min_score),
        checks=checks,
        checklist=read_checklist(repo, config.checklist, results),
        scanned=repo.scanned,
        recommendations=recommend(checks),
        started_at=started_at,
        seconds=round(time.perf_counter() - began, 3),
        commit=_commit(root),
        base=compared,
    )


def _judge_base(repo: Repo, chosen: Sequence[Check], config: Config, ref: str) -> tuple[Base, tuple[CheckResult, ...]]:
    try:
        base, commit = at_base(repo, ref)
    except NoBaseError as error:
        return Base(ref, reason=str(error)), ()
    settings = base.file("pyproject.toml")
    try:
        theirs = parse(settings.text, "pyproject.toml") if settings else Config()
    except ConfigError:
        theirs = config
    checks = judge_checks(assess(chosen, base, disabled=theirs.disable))  # only the source has a past
    return Base(ref, commit, judge(checks, fail_on=theirs.fail_on, min_score=theirs.min_score)), checks


def _with_changes(checks: Sequence[CheckResult], before: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Each result with what became of it since the base."""
    broken = {r.rule.code: _broken(r) for c in before for r in c.results if r.kind is Kind.FAIL}
    return tuple(replace(check, results=tuple(_with_change(result, broken.get(result.rule.code)) for result in check.results)) for check in checks)


def _with_change(result: Result, before: set[str] | None) -> Result:
    if result.source == "live":  # the running system has no past to compare with
        return result
    if result.kind is Kind.FAIL:
        return replace(result, change="existing" if before is not None and _broken(result) <= before else "new")
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
