"""A tag, the version and the changelog say the same, or nothing is released."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mingus_gate import __version__

ROOT = Path(__file__).parents[1]
LOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n### Added\n\n- A rule.\n\n## [1.1.0] - 2026-11-01\n\n- Older.\n"


def notes(root: Path, tag: str, log: str = LOG) -> subprocess.CompletedProcess[str]:
    (root / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (root / "CHANGELOG.md").write_text(log)
    return subprocess.run([sys.executable, ROOT / ".github/notes.py", tag], check=False, cwd=root, capture_output=True, text=True, timeout=30)


def test_the_notes_are_the_versions_own(tmp_path: Path) -> None:
    assert notes(tmp_path, "v1.2.0").stdout == "### Added\n\n- A rule.\n"


@pytest.mark.parametrize(
    ("tag", "log", "says"),
    [
        ("v1.3.0", LOG, "the tag is v1.3.0, and the version in pyproject.toml is 1.2.0"),
        ("1.2.0", LOG, "the tag is 1.2.0"),
        ("v1.2.0", "# Changelog\n", "CHANGELOG.md says nothing of 1.2.0"),
        ("v1.2.0", "## [1.2.0] - 2026-12-01\n\n## [1.1.0]\n\n- Older.\n", "CHANGELOG.md says nothing of 1.2.0"),
    ],
)
def test_where_they_disagree_nothing_is_released(tmp_path: Path, tag: str, log: str, says: str) -> None:
    ended = notes(tmp_path, tag, log)
    assert ended.returncode
    assert ended.stderr.startswith(says)


def test_the_command_has_the_packages_version() -> None:
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text()
