"""Lines of deploy files that start a process or set its environment, as text.

`repo.deploy` reads these files in full; this is what a commit hook can afford: the standard library and one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.script import DEVELOPMENT, Line, read_script
from mingus_gate.repo.tree import File

DOCKERFILE = re.compile(r"(^|[._-])(docker|container)file([._-]|$)", re.IGNORECASE)
UNIT = re.compile(
    r"^Procfile|\.service$|supervisor[\w.-]*\.(conf|ini)$|^(fly|railway|nixpacks)\.toml$|^(app|render|heroku|apprunner)\.ya?ml$|^railway\.json$"
)
COMPOSE = re.compile(r"compose[\w.-]*\.ya?ml$")
SCRIPT = re.compile(r"(?<![\w-])([\w-]*(?:\.sh|entrypoint|start|boot|run))\b")
STARTS = re.compile(r"\s*(CMD|ENTRYPOINT|ENV)\b", re.IGNORECASE)
SAYS_DEVELOPMENT = re.compile(
    r"^\s*#.*\b(intended|meant|only|is|used) (only )?for (local )?development\b|^\s*#\s*(local )?development only\b", re.IGNORECASE | re.MULTILINE
)
STAGE = re.compile(r"\s*FROM\s+\S+(?:\s+AS\s+(\S+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StartLine:
    """`sure` is False for a compose file that does not say it is for production: it may be what developers use."""

    text: str
    place: Place
    sure: bool = True


def start_lines(repo: Repo) -> list[StartLine]:
    """Those of Dockerfiles, Procfiles, units and compose files, and of the shell scripts they name."""
    found: list[StartLine] = []
    for file in repo.files():
        if for_development(file.path):
            continue
        if DOCKERFILE.search(file.name):
            found += _dockerfile(file)
        elif UNIT.search(file.name):
            found += _lines(file)
        elif COMPOSE.search(file.name):
            found += [StartLine(line.text, line.place, bool(re.search("prod", file.path))) for line in _lines(file)]
    named = {match[1]: line.sure for line in found for match in SCRIPT.finditer(line.text)}
    scripts = [file for file in repo.tree if file.name in named and file.role is Role.PRODUCTION and not for_development(file.path)]
    for script in scripts:
        found += [StartLine(text, place, named[script.name]) for text, place in _script(script)]
    return found


def _reached(file: File) -> Iterator[Line]:
    for line in read_script(file.text).reached():
        if not any(DEVELOPMENT.search(arm.pattern) for arm in line.arms):
            yield line


def _script(file: File) -> Iterator[tuple[str, Place]]:
    """The commands that production reaches, and what the script puts in the environment outside of any branch."""
    yield from ((line.text, Place(file.path, line.number)) for line in _reached(file))
    yield from ((line, Place(file.path, number)) for number, line in enumerate(file.lines, 1) if line.startswith("export "))


def _lines(file: File) -> Iterator[StartLine]:
    """Lines with continuations joined, comments left out."""
    text, first = "", 1
    for number, line in enumerate(file.lines, 1):
        first = first if text else number
        text += line.rstrip("\\") if line.endswith("\\") else line
        if not line.endswith("\\"):
            if text.strip() and not text.lstrip().startswith(("#", ";")):
                yield StartLine(text, Place(file.path, first))
            text = ""


def _dockerfile(file: File) -> Iterator[StartLine]:
    if SAYS_DEVELOPMENT.search("\n".join(file.lines[:10])):
        return
    development = False
    for line in _lines(file):
        if stage := STAGE.match(line.text):
            development = bool(stage[1]) and for_development(stage[1])
        elif STARTS.match(line.text) and not development:
            yield line
