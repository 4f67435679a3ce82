"""Deploy files as facts: what production starts, and the services around it."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.compose import services as services
from mingus_gate.repo.deploy.dockerfile import Dockerfile, Stage, dockerfiles
from mingus_gate.repo.deploy.kubernetes import containers
from mingus_gate.repo.deploy.nouns import Command, Service, for_development
from mingus_gate.repo.deploy.script import read_script
from mingus_gate.repo.deploy.shell import commands_of, expand, unwrap, words
from mingus_gate.repo.deploy.units import starts
from mingus_gate.repo.deploy.workflows import steps
from mingus_gate.repo.tree import File

__all__ = ["Command", "Service", "commands", "services"]

ENTRY_SCRIPT = re.compile(r"(^|[_-])(entry-?point|boot|start|run|serve|server|web|gunicorn|launch|prod|production)([_-]|\.|$)")
MAX_PARTS = 40
"""No path that a command names has more."""
BUILTINS = {"cd", "echo", "printf", "set", "source", ".", "exit", "sleep", "local", "return", "shift", "break", "export", "trap", "test", ":", "true"}


def commands(repo: Repo) -> list[Command]:
    """Every command that production starts, in path and line order: ask with `repo.fact(commands)`.

    The scripts that images, services and units start are followed. Files and branches for development are left out.
    """
    found = [
        *_images(repo),
        *_composed(repo),
        *(c for s in starts(repo) for c in _line(repo, s.kind, s.text, s.place, s.service, s.env)),
        *(c for k in repo.fact(containers) if k.argv for c in _argv(repo, "k8s", k.argv, k.told.place(k.path, "command"), k.name, k.environment)),
        *(c for s in repo.fact(steps) if s.deploys for c in _step(s.text, s.place, s.job)),
    ]
    started = {c.place.path for c in found}
    for file in repo.files():
        if file.path not in started and ENTRY_SCRIPT.search(file.name) and is_shell(file) and not for_development(file.path):
            found += _script(repo, file, ())
    unique = {(c.place, c.argv, c.service): c for c in found}
    return sorted(unique.values(), key=lambda c: (c.place, c.argv))


def is_shell(file: File) -> bool:
    """Whether a file is a shell script, told by its name or first line."""
    return file.name.endswith((".sh", ".bash")) or ("." not in file.name and bool(re.match(rb"\s*#!.*\b(ba|da|a|z)?sh\b", file.data[:80])))


def _images(repo: Repo) -> Iterator[Command]:
    for image in repo.fact(dockerfiles):
        targets = {s.target for s in repo.fact(services) if s.build == image.file.path}
        for target in () if image.development else sorted(targets or {""}):
            if (stage := image.stage(target)) and not for_development(stage.name):
                yield from _image(repo, image, stage)


def _image(repo: Repo, image: Dockerfile, stage: Stage) -> Iterator[Command]:
    entry, default = stage.last("ENTRYPOINT"), stage.last("CMD")
    if first := entry or default:
        argv = (*entry.argv, *(default.argv if default else ())) if entry else first.argv
        yield from _argv(repo, "dockerfile", argv, first.place, "", stage.env, image)


def _composed(repo: Repo) -> Iterator[Command]:
    images = {image.file.path: image for image in repo.fact(dockerfiles)}
    for service in repo.fact(services):
        place = service.places.get("command") or service.places.get("entrypoint") or service.place
        image = images.get(service.build)
        if service.entrypoint:
            yield from _argv(repo, "compose", (*service.entrypoint, *service.command), place, service.name, service.environment, image)
        elif service.command:
            entry = stage.last("ENTRYPOINT") if image and (stage := image.stage(service.target)) else None
            argv = (*entry.argv, *service.command) if entry else service.command
            yield from _argv(repo, "compose", argv, place, service.name, service.environment, image)


def _argv(
    repo: Repo, kind: str, argv: tuple[str, ...], place: Place, service: str, env: Mapping[str, str], image: Dockerfile | None = None
) -> Iterator[Command]:
    yield from _line(repo, kind, shlex.join(argv), place, service, env, image)


def _line(repo: Repo, kind: str, text: str, place: Place, service: str, env: Mapping[str, str], image: Dockerfile | None = None) -> Iterator[Command]:
    """The commands of one command line; where one is a shell script of the tree, also those the script reaches."""
    for part in commands_of(text):
        argv, given = unwrap(words(expand(part, env)))
        if not argv or argv[0] in BUILTINS:
            continue
        command = Command(kind, part, argv, place, service, {**env, **given})
        yield command
        if script := _started_script(repo, argv, place, image):
            yield from _script(repo, *script, command)


def _step(text: str, place: Place, job: str) -> Iterator[Command]:
    """The commands of a workflow's step, each at its own line."""
    for offset, line in enumerate(text.splitlines()):
        for part in commands_of(line):
            argv, env = unwrap(words(part))
            if argv and not part.startswith("#"):
                yield Command("workflow", part, argv, Place(place.path, place.line + offset), job, env)


