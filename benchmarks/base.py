"""What judging the base as well costs: head and base together, as a ratio to the head alone.

    python benchmarks/base.py [PATH …] [--runs N]

A copy of the tree gets a second commit that adds a line to its largest Python file, as a small pull request would. Both
commands run in alternation, so that a busy machine slows both; the figure to quote is the ratio of medians.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from scan import EXAMPLE, seconds

from mingus_gate.repo.tree import Tree

GIT = ("git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com", "-c", "commit.gpgsign=false")


def git(root: Path, *arguments: str) -> None:
    subprocess.run([*GIT, *arguments], cwd=root, check=True, capture_output=True)


def with_a_change(tree: Path, copy: Path) -> None:
    """Makes `copy` a repository of two commits: the files of `tree` that the gate reads, and one small change."""
    for file in Tree(tree):
        place = copy / file.location.relative_to(tree)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.location, place)
    git(copy, "init", "-q")
    git(copy, "add", "-A", "-f")
    git(copy, "commit", "-q", "-m", "Before")
    largest = max(copy.rglob("*.py"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes() + b"\nBENCHMARK = 1\n")
    git(copy, "commit", "-q", "-a", "-m", "After")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, default=[EXAMPLE])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'tree':24} {'head and base s':>16} {'head s':>7} {'ratio':>6}   ({arguments.runs} runs each, in alternation, medians)")
    for path in arguments.paths:
        with tempfile.TemporaryDirectory() as copy:
            with_a_change(path, Path(copy))
            alone = [sys.executable, "-m", "mingus_gate", "check", copy, "--format", "json", "--fail-on", "never"]
            pairs = [(seconds([*alone, "--base", "HEAD~1"]), seconds(alone)) for _ in range(arguments.runs)]
        both, head = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{path.resolve().name:24} {both:16.2f} {head:7.2f} {both / head:6.2f}")


if __name__ == "__main__":
    main()
