"""What a change takes away from the gate itself: thresholds, rules, files, waivers, and the step that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mingus_gate.config import Config
from mingus_gate.model import Waiver
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

STRICTEST = ("warning", "critical", "new-critical", "never")
WORKFLOWS = (".yml", ".yaml")
STEP = re.compile(r"^\s*-?\s*uses:\s*['\"]?(?:[\w.-]+/mingus-gate(?:/[\w./-]*)?@|\./['\"]?\s*(?:#.*)?$)", re.MULTILINE)
"""A step that uses the gate; `./` is the gate's own repository."""
LETS_PASS = re.compile(r"^\s*-?\s*(continue-on-error:\s*['\"]?true|fail-on:\s*['\"]?never)", re.MULTILINE)


def loosened(repo: Repo, base: Repo, now: Config, before: Config, waivers: Sequence[Waiver], earlier: Sequence[Waiver]) -> tuple[str, ...]:
    """One line for each thing that lets more pass in `repo` than in its `base`; a reviewer has to agree to it."""
    return (*_settings(now, before), *_waivers(waivers, earlier), *_workflows(repo, base))


def _settings(now: Config, before: Config) -> Iterator[str]:
    if STRICTEST.index(now.fail_on) > STRICTEST.index(before.fail_on):
        yield f"fail-on goes from {before.fail_on} to {now.fail_on}"
    if before.min_score is not None and (now.min_score is None or now.min_score < before.min_score):
        yield f"min-score goes from {before.min_score:g} to {'nothing' if now.min_score is None else f'{now.min_score:g}'}"
    yield from (f"{name} is no longer asked" for name in now.disable if name not in before.disable)
    yield from (f"files that match {pattern} are no longer judged" for pattern in now.exclude if pattern not in before.exclude)


def _waivers(now: Sequence[Waiver], before: Sequence[Waiver]) -> Iterator[str]:
    known = {(w.rule, w.path, w.fingerprint, w.expires) for w in before}
    for waiver in now:
        if waiver.state in ("used", "ending", "idle") and (waiver.rule, waiver.path, waiver.fingerprint, waiver.expires) not in known:
            yield f"{waiver.rule} is waived{f' in {waiver.path}' if waiver.path else ''} ({waiver.terms})"


def _workflows(repo: Repo, base: Repo) -> Iterator[str]:
    for file in _of_workflows(base):
        if STEP.search(file.text):
            now = repo.file(file.path)
            if now is None or not STEP.search(now.text):
                yield f"{file.path} no longer runs the gate"
            elif len(LETS_PASS.findall(now.text)) > len(LETS_PASS.findall(file.text)):
                yield f"{file.path} lets the job pass whatever the gate finds"


def _of_workflows(repo: Repo) -> Iterator[File]:
    return (f for f in repo.tree if f.path.startswith(".github/workflows/") and f.path.endswith(WORKFLOWS))
