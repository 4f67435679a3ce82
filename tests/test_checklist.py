"""The deployment checklist: read, linked to rules, told apart from the evidence, linted."""

from pathlib import Path
from textwrap import dedent

import pytest

from mingus_gate.checklist import SHIPPED, lint, parse, read_checklist, status_text
from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import ConfigError
from mingus_gate.model import Checklist, ChecklistItem, Kind, Result
from mingus_gate.repo import Repo
from tests.tools import write

PRE_PING, POOL_SIZE = "database-pooling.pre-ping", "database-pooling.pool-size"
TEXT = (Path(__file__).resolve().parent.parent / "checklist" / SHIPPED).read_text("utf-8")


def _read(tmp_path: Path, text: str, **kinds: Kind) -> Checklist:
    """The checklist `text` where the rules pre_ping and pool_size came to the given kinds."""
    codes = {"pre_ping": PRE_PING, "pool_size": POOL_SIZE}
    results = [Result(RULES[codes[name]], kind, None, "static", "") for name, kind in kinds.items()]
    return read_checklist(Repo(write(tmp_path, {"docs/list.md": text})), "docs/list.md", results)


def _item(tmp_path: Path, text: str, **kinds: Kind) -> ChecklistItem:
    (item,) = _read(tmp_path, text, **kinds).items
    return item


# -- the one that ships ----------------------------------------------------------------------------------------------


def test_the_shipped_checklist_has_27_sections_and_150_items_or_more() -> None:
    checklist = read_checklist(Repo(Path("/nonexistent")), None, [])
    assert len(checklist.sections) == 27
    assert 150 <= len(checklist.items) <= 200
    assert min(len(section.items) for section in checklist.sections) >= 4
    assert not any(item.done for item in checklist.items)


def test_the_shipped_checklist_has_no_problem() -> None:
    assert lint(TEXT, SHIPPED) == []


def test_an_id_of_the_shipped_checklist_starts_with_its_sections_word() -> None:
    sections = read_checklist(Repo(Path("/nonexistent")), None, []).sections
    words = [{item.id.partition(".")[0] for item in section.items} for section in sections]
    assert all(len(word) == 1 for word in words), words
    assert len(set.union(*words)) == len(sections)


def test_no_two_items_of_the_shipped_checklist_say_the_same() -> None:
    texts = [item.text.lower() for item in read_checklist(Repo(Path("/nonexistent")), None, []).items]
    assert len(set(texts)) == len(texts)


def test_each_section_begins_with_one_sentence() -> None:
    for part in TEXT.split("\n## ")[1:]:
        intro = part.split("\n\n")[1]
        assert "\n" not in intro, intro
        assert intro.count(". ") == 0, intro
        assert intro.endswith("."), intro


@pytest.mark.parametrize("code", [rule.code for check in CHECKS for rule in check.static])
def test_every_static_rule_answers_an_item(code: str) -> None:
    assert [item.id for item in read_checklist(Repo(Path("/nonexistent")), None, []).items if code in item.rules]


# -- reading ---------------------------------------------------------------------------------------------------------


def test_items_are_read_with_their_line_tick_id_and_rules(tmp_path: Path) -> None:
    checklist = _read(
        tmp_path,
        dedent(f"""\
        # Ours

        ## Database

        - [ ] Pool is bounded <!-- id: database.pool rules: {POOL_SIZE}, {PRE_PING} -->
        - [x] `max_connections` written
          down <!-- id: database.written -->
            1. [X] by whom <!-- id: database.by-whom -->
        - plain entry

        ## Empty

        ### Not a section

        ## Web

        * [ ] no comment
        """),
    )
    assert [(s.title, s.line, [i.id for i in s.items]) for s in checklist.sections] == [
        ("Database", 3, ["database.pool", "database.written", "database.by-whom"]),
        ("Web", 15, [""]),
    ]
    assert [(i.text, i.line, i.done, i.rules) for i in checklist.items] == [
        ("Pool is bounded", 5, False, (POOL_SIZE, PRE_PING)),
        ("`max_connections` written down", 6, True, ()),
        ("by whom", 8, True, ()),
        ("no comment", 17, False, ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```markdown\n- [ ] in a fence\n```\n",
        "> - [ ] in a quote\n",
        "- > - [ ] in a quote in a list\n",
        "    - [ ] in indented code\n",
        "<!--\n- [ ] commented out\n-->\n",
        "[ ] no list\n",
        "- [] no blank in the box\n",
        "- [ ]\n",
        "- text first\n\n  [ ] then a box\n",
    ],
)
def test_what_is_no_item(text: str) -> None:
    assert [task for _, _, tasks in parse(text) for task in tasks] == []


def test_items_before_the_first_heading_have_a_section_too(tmp_path: Path) -> None:
    assert [(s.title, len(s.items)) for s in _read(tmp_path, "- [ ] first\n\n## Web\n\n- [ ] second\n").sections] == [("Checklist", 1), ("Web", 1)]


def test_the_applications_own_checklist_takes_precedence(tmp_path: Path) -> None:
    assert _read(tmp_path, "- [x] ours <!-- id: a.b -->\n").path == "docs/list.md"
    assert read_checklist(Repo(tmp_path), None, []).path == ""


