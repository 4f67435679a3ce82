"""The page people read: what stands where, what falls first, and that nothing of the tree gets loose in it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

import pytest
from markdown_it import MarkdownIt

from mingus_gate.model import Base, Observation, Place, Result, Severity, Waiver, broken, holds
from mingus_gate.reports.links import Links, tree_url
from mingus_gate.reports.markdown import one_line, render_markdown
from mingus_gate.score import judge_checks
from tests.reports.samples import COMMENT, IDEMPOTENT, POOL, RECYCLE, STORAGE, WEBHOOK, blocked, ready, report, result, rule, waived

LINKS = Links(tree="https://github.com/acme/shop/blob/f00ba12/shop/", report="https://github.com/acme/shop/actions/runs/7", commit="f00ba12")
HOSTILE = "</details><script>x</script> @octocat [x](https://evil.example) ![y](z) | `a|b` #1 ::error::"


def headings(page: str) -> list[str]:
    return re.findall(r"<summary>(.*?)</summary>", page)


def table(page: str) -> list[list[str]]:
    """The rows below the first table's head, as texts of their cells."""
    body = MarkdownIt("commonmark").enable("table").render(page).partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for row in body.split("</tr>") if "<td" in row]


def blockers(page: str) -> list[str]:
    """The entries of what blocks, as HTML."""
    html = MarkdownIt("commonmark", {"html": True}).render(page.partition("<details>")[0])
    return [entry.strip() for entry in re.findall(r"<li>(.*?)</li>", html, re.DOTALL)]


def test_a_blocked_page_says_so_first_and_what_to_do() -> None:
    page = render_markdown(blocked(), LINKS)
    assert page.startswith("### 🔴 Blocked · 22.2 POOR · 68% verified\n\n**2 issues block this merge**\n")
    first, second = blockers(page)
    assert first.startswith("❌ limits are counted per process (<code>memory://</code>)<br>")
    assert 'href="https://github.com/acme/shop/blob/f00ba12/shop/app/__init__.py#L31"' in first
    assert "docs/checks/rate-limiting.md#shared-storage" in first
    assert first.endswith("→ Write <code>storage_uri=os.environ[&quot;REDIS_URL&quot;]</code>.")
    assert "and 1 more" in second


def test_the_folds_stand_below_in_order() -> None:
    page = render_markdown(blocked(), LINKS)
    assert headings(page) == [
        "5 checks: 1 ⚠️ · 2 ❌ · 1 ❔ · 1 ➖",
        "What to do next (1)",
        "Not verified (2), and what would change that",
        "Deployment checklist: 1 of 3, 1 verified by a rule, 1 contradicted",
    ]
    assert page.count("<details>") == page.count("</details>") == 4
    assert "the key comes from `settings.load()` [`app/payments.py:12`]" in page
    assert "`old.py:3`" in page


def test_what_the_branch_did_is_in_headline_table_and_footer() -> None:
    before = Base("main", "a1b2c3d" + "0" * 33, ready().score)
    made = blocked(base=before)
    what: dict[str, Literal["new", "existing"]] = {"rate-limiting.shared-storage": "new", "payments.signed-webhook": "existing"}
    changed = [replace(r, change=what.get(r.rule.code)) for r in made.results]
    made = replace(made, checks=judge_checks({c.check: [r for r in changed if r.rule.check == c.check.id] for c in made.checks}))
    page = render_markdown(made, LINKS)
    assert page.startswith("### 🔴 Blocked · 22.2 POOR (−77.8) · 68% verified\n")
    assert "**This change:** 1 new · 1 unchanged\n" in page
    assert blockers(page)[0].startswith("❌ <strong>new:</strong> limits are counted")
    assert "compared with `a1b2c3d`" in page


def test_what_is_waived_is_in_a_fold_and_not_among_what_blocks() -> None:
    page = render_markdown(waived(), LINKS)
    assert page.startswith("### 🔴 Blocked · 33.3 POOR · 68% verified\n\n**1 issue blocks this merge (1 waived)**\n")
    assert [entry.partition("<br>")[0] for entry in blockers(page)] == ["❌ so does this"]
    assert "range 22 to 65 · 22.2 before waivers\n" in page
    assert headings(page)[2] == "Waivers: 2 waived · 1 invalid · 1 ending · 1 unused"
    fold = page.partition("<summary>Waivers")[2].partition("</details>")[0].splitlines()
    assert fold[2] == f"- ⚠️ [`pyproject.toml:20`]({LINKS.tree}pyproject.toml#L20) tls.hsts does not waive: ended on 2026-11-01: mend it"
    assert fold[3].endswith(" tls.hsts: ends in 3 days")
    assert fold[4].endswith(" tls.hsts: remove it")
    assert fold[6].startswith("- limits are counted per process (`memory://`) [`app/__init__.py:31`](")
    assert "<br>ana@&#8203;example.com, until 2026-12-31: one worker until the move [`pyproject.toml:12`](" in fold[6]
    assert "<br>a comment, without end: a sandbox, see #&#8203;12 [`app/payments.py:48`](" in fold[7]
    assert "Waivers" not in render_markdown(blocked(), LINKS)


