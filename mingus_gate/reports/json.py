"""The report as JSON, for machines. Its schema is report.schema.json beside this file."""

from __future__ import annotations

import json
from typing import Any

from mingus_gate import __version__
from mingus_gate.model import Base, Checklist, Observation, Report, Result, Waiver
from mingus_gate.score import SCORING_VERSION

SCHEMA = "mingus-gate/report/1"


def render_json(report: Report) -> str:
    return json.dumps(to_dict(report), indent=2, ensure_ascii=False) + "\n"


def to_dict(report: Report) -> dict[str, Any]:
    """The report as plain data. Names may be added in later versions, none removed."""
    score = report.score
    return {
        "schema": SCHEMA,
        "scoring_version": SCORING_VERSION,
        "tool": {"name": "mingus-gate", "version": __version__},
        "score": score.value,
        "raw_score": score.raw,
        "range": [score.low, score.high],
        "coverage": score.coverage,
        "grade": score.grade,
        "provisional": score.provisional,
        "verdict": score.verdict,
        "why": score.why,
        "blocking": list(score.blocking),
        "checks": [
            {
                "id": c.check.id,
                "title": c.check.title,
                "question": c.check.question,
                "status": c.status,
                "score": _round(c.score, 1),
                "weight": c.check.weight,
                "coverage": _round(c.coverage, 4),
            }
            for c in report.checks
        ],
        "results": [_result(result) for result in report.results],
        "checklist": _checklist(report.checklist),
        "scanned": {
            "files": report.scanned.files,
            "parsed": report.scanned.parsed,
            "not_parsed": [{"path": u.path, "line": u.line, "reason": u.reason} for u in report.scanned.not_parsed],
            "skipped": len(report.scanned.skipped),
            "skipped_files": [{"path": u.path, "reason": u.reason} for u in report.scanned.skipped],
            "listing": report.scanned.listing,
        },
        "recommendations": [
            {
                "rule": r.rule.code,
                "severity": r.rule.severity.word,
                "text": r.text,
                "gain": r.gain,
                "path": r.place.path if r.place else None,
                "line": r.place.line if r.place else None,
            }
            for r in report.recommendations
        ],
        "waivers": [{"rule": w.rule, **_waiver(w), "state": w.state, "note": w.note or None} for w in report.waivers],
        "commit": report.commit or None,
        "base": _base(report.base) if report.base else None,
        "started_at": report.started_at,
        "seconds": report.seconds,
    }


def _result(result: Result) -> dict[str, Any]:
    rule = result.rule
    return {
        "check": rule.check,
        "rule": rule.code,
        "title": rule.title,
        "kind": result.kind.value,
        "severity": rule.severity.word,
        "points": rule.points,
        "value": _round(result.value, 4),
        "source": result.source,
        "message": result.message,
        "reason": result.reason or None,
        "fix": rule.fix,
        "fingerprint": result.fingerprint,
        "change": result.change,
        "waiver": _waiver(result.waiver) if result.waiver else None,
        "observations": [_observation(o) for o in result.observations],
    }


def _observation(seen: Observation) -> dict[str, Any]:
    place = seen.place
    return {
        "holds": seen.holds,
        "message": seen.message,
        "path": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "address": seen.address or None,
        "evidence": dict(seen.evidence),
        "fingerprint": seen.fingerprint or None,
        "waiver": _waiver(seen.waiver) if seen.waiver else None,
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "owner": waiver.owner or None,
        "reason": waiver.reason,
        "expires": str(waiver.expires or "never"),
        "place": str(waiver.place),
    }


def _base(base: Base) -> dict[str, Any]:
    score = base.score
    return {
        "ref": base.ref,
        "commit": base.commit or None,
        "score": score.value if score else None,
        "grade": score.grade if score else None,
        "verdict": score.verdict if score else None,
        "reason": base.reason or None,
        "loosened": list(base.loosened),
    }


def _checklist(checklist: Checklist) -> dict[str, Any]:
    return {
        "path": checklist.path or None,
        **checklist.counts,
        "sections": [
            {
                "title": section.title,
                **section.counts,
                "items": [
                    {"id": i.id, "text": i.text, "line": i.line, "done": i.done, "rules": list(i.rules), "verdict": i.verdict or None}
                    for i in section.items
                ],
            }
            for section in checklist.sections
        ],
    }


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
