"""Where a reader of a report can go: the line in the tree, the rule's documentation, the page with the whole report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mingus_gate import HOME
from mingus_gate.model import Place, Rule
from mingus_gate.reports.escape import Markdown, code

DOCS = Markdown(f"{HOME}/blob/main/docs")

WIDEST = 40
"""Characters of a path shown where a link leads to it; a longer one would stretch the table."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where a reader can go. An empty address gives the text without a link."""

    tree: str = ""
    """The folder that was judged, at its commit, ending in a slash."""

    report: str = ""
    """A page that shows the whole report."""

    commit: str = ""
    """The commit the reader knows, where the one judged is another (GitHub checks out a pull request as merged)."""

    def place(self, place: Place | None, address: str = "") -> Markdown:
        """`app/config.py:31`, linked to that line."""
        if place is None:
            return code(address, 120) if address else Markdown()
        shown = code(f"{place.path if not self.tree or len(place.path) <= WIDEST else _end_of(place.path)}:{place.line}")
        url = line_url(self.tree, place)
        return Markdown(f"[{shown}]({url})") if url else shown

    def rule(self, rule: Rule) -> Markdown:
        """The rule's code, linked to its documentation."""
        return Markdown(f"[{rule.code}]({rule_url(rule)})")


def line_url(tree: str, place: Place) -> str:
    """Where the line is shown, in the folder `tree` of the web; empty where that is not known or too long for a link."""
    url = f"{tree}{quote(place.path, errors='replace')}{'?plain=1' if place.path.endswith('.md') else ''}#L{place.line}"
    return url if tree and len(url) <= 2000 else ""


def rule_url(rule: Rule) -> str:
    """The rule's documentation."""
    return f"{DOCS}/checks/{rule.check}.md#{rule.code.partition('.')[2]}"


def tree_url(environ: Mapping[str, str], commit: str, folder: str) -> str:
    """`folder` of the repository at `commit` on the server whose job this is (GitHub or GitLab), or an empty text elsewhere."""
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    home = f"{server}/{repository}/blob" if server and repository else f"{project}/-/blob" if (project := environ.get("CI_PROJECT_URL")) else ""
    return f"{home}/{commit}/{quote(folder)}" if commit and re.fullmatch(r"https?://[\w.:/~-]+", home) else ""


def _end_of(path: str) -> str:
    """The last folders and the name, as many as fit."""
    parts = path.split("/")
    kept = next((at for at in range(1, len(parts)) if len("/".join(parts[at:])) < WIDEST), len(parts) - 1)
    return "…/" + "/".join(parts[kept:])[-100:]
