"""Earlier reports are read with suspicion, and drawn where they compare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mingus_gate.config import ConfigError
from mingus_gate.model import Past
from mingus_gate.reports.history import HEIGHT, LABELS, MARGIN, POINTS, WIDTH, draw, read_history
from mingus_gate.reports.json import render_json
from tests.reports.samples import POOL, ready, report, result


def past(day: int, score: float, version: int = 1) -> Past:
    return Past(f"2026-10-{day:02}T00:00:00+00:00", score, version)


def test_reports_of_ours_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    for name, when in (("b", "2026-11-02"), ("a", "2026-11-03"), ("c", "2026-11-01")):
        (tmp_path / name).write_text(render_json(replace(ready(), started_at=f"{when}T00:00:00+00:00")), "utf-8")
    (tmp_path / "none").write_text(render_json(report(result(POOL))), "utf-8")
    found = read_history(tmp_path / name for name in ("a", "b", "c", "none"))
    assert [(p.started_at[:10], p.score, p.verdict) for p in found] == [(f"2026-11-0{n}", 100.0, "ready") for n in (1, 2, 3)]
    assert found[0].commit.startswith("f00ba12")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "cannot be read as JSON (JSONDecodeError)"),
        ("[" * 100_000, "cannot be read as JSON (RecursionError)"),
        ("[]", "not a report of mingus-gate"),
        ('{"schema": "other"}', "not a report of mingus-gate"),
        *((json.dumps({"schema": "mingus-gate/report/1", "score": s, "scoring_version": v}), "its score is not a number from 0 to 100")
          for s, v in ((101, 1), (-1, 1), ("9", 1), (True, 1), (9, None), (float("nan"), 1))),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"--history .*x.json: ") as error:
        read_history([tmp_path / "x.json"])
    assert says in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        read_history([tmp_path / "gone.json"])


def test_the_line_ends_with_this_report_and_stays_in_its_frame() -> None:
    trend = draw(ready(history=(past(1, 0), past(2, 50))))
    assert trend
    assert [p.score for p in trend.past] == [0, 50, 100]
    assert trend.points == ((MARGIN, HEIGHT - MARGIN), ((WIDTH - LABELS) / 2, HEIGHT / 2), (WIDTH - LABELS - MARGIN, MARGIN))
    assert [grade for grade, _ in trend.grades] == [60, 80, 90]


@pytest.mark.parametrize("scores", [(100, 100), (0, 0), (99.5, 100), (55, 56)])
def test_a_small_change_is_not_drawn_as_a_large_one(scores: Any) -> None:
    trend = draw(ready(history=tuple(past(n, s) for n, s in enumerate(scores, 1))))
    assert trend
    heights = [y for _, y in trend.points[:-1]]
    assert all(MARGIN <= y <= HEIGHT - MARGIN for y in heights)
    assert abs(heights[0] - heights[1]) <= HEIGHT / 10


@pytest.mark.parametrize(
    "history",
    [(), (past(1, 50, version=0),), (replace(past(1, 50), started_at="2027-01-01T00:00:00+00:00"),)],
    ids=["none", "another scoring version", "later than this one"],
)
def test_nothing_to_compare_with_is_no_line(history: Any) -> None:
    assert draw(ready(history=history)) is None
    assert draw(report(result(POOL), history=(past(1, 50),))) is None


def test_the_youngest_are_drawn() -> None:
    many = tuple(replace(past(1, 50), started_at=f"2026-10-01T00:00:{n:03}") for n in range(500))
    trend = draw(ready(history=many))
    assert trend
    assert len(trend.past) == POINTS + 1
    assert trend.past[0].started_at.endswith(f":{500 - POINTS:03}")
