"""Waivers: what they cover, on which days, in which forms, and that nothing else waives."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus_gate import gate
from mingus_gate.checks import RULES
from mingus_gate.config import load
from mingus_gate.gate import examine
from mingus_gate.model import Check, Kind, Observation, Place, Report, Result, Rule, Severity, Waiver, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.reports import FORMATS
from mingus_gate.run import assess
from mingus_gate.waivers import accepted, waive, written
from tests.tools import write

TODAY = date(2026, 11, 23)
KEY = "security-config.secret-key"
APP = 'from flask import Flask\napp = Flask(__name__)\napp.secret_key = "a-literal"\n'
TERMS = 'owner = "ana"\nreason = "a demo"\nexpires = 2026-12-31\n'


def table(text: str) -> str:
    return f"[tool.mingus-gate]\nmin-score = 0\n\n[[tool.mingus-gate.waivers]]\n{text}"


def judge(root: Path, files: dict[str, str], *, today: date = TODAY, **asked: Any) -> Report:
    write(root, files)
    return examine(root, load(root), only=["security-config"], today=today, **asked)


def key(report: Report) -> Result:
    return next(r for r in report.results if r.rule.code == KEY)


def only(report: Report) -> Waiver:
    (waiver,) = report.waivers
    return waiver


# -- the table -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["", 'path = "app.py"\n', 'path = "*.py"\n', 'path = "a[bp]p.py"\n'])
def test_a_waiver_covers_its_rule_its_path_or_a_pattern(tmp_path: Path, what: str) -> None:
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\n{what}{TERMS}')})
    assert (key(report).kind, key(report).value) == (Kind.FAIL, 0)
    assert key(report).waiver == key(report).observations[0].waiver
    assert (only(report).state, only(report).place) == ("used", Place("pyproject.toml", 4))
    assert report.score.verdict != "blocked"
    assert KEY not in [r.rule.code for r in report.recommendations]


@pytest.mark.parametrize("what", ['path = "other.py"\n', 'path = "sub/*.py"\n', 'fingerprint = "0123456789abcdef"\n'])
def test_it_covers_nothing_else_and_is_then_listed_as_unused(tmp_path: Path, what: str) -> None:
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\n{what}{TERMS}')})
    assert report.score.verdict == "blocked"
    assert (only(report).state, only(report).note) == ("unused", "what it was for is not found any more: remove it")


def test_a_fingerprint_covers_one_finding_wherever_its_line_moves(tmp_path: Path) -> None:
    before, _ = comments(tmp_path, {"app.py": "x = 1\ny = 2\n"}, *(broken("no", Place("app.py", line)) for line in (1, 2)))
    entry = {"rule": "a.rule", "owner": "ana", "reason": "r", "expires": "never", "fingerprint": before.observations[1].fingerprint}
    after, _ = comments(tmp_path, {"app.py": "x = 1\n\n\ny = 2\n"}, *(broken("no", Place("app.py", line)) for line in (1, 4)), entries=[entry])
    assert [bool(o.waiver) for o in after.observations] == [False, True]


def test_a_file_whose_name_is_a_pattern_is_covered_by_its_name(tmp_path: Path) -> None:
    report = judge(tmp_path, {"app[1].py": APP, "pyproject.toml": table(f'rule = "{KEY}"\npath = "app[1].py"\n{TERMS}')})
    assert only(report).state == "used"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (f'rule = "{KEY}"\nreason = "r"\nexpires = 2026-12-31', "`owner` is missing: write who answers for it"),
        (f'rule = "{KEY}"\nowner = "a"\nexpires = 2026-12-31', "`reason` is missing: write why it may stay so"),
        (f'rule = "{KEY}"\nowner = "a"\nreason = "  "\nexpires = "never"', "`reason` is missing"),
        (f'rule = "{KEY}"\nowner = ["a"]\nreason = "r"\nexpires = "never"', "`owner` is missing"),
        (TERMS, "`rule` is missing: write the rule's code"),
        (f'rule = "{KEY}"\nowner = "a"\nreason = "r"', "`expires` is missing: write a date without quotes"),
        (f'rule = "{KEY}"\nowner = "a"\nreason = "r"\nexpires = "2026-12-31"', "`expires` is not a date: write a date without quotes"),
        (f'rule = "{KEY}"\nowner = "a"\nreason = "r"\nexpires = 2026-12-31T10:00:00Z', "`expires` is not a date"),
        (f'rule = "{KEY}"\nowner = "a"\nreason = "r"\nexpires = true', "`expires` is not a date"),
        (f'rule = "{KEY}"\nexpire = 2026-12-31\n{TERMS}', "no key `expire`; did you mean `expires`?"),
        (f'rule = "{KEY}"\nzzz = 1\n{TERMS}', "no key `zzz`; known are rule, path, fingerprint, owner, reason, expires"),
        (f'rule = "{KEY}"\npath = "app.py:3"\n{TERMS}', "for one finding, whose line may move, write its `fingerprint`"),
        (f'rule = "{KEY}"\npath = ""\n{TERMS}', "`path` is not a file or a pattern of files"),
        (f'rule = "{KEY}"\nfingerprint = "3f"\n{TERMS}', "`fingerprint` is not one: copy its 16 characters from the JSON report"),
        (f'rule = "{KEY}"\npath = "app.py"\nfingerprint = "0123456789abcdef"\n{TERMS}', "`path` and `fingerprint` are both given"),
        (f'rule = "security-config.secret-kez"\n{TERMS}', f"no rule `security-config.secret-kez`; did you mean `{KEY}`?"),
        (f'rule = "security-config"\n{TERMS}', "no rule `security-config`; a waiver names one rule, as `mingus-gate rules` lists them"),
    ],
)
def test_one_that_is_not_right_waives_nothing_and_is_named_with_the_remedy(tmp_path: Path, entry: str, says: str) -> None:
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": table(entry)})
    assert report.score.verdict == "blocked"
    assert (only(report).state, only(report).place.line) == ("invalid", 4)
    assert says in only(report).note
    for name in ("text", "markdown", "json"):
        assert "pyproject.toml:4" in FORMATS[name](report)


def test_each_of_several_mistakes_is_told_and_the_right_ones_hold(tmp_path: Path) -> None:
    entries = f'rule = "{KEY}"\n[[tool.mingus-gate.waivers]]\nrule = "{KEY}"\n{TERMS}'
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": table(entries)})
    assert [(w.place.line, w.state) for w in report.waivers] == [(4, "invalid"), (6, "used")]
    assert report.waivers[0].note.count(";") == 2
    assert key(report).waiver == report.waivers[1] or key(report).waiver


def test_written_as_an_array_of_inline_tables_they_are_placed_at_its_key(tmp_path: Path) -> None:
    text = f'[tool.mingus-gate]\nfail-on = "critical"\nwaivers = [\n  {{rule = "{KEY}", owner = "a", reason = "r", expires = "never"}},\n]\n'
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": text})
    assert (only(report).state, only(report).expires, only(report).place.line) == ("used", None, 3)


# -- the clock -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "state", "note"),
    [
        (date(2026, 10, 1), "invalid", 'ends in 91 days: write a date up to 2026-12-30 (90 days), or write `expires = "never"`'),
        (date(2026, 10, 2), "used", ""),
        (date(2026, 12, 16), "used", ""),
        (date(2026, 12, 17), "ending", "ends in 14 days"),
        (date(2026, 12, 30), "ending", "ends in 1 day"),
        (date(2026, 12, 31), "ending", "ends today"),
        (date(2027, 1, 1), "invalid", "ended on 2026-12-31: mend what it was for, or decide anew"),
    ],
)
def test_both_sides_of_each_date(tmp_path: Path, day: date, state: str, note: str) -> None:
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\n{TERMS}')}, today=day)
    assert (only(report).state, only(report).note) == (state, note)
    assert (key(report).waiver is None) is (state == "invalid")


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12"])
def test_a_day_is_one_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """One minute before and after it ends in Greenwich, for people fourteen hours ahead and twelve behind."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    end = datetime(2027, 1, 1, tzinfo=UTC)
    for moment, state in ((end - timedelta(minutes=1), "ending"), (end + timedelta(minutes=1), "invalid")):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None, moment: datetime = moment) -> Any:
                return moment.astimezone(tz)

        monkeypatch.setattr(gate, "datetime", Clock)
        write(tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\n{TERMS}')})
        assert only(examine(tmp_path, load(tmp_path), only=["security-config"])).state == state
    monkeypatch.undo()
    time.tzset()


def test_never_is_without_end_and_its_reason_is_still_required(tmp_path: Path) -> None:
    for reason, state in (('reason = "an intranet"\n', "used"), ("", "invalid")):
        report = judge(
            tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\nowner = "ana"\n{reason}expires = "never"')}, today=date(2099, 1, 1)
        )
        assert only(report).state == state
        assert only(report).terms == "ana, without end"


# -- the comment -----------------------------------------------------------------------------------------------------------

RULE = Rule("a.rule", Severity.CRITICAL, "A title", "Do this.", "`x`", "Because.")
HERE = "mingus: accept a.rule -- so it is"


def comments(
    root: Path, files: dict[str, str], *seen: Observation, today: date = TODAY, entries: Sequence[object] = ()
) -> tuple[Result, tuple[Waiver, ...]]:
    """What one rule that sees `seen` comes to in a tree of `files`, with a table of `entries`."""

    def ask(_: Repo) -> Iterator[Observation]:
        yield from seen

    check = Check("a", "A", "Is it?", 1, static={RULE: ask})
    repo = Repo(write(root, files))
    found = [*accepted(repo, repo.tree), *written([*entries], "", "pyproject.toml")]
    marked, waivers = waive(assess([check], repo), found, today=today, known=["a.rule", "a.other"])
    return marked[check][0], waivers


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("app.py", f"x = 1  # {HERE}\n", 1),
        ("app.py", f"x = 1  # noqa: E501  # {HERE}\n", 1),
        ("app.py", f"x = 1  #{HERE}\n", 1),
        ("app.py", f"# {HERE}\nx = 1\n", 2),
        ("app.py", f"if x:\n    # {HERE}\n    # mingus: accept a.other -- and this\n    y = 1\n", 4),
        ("app.py", f"# mingus: accept a.other -- and this\n# {HERE}\ny = 1\n", 3),
        ("app.py", f"x = 1  # mingus: accept a.other -- and this # {HERE}\n", 1),
        ("app.py", f"x = call(\n    a,\n    b,\n)  # {HERE}\n", 1),
        ("app.py", f"x = call(\n    a,  # {HERE}\n    b,\n)\n", 2),
        ("app.py", f'x = """\n"""  # {HERE}\n', 1),
        ("app.py", f"x = 1\r\ny = 2  # {HERE}\r\n", 2),
        ("broken.py", f"def broken(:\nx = 1  # {HERE}\n", 2),
        ("compose.yaml", f"services:\n  web:\n    privileged: true  # {HERE}\n", 3),
        ("Dockerfile", f"FROM x\n# {HERE}\nUSER root\n", 3),
        ("nginx.conf", f"server {{\n  listen 80;  # {HERE}\n}}\n", 2),
        ("supervisord.ini", f"[a]\n; {HERE}\nb = c\n", 3),
        (".env", f"# {HERE}\nA=b\n", 2),
        ("app.js", f"let a = 1; // {HERE}\n", 1),
        ("app.css", f"a {{}} /* {HERE} */\n", 1),
        ("a/page.html", f"<p>x</p> <!-- {HERE} --> <p>y</p>\n", 1),
        ("a/page.html", f"<!-- {HERE} -->\n<p>x</p>\n", 2),
        ("a/page.html", f"<p>x</p> {{# {HERE} #}}\n", 1),
    ],
)
def test_a_comment_accepts_on_its_line_or_above_it(tmp_path: Path, path: str, text: str, line: int) -> None:
    result, waivers = comments(tmp_path, {path: text}, broken("no", Place(path, line)))
    assert result.waiver, waivers
    assert (result.waiver.reason, result.waiver.owner, result.waiver.expires) == ("so it is", "", None)
    assert "accept a.rule" in text.splitlines()[result.waiver.place.line - 1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"# {HERE}\n\nx = 1\n", 3),
        (f"x = 1  # {HERE}\ny = 2\n", 2),
        (f"x = 1\n# {HERE}\n", 1),
        (f"# {HERE}\n# mingus: accepted\nx = 1\n", 3),
        (f'x = "# {HERE}"\n', 1),
        (f'"""\n# {HERE}\n"""\nx = 1\n', 3),
        (f"x = call(\n    a,  # {HERE}\n    b,\n)\n", 1),
        (f"x = call(\n    a,  # {HERE}\n    b,\n)\n", 3),
        (f"if x:\n    y = 1  # {HERE}\n", 1),
        ("x = 1  # mingus: accept a.other -- another rule\n", 1),
        ("x = 1  # mingus: accepting a.rule -- x\n", 1),
        ("x = 1  # mingus is fine: accept a.rule -- x\n", 1),
    ],
)
def test_it_accepts_nowhere_else(tmp_path: Path, text: str, line: int) -> None:
    assert comments(tmp_path, {"app.py": text}, broken("no", Place("app.py", line)))[0].is_open


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ("a.rule", "write `mingus: accept RULE -- reason`"),
        ("a.rule --", "write `mingus: accept RULE -- reason`"),
        ("a.rule because I say so", "write `mingus: accept RULE -- reason`"),
        ("a.rule until 31.12.2026 -- x", "`until` is not followed by a date"),
        ("a.rule until 2026-02-30 -- x", "`until` is not followed by a date"),
        ("a.rule until -- x", "write `mingus: accept RULE -- reason`"),
        ("-- x", "write `mingus: accept RULE -- reason`"),
        ("", "write `mingus: accept RULE -- reason`"),
        ("a.rul -- x", "no rule `a.rul`; did you mean `a.rule`?"),
        ("a.rule until 2026-11-22 -- x", "ended on 2026-11-22"),
        ("a.rule until 2027-02-22 -- x", "ends in 91 days: write a date up to 2027-02-21 (90 days), or leave `until` out"),
    ],
)
def test_a_comment_that_is_not_right_accepts_nothing_and_is_named(tmp_path: Path, said: str, note: str) -> None:
    result, (waiver,) = comments(tmp_path, {"app.py": f"x = 1\ny = 2  # mingus: accept {said}\n"}, broken("no", Place("app.py", 2)))
    assert result.is_open
    assert (waiver.state, waiver.place) == ("invalid", Place("app.py", 2, 8))
    assert note in waiver.note


