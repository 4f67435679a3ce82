"""Prints what CHANGELOG.md says of the version that is tagged; ends with a message where tag, pyproject.toml and changelog disagree.

python .github/notes.py v0.1.0
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path


def main(tag: str) -> str:
    version = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["version"]
    if tag != f"v{version}":
        raise SystemExit(f"the tag is {tag}, and the version in pyproject.toml is {version}: write the one into the other")
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", Path("CHANGELOG.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md says nothing of {version}: rename its [Unreleased] to [{version}] - date")
    return found[1].strip()


if __name__ == "__main__":
    print(main(sys.argv[1]))
