"""The page for a browser: what stands on it, and that nothing of the tree gets loose in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import (
    Base,
    Checklist,
    ChecklistItem,
    ChecklistSection,
    Kind,
    Past,
    Place,
    Report,
    Result,
    Scanned,
    Severity,
    Unread,
    Waiver,
    broken,
    holds,
)
from mingus_gate.reports.html import FOLDED, NEXT, PLACES, prose, render_html, when
from mingus_gate.score import judge_checks
from tests.reports.samples import IDEMPOTENT, POOL, RECYCLE, STORAGE, TASKS, WEBHOOK, blocked, ready, report, result, rule, waived
from tests.tools import write

TREE = "https://github.com/acme/shop/blob/f00ba12/shop/"
EMPTY = {"meta", "br", "wbr", "input", "img", "link", "hr", "base"}
HOSTILE = (
    "</p></details><script>alert(1)</script><img src=x onerror=alert(1)> @octocat [x](https://evil.example) \"' onclick=x {{7*7}} `</code><b>` <!--"
)


class Page(HTMLParser):
    """A page as lists: its elements, the text outside of style and title, and what is open where it should not be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words.append("" if tag in ("a", "b", "code", "span", "wbr") else " ")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.words.append(" " if tag in ("li", "td", "th", "p", "div") else "")
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(made: Report) -> Page:
    return Page(render_html(made))


def changed(made: Report, what: dict[str, str]) -> Report:
    """The same with what a branch did to its results."""
    results = [replace(r, change=what.get(r.rule.code)) for r in made.results]  # type: ignore[arg-type]
    return replace(made, checks=judge_checks({c.check: [r for r in results if r.rule.check == c.check.id] for c in made.checks}))


MANY = report(
    *(result(rule(f"cache.rule-{n}", Severity.CRITICAL), *(broken(f"no {k}", Place(f"a/{n}.py", k)) for k in range(1, 300))) for n in range(8)),
    *(result(rule(f"tls.rule-{n}"), broken("x " * 1500, Place("d/" * 400 + "x.py", 1))) for n in range(60)),
    scanned=Scanned(
        9, 9, tuple(Unread(f"{n}.py", "SyntaxError") for n in range(900)), tuple(Unread(f"{n}.js", "too large") for n in range(900)), "git"
    ),
)
REPORTS = {"blocked": blocked(), "waived": waived(), "ready": ready(), "unknown": report(result(POOL)), "many": MANY, "empty": report()}


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
def test_every_page_is_well_formed_and_asks_nothing_of_anybody(made: Report) -> None:
    shown = page(made)
    assert (shown.wrong, shown.open) == ([], [])
    assert not {"script", "link", "img", "iframe", "object", "form", "base", "video", "audio"} & {tag for tag, _ in shown.elements}
    policy = next(m["content"] for m in shown.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not re.search(r"url\(|@import", render_html(made))
    assert not [a for _, attributes in shown.elements for a in attributes if a.startswith("on") or a in ("src", "srcset", "style", "action")]


@pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)
def test_every_page_can_be_read_without_eyes(made: Report) -> None:
    shown = page(made)
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [len(shown.all(tag)) for tag in ("main", "header", "footer", "nav")] == [1, 1, 1, 1]
    names = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for a in (*shown.all("a"), *shown.all("use")) if a["href"].startswith("#")}
    assert targets | {attributes["aria-labelledby"] for _, attributes in shown.elements if "aria-labelledby" in attributes} <= set(names)
    assert all("scope" in attributes for attributes in shown.all("th"))
    pictures = [a for a in shown.all("svg") if a.get("aria-hidden") != "true"]
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)


def test_the_verdict_stands_first_then_what_blocks_and_how_to_mend_it() -> None:
    text = page(blocked()).text
    assert text.startswith("Skip to the verdict Production readiness f00ba12 · 23 November 2026, 12:00 UTC Blocked 2 issues block this merge.")
    assert "Score 22.2 POOR" in text
    assert "Verified 68 %" in text
    first = text.partition("Blocks this merge 2 Mend these first")[2]
    assert 'Limits are counted per process (memory://) app/__init__.py:31 Fix Write storage_uri=os.environ["REDIS_URL"].' in first
    titles = re.findall(r"<h2[^>]*>([\w ]+)", render_html(blocked()))
    assert [words.strip() for words in titles] == [
        "Score", "Verified", "Blocks this merge", "Checks", "What to do next", "Suggestions", "Not verified", "Every rule", "Deployment checklist",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (ready(), ["Ready No critical issue is open.", "Everything that applies was verified."]),
        (
            report(result(POOL)),
            ["Not ready Nothing could be assessed: no rule found evidence for or against; this does not block the merge.", "Score none"],
        ),
        (report(result(WEBHOOK, broken("unsigned")), fail_on="never"), ["Critical 1 They do not block here"]),
        (report(result(POOL, broken("no pool")), min_score=50), ["Blocked The score 0.0 is under the required 50."]),
        (
            report(result(POOL, holds("x")), result(WEBHOOK), result(STORAGE)),
            ["EXCELLENT (provisional)", "Between 33.3 and 100, for what was not verified."],
        ),
    ],
)
def test_each_verdict_says_why(made: Report, words: list[str]) -> None:
    text = page(made).text
    for said in words:
        assert said in text


