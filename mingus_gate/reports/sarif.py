"""The report as SARIF 2.1.0, for code scanning: only what is broken at a place in the tree.

Limits are GitHub's: https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from mingus_gate import HOME, __version__
from mingus_gate.model import Kind, Observation, Report, Result, Rule, Severity, Waiver

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 5_000
"""GitHub shows no more results of one run than this."""

LEVELS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render_sarif(report: Report) -> str:
    found = [
        (result, seen)
        for result in sorted(report.results, key=lambda r: (not r.is_open, -r.rule.severity))
        if result.kind is Kind.FAIL
        for seen in result.observations
        if seen.holds is False and seen.place
    ][:MAX_RESULTS]
    rules = list(dict.fromkeys(result.rule for result, _ in found))
    driver = {
        "name": "mingus-gate",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(r, seen, rules.index(r.rule)) for r, seen in found]}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    page = f"{HOME}/blob/v{__version__}/docs/checks/{rule.check}.md#{rule.code.partition('.')[2]}"
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.code.replace(".", "-").split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nFix: {rule.fix}", "markdown": f"{rule.why}\n\n**Fix.** {rule.fix}\n\n[{rule.code}]({page})"},
        "helpUri": page,
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["production-readiness", rule.check], "problem.severity": LEVELS[rule.severity].replace("note", "recommendation")},
    }


def _result(result: Result, seen: Observation, index: int) -> dict[str, Any]:
    place = seen.place
    assert place is not None  # chosen above
    region = {"startLine": place.line, "startColumn": place.column}
    return {
        "ruleId": result.rule.code,
        "ruleIndex": index,
        "level": LEVELS[result.rule.severity],
        "message": {"text": f"{seen.message}. {result.rule.fix}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"}, "region": region}}],
        "partialFingerprints": {"mingusGate/v1": seen.fingerprint},
        "suppressions": [_suppression(seen.waiver)] if seen.waiver else [],  # of one run's results all have it, or none (3.27.23)
    }


def _suppression(waiver: Waiver) -> dict[str, Any]:
    kind = "inSource" if waiver.lines else "external"
    return {"kind": kind, "status": "accepted", "justification": f"{waiver.reason} ({waiver.terms}; {waiver.place})"}
