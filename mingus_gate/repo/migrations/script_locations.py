"""Where Alembic finds revisions: alembic.ini, pyproject.toml and the folders that hold an env.py. Standard library only."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

SEPARATORS = {"space": r"\s+", "newline": r"\n", "os": "[:;]", ":": ":", ";": ";"}
OLD_SEPARATOR = r",\s*|\s+"
"""What Alembic splits `version_locations` on where no separator is configured."""

FLASK_MIGRATE = (b"flask_migrate", b"flask.ext.migrate")


@dataclass(frozen=True, slots=True)
class ScriptLocation:
    """A folder with an env.py, and the folders its revisions are read from. `command` is how one speaks to it."""

    folder: str
    versions: tuple[str, ...]
    place: Place
    command: str
    recursive: bool = False

    def reads(self, path: str) -> bool:
        """Whether Alembic takes the file at `path` for one of its revisions."""
        folder, _, name = path.rpartition("/")
        if not name.endswith(".py") or name.startswith(("__init__", ".#")):
            return False
        return folder in self.versions or (self.recursive and any(f"{folder}/".startswith(f"{v}/") for v in self.versions))


def script_locations(repo: Repo) -> list[ScriptLocation]:
    """Every script location of production, each a history of its own; the configured ones first."""
    found: dict[tuple[str, tuple[str, ...]], ScriptLocation] = {}
    for location in _configured(repo):
        found.setdefault((location.folder, location.versions), location)
    known = {location.folder for location in found.values()}
    for file in repo.files("env.py"):
        folder = file.path.rpartition("/")[0]
        if file.name == "env.py" and folder not in known and file.mentions(b"alembic"):
            location = ScriptLocation(folder, (_join(folder, "versions"),), Place(file.path), repo.fact(_command))
            found[(folder, location.versions)] = location
    return list(found.values())


def _configured(repo: Repo) -> Iterator[ScriptLocation]:
    for file in repo.files(".ini"):
        if file.mentions(b"script_location", b"version_locations"):
            for section, options in _sections(file):
                if location := _location(repo, file, section, options):
                    yield location
    for file in repo.files("pyproject.toml"):
        if file.mentions(b"tool.alembic") and (location := _location(repo, file, "alembic", _toml(file))):
            yield location


def _sections(file: File) -> Iterator[tuple[str, Mapping[str, str]]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(file.text)
    except (configparser.Error, ValueError):
        return
    for section in parser.sections():
        yield section, {**parser.defaults(), **dict(parser[section])}


def _toml(file: File) -> dict[str, str]:
    import tomllib  # here: a commit hook has no time for it where alembic.ini says it

    try:
        table = tomllib.loads(file.text).get("tool", {}).get("alembic", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    options = {key: "\n".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in table.items()}
    return options | {"path_separator": "newline"}


def _location(repo: Repo, file: File, section: str, options: Mapping[str, str]) -> ScriptLocation | None:
    here = file.path.rpartition("/")[0]
    folder = _folder(repo, here, options.get("script_location", ""))
    if folder is None:
        return None
    separator = options.get("path_separator", options.get("version_path_separator", ""))
    given = re.split(SEPARATORS.get(separator, OLD_SEPARATOR), options.get("version_locations", "").strip())
    versions = [_path(here, text) for text in given if text.strip()] or [_join(folder, "versions")]
    recursive = options.get("recursive_version_locations", "").strip().lower() in ("1", "true", "yes", "on")
    command = "alembic" + (f" -c {file.path}" if here and file.name.endswith(".ini") else "") + (f" -n {section}" if section != "alembic" else "")
    if here == folder:  # Flask-Migrate keeps its alembic.ini beside env.py
        command = repo.fact(_command)
    line = next((n for n, text in enumerate(file.lines, 1) if text.strip().startswith("script_location")), 1)
    return ScriptLocation(folder, tuple(v for v in versions if v is not None), Place(file.path, line), command, recursive)


def _folder(repo: Repo, here: str, text: str) -> str | None:
    """The folder that `script_location` means: from where Alembic is run, which is not known, or a package's (`app:migrations`)."""
    package, colon, below = text.strip().partition(":")
    if colon:
        end = "/".join((*package.split("."), below))
        ends = [f.path.removesuffix("/env.py") for f in repo.files("env.py") if f"/{f.path}".endswith(f"/{end}/env.py")]
        return ends[0] if len(ends) == 1 else None
    candidates = [_path(here, text), _path("", text), here]
    return next((c for c in candidates if c is not None and repo.file(_join(c, "env.py"))), None)


def _path(here: str, text: str) -> str | None:
    """A configured path, relative to the root; None where it leads out of the tree or holds what we do not fill in."""
    text = text.strip()
    full = text.replace("%(here)s", here or ".") if "%(here)s" in text else posixpath.join(here, text)
    path = posixpath.normpath(full)
    return None if path.startswith(("..", "/")) or "%(" in path else "" if path == "." else path


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _command(repo: Repo) -> str:
    if any(file.mentions(*FLASK_MIGRATE) for file in repo.files(".py")):
        return "flask db"
    return "alembic"
