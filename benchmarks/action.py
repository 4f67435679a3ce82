"""How long the Action takes from its first step to the verdict on the example application: with uv, and with pip alone.

    python benchmarks/action.py [--runs N]

Both run action/run.sh in alternation, each time into a new private environment; the package cache is warm after the first
run of each, which is not counted. `new venv` is the time that `python -m venv` alone takes here, to compare machines by.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(folder: Path, *, uv: bool) -> dict[str, str]:
    """What a job has: tools, registries and caches, and none of our own packages."""
    tools = folder / f"tools{uv}"
    tools.mkdir(exist_ok=True)
    wanted = {"python3": sys._base_executable} | ({"uv": str(Path(sys.executable).with_name("uv"))} if uv else {})  # type: ignore[attr-defined]
    for name, target in wanted.items():
        if not (tools / name).exists():
            (tools / name).symlink_to(target)
    kept = {k: v for k, v in os.environ.items() if re.match(r"PIP_|UV_|SSL_|REQUESTS_CA|HOME$|[a-z]+_proxy$", k, re.IGNORECASE)}
    return {**kept, "PATH": f"{tools}:/usr/bin:/bin", "RUNNER_TEMP": str(folder), "INPUT_COMMENT": "never"}


def seconds(command: list[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    ended = subprocess.run(command, cwd=ROOT / "examples/ledger", env=environ, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    action = ["bash", str(ROOT / "action/run.sh")]
    found: dict[str, list[float]] = {"uv": [], "pip": [], "new venv": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quick, slow = environment(folder, uv=True), environment(folder, uv=False)
        for number in range(arguments.runs + 1):
            times = {
                "uv": seconds(action, quick),
                "pip": seconds(action, slow),
                "new venv": seconds([str(folder / "toolsTrue/python3"), "-m", "venv", str(folder / "bare")], slow),
            }
            shutil.rmtree(folder / "bare")
            for kind, took in times.items() if number else ():
                found[kind].append(took)
    for kind, took in found.items():
        print(f"{kind:10} {statistics.median(took):6.2f} s   ({min(took):.2f} to {max(took):.2f}, {arguments.runs} runs, in alternation)")


if __name__ == "__main__":
    main()