@pytest.mark.parametrize("said", ["a.rule until 2026-12-31 -- x", "a.rule -- x until 2026-12-31", "a.rule — x, until 2026-12-31."])
def test_a_comment_may_name_its_end(tmp_path: Path, said: str) -> None:
    for day, open_ in ((date(2026, 12, 31), False), (date(2027, 1, 1), True)):
        result, _ = comments(tmp_path, {"app.py": f"y = 2  # mingus: accept {said}\n"}, broken("no", Place("app.py", 1)), today=day)
        assert result.is_open is open_


def test_tests_and_documents_are_read_only_where_something_is_found(tmp_path: Path) -> None:
    files = {"README.md": f"# {HERE}\nx\n", "tests/test_a.py": f"x = 1  # {HERE}\n# mingus: accept\n"}
    assert comments(tmp_path, files, holds("yes"))[1] == ()
    result, waivers = comments(tmp_path, files, broken("no", Place("README.md", 2)))
    assert (result.is_open, [w.state for w in waivers]) == (False, ["used"])


@pytest.mark.parametrize("said", [" -- read only", ""])
def test_a_comment_that_accepts_does_not_tell_a_rule_what_it_looks_for(tmp_path: Path, said: str) -> None:
    form = "<form method='post'> <!-- mingus: accept security-config.csrf{} --> <input name='a'></form>\n"
    app = (
        APP.replace('"a-literal"', 'os.environ["K"]').replace("from", "import os\nfrom", 1)
        + '@app.route("/", methods=["POST"])\ndef a(): return ""\n'
    )
    report = judge(tmp_path, {"app.py": app, "templates/a.html": form.format(said)})
    csrf = next(r for r in report.results if r.rule.code == "security-config.csrf")
    assert (csrf.kind, bool(csrf.waiver)) == (Kind.FAIL, bool(said))


