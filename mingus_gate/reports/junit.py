"""The report as JUnit XML, for the test reporters of GitLab, Jenkins and GitHub: a suite for a check, a case for a rule.

What every reader knows of it: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mingus_gate.model import CheckResult, Kind, Observation, Report, Result
from mingus_gate.reports.links import rule_url

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""

PLACES = 100
"""Places listed of one failure."""


def render_junit(report: Report) -> str:
    root = Element("testsuites", {"name": "mingus-gate", **_counts(report.results)})
    for check in report.checks:
        root.append(_suite(check, report))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(check: CheckResult, report: Report) -> Element:
    # the format's times have no zone
    suite = Element("testsuite", {"name": check.check.id, **_counts(check.results), "timestamp": report.started_at[:19]})
    said = {"question": check.check.question, "status": check.status, "score": "" if check.score is None else f"{check.score:.1f}"}
    properties = SubElement(suite, "properties")
    for name, value in said.items():
        SubElement(properties, "property", name=name, value=_text(value))
    for result in check.results:
        suite.append(_case(result))
    return suite


def _counts(results: tuple[Result, ...]) -> dict[str, str]:
    failed = sum(r.is_open for r in results)
    skipped = sum(r.waiver is not None or r.kind in (Kind.UNKNOWN, Kind.NOT_APPLICABLE) for r in results)
    seconds = sum(r.seconds for r in results)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0", "skipped": str(skipped), "time": f"{seconds:.3f}"}


def _case(result: Result) -> Element:
    case = Element("testcase", {"name": result.rule.code, "classname": f"mingus-gate.{result.rule.check}", "time": f"{result.seconds:.3f}"})
    if result.waiver:
        SubElement(case, "skipped", message=_text(f"waived by {result.waiver.terms}: {result.waiver.reason}; {result.message}"))
    elif result.kind is Kind.FAIL:
        if result.place:
            case.set("file", _text(result.place.path))
            case.set("line", str(result.place.line))
        failure = SubElement(case, "failure", {"message": _text(result.message), "type": result.rule.severity.word})
        failure.text = _text(_told(result))
    elif result.kind is Kind.UNKNOWN:
        SubElement(case, "skipped", message=_text(f"not verified: {result.reason or result.message}"))
    elif result.kind is Kind.NOT_APPLICABLE:
        SubElement(case, "skipped", message=_text(f"does not apply: {result.reason or result.message}"))
    else:
        SubElement(case, "system-out").text = _text("\n".join(_lines(result.telling)))
    return case


def _told(result: Result) -> str:
    """The rule, each place where it is broken, the fix, and where to read more."""
    return "\n".join([result.rule.title, *_lines(result.telling), f"fix: {result.rule.fix}", f"why: {result.rule.why}", rule_url(result.rule)])


def _lines(seen: tuple[Observation, ...]) -> list[str]:
    lines = [f"{o.place or o.address}: {o.message}" if o.place or o.address else o.message for o in seen[:PLACES]]
    return [*lines, f"… and {len(seen) - PLACES} more"] if len(seen) > PLACES else lines


def _text(text: str) -> str:
    return FORBIDDEN.sub("", text)
