"""The page in a real browser: three widths, light and dark. It fits, is legible, complains of nothing, and a keyboard reaches all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mingus_gate.model import Past, Place, broken
from mingus_gate.reports.html import render_html
from tests.browser import CHROMIUM, Page, chromium
from tests.reports.samples import POOL, blocked, ready, report, result, waived
from tests.reports.test_html import HOSTILE, hostile

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here: apt-get install chromium")

HISTORY = tuple(Past(f"2026-10-{n:02}T00:00:00+00:00", 40.0 + 2 * n, 1) for n in range(1, 20))
REPORTS = {
    "blocked": blocked(history=HISTORY, tree="https://github.com/acme/shop/blob/f00ba12/"),
    "ready": ready(),
    "waived": waived(),
    "unknown": report(result(POOL)),
    "hostile": hostile(HOSTILE + "w" * 400),
    "long": report(result(POOL, *(broken("y" * 300, Place("d" * 200 + f"/{n}.py", n)) for n in range(1, 200)))),
}

FAINT = """(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return {rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1}; };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const {rgb, alpha} = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
      if (alpha > 0) throw new Error("a background that lets through is not judged: " + at.className);
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor).rgb;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.getClientRects().length || node.closest(".heard, .skip")) continue;
    const style = getComputedStyle(node);
    const front = node.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(parse(front).rgb), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`${node.outerHTML.slice(0, 60)} ${ratio.toFixed(2)}`);
  }
  return found;
})()"""

OUTSIDE = """[...document.querySelectorAll("main *, header *, footer *")]
  .filter((node) => node.getClientRects().length && !node.closest(".heard, .skip, .wide, svg"))
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.getBoundingClientRect().left < -1)
  .map((node) => node.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def write(folder: Path, name: str) -> Path:
    file = folder / f"{name}.html"
    file.write_text(render_html(REPORTS[name]), "utf-8")
    return file


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
@pytest.mark.parametrize("name", REPORTS)
def test_it_fits_and_is_legible_and_quiet(tab: Page, tmp_path: Path, name: str, width: int, dark: bool) -> None:
    file = write(tmp_path, name)
    tab.show(file, width=width, dark=dark)
    tab.ask("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(OUTSIDE) == []
    assert tab.ask(FAINT) == []
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == ("rgb(15, 19, 24)" if dark else "rgb(246, 247, 249)")
    assert (tab.complaints, tab.asked) == ([], [file.as_uri()])


def test_a_script_would_not_run(tab: Page, tmp_path: Path) -> None:
    file = tmp_path / "x.html"
    file.write_text(render_html(ready()).replace("</main>", "<script>document.title = 'ran'</script></main>"), "utf-8")
    tab.show(file, width=768)
    assert tab.ask("document.title") == "Ready · 100 EXCELLENT · production readiness"
    assert any("Content Security Policy" in line for line in tab.complaints)


def test_a_keyboard_reaches_every_link_and_fold_and_sees_where_it_is(tab: Page, tmp_path: Path) -> None:
    tab.show(write(tmp_path, "blocked"), width=1440)
    wanted = tab.ask(
        "[...document.querySelectorAll('a, summary, [tabindex]')].filter((node) => node.checkVisibility({contentVisibilityAuto: true})).length"
    )
    seen: list[Any] = []
    for _ in range(wanted):
        tab.press("Tab")
        seen.append(
            tab.ask("(() => { const s = getComputedStyle(document.activeElement); return [document.activeElement.tagName, s.outlineStyle]; })()")
        )
    assert {style for _, style in seen} == {"solid"}
    assert {tag for tag, _ in seen} == {"A", "SUMMARY"}
    assert tab.ask("document.activeElement.closest('footer') !== null")


def test_a_fold_opens_by_keyboard_and_a_link_leads_to_its_finding(tab: Page, tmp_path: Path) -> None:
    tab.show(write(tmp_path, "blocked"), width=1440)
    tab.ask("document.querySelector('article summary').focus()")
    tab.press("Enter")
    assert tab.ask("document.querySelector('article details').open") is True
    tab.ask("document.querySelector('.next a').click()")
    assert tab.ask("document.querySelector(':target').tagName") == "ARTICLE"


def test_a_screen_reader_is_told_names_and_landmarks(tab: Page, tmp_path: Path) -> None:
    tab.show(write(tmp_path, "blocked"), width=1440)
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    told = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    roles = [role for role, _ in told]
    assert [roles.count(role) for role in ("main", "banner", "contentinfo", "navigation")] == [1, 1, 1, 1]
    assert all(name for role, name in told if role in ("link", "heading", "image", "article", "region", "navigation", "columnheader", "rowheader"))
    assert ("image", "22.2 of 100; between 16.7 and 48.8, for what was not verified") in told
    assert ("article", "critical Limits are counted per process (memory://)") in [
        (role, name.replace("( ", "(").replace(" )", ")")) for role, name in told
    ]
    assert ("columnheader", "Score") in told


def test_all_of_it_is_printed(tab: Page, tmp_path: Path) -> None:
    tab.show(write(tmp_path, "blocked"), width=768, media="print")
    folded = "document.querySelector('article details p').checkVisibility({contentVisibilityAuto: true, contentVisibilityProperty: true})"
    assert tab.ask(f"[document.querySelector('article details').open, {folded}]") == [False, True]
    assert tab.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    tab.show(write(tmp_path, "blocked"), width=768)
    assert len(tab.send("Page.printToPDF")["data"]) > 10_000
