"""The hook's own reader finds the same items as markdown-it, which it may not load."""

import importlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mingus_gate.checklist import Task, parse

read_tasks = importlib.import_module("mingus_gate_hooks.tasks").read_tasks

LINE = st.sampled_from(
    [
        *("- [ ] a", "- [x] b", "* [X] c", "+ [ ] d", "1. [ ] e", "2. [ ] f", "10) [x] g", "- - [ ] h", "- > [ ] i", "- 1. - [x] j"),
        *("- [ ]", "- [ ]k", "-     [ ] code", "-", "- ", "- l", "[ ] m", "plain", "## heading", "- # heading", "---", "===", "* * *", "- * * *"),
        *("```", "````py", "~~~", "- ```", "- ~~~ [ ]", "> ", ">", "> - [ ] n", ">- [x] o", "> [ ] p", "<!-- c -->", "<!--", "-->", "- <!-- d"),
        *("<div>", "</div>", "<b>", "<script>", "</script>", "- [ ] q <!-- id: a.b -->", "<!-- id: a.c -->", "", "", ""),
    ]
)
TEXT = st.lists(st.sampled_from(["pool", "`code`", "[link](#x)", "a|b", "*", "1.", "<b>", "#", "&amp;", "é"]), min_size=1, max_size=4).map(" ".join)
MARK = st.sampled_from(["", " <!-- id: a.b -->", " <!-- id: a.c rules: tls.hsts -->", " <!-- note -->"])


def _indented(lines: list[str], by: str) -> list[str]:
    return [by + line if line else "" for line in lines]


@st.composite
def _tasks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """A list with boxes, ticked or not, with further lines, fences and lists in its items."""
    marker = draw(st.sampled_from(["- ", "* ", "+ ", "1. ", "3) ", "-   "]))
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        lines.append(marker + draw(st.sampled_from(["[ ] ", "[x] ", "[X] ", "", "[] "])) + draw(TEXT) + draw(MARK))
        inner = draw(st.lists(st.one_of(TEXT.map(lambda text: [text]), _fence(), *([_tasks(depth + 1)] if depth < 2 else [])), max_size=2))
        for block in inner:
            lines += [""] * draw(st.integers(0, 1)) + _indented(block, " " * len(marker))
        lines += [""] * draw(st.integers(0, 1))
    return lines


@st.composite
def _fence(draw: st.DrawFn) -> list[str]:
    fence = draw(st.sampled_from(["```", "~~~", "````"]))
    return [fence + draw(st.sampled_from(["", "markdown"])), *draw(st.lists(LINE.filter(lambda line: not line.startswith(fence)), max_size=3)), fence]


BLOCK = st.one_of(
    TEXT.map(lambda text: [text]),
    TEXT.map(lambda text: [f"## {text}"]),
    _tasks(),
    _fence(),
    _tasks().map(lambda lines: [f"> {line}" for line in lines]),
    _tasks().map(lambda lines: ["<!--", *lines, "-->"]),
    _tasks().map(lambda lines: ["", *_indented(lines, "    ")]),
)
DOCUMENT = st.lists(BLOCK, max_size=6).map(lambda blocks: "\n\n".join("\n".join(block) for block in blocks))
ENDS = st.sampled_from(["", "\n", "\n\n"])


def _reference(text: str) -> list[Task]:
    return [task for _, _, tasks in parse(text) for task in tasks]


@given(DOCUMENT, ENDS)
@settings(max_examples=300, deadline=None)
@example("- [ ] a\r\n\tb\r\n\r\n\t- [x] c\r- [ ] d", "")
@example("* [ ] a\n\n      - [ ] code in the item\n\n  - [ ] b", "")
@example("- [ ] a\nlazy\n  - [ ] b\n> - [ ] c\n- [ ] d", "")
def test_documents_as_people_write_them_give_the_same_items(text: str, end: str) -> None:
    assert read_tasks(text + end) == _reference(text + end)


@given(st.lists(st.tuples(st.sampled_from(["", "", "", " ", "  ", "   "]), LINE).map("".join), max_size=10).map("\n".join))
@settings(max_examples=500, deadline=None)
def test_lines_in_any_order_give_the_same_items(text: str) -> None:
    assert read_tasks(text) == _reference(text)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_without_a_crash(text: str) -> None:
    read_tasks(text)


@pytest.mark.parametrize("count", [20_000])
def test_a_long_list_is_read_in_one_pass(count: int) -> None:
    assert len(read_tasks("- [ ] item <!-- id: a.b -->\n" * count)) == count
