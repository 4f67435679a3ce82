"""Text of the tree as Markdown that shows it and does nothing else: the one escaping function of the reports."""

from __future__ import annotations

import re

NOTHING = "&#8203;"
"""A space of no width. It parts what GitHub would make a mention, a reference, a link or an emoji of."""

LIVE = re.compile(
    r"(?P<syntax>[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))"
    r"|(?P<character>[&<>$])"
    r"|(?P<noticed>@|#(?=\w)|GH-(?=\d)|:(?=//)|:(?=[\w+-]+:)|www(?=\.))",
    re.IGNORECASE,
)
CHARACTERS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}

START = re.compile(r"(?P<mark>[#+=-])|(?P<number>\d+)(?P<dot>[.)])")
"""What would begin a heading, a list or a rule at the start of a line."""


class Markdown(str):
    """Markdown of our own: put into a page as it is. Every other text is escaped there."""

    __slots__ = ()


def escape(text: str, limit: int = 300) -> Markdown:
    """One line of Markdown that reads as `text`, cut after `limit` characters; parts in backticks become code."""
    parts = shorten(text, limit).split("`")
    shown = []
    for number, part in enumerate(parts):
        if number % 2 and number < len(parts) - 1:
            shown.append(code(part, limit) if part.strip() else f"\\`{part}\\`")
        else:
            shown.append(("\\`" if number % 2 else "") + _plain(part, start=number == 0))
    return Markdown("".join(shown))


def code(text: str, limit: int = 300) -> Markdown:
    """`text` as a code span that nothing in it can leave, in a table or outside."""
    text = shorten(text, limit)
    if "`" not in text and "|" not in text:
        return Markdown(f"`{text}`")
    inner = "".join(c if c.isalnum() or c == " " or not c.isascii() else f"&#{ord(c)};" for c in text)
    return Markdown(f"<code>{inner.replace('&#64;', '&#64;' + NOTHING)}</code>")


def shorten(text: str, limit: int) -> str:
    """`text` on one line, without characters that do not show, at most `limit` long."""
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _plain(text: str, *, start: bool) -> str:
    head = ""
    if start and (match := START.match(text)):
        head = f"\\{match['mark']}" if match["mark"] else f"{match['number']}\\{match['dot']}"
        head += NOTHING if match["mark"] == "#" else ""
        text = text[match.end() :]
    return head + LIVE.sub(_inert, text)


def _inert(match: re.Match[str]) -> str:
    found = match.group()
    if match["syntax"]:
        return f"\\{found}"
    return CHARACTERS.get(found) or found + NOTHING
