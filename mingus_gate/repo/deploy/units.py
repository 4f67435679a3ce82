"""Process lists of platforms and init systems: Procfile, systemd, supervisor, and what Render, Fly and App Engine read."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from mingus_gate.model import Place, Unread
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development, lines
from mingus_gate.repo.deploy.yaml_file import documents, scalar
from mingus_gate.repo.tree import File


@dataclass(frozen=True, slots=True)
class Start:
    """One command line of a unit, not yet split into commands."""

    kind: str
    text: str
    place: Place
    service: str = ""
    env: dict[str, str] = field(default_factory=dict)


def starts(repo: Repo) -> Iterator[Start]:
    for file in repo.files():
        if for_development(file.path):
            continue
        if re.fullmatch(r"Procfile([._-]\w+)?", file.name):
            yield from _procfile(file)
        elif file.name.endswith(".service"):
            yield from _systemd(file)
        elif file.name.endswith((".conf", ".ini")) and file.mentions(b"[program:"):
            yield from _supervisor(file)
        elif file.name in ("render.yaml", "render.yml", "app.yaml", "app.yml", "heroku.yml", "apprunner.yaml"):
            yield from _platform(repo, file)
        elif file.name in ("fly.toml", "railway.toml", "nixpacks.toml"):
            yield from _toml(repo, file)
        elif file.name in ("railway.json", "app.json"):
            yield from _json(file)


def _procfile(file: File) -> Iterator[Start]:
    for number, line in enumerate(file.lines, 1):
        if match := re.match(r"([\w-]+):\s*(\S.*)", line):
            yield Start("procfile", match[2], Place(file.path, number), match[1])


def ini(file: File, *, folded: bool = False) -> Iterator[tuple[str, str, str, Place]]:
    """(section, key, value, place) of a systemd, uWSGI or supervisor file, continued lines joined.

    `folded` lines go on where the next one is indented, as supervisor's do.
    """
    section, index, written = "", 0, lines(file.text)
    while index < len(written):
        number, line = index + 1, written[index].strip()
        while line.endswith("\\") and index + 1 < len(written):
            index += 1
            line = f"{line[:-1].rstrip()} {written[index].strip()}"
        index += 1
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and not line.startswith(("#", ";")):
            while folded and index < len(written) and re.match(r"[ \t]+[^\s#;]", written[index]):
                line = f"{line} {written[index].strip()}"
                index += 1
            key, _, value = line.partition("=")
            yield section, key.strip(), value.strip(), Place(file.path, number)


def _systemd(file: File) -> Iterator[Start]:
    env: dict[str, str] = {}
    for section, key, value, place in ini(file):
        if section == "Service" and key == "Environment":
            env |= dict(part.split("=", 1) for part in re.findall(r"\"([^\"]*)\"|(\S+)", value) for part in part if "=" in part)
        elif section == "Service" and key in ("ExecStart", "ExecStartPre") and value:
            yield Start("systemd", value.lstrip("@-:+!|"), place, file.name.removesuffix(".service"), env)


def _supervisor(file: File) -> Iterator[Start]:
    for section, key, value, place in ini(file, folded=True):
        if section.startswith("program:") and key == "command" and not for_development(section):
            text = re.sub(r"%\(ENV_(\w+)\)s", r"${\1}", value).replace("%%", "%")
            yield Start("supervisor", text, place, section.removeprefix("program:"))


def _platform(repo: Repo, file: File) -> Iterator[Start]:
    for document in documents(repo, file):
        for key in ("startCommand", "entrypoint"):
            if text := document.text(key):
                yield Start("platform", text, document.place(file.path, key))
        for name, text in document.map("run").items():
            if isinstance(text, str):
                yield Start("platform", text, document.map("run").place(file.path, name), name)
        for service in document.maps("services"):
            env = {item.text("key"): item.text("value") for item in service.maps("envVars")}
            for key in ("startCommand", "dockerCommand", "preDeployCommand", "run_command"):
                if text := service.text(key):
                    yield Start("platform", text, service.place(file.path, key), service.text("name"), env)


def _toml(repo: Repo, file: File) -> Iterator[Start]:
    try:
        told = tomllib.loads(file.text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        repo.not_parsed(Unread(file.path, f"TOML: {type(error).__name__}"))
        return
    env = {key: scalar(value) for key, value in _table(told, "env").items()}
    for name, text in (
        *_table(told, "processes").items(),
        *_table(told, "experimental").items(),
        ("release", _table(told, "deploy").get("release_command")),
        ("web", _table(told, "deploy").get("startCommand")),
        ("web", _table(told, "start").get("cmd")),
    ):
        for part in [text] if isinstance(text, str) else [" ".join(map(str, text))] if isinstance(text, list) else []:
            yield Start("platform", part, _place(file, part), str(name), env)


def _json(file: File) -> Iterator[Start]:
    try:
        told = json.loads(file.text)
    except (ValueError, RecursionError):
        return
    if text := _table(told, "deploy").get("startCommand"):
        yield Start("platform", str(text), _place(file, str(text)), "web")


def _table(told: object, key: str) -> dict[str, object]:
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, dict) else {}


def _place(file: File, text: str) -> Place:
    head = text.split()[0] if text.split() else text
    return Place(file.path, next((number for number, line in enumerate(file.lines, 1) if head in line), 1))
