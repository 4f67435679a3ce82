"""Values that deploy files give to variables, where no program can read them so. Told by text; standard library only: commit hooks ask."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development, lines
from mingus_gate.repo.env.variables import EnvRead, env_reads
from mingus_gate.repo.tree import File

COMPOSE = re.compile(r"(^|/)(docker[-_]?)?(compose|stack)[\w.-]*\.ya?ml$", re.IGNORECASE)
WORKLOAD = re.compile(rb"^kind:\s*(Deployment|StatefulSet|DaemonSet|Job|CronJob|Pod|ReplicaSet)\b", re.MULTILINE)
ENTRY = re.compile(r"\s*(?:-\s+)?[\"']?(?P<name>[A-Z][A-Z0-9_]*)[\"']?\s*[:=]\s*(?P<value>[^#]*?)[\"']?\s*(#.*)?")
NAMED = re.compile(r"\s*-\s+name:\s*[\"']?(?P<name>[A-Za-z_]\w*)[\"']?\s*")
VALUE = re.compile(r"\s*value:\s*(?P<value>[^#]*?)\s*(#.*)?")
NO_TEXT = re.compile(r"true|false|yes|no|on|off|null|[-+]?\d+(\.\d+)?", re.IGNORECASE)
"""What YAML reads as something else than a text."""

CONVERTERS: dict[str, type] = {"int": int, "float": float}


@dataclass(frozen=True, slots=True)
class Refused:
    """A value that ends the start: the name of the variable, where it is given, and why."""

    name: str
    place: Place
    why: str


def refused_values(repo: Repo) -> list[Refused]:
    """The values of compose files and Kubernetes workloads that Kubernetes or the application refuses, in path and line order."""
    wanted: dict[str, tuple[EnvRead, str]] = {}
    for read in repo.fact(env_reads):
        if name := _converter(read):
            wanted.setdefault(read.name, (read, name))
    found: list[Refused] = []
    for file in repo.files(".yml", ".yaml"):
        if for_development(file.path):
            continue
        workload = bool(WORKLOAD.search(file.data))
        for name, value, place in _workload(file) if workload else _compose(file) if COMPOSE.search(file.path) else ():
            text = value.strip("\"'")
            if workload and NO_TEXT.fullmatch(value):
                found.append(Refused(name, place, "Kubernetes takes texts alone, and this is a number or a boolean without quotes"))
            elif name in wanted and text and not re.search(r"[${<]|^[|>]", text) and not _is(text, wanted[name][1]):
                read, converter = wanted[name]
                found.append(Refused(name, place, f"{converter}() at {read.place} refuses what is given here"))
    return found


def _converter(read: EnvRead) -> str:
    """`int` or `float` where the variable is handed to it and nothing catches what that raises."""
    module = read.module
    above = module.parent(read.node)
    if not isinstance(above, ast.Call) or read.node not in above.args or any(isinstance(a, ast.Try) for a in module.ancestors(above)):
        return ""
    name = module.name(above.func)
    return name if name in CONVERTERS and name not in module.named else ""


def _is(text: str, converter: str) -> bool:
    try:
        CONVERTERS[converter](text)
    except ValueError:
        return False
    return True


def _compose(file: File) -> Iterator[tuple[str, str, Place]]:
    for number, line in enumerate(lines(file.text), 1):
        if found := ENTRY.fullmatch(line):
            yield found["name"], found["value"], Place(file.path, number)


def _workload(file: File) -> Iterator[tuple[str, str, Place]]:
    """`- name: X` with `value: …` in the next line."""
    text = lines(file.text)
    for number, (line, after) in enumerate(pairwise(text), 2):
        named, value = NAMED.fullmatch(line), VALUE.fullmatch(after)
        if named and value and named["name"].isupper():
            yield named["name"], value["value"], Place(file.path, number)
