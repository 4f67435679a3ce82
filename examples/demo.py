"""Shows the gate at work: the example application as it is, and the same with a few small mistakes switched on.

Run by `make demo`. It works on copies in a temporary folder, and ends 0 when the first came out ready and the second
blocked by each of the mistakes, else 1. With names of faults after it, those are switched on instead:

    python examples/demo.py                          the usual handful
    python examples/demo.py memory-limiter …         these
    python examples/demo.py --list                   every fault there is, and the rule it breaks
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
APP = HERE / "ledger"
FAULTS = HERE / "faults"
FIXES = HERE / "fixes"
TELLING = ("memory-limiter", "secret-key-fallback", "unsigned-webhook", "cors-everybody", "constant-readiness", "two-heads")
LEFT_BEHIND = ("__pycache__", ".venv", ".env", "certs", ".pytest_cache", ".ruff_cache")
FILLED_IN = {"@MADE-UP@": "0Zq7Xw4Kd1Vt8Rb5Yn2Lc9Hg", "@PRIVATE KEY@": "PRIVATE KEY"}
"""What the patches leave open until they are applied, so that nothing in this tree looks like a secret."""


@dataclass(frozen=True)
class Fault:
    """A small mistake in the example application, kept as a patch with a head of its own."""

    name: str
    title: str
    rule: str
    path: str
    """The file the gate must point to; empty where what is missing has no place."""

    removes: tuple[str, ...]
    """Files and folders that go; the patch says the rest."""

    patch: str


def read(name: str) -> Fault:
    """`examples/faults/NAME.patch`: lines `Key: value`, an empty line, the patch."""
    head, _, patch = (FAULTS / f"{name}.patch").read_text("utf-8").partition("\n\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    return Fault(name, said["Fault"], said["Breaks"], said.get("At", ""), tuple(said.get("Removes", "").split()), _filled_in(patch))


def _filled_in(patch: str) -> str:
    for mark, text in FILLED_IN.items():
        patch = patch.replace(mark, text)
    return patch


def names() -> list[str]:
    return sorted(file.stem for file in FAULTS.glob("*.patch"))


def copy(target: Path) -> Path:
    """The application as it is, in `target`."""
    shutil.copytree(APP, target, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return target


def switch_on(fault: Fault, app: Path) -> None:
    """Applies a fault to a copy of the application."""
    for path in fault.removes:
        gone = app / path
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    if fault.patch.strip():
        _apply(fault.patch, app, f"the fault {fault.name} cannot be switched on")


def mend(fault: Fault, app: Path) -> None:
    """Does, in a copy with the fault switched on, what the fix of its finding says: `examples/fixes/NAME.patch`."""
    patch = (FIXES / f"{fault.name}.patch").read_text("utf-8")
    _apply(_filled_in(patch), app, f"the fix of {fault.name} cannot be applied")


def _apply(patch: str, app: Path, failed: str) -> None:
    """Git is only used as a patch program: no repository, no identity."""
    if not shutil.which("git"):
        raise SystemExit("git is needed to apply patches")
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(app.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", "apply", "-"], check=False, cwd=app, env=alone, input=patch, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{failed}: {done.stderr.strip()}")


def judge(app: Path) -> dict[str, Any]:
    """What the gate says: the report of `mingus-gate check --format json`."""
    command = [sys.executable, "-m", "mingus_gate", "check", str(app), "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise SystemExit(f"mingus-gate ended with {done.returncode}:\n{done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def side_by_side(healthy: dict[str, Any], faulty: dict[str, Any], count: int) -> Iterator[str]:
    yield f"{'':24}{'as it is':24}{f'with {count} faults'}"
    yield f"{'verdict':24}{healthy['verdict'].upper():24}{faulty['verdict'].upper()}"
    yield f"{'score':24}{_score(healthy):24}{_score(faulty)}"
    yield ""
    for before, after in zip(healthy["checks"], faulty["checks"], strict=True):
        changed = "  <--" if before["status"] != after["status"] else ""
        yield f"{before['title']:24}{_check(before):24}{_check(after)}{changed}"


def _score(report: dict[str, Any]) -> str:
    value = "none" if report["score"] is None else f"{report['score']:.0f}"
    return f"{value} {report['grade']}"


def _check(check: dict[str, Any]) -> str:
    status = "FAIL" if check["status"] == "fail" else check["status"]
    return status if check["score"] is None else f"{status:5}{check['score']:.0f}"


def findings(faults: Sequence[Fault], report: dict[str, Any]) -> Iterator[str]:
    results = {result["rule"]: result for result in report["results"]}
    for number, fault in enumerate(faults, 1):
        result = results[fault.rule]
        seen = next((o for o in result["observations"] if o["holds"] is False and o["path"]), {"path": "", "line": ""})
        yield f"{number}. {fault.title} ({fault.name})"
        yield f"   {result['kind'].upper()} {result['severity']}: {result['rule']}"
        yield from _wrapped("seen", f"{seen['path']}:{seen['line']}  {result['message']}" if seen["path"] else result["message"])
        yield from _wrapped("fix", result["fix"])


def _wrapped(word: str, text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent=f"   {word:5}", subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)


def main(arguments: Sequence[str]) -> int:
    if "--list" in arguments:
        for fault in map(read, names()):
            print(f"{fault.name:34}{fault.rule:40}{fault.title}")
        return 0
    if unknown := [name for name in arguments if name not in names()]:
        print(f"no fault named {', '.join(unknown)}; see --list", file=sys.stderr)
        return 2
    faults = [read(name) for name in arguments or TELLING]
    with tempfile.TemporaryDirectory(prefix="mingus-gate-demo-") as folder:
        healthy = judge(copy(Path(folder, "as-it-is")))
        broken = copy(Path(folder, "with-faults"))
        for fault in faults:
            switch_on(fault, broken)
        faulty = judge(broken)
    print("May examples/ledger go to production?\n")
    print("\n".join(side_by_side(healthy, faulty, len(faults))))
    print("\nWhat was switched on, and what the gate says of it:\n")
    print("\n".join(findings(faults, faulty)))
    return _as_promised(faults, healthy, faulty, usual=not arguments)


def _as_promised(faults: Sequence[Fault], healthy: dict[str, Any], faulty: dict[str, Any], *, usual: bool) -> int:
    """0 when the healthy application is ready and each fault was found (and, of the usual ones, blocks), else 1."""
    found = {result["rule"] for result in faulty["results"] if result["kind"] == "fail"}
    missed = [fault.name for fault in faults if fault.rule not in found]
    wrong = [f"the gate did not find {name}" for name in missed]
    if healthy["verdict"] != "ready":
        wrong.append(f"the healthy application is {healthy['verdict']}: {', '.join(healthy['blocking'])}")
    if usual and faulty["verdict"] != "blocked":
        wrong.append(f"the faulty application is {faulty['verdict']}")
    print("\nNot as promised: " + "; ".join(wrong) if wrong else "\nTry it yourself: mingus-gate check examples/ledger")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
