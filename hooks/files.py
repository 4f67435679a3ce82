"""Asks some rules about the tree and shows what they found in the committed files: `mingus-hook-files --rules=CHECK,RULE FILE…`."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mingus_gate import checks
from mingus_gate.model import Check, Place, Result, Severity, Waiver
from mingus_gate.repo import Repo
from mingus_gate.repo.staged import staged
from mingus_gate.run import assess
from mingus_gate.waivers import accepted, waive

from .door import CLEAN, FOUND, Committed, guarded, line, note, read_settings

LEAST = Severity.WARNING
"""A commit is not held up for less."""


def main(argv: Sequence[str] | None = None) -> int:
    return guarded(hook, argv)


def hook(argv: Sequence[str]) -> int:
    shape = partial(argparse.HelpFormatter, width=100)  # asked for the terminal's, it loads shutil and what packs archives
    about = "Judges the whole tree; shows what was found in the given files."
    parser = argparse.ArgumentParser("mingus-hook-files", description=about, formatter_class=shape)
    parser.add_argument("--rules", required=True, type=_names, metavar="NAME,…", help="rules (tls.hsts) or whole checks (tls) to ask")
    parser.add_argument("files", nargs="*", metavar="FILE", help="the committed files (default: all)")
    arguments = parser.parse_args(argv)
    settings = read_settings(Path())
    repo = staged(Repo(Path(), settings.exclude))
    committed = Committed(repo, arguments.files)
    if not committed.files:
        note(
            f"looked at nothing: none of the {len(arguments.files)} files given is in git" if arguments.files else "looked at nothing: no files here"
        )
        return CLEAN
    waivers = [*accepted(repo, repo.tree), *settings.waivers]
    answers = _waive(assess(_chosen(arguments.rules), repo, disabled=settings.disable), waivers, committed)
    return _show([result for results in answers.values() for result in results], committed)


def _names(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if unknown := sorted(name for name in names if not _exists(name)):
        import difflib

        near = difflib.get_close_matches(unknown[0], [*checks.RULES, *checks.IDS], n=1)
        raise argparse.ArgumentTypeError(f"no rule or check `{unknown[0]}`{f'; did you mean `{near[0]}`?' if near else ''}")
    return names


def _exists(name: str) -> bool:
    check, dot, _ = name.partition(".")
    return check in checks.IDS and (not dot or name in {rule.code for rule in checks.load(check).rules})


def _chosen(names: Collection[str]) -> Iterator[Check]:
    """The checks, each with only the rules that are named and matter enough; no other check is loaded."""
    for check in map(checks.load, sorted({name.partition(".")[0] for name in names}, key=checks.IDS.index)):
        rules = {rule: ask for rule, ask in check.static.items() if rule.severity >= LEAST and (rule.code in names or check.id in names)}
        if rules:
            yield replace(check, static=rules)


def _waive(answers: Mapping[Check, Sequence[Result]], waivers: Sequence[Waiver], committed: Committed) -> Mapping[Check, Sequence[Result]]:
    """The answers with what is waived marked. Only waivers of the checks that were asked, or of none, are judged here."""
    asked = {check.id for check in answers}
    known = [rule.code for check in answers for rule in checks.load(check.id).rules]
    concerned = [w for w in waivers if (name := w.rule.partition(".")[0]) in asked or name not in checks.IDS]
    answers, judged = waive(answers, concerned, today=datetime.now(UTC).date(), known=known)
    for waiver in judged:
        if waiver.state in ("invalid", "ending") and (not waiver.lines or committed.has(waiver.place)):
            note(line(waiver.place, f"waiver {'does not waive: ' if waiver.state == 'invalid' else ''}{waiver.note}", waiver.rule))
    return answers


def _show(results: Sequence[Result], committed: Committed) -> int:
    shown = hidden = 0
    for result in results:
        found = result.telling if result.is_open else ()
        here = [o for o in found if committed.has(o.place)]
        for observation in here:
            print(line(observation.place, observation.message, result.rule.code))
            for step in observation.evidence.get("steps", ()):
                if f"`{step}`" not in observation.message:
                    print(f"  {step}")
        if here:
            print(f"  fix: {result.rule.fix}")
        shown, hidden = shown + len(here), hidden + len(found) - len(here)
    if hidden:
        note(f"{hidden} more in files that are not part of this commit; `mingus-gate check` shows them")
    _tell_gaps(results, committed)
    return FOUND if shown else CLEAN


def _tell_gaps(results: Sequence[Result], committed: Committed) -> None:
    """What was not judged, and why."""
    gaps = [
        f"{file.path}:{file.line}:1: not judged: it could not be parsed ({file.reason})"
        for file in committed.repo.scanned.not_parsed
        if committed.has(Place(file.path))
    ]
    gaps += [f"{result.rule.code}: {result.reason}" for result in results if "could not finish" in result.reason]
    if not gaps and not any(result.assessed for result in results):
        gaps = [f"looked at nothing: {results[0].reason}" if results else "looked at nothing: every rule asked for is of severity info"]
    for gap in gaps:
        note(gap)


if __name__ == "__main__":
    raise SystemExit(main())
