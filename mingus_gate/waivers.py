"""Waivers: what may stay broken, until when, and who says so. Both forms are read and judged here and nowhere else."""

from __future__ import annotations

import ast
import difflib
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fnmatch import fnmatch
from typing import Any

from mingus_gate.model import Check, Kind, Observation, Place, Result, Waiver, told
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

LONGEST = timedelta(days=90)
EARLY = timedelta(days=14)
"""From so long before its end a waiver is warned of."""

KEYS = ("rule", "path", "fingerprint", "owner", "reason", "expires")
NEEDED = {
    "rule": "the rule's code, as `mingus-gate rules` lists it",
    "owner": "who answers for it",
    "reason": "why it may stay so",
    "expires": 'a date without quotes, `expires = 2026-12-31`, or `expires = "never"`',
}
HEADER = re.compile(r"""^[ \t]*\[\[\s*tool\s*\.\s*["']?mingus-gate["']?\s*\.\s*["']?waivers["']?\s*\]\]""", re.MULTILINE)

COMMENT = re.compile(r"(?:#+|//|;|<!--|/\*)\s*mingus:\s*accept(?![\w-])")
"""How a comment that accepts begins, in Python, YAML, Dockerfiles, nginx and shell (`#`), INI (`;`), JavaScript, HTML and CSS."""

CLOSES = re.compile(r"-->|\*/|#\}")
ACCEPTED = re.compile(r"\s+(?P<rule>\S+)(?:\s+until\s+(?P<until>\S+))?\s+(?:--|—|–)\s*(?P<reason>\S.*)")
ENDS = re.compile(r"\buntil (\d{4}-\d\d-\d\d)\W*$")
FORM = "write `mingus: accept RULE -- reason` or `mingus: accept RULE until 2026-12-31 -- reason`"

STATEMENTS = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom)
"""Those that have no block."""


# -- the table -----------------------------------------------------------------------------------------------------------


def written(entries: object, text: str, shown: str) -> tuple[Waiver, ...]:
    """Those in the array `[[tool.mingus-gate.waivers]]` of the TOML `text`, a file known as `shown`.

    Raises ValueError where they are no array of tables; any other mistake makes a waiver that is invalid and says why.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("must be an array of tables: write [[tool.mingus-gate.waivers]]")
    starts = [match.start() for match in HEADER.finditer(text)]
    if len(starts) != len(entries):  # written as `waivers = [{…}]`
        starts = [max(text.find("waivers"), 0)] * len(entries)
    return tuple(_of_table(entry, Place(shown, text.count("\n", 0, start) + 1)) for entry, start in zip(entries, starts, strict=True))


def _of_table(entry: Mapping[str, Any], place: Place) -> Waiver:
    rule, reason, owner = (_one_line(entry.get(key)) for key in ("rule", "reason", "owner"))
    path, fingerprint = (value if isinstance(value := entry.get(key), str) else "" for key in ("path", "fingerprint"))
    expires = entry.get("expires")
    end = expires if isinstance(expires, date) and not isinstance(expires, datetime) else None
    return _unless(_mistakes(entry), Waiver(rule, reason, owner, end, place, path, fingerprint))


def _mistakes(entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an entry, whatever the day, and the remedy."""
    for key in sorted(entry.keys() - KEYS):
        yield f"no key `{_one_line(key)}`{_nearest(key, KEYS) or '; known are ' + ', '.join(KEYS)}"
    for key in ("rule", "owner", "reason"):
        if not _one_line(entry.get(key)):
            yield f"`{key}` is missing: write {NEEDED[key]}"
    expires = entry.get("expires")
    if expires != "never" and (not isinstance(expires, date) or isinstance(expires, datetime)):
        yield f"`expires` is {'not a date' if 'expires' in entry else 'missing'}: write {NEEDED['expires']}"
    if "path" in entry and (not isinstance(entry["path"], str) or not entry["path"] or re.search(r":\d+$", entry["path"])):
        yield "`path` is not a file or a pattern of files; for one finding, whose line may move, write its `fingerprint`"
    if "fingerprint" in entry and not re.fullmatch(r"[0-9a-f]{16}", str(entry["fingerprint"])):
        yield "`fingerprint` is not one: copy its 16 characters from the JSON report"
    if "path" in entry and "fingerprint" in entry:
        yield "`path` and `fingerprint` are both given: write one of them"


# -- the comment -----------------------------------------------------------------------------------------------------------


def accepted(repo: Repo, answers: Mapping[Check, Sequence[Result]], files: Iterable[File]) -> Iterator[Waiver]:
    """Those in comments of `files` and of every file where something broken was found."""
    found = {o.place.path for results in answers.values() for r in results if r.kind is Kind.FAIL for o in r.telling if o.place}
    for file in {f.path: f for f in (*files, *filter(None, map(repo.file, sorted(found))))}.values():
        if b"mingus:" in file.read():
            yield from _in_comments(repo, file)