def _started_script(repo: Repo, argv: tuple[str, ...], place: Place, image: Dockerfile | None) -> tuple[File, tuple[str, ...]] | None:
    rest = argv
    if argv[0].rpartition("/")[2] in ("sh", "bash", "ash", "dash", "zsh"):
        rest = tuple(word for index, word in enumerate(argv[1:]) if index or not word.startswith("-"))
    elif image is None and "/" not in argv[0] and not argv[0].endswith(".sh"):
        return None
    if rest and "$" not in rest[0] and (file := find_started(repo, rest[0], place.path, image)) and is_shell(file):
        return None if for_development(file.path) else (file, rest[1:])
    return None


def find_started(repo: Repo, word: str, beside: str, image: Dockerfile | None = None) -> File | None:
    """The file of the tree that a command's word means: where the image copies it from, beside the deploy file, at the
    root, or the only one whose path ends like it."""
    parts = [part for part in word.split("/") if part not in ("", ".", "..")]
    if not parts or len(parts) > MAX_PARTS:
        return None
    folder = beside.rpartition("/")[0]
    for index in range(len(parts)):
        for base in dict.fromkeys((folder, "")):
            if found := repo.file(posixpath.join(base, *parts[index:])):
                return found
    if image and (source := _copied(image, word)) and (found := repo.file(posixpath.normpath(source))):
        return found
    ends = [file for file in repo.files() if file.name == parts[-1] and not for_development(file.path)]
    return ends[0] if len(ends) == 1 else None


def _copied(image: Dockerfile, word: str) -> str:
    """What the image copies to exactly this path."""
    for stage in image.stages:
        for copy in (*stage.all("COPY"), *stage.all("ADD")):
            given = [w for w in words(copy.text) if not w.startswith("--")]
            if len(given) == 2 and given[1] == word:
                return given[0]
    return ""


def _script(repo: Repo, file: File, arguments: tuple[str, ...], origin: Command | None = None, depth: int = 0) -> Iterator[Command]:
    """The commands a script reaches. `origin` is what starts it; None for a script that no deploy file starts."""
    if file.binary:
        return
    script = read_script(file.text)
    env = dict(origin.env) if origin else {}
    variables = {**script.variables, **{k: v for k, v in env.items() if v}}
    for line in script.reached(arguments):
        for part in commands_of(expand(line.text, variables) if line.text.startswith("eval ") else line.text):
            argv, given = unwrap(words(expand(part, variables)))
            if not argv or argv[0] in BUILTINS:
                continue
            place = Place(file.path, line.number) if line.number or not origin else origin.place
            kind = origin.kind if origin and not line.number else "script"
            command = Command(kind, part, argv, place, origin.service if origin else "", {**env, **given}, origin is not None)
            yield command
            if depth < 3 and (inner := _started_script(repo, argv, place, None)) and inner[0] is not file:
                yield from _script(repo, *inner, command if origin else None, depth + 1)