def test_in_vendored_and_generated_files_nothing_is_accepted(tmp_path: Path) -> None:
    for path in ("node_modules/a.js", "dist/a.js"):
        assert comments(tmp_path, {path: f"// {HERE}\nx\n"}, broken("no", Place(path, 2)))[0].is_open


def test_what_is_no_comment_stays_and_lines_and_columns_too(tmp_path: Path) -> None:
    html = f"<p>\r\n é <!-- {HERE} --> <b>\n# {HERE}".encode()
    latin = f"# -*- coding: latin-1 -*-\nx = 'é'  # {HERE} é\ny = '# {HERE}'\n".encode("latin-1")
    repo = Repo(write(tmp_path, {"a.html": html, "app.py": latin}))
    waivers = accepted(repo, repo.tree)
    assert [(str(w.place), w.place.column, w.reason) for w in waivers] == [
        ("a.html:2", 4, "so it is"),
        ("a.html:3", 1, "so it is"),
        ("app.py:2", 10, "so it is"),
    ]
    shown = {file.path: file.data for file in repo.tree}
    blank = " " * len(f"<!-- {HERE} -->")
    assert shown["a.html"] == f"<p>\r\n é {blank} <b>\n{' ' * len(f'# {HERE}')}".encode()
    assert shown["app.py"].split(b"\n")[1].rstrip() == "x = 'é'".encode("latin-1")
    assert shown["app.py"].split(b"\n")[2:] == latin.split(b"\n")[2:]