def _in_comments(repo: Repo, file: File) -> Iterator[Waiver]:
    begins = _comment_columns(file)
    said = [_on_line(line, 0 if begins is None else begins.get(number, len(line))) for number, line in enumerate(file.lines, 1)]
    alone = [bool(found) and not line[: found[0][0]].strip() for found, line in zip(said, file.lines, strict=True)]
    for number, found in enumerate(said, 1):
        # one that stands alone is for the line below; several may stand above one another
        below = next((n for n in range(number, len(alone)) if not alone[n]), number) + 1
        lines = (below,) if alone[number - 1] else (number, *_begun_above(repo, file, number)) if found else ()
        yield from (_of_comment(text, Place(file.path, number, column + 1), lines) for column, text in found)


def _on_line(line: str, begin: int) -> list[tuple[int, str]]:
    """The column of each acceptance on a line, and what follows its first words."""
    found = list(COMMENT.finditer(line, begin))
    ends = [*(match.start() for match in found[1:]), len(line)]
    return [(match.start(), CLOSES.split(line[match.end() : end])[0].rstrip()) for match, end in zip(found, ends, strict=False)]


def _comment_columns(file: File) -> dict[int, int] | None:
    """Where the comments of a Python file begin, by line: its texts may hold what looks like one. None where it cannot be told."""
    if not file.path.endswith(".py"):
        return None
    lines = iter([f"{line}\n" for line in file.lines])
    try:
        return {t.start[0]: t.start[1] for t in tokenize.generate_tokens(lambda: next(lines, "")) if t.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError):
        return None


def _begun_above(repo: Repo, file: File, line: int) -> list[int]:
    """Where the Python statement begins that ends on `line`: formatters move a comment behind the last bracket."""
    module = repo.module(file) if file.path.endswith(".py") else None
    return [node.lineno for node in module.nodes(*STATEMENTS) if node.lineno < line == node.end_lineno] if module else []


def _of_comment(said: str, place: Place, lines: tuple[int, ...]) -> Waiver:
    match = ACCEPTED.fullmatch(said)
    if not match:
        return _unless([FORM], Waiver(_one_line(said).partition(" ")[0], "", "", None, place, place.path, lines=lines))
    reason = _one_line(match["reason"])
    until = match["until"] or (at_end[1] if (at_end := ENDS.search(reason)) else "")
    mistakes = []
    try:
        expires = date.fromisoformat(until) if until else None
    except ValueError:
        expires, mistakes = None, [f"`until` is not followed by a date: {FORM}"]
    return _unless(mistakes, Waiver(_one_line(match["rule"]), reason, "", expires, place, place.path, lines=lines))


def without_acceptance(line: str) -> str:
    """A line of code without the comment that accepts what stands there, so that it is the same finding before and after."""
    match = COMMENT.search(line)
    return line[: match.start()] if match else line


# -- what they come to -------------------------------------------------------------------------------------------------------


def waive(
    answers: Mapping[Check, Sequence[Result]], waivers: Iterable[Waiver], *, today: date, known: Collection[str], redactor: Redactor | None = None
) -> tuple[dict[Check, tuple[Result, ...]], tuple[Waiver, ...]]:
    """The answers with what is waived marked, and each waiver with what became of it.

    `today` is the day in UTC; a waiver holds to the end of its last. `known` are the codes of the rules there are.
    """
    judged = [_judged(waiver, today, known, redactor or Redactor()) for waiver in waivers]
    valid = [waiver for waiver in judged if waiver.state != "invalid"]
    marked = {check: tuple(_marked(result, valid) for result in results) for check, results in answers.items()}
    by_code = {result.rule.code: result for results in marked.values() for result in results}
    return marked, tuple(w if w.state == "invalid" else _used(w, by_code.get(w.rule), today) for w in judged)


def _judged(waiver: Waiver, today: date, known: Collection[str], redactor: Redactor) -> Waiver:
    """The waiver, invalid where it names no rule, or on this day; its texts are the team's and may hold anything."""
    mistakes = [waiver.note] if waiver.note else []
    if waiver.rule and waiver.rule not in known:
        near = _nearest(waiver.rule, known) if "." in waiver.rule else ""
        mistakes.append(f"no rule `{waiver.rule}`{near or '; a waiver names one rule, as `mingus-gate rules` lists them'}")
    left = (waiver.expires - today) if waiver.expires else None
    if left and left < timedelta():
        mistakes.append(f"ended on {waiver.expires}: mend what it was for, or decide anew")
    elif left and left > LONGEST:
        endless = "leave `until` out" if waiver.lines else 'write `expires = "never"`'
        mistakes.append(f"ends in {left.days} days: write a date up to {today + LONGEST} ({LONGEST.days} days), or {endless}")
    rule = waiver.rule if waiver.rule in known else redactor.text(waiver.rule)
    shown = replace(waiver, rule=rule, reason=redactor.text(waiver.reason), owner=redactor.text(waiver.owner), note="")
    return _unless(map(redactor.text, mistakes), shown)


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


def _unless(mistakes: Iterable[str], waiver: Waiver) -> Waiver:
    """The waiver, invalid where there are mistakes."""
    note = "; ".join(mistakes)
    return replace(waiver, state="invalid", note=note) if note else waiver


def _one_line(value: object) -> str:
    """A text on one line, without characters that do not show; anything else is empty."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split()) if isinstance(value, str) else ""


def _nearest(word: str, choices: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""
