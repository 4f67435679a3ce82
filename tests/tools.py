"""What tests of rules share: a tree from a dictionary, one rule asked, and the three tables every rule has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from mingus_gate.checks import CHECKS, RULES
from mingus_gate.model import Kind, Result
from mingus_gate.repo import Repo
from mingus_gate.run import assess

Files = str | Mapping[str, str | bytes]
"""The files of a tree by path; a text alone is `app.py`."""

Quiet = Mapping[str, list[tuple[str, Files]]]
"""Rule code → (what tempts it, files): the rule must pass or not apply."""

Reported = Mapping[str, list[tuple[str, Files, str]]]
"""Rule code → (what is wrong, files, "path:line"): it must be reported exactly there; "" is a finding without a place."""

Unknown = Mapping[str, list[tuple[str, Files, str]]]
"""Rule code → (what stops it, files, words the reason must hold)."""


def write(root: Path, files: Files) -> Path:
    """Writes the files below `root`, texts dedented."""
    for path, content in ({"app.py": files} if isinstance(files, str) else files).items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
    return root


def ask(code: str, files: Files) -> Result:
    """What the static rule `code` comes to on `files`."""
    check = next(check for check in CHECKS if check.id == RULES[code].check)
    with tempfile.TemporaryDirectory() as folder:
        results = assess([check], Repo(write(Path(folder), files)))[check]
    return next(result for result in results if result.rule.code == code)


def rule_tests(quiet: Quiet, reported: Reported, unknown: Unknown) -> tuple[Callable[..., None], ...]:
    """The three parametrised tests of a check's tables, to be bound to `test_quiet, test_reported, test_unknown`."""

    @pytest.mark.parametrize(("code", "files"), [pytest.param(c, f, id=f"{c}-{t}") for c, rows in quiet.items() for t, f in rows])
    def test_quiet(code: str, files: Files) -> None:
        result = ask(code, files)
        assert result.kind in (Kind.PASS, Kind.NOT_APPLICABLE), result

    @pytest.mark.parametrize(("code", "files", "where"), [pytest.param(c, f, w, id=f"{c}-{t}") for c, rows in reported.items() for t, f, w in rows])
    def test_reported(code: str, files: Files, where: str) -> None:
        result = ask(code, files)
        assert result.kind is Kind.FAIL, result
        assert where in {str(o.place or "") for o in result.observations if o.holds is False}, result

    @pytest.mark.parametrize(("code", "files", "reason"), [pytest.param(c, f, r, id=f"{c}-{t}") for c, rows in unknown.items() for t, f, r in rows])
    def test_unknown(code: str, files: Files, reason: str) -> None:
        result = ask(code, files)
        assert result.kind is Kind.UNKNOWN, result
        assert reason in result.reason

    return test_quiet, test_reported, test_unknown
