"""Whatever stands in the tree is shown and does nothing: proven on Markdown as markdown-it reads it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mingus_gate.reports.escape import code, escape, shorten

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

HOSTILE = [
    *"` `` ``` ~~~ ~~ \\ | || * ** _ __ [ ]( ) ![ < > </details> <script> <!-- --> &lt; &#64; === --- [ ] [^1] {{7*7}} {%raw%} $x$ $".split(),  # noqa: SIM905
    *"@ @octocat @acme/ops #1 GH-1 acme/shop#2 https://evil.example http:// www.evil.example mailto:a@b.example :tada: ::error::".split(),  # noqa: SIM905
    *("a", "é", ".", ":", "/", "x_y", "_x_"),
    *("# ", "- ", "+ ", "1. ", "1) ", "> ", "    ", "\t", "\n", "\r\n", " ", "\x1b[31m", "\u202e", "\u2028", "\udc80"),
]
TEXTS = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join))

NOTICED = re.compile(r"@\w|#\w|GH-\d|://|www\.|:[\w+-]+:", re.IGNORECASE)
"""What GitHub makes mentions, references, links and emoji of, in text that is not code."""

PLACES = ["| {} | second |\n|:--|:--|\n| {} | second |\n", "- {}\n", "- ⚠️ **+1.0** {} · rule<br>fix\n", "**{}.** After\n", "{}\n"]


def tags(html: str) -> set[str]:
    return set(re.findall(r"<(/?\w+)", html))


def text_outside_code(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<code>.*?</code>", "", html)))


@settings(max_examples=400)
@example("#1", "- {}\n")
@example("_www.evil.example", "- {}\n")
@given(TEXTS, st.sampled_from(PLACES))
def test_nothing_but_text_and_code_comes_of_it(text: str, place: str) -> None:
    page = PARSER.render(place.replace("{}", escape(text)))
    assert tags(page) <= tags(PARSER.render(place.replace("{}", "word `code`")))
    assert not NOTICED.search(text_outside_code(page))


@given(TEXTS.filter(lambda text: "`" not in text))
def test_a_reader_sees_the_text(text: str) -> None:
    page = PARSER.renderInline(f"&lt;{escape(text)}&gt;")
    assert text_outside_code(page).replace("\u200b", "") == f"<{shorten(text, 300)}>"


@given(TEXTS)
def test_a_table_keeps_its_cells(text: str) -> None:
    page = PARSER.render(PLACES[0].replace("{}", escape(text)))
    assert page.count("<td") == page.count("<th ") == 2


@given(TEXTS)
def test_code_is_one_code_span(text: str) -> None:
    page = PARSER.render(f"| a |\n|:--|\n| {code(text)} |\n")
    if shorten(text, 300):
        assert page.count("<code>") == page.count("</code>") == page.count("<td") == 1


@given(TEXTS, st.integers(10, 50))
def test_length_is_bounded(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit
    assert len(escape(text, limit)) <= 12 * limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("limits are counted per process (`memory://`)", "limits are counted per process (`memory://`)"),
        ("pool_size=20 and _private", "pool_size=20 and \\_private"),
        ("ask @octocat", "ask @&#8203;octocat"),
        ("a `|` b", "a <code>&#124;</code> b"),
        ("- not a list", "\\- not a list"),
        ("12. not a list", "12\\. not a list"),
        ("one ` only", "one \\` only"),
        ("line\nbreak \x1b[31mred", "line break \ufffd\\[31mred"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert escape(text) == shown