def test_a_configured_path_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"docs/launch-list.md": "- [ ] ours\n"}))
    with pytest.raises(
        ConfigError, match=r"\[tool\.mingus-gate\] checklist: no file `docs/lanch-list\.md` in the tree; did you mean `docs/launch-list\.md`"
    ):
        read_checklist(repo, "docs/lanch-list.md", [])
    with pytest.raises(ConfigError, match="write the path from the root of the tree and add the file to git"):
        read_checklist(repo, "../elsewhere/x.txt", [])


def test_markup_that_the_parser_fails_on_does_not_end_the_run() -> None:
    assert [task for _, _, tasks in parse("- [ ] a\n\n> - <!-- z\n>") for task in tasks] == [(1, False, "a")]


# -- the verdict -----------------------------------------------------------------------------------------------------

LINKED = f"- [ ] item <!-- id: a.b rules: {PRE_PING}, {POOL_SIZE} -->\n"
TICKED = LINKED.replace("[ ]", "[x]")


@pytest.mark.parametrize(
    ("text", "kinds", "verdict"),
    [
        (LINKED, {"pre_ping": Kind.PASS, "pool_size": Kind.PASS}, "verified"),
        (LINKED, {"pre_ping": Kind.PASS, "pool_size": Kind.NOT_APPLICABLE}, "verified"),
        (LINKED, {"pre_ping": Kind.NOT_APPLICABLE, "pool_size": Kind.NOT_APPLICABLE}, "unknown"),
        (LINKED, {"pre_ping": Kind.PASS, "pool_size": Kind.UNKNOWN}, "unknown"),
        (LINKED, {"pre_ping": Kind.PASS}, "unknown"),
        (LINKED, {"pre_ping": Kind.PASS, "pool_size": Kind.FAIL}, "unknown"),
        (TICKED, {"pre_ping": Kind.PASS, "pool_size": Kind.FAIL}, "contradicted"),
        (TICKED, {"pre_ping": Kind.PASS, "pool_size": Kind.PASS}, "verified"),
        (TICKED, {}, "unknown"),
        ("- [x] item <!-- id: a.b -->\n", {"pre_ping": Kind.PASS}, ""),
    ],
)
def test_what_the_rules_say_of_an_item(tmp_path: Path, text: str, kinds: dict[str, Kind], verdict: str) -> None:
    assert _item(tmp_path, text, **kinds).verdict == verdict


def test_the_status_counts_by_section_and_names_what_the_evidence_contradicts(tmp_path: Path) -> None:
    text = (
        f"## Data\n\n- [x] tested <!-- id: a.b rules: {PRE_PING} -->\n- [ ] bounded <!-- id: a.c rules: {POOL_SIZE} -->\n\n## Web app\n\n- [ ] fast\n"
    )
    assert status_text(_read(tmp_path, text, pre_ping=Kind.FAIL, pool_size=Kind.PASS)) == dedent(f"""\
        docs/list.md: 1 of 3 done, 1 verified by a rule

          Data       1 of 2    1 verified
          Web app    0 of 1

        Ticked, but a rule says otherwise:
          docs/list.md:3: tested [{PRE_PING}]
        """)


# -- linting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# Nothing\n", 1, "no task list item found; write items as `- [ ] text"),
        ("\n- [ ] one\n", 2, "item without an id; end its text with `<!-- id: section.name -->`"),
        ("- [ ] one <!-- a remark -->\n", 1, "item without an id"),
        ("- [ ] one <!-- id: a.b -->\n- [ ] two <!-- id: a.b -->\n", 2, "id `a.b` already stands on line 1"),
        (
            "- [ ] one <!-- id: a.b rules: database-pooling.pre-png -->\n",
            1,
            "no rule `database-pooling.pre-png`; did you mean `database-pooling.pre-ping`?",
        ),
        ("- [ ] one <!-- id: a.b rules: x.y -->\n", 1, "no rule `x.y`"),
        ("- [ ] one <!-- id: A.B -->\n", 1, "malformed comment `<!-- id: A.B -->`"),
        ("- [ ] one <!-- id a.b -->\n", 1, "malformed comment"),
        ("- [ ] one <!-- id: a.b rule: tls.hsts -->\n", 1, "malformed comment"),
        ("- [ ] one <!-- rules: tls.hsts -->\n", 1, "malformed comment"),
        ("- [ ] one <!-- id: a.b rules: -->\n", 1, "malformed comment"),
        ("- [ ] one <!-- id: a.b\n", 1, "malformed comment"),
        ("- [ ] one <!-- id: a.b --> <!-- id: a.c -->\n", 1, "2 comments with an id or rules on one item"),
    ],
)
def test_a_problem_is_told_with_its_line_and_remedy(text: str, line: int, words: str) -> None:
    (problem,) = lint(text, "docs/list.md")
    assert (problem.place.path, problem.place.line) == ("docs/list.md", line)
    assert words in problem.message


def test_a_remark_beside_the_id_is_nobodys_business() -> None:
    assert lint(f"- [x] one <!-- since May --> <!-- id: a.b rules: {PRE_PING} {POOL_SIZE} -->\n", "x.md") == []