def test_what_the_branch_did_is_told() -> None:
    made = changed(blocked(base=Base("main", "a1b2c3d" + "0" * 33, ready().score)), {STORAGE.code: "existing", WEBHOOK.code: "new"})
    text = page(made).text
    assert "22.2 POOR −77.8 against the base" in text
    assert "This change: 1 new · 1 unchanged" in text
    assert "new The webhook accepts unsigned events" in text
    assert text.index("The webhook accepts") < text.index("Limits are counted")
    assert "Compared with a1b2c3d (main)." in text


def test_what_loosens_the_gate_is_told() -> None:
    made = blocked(base=Base("main", "a1b2c3d", ready().score, loosened=("pyproject.toml: `fail-on` is never",)))
    assert "This change loosens the gate pyproject.toml: fail-on is never" in page(made).text


def test_no_base_is_said() -> None:
    assert "No base to compare with: fetch-depth" in page(blocked(base=Base("main", reason="no base to compare with: fetch-depth"))).text


def test_places_are_permalinks_where_the_server_is_known() -> None:
    links = [a["href"] for a in page(blocked(tree=TREE)).all("a")]
    assert f"{TREE}app/payments.py#L48" in links
    assert not any("app/payments.py" in a["href"] for a in page(blocked()).all("a"))


def test_the_line_of_code_and_the_evidence_are_shown() -> None:
    seen = replace(
        broken("too small", Place("a.py", 3), pool_size=5, over=[1, 2], on=True, nothing=None), code="engine = create_engine(url, pool_size=5)"
    )
    text = page(report(result(POOL, seen))).text
    assert "a.py:3 engine = create_engine(url, pool_size=5) pool size 5 over 1, 2 on yes Fix" in text


def test_what_is_long_is_folded_and_bounded() -> None:
    text = render_html(MANY)
    assert len(text) < 2_000_000
    one = text.partition('id="cache.rule-3"')[2].partition("</article>")[0]
    assert one.partition("<details>")[0].count('class="place"') == PLACES
    assert one.count('class="place"') == PLACES + FOLDED
    assert f"… and {299 - PLACES - FOLDED} more; the JSON report has all." in one
    assert f"{68 - NEXT} more, +" in text
    assert text.count(".js</span> too large") == FOLDED


def test_what_is_waived_is_listed_with_owner_end_and_reason_and_the_waivers_to_look_at() -> None:
    shown = page(waived())
    said = shown.text.partition("Broken, and allowed to stay so for a while")[2]
    assert "app/__init__.py:31 rate-limiting.shared-storage ana@example.com, until 2026-12-31: one worker until the move pyproject.toml:12" in said
    assert "pyproject.toml:20 tls.hsts does not waive: ended on 2026-11-01: mend it" in said
    assert STORAGE.code not in [attributes["id"] for attributes in shown.all("article")]
    assert "Waived (ana@example.com, until 2026-12-31): limits are counted" in shown.text


def test_the_same_place_is_said_once() -> None:
    text = render_html(report(result(POOL, broken("x", Place("a.py", 1)), broken("x", Place("a.py", 1)), broken("y", Place("a.py", 1)))))
    assert text.partition("<article")[2].partition("</article>")[0].count('class="place"') == 2


def test_a_trend_is_drawn_and_told_where_earlier_reports_are_given() -> None:
    shown = page(ready(history=(Past("2026-10-01T00:00:00+00:00", 61.5, 1, commit="abcdef0123"), Past("2026-10-09T00:00:00+00:00", 70, 1))))
    assert "The score went from 61.5 to 100 in 3 reports" in [a.get("aria-label") for a in shown.all("svg")]
    assert "1 October 2026, 00:00 UTC 61.5 abcdef0" in shown.text
    assert "Trend" not in page(ready()).text