def test_a_comment_that_accepts_makes_no_other_finding_of_the_line(tmp_path: Path) -> None:
    prints = {
        key(judge(tmp_path / str(n), {"app.py": APP.rstrip() + end})).fingerprint for n, end in enumerate(("", f"  # mingus: accept {KEY} -- x"))
    }
    assert len(prints) == 1


# -- what they come to -------------------------------------------------------------------------------------------------------


def test_where_some_places_are_waived_the_rest_counts(tmp_path: Path) -> None:
    seen = [broken("first", Place("app.py", 1)), broken("second", Place("app.py", 2)), broken("third", Place("app.py", 3)), holds("fine")]
    result, _ = comments(tmp_path, {"app.py": f"x = 1  # {HERE}\ny\nz\n"}, *seen)
    assert (result.kind, result.waiver, result.is_open) == (Kind.FAIL, None, True)
    assert (result.value, round(result.effective or 0, 3)) == (0.25, 0.333)
    assert (result.message, result.place) == ("second (and 1 more)", Place("app.py", 2))


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ([holds("yes")], "unused"),
        ([absent("looked for x")], "unused"),
        ([broken("elsewhere", Place("b.py", 1))], "unused"),
        ([unclear("from `x()`")], "idle"),
        ([], "idle"),
    ],
)
def test_unused_is_only_said_where_the_rule_could_tell(tmp_path: Path, seen: list[Observation], state: str) -> None:
    assert [w.state for w in comments(tmp_path, {"app.py": f"x = 1  # {HERE}\n"}, *seen)[1]] == [state]


