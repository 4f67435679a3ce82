"""Workflows of GitHub and GitLab: their steps, and when a clock starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.yaml_file import Map, documents, scalar
from mingus_gate.repo.tree import File

NAME = re.compile(r"(^|/)\.github/workflows/[^/]+\.ya?ml$|(^|/)\.gitlab-ci\.ya?ml$")
DEPLOYS = re.compile(r"\b(deploy\w*|release|production|prod|cd)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """One `run` (or GitLab `script` line). `deploys` where file, job or environment say so; `schedule` is the workflow's cron."""

    text: str
    place: Place
    job: str
    uses: str = ""
    deploys: bool = False
    schedule: str = ""


def steps(repo: Repo) -> list[Step]:
    return [step for file in repo.files(".yml", ".yaml") if NAME.search(file.path) for step in _steps(repo, file)]


def _steps(repo: Repo, file: File) -> Iterator[Step]:
    for document in documents(repo, file):
        schedule = " ".join(item.text("cron") for item in document.map("on").maps("schedule"))
        if file.name.startswith(".gitlab"):
            yield from _gitlab(file, document)
            continue
        for name, job in document.map("jobs").items():
            if isinstance(job, Map):
                told = re.sub(r"[_.-]", " ", f"{file.name.rpartition('.')[0]} {name} {job.text('name')} {_environment(job)}")
                for step in job.maps("steps"):
                    text, uses = step.text("run"), step.text("uses")
                    if text or uses:
                        place = step.place(file.path, "run" if text else "uses")
                        yield Step(text, _first_line(file, place, text), name, uses, bool(DEPLOYS.search(told)), schedule)


def _environment(job: Map) -> str:
    return job.text("environment") or job.map("environment").text("name")


def _gitlab(file: File, document: Map) -> Iterator[Step]:
    for name, job in document.items():
        script = job.get("script") if isinstance(job, Map) else None
        for item, line in zip(script, getattr(script, "lines", []), strict=False) if isinstance(script, list) else ():
            scheduled = "schedule" if re.search(r"schedule", str(job.get("rules") or job.get("only") or "")) else ""
            yield Step(scalar(item), Place(file.path, line), name, "", bool(DEPLOYS.search(f"{name} {job.text('stage')}")), scheduled)


def _first_line(file: File, place: Place, text: str) -> Place:
    """Where a text begun by `run: |` has its first line."""
    line = file.lines[place.line - 1] if place.line <= len(file.lines) else ""
    return Place(place.path, place.line + 1) if re.search(r":\s*[|>][+-]?\s*(#.*)?$", line) and text else place