def test_the_line_of_changes_counts_what_is_waived_with_the_next_end() -> None:
    before = Base("main", "a1b2c3d" + "0" * 33, ready().score)
    assert "**This change:** 1 waived, the next end 2026-11-01\n" in render_markdown(waived(base=before))
    made = replace(waived(base=before), waivers=(COMMENT,))
    assert "**This change:** 1 waived\n" in render_markdown(made)


def test_a_waiver_of_another_file_than_the_trees_is_no_link() -> None:
    other = replace(COMMENT, lines=(), place=Place("../gate.toml", 3))
    made = waived()
    checks = [[replace(r, observations=tuple(replace(o, waiver=o.waiver and other) for o in r.observations)) for r in c.results] for c in made.checks]
    made = replace(made, checks=judge_checks({c.check: results for c, results in zip(made.checks, checks, strict=True)}))
    assert "a sandbox, see #&#8203;12 `../gate.toml:3`" in render_markdown(made, LINKS)


def test_no_base_is_said_in_the_footer() -> None:
    page = render_markdown(blocked(base=Base("main", reason="no base to compare with: check out with fetch-depth: 0")), LINKS)
    assert "no base to compare with: check out with fetch-depth: 0" in page.splitlines()[-1]
    assert "This change" not in page


def test_what_blocks_is_not_advised_again() -> None:
    _, _, advice = render_markdown(blocked()).partition("What to do next")
    assert "webhook" not in advice.partition("</details>")[0]


def test_numbers_of_the_run() -> None:
    page = render_markdown(blocked(), LINKS)
    assert "2 critical · 1 suggestion · 1 rule holds · 2 not verified, range 17 to 49" in page
    assert "**Next grade:** 2 fixes, +67 → GOOD (89)" in page
    assert "judged `f00ba12`" in page
    assert "1 not parsed · 2.1 s · [full report](https://github.com/acme/shop/actions/runs/7)" in page
    assert "2.1 s" not in render_markdown(blocked(), LINKS, timed=False)


@pytest.mark.parametrize(
    ("made", "first", "second"),
    [
        (ready(), "### 🟢 Ready · 100 EXCELLENT · 100% verified", "**No critical issue is open.**"),
        (
            report(result(WEBHOOK, broken("unsigned")), fail_on="never"),
            "### 🟡 Not ready · 0 POOR · 100% verified",
            "**1 critical issue is open; this does not block the merge**",
        ),
        (
            report(result(POOL, broken("no pool")), min_score=50),
            "### 🔴 Blocked · 0 POOR · 100% verified",
            "**The score 0.0 is under the required 50; this would help most**",
        ),
        (
            report(result(POOL)),
            "### 🟡 Not ready · no score · 0% verified",
            "**Nothing could be assessed: no rule found evidence for or against; this does not block the merge.**",
        ),
    ],
)
def test_the_first_two_lines_tell_the_verdict(made, first: str, second: str) -> None:  # type: ignore[no-untyped-def]
    lines = render_markdown(made).splitlines()
    assert lines[:3] == [first, "", second]


def test_critical_issues_and_a_low_score_have_a_table_too() -> None:
    assert len(table(render_markdown(report(result(WEBHOOK, broken("unsigned")), fail_on="never")))) == 1
    assert len(table(render_markdown(report(result(POOL, broken("no pool")), min_score=50)))) == 1


def test_without_links_the_places_are_plain_code() -> None:
    page = render_markdown(blocked())
    assert "<br>`app/__init__.py:31` [" in page
    assert "full report" not in page


def test_a_gate_with_a_name_shows_it() -> None:
    assert render_markdown(ready(), name="services/shop").startswith("### 🟢 Ready · 100 EXCELLENT · 100% verified · services/shop\n")


def test_one_line_is_plain() -> None:
    assert one_line(blocked()) == "Blocked: 22.2 POOR, 68% verified, 2 critical issues"
    assert one_line(report(result(POOL))) == "Not ready: no score, 0% verified"


