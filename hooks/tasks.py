"""The task list items of a Markdown text with the standard library alone: hooks start too often to load a parser.

Follows CommonMark's block structure (quotes, lists, fences, indented code, HTML, lazy lines), no more; a test compares
it with markdown-it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mingus_gate.checklist import Task, to_task

BULLET = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?= |$)")
HEADING = re.compile(r"#{1,6}(?: |$)")
FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
BREAK = re.compile(r"(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$")
UNDERLINE = re.compile(r"(?:=+|-+) *$")

BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|"
    "form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|"
    "summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
ATTRIBUTE = r"""\s+[a-zA-Z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
HTML = tuple(
    (re.compile(start, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for start, end in (
        (r"<(?:script|pre|style|textarea)(?=\s|>|$)", r"</(?:script|pre|style|textarea)>"),
        (r"<!--", r"-->"),
        (r"<\?", r"\?>"),
        (r"<![a-z]", r">"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (rf"</?(?:{BLOCK_TAGS})(?=\s|/?>|$)", r"^\s*$"),
        (rf"(?:<[a-z][a-z0-9-]*(?:{ATTRIBUTE})*\s*/?>|</[a-z][a-z0-9-]*\s*>)\s*$", r"^\s*$"),
    )
)
"""How HTML starts and ends; the last kind, any lone tag, does not interrupt a paragraph."""


@dataclass
class Container:
    """A quote, or a list item whose content starts `width` columns in."""

    width: int
    """0 for a quote."""
    empty: bool = True
    """Nothing stands in it yet."""


@dataclass
class Reader:
    """Reads line by line; `inside` are the open containers, and at most one of paragraph, fence and HTML is open."""

    tasks: list[Task] = field(default_factory=list)
    inside: list[Container] = field(default_factory=list)
    paragraph: list[str] | None = None
    is_first: bool = False
    """The paragraph is the first block of a list item that stands in no quote."""
    line: int = 0
    """Where the paragraph began."""
    fence: str = ""
    html: re.Pattern[str] | None = None

    def read(self, number: int, line: str) -> None:
        matched, rest = self._continue(line)
        if matched == len(self.inside):
            if self.fence:
                text = rest.strip(" ")
                if _indent(rest) < 4 and text.startswith(self.fence) and not text.strip(self.fence[0]):
                    self.fence = ""
                return
            if self.html:
                if self.html.search(rest):
                    self.html = None
                return
        self._start(number, rest, matched)

    def _continue(self, line: str) -> tuple[int, str]:
        """How many of the open containers go on in this line, and what stands in the innermost of them."""
        matched = 0
        for container in self.inside:
            if container.width:
                if _indent(line) < container.width if line.strip(" ") else container.empty:
                    break
                line = line[container.width :]
            else:
                if _indent(line) > 3 or not line.lstrip(" ").startswith(">"):
                    break
                line = line.lstrip(" ")[1:].removeprefix(" ")
            matched += 1
        return matched, line

    def _start(self, number: int, rest: str, matched: int) -> None:
        """Opens the quotes and list items that begin in the rest of the line, then what stands in them."""
        fresh = matched < len(self.inside)
        while True:
            text = rest.lstrip(" ")
            goes_on = self.paragraph is not None and not fresh
            if not text or _indent(rest) > 3:
                break
            if text[0] == ">":
                self._close(matched)
                self._fill()
                self.inside.append(Container(0))
                rest = text[1:].removeprefix(" ")
            elif goes_on and UNDERLINE.match(text):
                self.paragraph = None  # it was a heading
                return
            elif not BREAK.match(text) and (mark := BULLET.match(text)) and not (goes_on and (mark[0] == text or mark[1] not in (None, "1"))):
                self._close(matched)
                self._fill()
                after = text[mark.end() :]
                space = _indent(after)
                space = space if after.strip(" ") and space < 5 else 1
                self.inside.append(Container(_indent(rest) + mark.end() + space))
                rest = after[space:]
            else:
                break
            matched, fresh = len(self.inside), False
        self._leaf(number, rest, matched)

    def _leaf(self, number: int, rest: str, matched: int) -> None:
        """Takes what is left of the line once its quotes and list items are open."""
        text, code = rest.strip(" "), _indent(rest) > 3
        if not text:
            self._close(matched)
        elif not code and (begun := self._begun(text)):
            self._close(matched)
            self._fill()
            self.fence, self.html = begun
        elif self.paragraph is not None:  # goes on, or is carried on lazily
            self.paragraph.append(text)
        else:
            self._close(matched)
            first = bool(self.inside) and self.inside[-1].empty and all(c.width for c in self.inside)
            self._fill()
            if not code:
                self.paragraph, self.line, self.is_first = [text], number, first

    def _begun(self, text: str) -> tuple[str, re.Pattern[str] | None] | None:
        """The (fence, end of the HTML) that `text` opens; both empty for a heading or a break; None for plain text."""
        if mark := FENCE.match(text):
            return mark[1] or mark[2], None
        if HEADING.match(text) or BREAK.match(text):
            return "", None
        for start, end in HTML[:-1] if self.paragraph is not None else HTML:
            if start.match(text):
                return "", None if end.search(text) else end
        return None

    def _fill(self) -> None:
        """The innermost container is no longer empty."""
        if self.inside:
            self.inside[-1].empty = False

    def _close(self, matched: int) -> None:
        """Ends the paragraph and the containers that did not go on."""
        if self.paragraph is not None and self.is_first and (task := to_task(self.line, "\n".join(self.paragraph))):
            self.tasks.append(task)
        self.paragraph = None
        if matched < len(self.inside):
            del self.inside[matched:]
            self.fence, self.html = "", None


def read_tasks(text: str) -> list[Task]:
    """The tasks of `text`, in its order."""
    reader = Reader()
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        reader.read(number, line.expandtabs(4))
    reader._close(0)
    return reader.tasks


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