def test_a_waiver_of_a_rule_that_is_not_asked_is_idle(tmp_path: Path) -> None:
    for rule, extra in (("tls.certificate", ""), (KEY, f'disable = ["{KEY}"]')):
        text = f'[tool.mingus-gate]\n{extra}\n[[tool.mingus-gate.waivers]]\nrule = "{rule}"\n{TERMS}'
        report = judge(tmp_path, {"app.py": APP, "pyproject.toml": text})
        assert only(report).state == "idle"
        assert report.noted_waivers == ()


def test_a_rule_without_a_place_is_waived_as_a_whole_and_never_by_a_path() -> None:
    check = Check("a", "A", "Is it?", 1)
    answers = {
        check: [Result(RULE, Kind.FAIL, 0.0, "live", "slow", observations=(broken("slow", address="https://x"),), fingerprint="0123456789abcdef")]
    }
    for more, open_ in (({}, False), ({"fingerprint": "0123456789abcdef"}, False), ({"path": "*"}, True)):
        entry = {"rule": "a.rule", "owner": "ana", "reason": "r", "expires": "never", **more}
        marked, _ = waive(answers, written([entry], "", "x.toml"), today=TODAY, known=["a.rule"])
        assert marked[check][0].is_open is open_


def test_the_base_is_judged_with_its_own_waivers(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com", *words], check=True, capture_output=True)

    write(tmp_path, {"app.py": APP, "pyproject.toml": table(f'rule = "{KEY}"\n{TERMS}')})
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "waived")
    git("checkout", "-qb", "branch")
    report = judge(tmp_path, {"pyproject.toml": "[tool.mingus-gate]\n"}, base="main")
    assert report.base
    assert report.base.score
    assert (report.base.score.verdict, report.score.verdict) == ("not-ready", "blocked")
    assert key(report).change == "existing"
    report = judge(tmp_path, {"app.py": APP.rstrip() + f"  # mingus: accept {KEY} -- x\n"}, base="main")
    assert (report.score.verdict, key(report).change, bool(key(report).waiver)) == ("not-ready", "existing", True)
    report = judge(tmp_path, {"app.py": APP}, base="main", today=date(2027, 1, 1))
    assert report.base
    assert report.base.score
    assert report.base.score.verdict == "blocked"  # a waiver that has ended since does not hold there either


