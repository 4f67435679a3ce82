"""How long the whole static gate takes, as a ratio to bandit on the same tree.

    python benchmarks/scan.py [PATH …] [--runs N]

Both commands run in alternation, so that a busy machine slows both; the figure to quote is the ratio of medians.
bandit is the peer because it too is Python, parses every Python file and is what most Flask teams already run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/ledger"


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, default=[EXAMPLE])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'tree':24} {'mingus-gate s':>14} {'bandit s':>9} {'ratio':>6}   ({arguments.runs} runs each, in alternation, medians)")
    for path in arguments.paths:
        ours = [sys.executable, "-m", "mingus_gate", "check", str(path), "--format", "json", "--fail-on", "never"]
        theirs = [sys.executable, "-m", "bandit", "-q", "-r", str(path)]
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(arguments.runs)]
        mine, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{path.resolve().name:24} {mine:14.2f} {peer:9.2f} {mine / peer:6.2f}")


if __name__ == "__main__":
    main()
