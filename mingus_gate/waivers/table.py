"""The waivers of `[[tool.mingus-gate.waivers]]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from mingus_gate.model import Place, Waiver

KEYS = ("rule", "path", "fingerprint", "owner", "reason", "expires")
NEEDED = {
    "rule": "the rule's code, as `mingus-gate rules` lists it",
    "owner": "who answers for it",
    "reason": "why it may stay so",
    "expires": 'a date without quotes, `expires = 2026-12-31`, or `expires = "never"`',
}
HEADER = re.compile(r"""^[ \t]*\[\[\s*tool\s*\.\s*["']?mingus-gate["']?\s*\.\s*["']?waivers["']?\s*\]\]""", re.MULTILINE)


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
    rule, reason, owner = (one_line(entry.get(key)) for key in ("rule", "reason", "owner"))
    path, fingerprint = (value if isinstance(value := entry.get(key), str) else "" for key in ("path", "fingerprint"))
    expires = entry.get("expires")
    end = expires if isinstance(expires, date) and not isinstance(expires, datetime) else None
    return Waiver(rule, reason, owner, end, place, path, fingerprint).unless(_mistakes(entry))


def _mistakes(entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an entry, whatever the day, and the remedy."""
    for key in sorted(entry.keys() - KEYS):
        yield f"no key `{one_line(key)}`{nearest(key, KEYS) or '; known are ' + ', '.join(KEYS)}"
    for key in ("rule", "owner", "reason"):
        if not one_line(entry.get(key)):
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


def one_line(value: object) -> str:
    """A text on one line, without characters that do not show; anything else is empty."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split()) if isinstance(value, str) else ""


def nearest(word: str, choices: Collection[str]) -> str:
    """The end of a message about a word nobody knows: what was probably meant, or nothing."""
    import difflib  # here: a commit hook has no time to load what it hardly needs

    near = difflib.get_close_matches(word, sorted(choices), n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""
