"""Packages the application requires: requirements files, pyproject.toml, Pipfile, setup.cfg, setup.py, environment.yml."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mingus_gate.model import Place, Role, Unread
from mingus_gate.repo import Repo
from mingus_gate.repo.python import keyword, string
from mingus_gate.repo.tree import File

REQUIREMENTS_FILE = re.compile(
    r"(^|/)(requirements|reqs?)/[^/]+\.(txt|in|pip)$|(^|/)[^/]*(requirements|reqs)[^/]*\.(txt|in|pip|lock)$", re.IGNORECASE
)
FOR_SOMETHING_ELSE = re.compile(r"(^|[/._-])(dev|develop|development|tests?|testing|docs?|lint|ci|local|build|tools?|piptools|examples?)([/._-]|$)")
INCLUDE = re.compile(r"(?:-r|--requirement)[\s=]*(\S+)")
EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")
WHEEL = re.compile(r"/([A-Za-z0-9][\w.]*)-[^/]*\.(?:whl|tar\.gz|zip)\b")
CONDA = re.compile(r"""\s*-\s*["']?([A-Za-z0-9][\w.-]*)\s*([=<>!~][^"'#]*)?["']?\s*(?:#.*)?$""")
MAX_LINE = 1000
"""A longer line is no requirement that a person or a tool wrote."""
MAX_TOML = 100_000
"""tomllib takes minutes for hostile keys in a larger file."""
FIRST_WORD = re.compile(r"""(?:^\s*|["']|= ?)([A-Za-z0-9][\w.-]*)""")


@dataclass(frozen=True, slots=True)
class Requirement:
    """`name` is normalised ("flask-sqlalchemy"), `specifier` as written ("==3.1.1"), empty for any version.

    `group` is empty for what the application always needs, else the extra or the purpose ("dev", "test", "docs").
    """

    name: str
    specifier: str
    place: Place
    group: str = ""


def normalised(name: str) -> str:
    """The one spelling of a distribution's name: lower case, runs of `-_.` as one hyphen."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(repo: Repo) -> list[Requirement]:
    """Every package required anywhere in the tree, in path and line order; included files count for those that include them."""
    found: list[Requirement] = []
    needed_by: dict[str, set[str]] = {}
    for file in repo.tree:
        if file.role is not Role.VENDORED and (read := _reader(file)) and not file.binary:
            found += read(repo, file)
        if REQUIREMENTS_FILE.search(file.path):
            for other in _includes(file):
                needed_by.setdefault(other, set()).add(file.path)
    return sorted((_in_its_group(one, needed_by) for one in found), key=lambda one: (one.place, one.name))


def required(repo: Repo, *names: str) -> Requirement | None:
    """The first requirement of one of `names` that the application always needs."""
    wanted = set(map(normalised, names))
    return next((one for one in repo.fact(requirements) if one.name in wanted and not one.group), None)


def _reader(file: File) -> Callable[[Repo, File], Iterator[Requirement]] | None:
    by_name = {
        "pyproject.toml": _pyproject,
        "Pipfile": _pipfile,
        "setup.cfg": _setup_cfg,
        "setup.py": _setup_py,
        "environment.yml": _conda,
        "environment.yaml": _conda,
    }
    return _requirements_file if REQUIREMENTS_FILE.search(file.path) else by_name.get(file.name)


def _purpose(file: File) -> str:
    """What a requirements file is for where its path says that it is not the application."""
    if file.role not in (Role.PRODUCTION, Role.GENERATED):
        return file.role.value
    named = FOR_SOMETHING_ELSE.search(file.path.lower())
    return named[2] if named else ""


def _in_its_group(one: Requirement, needed_by: dict[str, set[str]]) -> Requirement:
    """A file for tests that the application's file includes is the application's."""
    waiting, seen = [one.place.path], {one.place.path}
    while waiting and one.group:
        for path in needed_by.get(waiting.pop(), set()) - seen:
            seen.add(path)
            waiting.append(path)
            if not FOR_SOMETHING_ELSE.search(path.lower()):
                return replace(one, group="")
    return one


def _requirements_file(_repo: Repo, file: File) -> Iterator[Requirement]:
    group = _purpose(file)
    for number, line in _logical_lines(file):
        if line.startswith("-") and not line.startswith(("-e", "--editable")):
            continue
        text = re.sub(r"^(-e|--editable)[\s=]*", "", line)
        if parsed := _parsed(re.split(r"\s--?[a-z]", text)[0]):
            yield Requirement(*parsed, Place(file.path, number), group)


def _logical_lines(file: File) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined and comments left out, and the number of their first."""
    text, first = "", 1
    for number, line in enumerate(file.lines, 1):
        first = first if text else number
        text += line.rstrip("\\") + " "
        if not line.endswith("\\"):
            if clean := re.sub(r"(^|\s)#.*", "", text).strip():
                yield first, clean
            text = ""


def _includes(file: File) -> Iterator[str]:
    folder = file.path.rpartition("/")[0]
    for _, line in _logical_lines(file):
        if match := INCLUDE.match(line):
            yield posixpath.normpath(posixpath.join(folder, match[1]))


def _parsed(text: str) -> tuple[str, str] | None:
    """Name and specifier of one requirement (PEP 508), of an address with `#egg=`, or of a wheel's address."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    if len(text) > MAX_LINE:
        return None
    try:
        parsed = Parsed(text)
    except InvalidRequirement:
        named = EGG.search(text) or WHEEL.search(text)
        return (normalised(named[1]), "") if named else None
    return normalised(parsed.name), str(parsed.specifier)


def _toml(repo: Repo, file: File) -> dict[str, Any]:
    if len(file.data) > MAX_TOML:
        repo.not_parsed(Unread(file.path, f"larger than {MAX_TOML // 1000} kB"))
        return {}
    import tomllib  # here: commit hooks ask this file for its patterns alone

    try:
        return tomllib.loads(file.text)
    except (ValueError, RecursionError) as error:
        repo.not_parsed(Unread(file.path, f"not TOML ({type(error).__name__})"))
        return {}


def _pyproject(repo: Repo, file: File) -> Iterator[Requirement]:
    read = _toml(repo, file)
    project, poetry = _table(read, "project"), _table(read, "tool", "poetry")
    here = _Lines(file)
    purpose = _purpose(file)
    yield from here.listed(project.get("dependencies"), purpose)
    for group, listed in (_table(project, "optional-dependencies") | _table(read, "dependency-groups")).items():
        yield from here.listed(listed, group)
    for tool in ("pdm", "uv", "rye"):
        under = _table(read, "tool", tool).get("dev-dependencies")
        for listed in under.values() if isinstance(under, dict) else [under]:
            yield from here.listed(listed, "dev")
    yield from here.tabled(poetry.get("dependencies"), purpose)
    yield from here.tabled(poetry.get("dev-dependencies"), "dev")
    for group in _table(poetry, "group"):
        yield from here.tabled(_table(poetry, "group", group, "dependencies"), group)


def _pipfile(repo: Repo, file: File) -> Iterator[Requirement]:
    read, here = _toml(repo, file), _Lines(file)
    yield from here.tabled(read.get("packages"), _purpose(file))
    yield from here.tabled(read.get("dev-packages"), "dev")


def _setup_cfg(repo: Repo, file: File) -> Iterator[Requirement]:
    parser, here = configparser.ConfigParser(interpolation=None, strict=False), _Lines(file)
    try:
        parser.read_string(file.text)
    except configparser.Error as error:
        repo.not_parsed(Unread(file.path, f"not an INI file ({type(error).__name__})"))
        return
    yield from here.listed(parser.get("options", "install_requires", fallback="").splitlines(), _purpose(file))
    if parser.has_section("options.extras_require"):
        for extra, listed in parser.items("options.extras_require"):
            yield from here.listed(listed.splitlines(), extra)


def _setup_py(repo: Repo, file: File) -> Iterator[Requirement]:
    module = repo.module(file)
    for call in module.nodes(ast.Call) if module else ():
        if not module or module.name(call.func).rpartition(".")[2] != "setup":
            continue
        extras = keyword(call, "extras_require")
        given = [(keyword(call, "install_requires"), _purpose(file))]
        if isinstance(extras, ast.Dict):
            given += [(value, string(key) or "extra") for key, value in zip(extras.keys, extras.values, strict=True)]
        for listed, group in given:
            literal = repo.resolve(module, listed).literal if listed is not None else None
            texts = [item.literal for item in literal] if isinstance(literal, list) else []
            yield from _Lines(file).listed(texts, group)


def _conda(_repo: Repo, file: File) -> Iterator[Requirement]:
    """Line by line: both conda's own packages and those below `pip:`."""
    inside = False
    for number, line in enumerate(file.lines, 1):
        if line[:1].isalpha():
            inside = line.startswith("dependencies:")
        elif inside and len(line) <= MAX_LINE and (match := CONDA.fullmatch(line)) and match[1] not in ("pip", "python"):
            yield Requirement(normalised(match[1]), (match[2] or "").strip(), Place(file.path, number), _purpose(file))


def _table(read: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        below = read.get(key)
        read = below if isinstance(below, dict) else {}
    return read


class _Lines:
    """Where a file names a package: TOML and INI readers do not say."""

    def __init__(self, file: File) -> None:
        self.path = file.path
        self._first: dict[str, int] = {}
        for number, line in enumerate(file.lines, 1):
            for word in FIRST_WORD.findall(line):
                self._first.setdefault(normalised(word), number)

    def listed(self, texts: object, group: str) -> Iterator[Requirement]:
        """A list of PEP 508 texts."""
        for text in texts if isinstance(texts, Iterable) and not isinstance(texts, str) else ():
            if isinstance(text, str) and (parsed := _parsed(text.partition(" #")[0].strip())):
                yield Requirement(*parsed, self._place(parsed[0]), group)

    def tabled(self, table: object, group: str) -> Iterator[Requirement]:
        """Poetry's and Pipenv's `name = "version"` and `name = {version = …, optional = true}`."""
        for key, given in table.items() if isinstance(table, dict) else ():
            detail = given if isinstance(given, dict) else {"version": given}
            specifier = detail.get("version")
            if key != "python":
                name = normalised(key)
                shown = specifier if isinstance(specifier, str) and specifier != "*" else ""
                yield Requirement(name, shown, self._place(name), "optional" if detail.get("optional") is True and not group else group)

    def _place(self, name: str) -> Place:
        return Place(self.path, self._first.get(name, 1))
