"""Writes docs/checks/*.md from the rules and from the first quiet and reported example of their tests: `make docs`.

So a page can neither forget a rule nor show an example that nobody ran. tests/test_docs.py compares.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mingus_gate.checks import CHECKS  # noqa: E402
from mingus_gate.model import Check, Rule  # noqa: E402
from tests.tools import Files  # noqa: E402

LANGUAGES = {"py": "python", "yml": "yaml", "yaml": "yaml", "toml": "toml", "sh": "sh", "sql": "sql", "html": "html", "ini": "ini", "js": "js"}


def pages() -> dict[Path, str]:
    """Path → text of every page."""
    found = {ROOT / "docs/checks" / f"{check.id}.md": "\n".join(_page(check)) + "\n" for check in CHECKS}
    found[ROOT / "docs/checks/README.md"] = "\n".join(_index()) + "\n"
    return found


def _index() -> Iterator[str]:
    total = sum(len(check.rules) for check in CHECKS)
    yield f"# The fourteen checks and their {total} rules\n"
    yield "| check | question | weight | rules |\n|---|---|---|---|"
    for check in CHECKS:
        names = ", ".join(f"[{_name(rule)}]({check.id}.md#{_name(rule)})" for rule in check.rules)
        yield f"| [{check.title}]({check.id}.md) | {check.question} | {check.weight} | {names} |"
    yield "\nWritten by `make docs` from the rules and their tests."


def _page(check: Check) -> Iterator[str]:
    module = check.id.replace("-", "_")
    tables = importlib.import_module(f"tests.checks.test_{module}")
    yield f"# {check.title}\n"
    yield f"*{check.question}*\n"
    yield f"Check `{check.id}`, weight {check.weight} of {sum(c.weight for c in CHECKS)}. Rules in `mingus_gate/checks/{module}`.\n"
    yield "| rule | says | severity | points |\n|---|---|---|---|"
    for rule in check.rules:
        yield f"| [{_name(rule)}](#{_name(rule)}) | {rule.title} | {rule.severity.word} | {rule.points} |"
    for rule in check.static:
        yield from _section(rule, tables)
    for rule in check.live:
        yield from _live_section(rule)
    yield f'\nTo switch one off: `disable = ["{check.rules[0].code}"]` in `[tool.mingus-gate]`; the report goes on naming it.'


def _section(rule: Rule, tables: object) -> Iterator[str]:
    title, files, where = getattr(tables, "REPORTED")[rule.code][0]  # noqa: B009
    yield f"\n## {_name(rule)}\n"
    yield f"**{rule.title}.** {rule.severity.word.capitalize()}, {rule.points} points.\n"
    yield f"{rule.why}\n"
    yield f"Fails: {title}" + (f" (reported at `{where}`)" if where else "") + "\n"
    yield from _example(files)
    title, files = getattr(tables, "QUIET")[rule.code][0]  # noqa: B009
    yield f"Passes: {title}\n"
    yield from _example(files)
    yield f"**Fix.** {rule.fix}\n"
    yield f"Looks for {rule.looks_for}." + (f" Source: <{rule.source}>" if rule.source else "")


def _live_section(rule: Rule) -> Iterator[str]:
    yield f"\n## {_name(rule)}\n"
    yield f"**{rule.title}.** {rule.severity.word.capitalize()}, {rule.points} points, asked of the running system with `--live`.\n"
    yield f"{rule.why}\n"
    yield f"**Fix.** {rule.fix}\n"
    yield f"Looks for {rule.looks_for}." + (f" Source: <{rule.source}>" if rule.source else "")


def _example(files: Files) -> Iterator[str]:
    shown: Mapping[str, str | bytes] = {"app.py": files} if isinstance(files, str) else files
    for path, content in shown.items():
        text = dedent(content).strip() if isinstance(content, str) else "(a binary file)"
        if text:
            name = f"# {path}\n" if path != "app.py" or len(shown) > 1 else ""
            yield f"````{LANGUAGES.get(path.rpartition('.')[2], '')}\n{name}{text}\n````\n"


def _name(rule: Rule) -> str:
    return rule.code.partition(".")[2]


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