def test_the_checklist_shows_each_item_and_what_contradicts_it() -> None:
    items = tuple(ChecklistItem(f"x.{n}", f"Item {n}", n, n == 1, ("tls.hsts",) if n == 2 else (), "verified" if n == 2 else "") for n in (1, 2, 3))
    made = ready(checklist=Checklist("docs/go.md", (ChecklistSection("Launch", 1, items),)))
    assert "docs/go.md: 2 of 3 done, 1 verified by a rule." in page(made).text
    assert "Item 1 ticked by hand Item 2 tls.hsts Item 3" in page(made).text
    assert "The item payments.signed Ticked, but a rule says otherwise." in page(blocked()).text


def test_every_result_of_a_real_tree_stands_on_the_page(tmp_path: Path) -> None:
    app = "from flask import Flask\nimport sqlalchemy\napp = Flask(__name__)\napp.secret_key = 'a-literal-in-the-code'\n"
    made = examine(write(tmp_path, {"app.py": app, "bad.py": "def Flask(:"}), Config())
    shown = page(made)
    assert (shown.wrong, shown.open) == ([], [])
    for found in made.results:
        assert found.rule.code in shown.text
    assert "bad.py:1" in shown.text
    assert "a-literal" not in shown.text


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["<", ">", "&", '"', "'", "`", "--", "-->", "<!--", "]]>", "</style>", "</svg>", "<script>", "{{", "}}", "{%", "{#",
                              "javascript:", "@a", "\x00", "\x1b[31m", "\u202e", "\u2028", "\udc80", "/", "%", "x"]), max_size=14).map("".join),
)  # fmt: skip


def hostile(text: str) -> Report:
    """A report with `text` wherever something of the tree or of another's report can stand."""
    bad: list[Result] = [
        result(WEBHOOK, broken(text, Place(text or "x", 1), **{text or "x": text})),
        result(POOL, holds(text, Place(text or "x", 1), seen=[text])),
        result(IDEMPOTENT, broken(text, address=text)),
        result(STORAGE, broken("x"), replace(broken(text, Place("a", 2)), code=text)),
        replace(result(RECYCLE), reason=text),
    ]
    items = (ChecklistItem("x", text, 1, True, ("tls.hsts",), "contradicted"),)
    waiver = Waiver(text, text, text, None, Place(text or "x", 1), state="invalid", note=text)
    bad.append(replace(result(TASKS, broken(text)), observations=(replace(broken(text, Place("b", 1)), waiver=waiver),)))
    return report(
        *bad,
        waivers=(waiver,),
        checklist=Checklist(text, (ChecklistSection(text, 1, items),)),
        scanned=Scanned(1, 1, (Unread(text, text),), (Unread(text, text),), "git"),
        base=Base(text, text, ready().score, loosened=(text,)),
        commit=text,
        tree=TREE,
        history=(Past("2026-01-01" + text, 50, 1, text, text),),
    )


SKELETON = [tag for tag, _ in page(hostile("word")).elements]


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_whatever_stands_in_the_tree_is_text(text: str) -> None:
    made = render_html(hostile(text))
    made.encode()
    shown = Page(made)
    assert (shown.wrong, shown.open) == ([], [])
    assert {tag for tag, _ in shown.elements} <= {*SKELETON, "code", "wbr"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", made)
    hosts = {urlsplit(a["href"]).netloc for a in shown.all("a")}
    assert hosts <= {"", "github.com"}
    assert all(a["href"].startswith(("#", "https://github.com/")) for a in shown.all("a"))


def test_hostile_text_is_seen_as_it_is() -> None:
    shown = page(hostile(HOSTILE))
    assert {tag for tag, _ in shown.elements} <= {*SKELETON, "code", "wbr"}
    assert "<script>alert(1)</script><img src=x onerror=alert(1)> @octocat [x](https://evil.example)" in shown.text
    assert not any("evil.example" in a["href"].partition(TREE)[0] for a in shown.all("a"))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("set `x < 1` here", "set <code>x &lt; 1</code> here"),
        ("one ` only <", "one ` only &lt;"),
        ("`a``b`", "<code>a</code><code>b</code>"),
        ("", ""),
    ],
)
def test_backticks_make_code(text: str, html: str) -> None:
    assert prose(text) == html


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    assert when("2026-11-23T12:00:00+00:00") == "23 November 2026, 12:00 UTC"
    assert when("soon") == "soon"


def test_no_result_is_shown_by_its_number_of_kinds_alone() -> None:
    text = page(blocked()).text
    for found in blocked().results:
        assert found.rule.code in text
    assert [r.kind for r in blocked().results].count(Kind.FAIL) == len(page(blocked()).all("article"))
