"""Dockerfiles: the stages, and what the image that is shipped starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development, lines
from mingus_gate.repo.deploy.shell import words
from mingus_gate.repo.tree import File

NAME = re.compile(r"(^|/)((Docker|Container)file([._-][^/]*)?|[^/]+\.[Dd]ockerfile)$")
PRODUCTION_STAGE = re.compile(r"prod|release|runtime|final|deploy|server", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Instruction:
    word: str
    text: str
    place: Place

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of CMD or ENTRYPOINT in either form; the shell form is one `sh -c`."""
        text = self.text
        if text.startswith("["):
            try:
                listed = json.loads(text)
                return tuple(str(word) for word in listed) if isinstance(listed, list) else ()
            except ValueError:
                pass
        return ("sh", "-c", text) if text else ()


@dataclass(eq=False)
class Stage:
    """One `FROM … AS name`. `env` holds ENV and ARG with defaults, those of the stage it builds on included."""

    name: str
    base: str
    place: Place
    instructions: list[Instruction] = field(default_factory=list)
    parent: Stage | None = None

    def last(self, word: str) -> Instruction | None:
        """The instruction in force: a later one replaces an earlier one, that of the stage below counts."""
        own = next((i for i in reversed(self.instructions) if i.word == word), None)
        return own or (self.parent.last(word) if self.parent else None)

    def all(self, word: str) -> list[Instruction]:
        return [*(self.parent.all(word) if self.parent else []), *(i for i in self.instructions if i.word == word)]

    @property
    def env(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for instruction in (*self.all("ARG"), *self.all("ENV")):
            given = words(instruction.text)
            if instruction.word == "ENV" and len(given) >= 2 and "=" not in given[0]:
                found[given[0]] = " ".join(given[1:])
            else:
                found |= dict(word.split("=", 1) for word in given if "=" in word)
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Dockerfile:
    file: File
    stages: tuple[Stage, ...]

    @property
    def development(self) -> bool:
        return for_development(self.file.path)

    def stage(self, target: str = "") -> Stage | None:
        """The stage that is built: `target`, else the last; where that one is for development, the one for production."""
        if target:
            return next((s for s in self.stages if s.name.lower() == target.lower()), None)
        if not self.stages:
            return None
        if not for_development(self.stages[-1].name):
            return self.stages[-1]
        return next((s for s in reversed(self.stages) if PRODUCTION_STAGE.search(s.name)), None)


def dockerfiles(repo: Repo) -> list[Dockerfile]:
    """Every Dockerfile of the tree, those for development included."""
    return [Dockerfile(file, tuple(_stages(file))) for file in repo.files() if NAME.search(file.path)]


def _stages(file: File) -> list[Stage]:
    stages: list[Stage] = []
    for instruction in _instructions(file):
        if instruction.word == "FROM":
            given = [word for word in instruction.text.split() if not word.startswith("--")]
            name = given[2] if len(given) > 2 and given[1].lower() == "as" else ""
            base = given[0] if given else ""
            parent = next((s for s in stages if s.name and s.name.lower() == base.lower()), None)
            stages.append(Stage(name, base, instruction.place, [], parent))
        elif stages:
            stages[-1].instructions.append(instruction)
    return stages


def _instructions(file: File) -> Iterator[Instruction]:
    """Instructions with continued lines joined; comments and here-documents left out."""
    written = lines(file.text)
    index = 0
    while index < len(written):
        number = index + 1
        parts: list[str] = []
        while index < len(written):
            line = written[index].strip()
            index += 1
            if line.startswith("#") or (parts and not line):
                continue
            parts.append(line.removesuffix("\\").strip())
            if not line.endswith("\\"):
                break
        text = " ".join(parts).strip()
        for ending in re.findall(r"<<-?['\"]?(\w+)['\"]?", text) if text[:4].upper() in ("RUN ", "COPY") else []:
            while index < len(written) and written[index].strip() != ending:
                index += 1
            index += 1
        if match := re.match(r"([A-Za-z]+)\s+(.*)", text, re.DOTALL):
            yield Instruction(match[1].upper(), match[2].strip(), Place(file.path, number))
