"""What GitLab, Jenkins and GitHub's reporters read of it: shape, counts, places, and that any text can stand in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Place, Report, broken, holds
from mingus_gate.reports.junit import PLACES, render_junit
from tests.reports.samples import POOL, RECYCLE, STORAGE, WEBHOOK, blocked, ready, report, result, waived
from tests.tools import write

WHOLE, SECONDS = r"\d+", r"\d+\.\d{3}"
COUNTS = {"name": r".+", "tests": WHOLE, "failures": WHOLE, "errors": WHOLE, "skipped": WHOLE, "time": SECONDS}
SHAPES: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, ...]]] = {
    # tag: (attributes it must have, attributes it may have, children in order)
    "testsuites": (COUNTS, {}, ("testsuite",)),
    "testsuite": ({**COUNTS, "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}, {}, ("properties", "testcase")),
    "properties": ({}, {}, ("property",)),
    "property": ({"name": r"\w+", "value": r".*"}, {}, ()),
    "testcase": (
        {"name": r"[\w.-]+", "classname": r"[\w.-]+", "time": SECONDS},
        {"file": r".+", "line": WHOLE},
        ("failure", "skipped", "system-out"),
    ),
    "failure": ({"message": r".*", "type": r"critical|warning|info"}, {}, ()),
    "skipped": ({"message": r".+"}, {}, ()),
    "system-out": ({}, {}, ()),
}
"""The schema of Jenkins' xUnit plugin, as far as we use it, with the place that GitLab and GitHub's reporters read."""


def check(element: Element) -> None:
    must, may, children = SHAPES[element.tag]
    assert must.keys() <= set(element.attrib) <= must.keys() | may.keys(), element.attrib
    for name, value in element.attrib.items():
        assert re.fullmatch((must | may)[name], value, re.DOTALL), (element.tag, name, value)
    assert [c.tag for c in element] == sorted((c.tag for c in element), key=children.index)
    for child in element:
        check(child)


def read(made: Report) -> Element:
    root = fromstring(render_junit(made).encode())
    check(root)
    return root


def case(root: Element, name: str) -> Element:
    (found,) = [c for c in root.iter("testcase") if c.get("name") == name]
    return found


@pytest.mark.parametrize("made", [blocked(), waived(), ready(), report(result(POOL))], ids=["blocked", "waived", "ready", "nothing known"])
def test_it_has_the_shape_and_its_counts_add_up(made: Report) -> None:
    root = read(made)
    for holder in (root, *root.iter("testsuite")):
        assert holder.get("tests") == str(len(list(holder.iter("testcase"))))
        assert holder.get("failures") == str(len(list(holder.iter("failure"))))
        assert holder.get("skipped") == str(len(list(holder.iter("skipped"))))
    assert [suite.get("name") for suite in root] == [c.check.id for c in made.checks]


def test_a_real_report_has_the_shape(tmp_path: Path) -> None:
    app = "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'a-literal-in-the-code'\n"
    root = read(examine(write(tmp_path, {"app & co/app.py": app}), Config()))
    assert len(root) == 14
    assert case(root, "security-config.secret-key").get("file") == "app & co/app.py"


def test_a_failure_says_what_where_and_how_to_mend_it() -> None:
    found = case(read(blocked()), "payments.signed-webhook")
    assert (found.get("classname"), found.get("file"), found.get("line")) == ("mingus-gate.payments", "app/payments.py", "48")
    (failure,) = found
    assert (failure.get("type"), failure.get("message")) == ("critical", "the webhook accepts unsigned events (and 1 more)")
    assert failure.text == (
        "It is as it should be\napp/payments.py:48: the webhook accepts unsigned events\napp/hooks.py:7: so does this\n"
        "fix: Pass the raw body and the header to `Webhook.construct_event`.\nwhy: It breaks otherwise.\n"
        "https://github.com/mingus-gate/mingus-gate/blob/main/docs/checks/payments.md#signed-webhook"
    )


def test_what_is_not_known_or_does_not_apply_is_skipped_with_the_reason() -> None:
    root = read(blocked())
    assert case(root, "payments.idempotent")[0].attrib == {"message": "not verified: the key comes from `settings.load()`"}
    assert case(root, "background-tasks.time-limits")[0].attrib == {"message": "does not apply: looked for `Celery(`"}


def test_what_is_waived_is_skipped_with_who_answers_for_it() -> None:
    root = read(waived())
    assert case(root, STORAGE.code)[0].attrib == {
        "message": "waived by ana@example.com, until 2026-12-31: one worker until the move; limits are counted per process (`memory://`)"
    }
    failure = case(root, WEBHOOK.code)[0]
    assert "app/hooks.py:7" in (failure.text or "")
    assert "app/payments.py:48" not in (failure.text or "")


def test_what_holds_shows_its_evidence() -> None:
    (told,) = case(read(blocked()), "database-pooling.pool-size")
    assert (told.tag, told.text) == ("system-out", "app/config.py:31: pool_size=20, max_overflow=5")


def test_times_are_the_rules() -> None:
    made = report(replace(result(POOL, holds("x")), seconds=0.25), replace(result(RECYCLE, holds("x")), seconds=0.5))
    assert read(made).get("time") == "0.750"


def test_thousands_of_places_are_bounded() -> None:
    failure = case(read(report(result(STORAGE, *(broken("x", Place("a.py", n)) for n in range(5000))))), STORAGE.code)[0]
    assert (failure.text or "").count("a.py:") == PLACES
    assert "… and 4900 more" in (failure.text or "")


ANY = st.one_of(st.text(), st.text(alphabet="<>&'\"]\x00\x01\x0b\x1b\x7f\x85\ud800\udfff\ufffe\uffff\U0010ffff\r\n\t"))


@given(ANY, ANY)
def test_any_text_can_stand_in_it(message: str, path: str) -> None:
    made = report(result(STORAGE, broken(message, Place(path + "x", 1))), result(WEBHOOK, holds(message)), result(POOL, broken("x", address=message)))
    read(made)
    render_junit(made).encode()


def test_markup_is_text_and_what_xml_cannot_write_is_left_out() -> None:
    hostile = ']]></failure><failure message="y"/>&amp;\x00\x1b[31m\ud800'
    found = case(read(report(result(STORAGE, broken(hostile, Place("a\x00.py", 1))))), STORAGE.code)
    assert len(found) == 1
    assert (found.get("file"), found[0].get("message")) == ("a.py", ']]></failure><failure message="y"/>&amp;[31m')
