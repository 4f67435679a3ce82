"""The files GitHub gives a step: the job summary and the outputs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

SUMMARY_BOUND = 1024 * 1024
"""Bytes of a step's summary; a larger one is not shown at all."""


def write_summary(environ: Mapping[str, str], text: str) -> None:
    """Adds `text` to the job summary, which other steps' text may precede."""
    file = environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    room = SUMMARY_BOUND - (Path(file).stat().st_size if Path(file).exists() else 0)
    if len(text.encode()) < room:
        _append(file, text + "\n")


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Sets the step's outputs. A delimiter nobody can guess keeps a value from setting another."""
    if file := environ.get("GITHUB_OUTPUT"):
        marks = {name: f"mingus_{uuid.uuid4().hex}" for name in outputs}
        _append(file, "".join(f"{name}<<{marks[name]}\n{value}\n{marks[name]}\n" for name, value in outputs.items()))


def _append(file: str, text: str) -> None:
    with Path(file).open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