# -- what must never happen ------------------------------------------------------------------------------------------------------


def test_no_report_holds_a_secret_that_is_waived_or_stands_in_a_reason(tmp_path: Path) -> None:
    canary = "sk_" + "live_" + "c4n4ry" + "".join(chr(65 + 7 * n % 26) + str(n % 10) for n in range(9))
    app = f'import stripe\nstripe.api_key = "{canary}"  # mingus: accept env-vars.literal-secrets -- it is {canary}\n'
    wrong = table(f'rule = "{canary}"\nowner = "{canary}"\nreason = "{canary}"\n{canary} = 1\npath = "{canary}"\nexpires = "{canary}"')
    write(tmp_path, {"app.py": app, "pyproject.toml": wrong})
    report = examine(tmp_path, load(tmp_path), only=["env-vars"])
    assert [w.state for w in report.waivers] == ["used", "invalid"]
    for name, render in FORMATS.items():
        assert "c4n4ry" not in render(report), name


def test_control_characters_of_a_reason_reach_no_report(tmp_path: Path) -> None:
    text = table(f'rule = "{KEY}"\nowner = "a\\u001b[2Jna"\nreason = "one\\ntwo\\u202e"\nexpires = "never"')
    report = judge(tmp_path, {"app.py": APP, "pyproject.toml": text})
    assert (only(report).owner, only(report).reason) == ("a [2Jna", "one two")


DAYS = st.dates(TODAY - timedelta(days=3), TODAY + timedelta(days=93))
VALUES = st.one_of(
    st.sampled_from([*list(RULES)[:3], KEY, "never", "", " ", "app.py", "*", "0123456789abcdef"]),
    *(DAYS, st.text(max_size=20), st.integers(), st.booleans(), st.floats(), st.lists(st.integers(), max_size=2), st.datetimes(), st.times()),
)  # fmt: skip
RIGHT = {"rule": st.just(KEY), "owner": st.just("ana"), "reason": st.just("a demo"), "expires": st.one_of(st.just("never"), DAYS)}
KEYS = st.sampled_from(["rule", "path", "fingerprint", "owner", "reason", "expires", "", "Expires"])
ENTRIES = st.tuples(st.fixed_dictionaries({}, optional=RIGHT), st.dictionaries(KEYS, VALUES, max_size=2)).map(lambda both: both[0] | both[1])


@given(st.lists(ENTRIES, max_size=4), st.text(max_size=40))
def test_random_tables_never_crash_and_never_waive_without_rule_owner_reason_and_end(entries: list[dict[str, Any]], text: str) -> None:
    check, seen = Check("security-config", "A", "Is it?", 1), (broken("no", Place("app.py", 3)),)
    answers = {check: [Result(RULES[KEY], Kind.FAIL, 0.0, "static", "no", observations=seen, fingerprint="0123456789abcdef")]}
    marked, waivers = waive(answers, written(entries, text, "pyproject.toml"), today=TODAY, known=RULES)
    assert len(waivers) == len(entries)
    for entry, waiver in zip(entries, waivers, strict=True):
        end = entry.get("expires")
        in_time = type(end) is date and TODAY <= end <= TODAY + timedelta(days=90)
        texts = [entry.get(name) for name in ("owner", "reason")]
        right = entry.get("rule") in [*RULES] and all(isinstance(t, str) and t.strip() for t in texts) and (end == "never" or in_time)
        assert right or (waiver.state == "invalid" and waiver.note)
    if marked[check][0].waiver:
        assert any(w.state in ("used", "ending") for w in waivers)


