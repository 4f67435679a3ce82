"""Earlier JSON reports, and the line they draw."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mingus_gate.config import ConfigError
from mingus_gate.model import Past, Report
from mingus_gate.reports.json import SCHEMA
from mingus_gate.score import SCORING_VERSION

WIDTH, HEIGHT, MARGIN, LABELS = 320, 88, 10, 28
"""Of the drawing, in its own units; the labels stand right of the line."""

SPAN = 20
"""Points of score the drawing spans at least, so that half a point does not look like a fall."""

POINTS = 60
"""Reports drawn, the youngest."""


class Trend(NamedTuple):
    """The scores of `past`, the oldest first, as a line: its points, and the height of each score that starts a grade."""

    past: tuple[Past, ...]
    points: tuple[tuple[float, float], ...]
    grades: tuple[tuple[int, float], ...]


def read_history(files: Iterable[Path]) -> tuple[Past, ...]:
    """The earlier reports in `files`, the oldest first; those without a score are left out. Raises ConfigError."""
    found = [past for file in files if (past := _read(file))]
    return tuple(sorted(found, key=lambda past: past.started_at))


def _read(file: Path) -> Past | None:
    try:
        report: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"--history {file}: cannot be read as JSON ({type(error).__name__})") from None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise ConfigError(f"--history {file}: not a report of mingus-gate; write one with `--format json --output FILE`")
    score, version = report.get("score"), report.get("scoring_version")
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 100 or not isinstance(version, int):
        raise ConfigError(f"--history {file}: its score is not a number from 0 to 100, or its scoring_version is missing")
    return Past(*(str(report.get("started_at") or "")[:40], float(score), version, str(report.get("verdict") or ""), str(report.get("commit") or "")))


def draw(report: Report) -> Trend | None:
    """What the scores did until now; None where there is nothing to compare with. Only equal scoring versions compare."""
    score = report.score
    if score.value is None:
        return None
    earlier = [p for p in report.history if p.scoring_version == SCORING_VERSION and p.started_at < report.started_at]
    past = (*earlier[-POINTS:], Past(report.started_at, score.value, SCORING_VERSION, score.verdict, report.commit))
    if len(past) == 1:
        return None
    low, high = _frame([p.score for p in past])

    def height(value: float) -> float:
        return round(HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN), 1)

    step = (WIDTH - 2 * MARGIN - LABELS) / (len(past) - 1)
    points = tuple((round(MARGIN + step * n, 1), height(p.score)) for n, p in enumerate(past))
    return Trend(past, points, tuple((grade, height(grade)) for grade in (60, 80, 90) if low <= grade <= high))


def _frame(scores: Sequence[float]) -> tuple[float, float]:
    """The least and the highest score the drawing shows."""
    low, high = min(scores), max(scores)
    room = max(0.0, SPAN - (high - low)) / 2
    low, high = low - room, high + room
    low, high = (low - (high - 100), 100.0) if high > 100 else (low, high)
    return (0.0, high - low) if low < 0 else (low, high)