@pytest.mark.parametrize(
    ("path", "shown", "target"),
    [
        ("a b/(c).py", "a b/(c).py:3", "a%20b/%28c%29.py#L3"),
        ("docs/x.md", "docs/x.md:3", "docs/x.md?plain=1#L3"),
        ("one/two/three/four/five/six/seven/eight/nine/ten.py", "…/three/four/five/six/seven/eight/nine/ten.py:3", None),
    ],
)
def test_places_are_links_to_the_line(path: str, shown: str, target: str | None) -> None:
    made = LINKS.place(Place(path, 3))
    assert made.startswith(f"[`{shown if target else '…/'}")
    assert target is None or made.endswith(f"(https://github.com/acme/shop/blob/f00ba12/shop/{target})")


def _waived(of: Result, waiver: Waiver) -> tuple[Observation, ...]:
    return tuple(replace(o, waiver=waiver) if o.holds is False else o for o in of.observations)


def test_a_hostile_tree_stays_text() -> None:
    made = report(
        result(WEBHOOK, broken(HOSTILE, Place("a|b`c](https://evil.example)/@octocat.py", 1))),
        result(POOL, holds(HOSTILE, Place("</code>.py", 1))),
        result(IDEMPOTENT, broken(HOSTILE, address="https://user@evil.example/|`")),
    )
    hostile = replace(COMMENT, rule=HOSTILE, reason=HOSTILE, owner=HOSTILE, state="invalid", note=HOSTILE, place=Place(HOSTILE, 1))
    checks = [replace(c, results=tuple(replace(r, observations=_waived(r, hostile)) for r in c.results)) for c in made.checks]
    made = replace(made, checks=(*made.checks, *checks), waivers=(hostile,))
    page = MarkdownIt("commonmark").enable("table").render(render_markdown(made, LINKS))
    assert "Waivers: " in page
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("<details>") == page.count("</details>") == len(headings(page))
    assert all(url.startswith("https://github.com/") for url in re.findall(r'href="(.*?)"', page))
    assert not re.search(r"(?<!\w)@\w|#1\b", re.sub(r"<code>.*?</code>|<[^>]*>", "", page, flags=re.DOTALL))


def test_folds_shorten_then_fall_from_the_bottom_and_blockers_stay() -> None:
    many = [result(rule(f"cache.rule-{n}", Severity.CRITICAL), broken("x" * 300, Place(f"{'d' * 90}/{n}.py", 1))) for n in range(60)]
    more = [result(rule(f"tls.rule-{n}"), broken("y" * 300, Place(f"{'e' * 90}/{n}.py", 1))) for n in range(60)]
    made = report(*many, *more)
    sizes = {limit: render_markdown(made, LINKS, rows=5, limit=limit) for limit in (1_000_000, 20_000, 6_500, 10)}
    assert [len(headings(page)) for page in sizes.values()] == [2, 2, 1, 0]
    for limit, page in sizes.items():
        assert len(blockers(page)) == 5
        assert "And 55 more: [cache.rule-" in page
        assert limit == 10 or len(page.encode()) <= limit
    assert "… and 48 more" in sizes[20_000]
    assert "Left out for their length: checks, what to do next, waivers, not verified, checklist." in sizes[10]


def test_the_largest_comment_is_bounded() -> None:
    """Five rows of nothing but characters that grow when they are escaped."""
    worst = [result(rule(f"cache.rule-{n}", Severity.CRITICAL, "@a" * 500), broken("@a" * 5000, Place("\U0001f600|" * 2000, 1))) for n in range(300)]
    assert len(render_markdown(report(*worst), LINKS, rows=5, limit=20_000).encode()) < 55_000


def test_rules_that_share_a_reason_share_a_line() -> None:
    page = render_markdown(report(result(POOL), result(RECYCLE), result(STORAGE)))
    assert page.count("- `Something(` · ") == 1


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop"}, "https://github.com/acme/shop/blob/f00/a%20b/"),
        ({"CI_PROJECT_URL": "https://git.example.org:8443/~team/shop"}, "https://git.example.org:8443/~team/shop/-/blob/f00/a%20b/"),
        ({"CI_PROJECT_URL": "javascript:alert(1)//"}, ""),
        ({"CI_PROJECT_URL": 'https://x/"onclick=y'}, ""),
        ({"GITHUB_SERVER_URL": "https://github.com"}, ""),
        ({}, ""),
    ],
)
def test_the_tree_is_found_on_the_server_whose_job_this_is(environ: dict[str, str], url: str) -> None:
    assert tree_url(environ, "f00", "a b/") == url
    assert tree_url(environ, "", "a b/") == ""
