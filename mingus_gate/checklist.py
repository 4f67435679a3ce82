"""Reads the Markdown checklist, links its items to rules, and tells what the results say of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Literal, NamedTuple

from mingus_gate import checks
from mingus_gate.model import Checklist, ChecklistItem, ChecklistSection, Kind, Place, Result
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

if TYPE_CHECKING:
    from markdown_it.token import Token

SHIPPED = "production_deployment_checklist.md"

MARK = re.compile(r"<!--\s*id:\s*([a-z0-9]+(?:[.-][a-z0-9]+)*)(?:\s+rules:\s*([a-z0-9-]+\.[a-z0-9-]+(?:[,\s]+[a-z0-9-]+\.[a-z0-9-]+)*))?\s*-->")
"""`<!-- id: database.pool-size rules: database-pooling.pool-size, database-pooling.pre-ping -->`"""

LIKE_A_MARK = re.compile(r"<!--\s*(?:ids?|rules?)\b.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
TICK_BOX = re.compile(r"\[([ xX])\][ \t]+(?=\S)")


class Task(NamedTuple):
    """A task list item as it stands in the Markdown: its line, counted from 1, whether it is ticked, and its paragraph on one line."""

    line: int
    done: bool
    text: str


class Problem(NamedTuple):
    """Something about a checklist that its author should mend."""

    place: Place
    message: str


def read_checklist(repo: Repo, path: str | None, results: Iterable[Result]) -> Checklist:
    """The application's own checklist at `path`, else the one that ships with the gate. Raises ConfigError."""
    kinds = {result.rule.code: result.kind for result in results}
    text = own_file(repo, path).text if path else shipped()
    sections = []
    for title, line, tasks in parse(text):
        items = tuple(_item(task, kinds) for task in tasks)
        if items:
            sections.append(ChecklistSection(title, line, items))
    return Checklist(path or "", tuple(sections))


def shipped() -> str:
    """The checklist that ships with the gate."""
    return resources.files("mingus_gate_checklist").joinpath(SHIPPED).read_text("utf-8")


def own_file(repo: Repo, path: str) -> File:
    """The application's own checklist. Raises ConfigError."""
    if file := repo.file(path):
        return file
    # config.py loads pydantic, which the commit hook must not; only here is its error needed
    from mingus_gate.config import TABLE, ConfigError

    near = difflib.get_close_matches(path, [f.path for f in repo.tree if f.path.endswith(".md")], n=1, cutoff=0.5)
    meant = f"; did you mean `{near[0]}`?" if near else "; write the path from the root of the tree and add the file to git"
    raise ConfigError(f"[{TABLE}] checklist: no file `{path}` in the tree{meant}")


def parse(text: str) -> Iterator[tuple[str, int, list[Task]]]:
    """(title, line, tasks) of what stands before the first `##` heading and of each such heading's section."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text + "\n")  # without it, it fails on an unfinished quote
    title, line, tasks = "Checklist", 1, list[Task]()
    quotes = 0
    for i, token in enumerate(tokens):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "heading_open" and token.tag == "h2" and token.level == 0:
            yield title, line, tasks
            title, line, tasks = tokens[i + 1].content, _line(token), []
        elif [t.type for t in tokens[i : i + 3]] == ["list_item_open", "paragraph_open", "inline"] and not quotes:
            paragraph = tokens[i + 2]
            if task := to_task(_line(paragraph), paragraph.content):
                tasks.append(task)
    yield title, line, tasks


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def to_task(line: int, paragraph: str) -> Task | None:
    """The task that the first paragraph of a list item is, or None where it has no box."""
    box = TICK_BOX.match(paragraph)
    return Task(line, box[1] != " ", " ".join(paragraph[box.end() :].split())) if box else None


def _item(task: Task, kinds: Mapping[str, Kind]) -> ChecklistItem:
    mark = MARK.search(task.text)
    rules = _rules(mark)
    return ChecklistItem(
        mark[1] if mark else "", LIKE_A_MARK.sub("", task.text).strip(), task.line, task.done, rules, _verdict(task.done, rules, kinds)
    )


def _rules(mark: re.Match[str] | None) -> tuple[str, ...]:
    return tuple(re.split(r"[,\s]+", mark[2])) if mark and mark[2] else ()


def _verdict(done: bool, rules: Sequence[str], kinds: Mapping[str, Kind]) -> Literal["verified", "contradicted", "unknown", ""]:
    """A rule that was not asked is not known; one that does not apply has no say."""
    if not rules:
        return ""
    said = [kinds.get(code, Kind.UNKNOWN) for code in rules]
    if done and Kind.FAIL in said:
        return "contradicted"
    return "verified" if {Kind.PASS} == set(said) - {Kind.NOT_APPLICABLE} else "unknown"


# -- what people are told --------------------------------------------------------------------------------------------


def status_text(checklist: Checklist) -> str:
    """How far the checklist is, section by section, and the items whose tick the evidence contradicts."""
    counts = checklist.counts
    name = checklist.path or "the checklist that ships with mingus-gate"
    lines = [f"{name}: {counts['done']} of {counts['total']} done, {counts['verified']} verified by a rule", ""]
    width = max((len(section.title) for section in checklist.sections), default=0)
    for section in checklist.sections:
        done = f"{section.counts['done']:>3} of {section.counts['total']:<3}"
        verified = f"{section.counts['verified']} verified" if section.counts["verified"] else ""
        lines.append(f"  {section.title:{width}}  {done}  {verified}".rstrip())
    wrong = [item for item in checklist.items if item.verdict == "contradicted"]
    if wrong:
        lines += ["", "Ticked, but a rule says otherwise:"]
        lines += [f"  {checklist.path or SHIPPED}:{item.line}: {item.text} [{', '.join(item.rules)}]" for item in wrong]
    return "\n".join(lines) + "\n"


def lint(text: str, path: str) -> list[Problem]:
    """What is wrong with the checklist in `text`, each with its place in `path` and its remedy."""
    return problems([task for _, _, tasks in parse(text) for task in tasks], path)


def problems(tasks: Sequence[Task], path: str) -> list[Problem]:
    """The same for tasks that were read already."""
    if not tasks:
        return [Problem(Place(path), "no task list item found; write items as `- [ ] text <!-- id: section.name -->`")]
    seen: dict[str, int] = {}
    return [Problem(Place(path, task.line), message) for task in tasks for message in _wrong(task, seen)]


def _wrong(task: Task, seen: dict[str, int]) -> Iterator[str]:
    marks = LIKE_A_MARK.findall(task.text)
    if not marks:
        yield "item without an id; end its text with `<!-- id: section.name -->`"
    elif len(marks) > 1:
        yield f"{len(marks)} comments with an id or rules on one item; keep one"
    elif not (mark := MARK.fullmatch(marks[0])):
        yield f"malformed comment `{marks[0]}`; write `<!-- id: section.name rules: check.rule, check.rule -->` in small letters"
    else:
        if mark[1] in seen:
            yield f"id `{mark[1]}` already stands on line {seen[mark[1]]}; give this item one of its own"
        seen.setdefault(mark[1], task.line)
        for code in _rules(mark):
            if code not in checks.RULES:
                near = difflib.get_close_matches(code, checks.RULES, n=1, cutoff=0.5)
                yield f"no rule `{code}`{f'; did you mean `{near[0]}`?' if near else ''}; `mingus-gate rules` lists them"