@given(st.one_of(st.none(), VALUES.filter(lambda value: value != []), st.lists(VALUES, min_size=1), st.dictionaries(st.text(), VALUES)))
def test_another_shape_is_one_error(entries: object) -> None:
    with pytest.raises(ValueError, match=re.escape("write [[tool.mingus-gate.waivers]]")):
        written(entries, "", "pyproject.toml")


PARTS = ("# ", "mingus: accept", " ", "a.rule", "a.other", "until", "2026-12-31", "2026-13-31", "--", "x", "-->", '"', "(", ")", "\n", "\t", "\0")
WORDS = st.lists(st.sampled_from(PARTS))


@given(WORDS.map("".join))
def test_random_comments_never_crash_and_never_accept_without_a_reason(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    result, waivers = comments(tmp_path_factory.mktemp("tree"), {"app.py": text}, *(broken("no", Place("app.py", n)) for n in range(1, 4)))
    valid = [w for w in waivers if w.state != "invalid"]
    assert all(w.reason and w.rule in ("a.rule", "a.other") and (w.expires is None or str(w.expires) == "2026-12-31") for w in valid)
    assert not result.waived or any(w.rule == "a.rule" and w.state == "used" for w in valid)


def test_a_table_that_is_none_ends_the_run_and_a_wrong_entry_does_not(tmp_path: Path) -> None:
    from tests.test_cli import run

    write(tmp_path, {"app.py": APP, "pyproject.toml": table("rule = 3")})
    done = run("check", tmp_path, "--only", "security-config")
    assert done.returncode == 1
    assert "pyproject.toml:4 does not waive: `rule` is missing" in done.stdout
    write(tmp_path, {"pyproject.toml": f'[tool.mingus-gate]\n[tool.mingus-gate.waivers]\nrule = "{KEY}"\n'})
    done = run("check", tmp_path)
    assert done.returncode == 2
    assert "pyproject.toml:2: [tool.mingus-gate] waivers: must be an array of tables: write [[tool.mingus-gate.waivers]]" in done.stderr


def test_another_file_given_by_config_is_named_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    write(tmp_path / "app", {"app.py": APP})
    write(tmp_path, {"gate.toml": table(f'rule = "{KEY}"\n{TERMS}')})
    report = examine(tmp_path / "app", load(tmp_path / "app", file), only=["security-config"], today=TODAY)
    assert (only(report).state, only(report).place.path) == ("used", os.fspath(file))


def test_the_examples_of_the_documentation_waive(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs/configuration.md").read_text("utf-8").partition("## Waivers")[2]
    toml, code = (page.partition(f"```{language}\n")[2].partition("```")[0] for language in ("toml", "python"))
    head = 'from alembic import op\nrevision = "1"\ndown_revision = None\ndef upgrade():\n'
    files = {
        "app/__init__.py": "from flask import Flask\nfrom flask_limiter import Limiter\napp = Flask(__name__)\nlimiter = Limiter(app=app)\n",
        "migrations/env.py": "from alembic import context\n",
        "migrations/versions/1_a.py": head + "".join(f"    {line}\n" for line in code.splitlines()),
        "pyproject.toml": toml,
    }
    write(tmp_path, files)
    report = examine(tmp_path, load(tmp_path), only=["rate-limiting", "migrations"], today=TODAY)
    assert [(w.state, str(w.expires)) for w in report.waivers] == [("used", "None"), ("used", "2026-12-31"), ("used", "2026-12-31")]
    assert {r.rule.code for r in report.results if r.waiver} == {"rate-limiting.shared-storage", "migrations.destructive"}
