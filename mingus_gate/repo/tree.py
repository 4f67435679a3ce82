"""The tree as files: listed once, each read once, none executed, none outside the root."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mingus_gate.model import Role, Unread
from mingus_gate.repo.git import GitError, git

Fact = TypeVar("Fact")

MAX_BYTES = 5 * 1024 * 1024
"""A larger file is skipped and listed. No source file a person wrote comes near it."""

UTF16 = (b"\xff\xfe", b"\xfe\xff")
WORD = re.compile(rb"\w+")
IGNORED_FOLDERS = {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", ".nox"}

ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (
        Role.VENDORED,
        re.compile(
            r"(^|/)(node_modules|bower_components|vendored|_vendor|third[_-]?party|site-packages|\.?venv|virtualenv)/"
            r"|(^|/)vendor/(?!(views|routes|models|forms|schemas?|services?|tasks|resources?|controllers?)\.py$)"  # vendors, as in a shop
            r"|\.min\.(js|css)$"
        ),
    ),
    (
        Role.TEST,
        re.compile(
            r"(^|/)(tests?|testing|testdata|test[_-]data|__tests__|specs?|e2e|cypress|fixtures|load[_-]?tests?|benchmarks?)/"
            r"|(^|/)(test_[^/]*|[^/]*_test(s|er)?|conftest|tests|test|locustfile)\.py$"
            r"|\.(test|spec)\.[jt]sx?$"
        ),
    ),
    (
        Role.EXAMPLE,
        re.compile(
            r"(^|/)(examples?|samples?|demos?|tutorials?|playground|sandbox|boilerplate)/"
            r"|\.(example|sample|template|dist|tpl)(\.[a-z]+)?$|(^|/)\.?env[._-](example|sample|template)$"
            r"|(^|/)(example|sample|demo)[._-][^/]*$|[._-](example|sample)\.[a-z0-9]+$",
            re.IGNORECASE,
        ),
    ),
    (
        Role.GENERATED,
        re.compile(
            r"(^|/)(dist|build|\.next|coverage|htmlcov)/|_pb2(_grpc)?\.py$|(^|/)[^/]*\.lock$|(^|/)(package-lock\.json|pnpm-lock\.yaml)$|\.map$"
        ),
    ),
    (Role.DOCUMENTATION, re.compile(r"(^|/)(docs?|documentation|wiki)/|\.(md|rst|adoc|markdown)$", re.IGNORECASE)),
)


def role_of(path: str) -> Role:
    """What a file is for, told by its path."""
    return next((role for role, pattern in ROLES if pattern.search(path)), Role.PRODUCTION)


@dataclass(eq=False)
class File:
    """A file of the tree. `path` is what people are shown: relative, with slashes, always printable as UTF-8."""

    path: str
    location: Path
    role: Role

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @cached_property
    def data(self) -> bytes:
        """The bytes, read once."""
        return self.location.read_bytes()

    def read(self) -> bytes:
        """The bytes, not kept: for what passes over the whole tree once."""
        kept: bytes | None = self.__dict__.get("data")
        return self.location.read_bytes() if kept is None else kept

    @cached_property
    def text(self) -> str:
        """The text: UTF-8 or UTF-16 with or without BOM, else Latin-1, which never fails."""
        if self.utf16:
            return self.data.decode("utf-16", "replace")
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")

    @cached_property
    def lines(self) -> list[str]:
        """The lines as Python and editors count them: a form feed or U+2028 ends none."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines if lines[-1] else lines[:-1]

    @property
    def utf16(self) -> bool:
        return self.data[:2] in UTF16

    @cached_property
    def binary(self) -> bool:
        """Whether it is no text. The bytes of pictures and films are not kept for this."""
        data = self.read()
        return b"\0" in data[:8192] and data[:2] not in UTF16

    def mentions(self, *words: bytes) -> bool:
        """Whether the bytes hold any of `words`; True where none is given."""
        data = self._as_utf8 if self.utf16 else self.data
        return not words or any(word in data for word in words)

    def words(self) -> set[bytes]:
        """The words of the bytes: runs of letters, digits and underscores."""
        return set(WORD.findall(self._as_utf8 if self.utf16 else self.data))

    def fact(self, find: Callable[[File], Fact]) -> Fact:
        """What `find(self)` returns, found once. It must come from this file alone: the tree of the base shares it."""
        if find not in self._facts:
            self._facts[find] = find(self)
        found: Fact = self._facts[find]
        return found

    @cached_property
    def _facts(self) -> dict[Callable[[File], Any], Any]:
        return {}

    @cached_property
    def _as_utf8(self) -> bytes:
        return self.text.encode()


class Mentions:
    """Which files hold a text. Hundreds of texts are looked for in hundreds of files: an index by word needs a look at each file once."""

    def __init__(self) -> None:
        self._files: set[File] = set()
        self._by_word: dict[bytes, list[File]] = {}
        self._words = b""
        self._found: dict[bytes, set[File]] = {}

    def add(self, files: Iterable[File]) -> None:
        """Takes files into the index that are not in it."""
        new = set(files) - self._files
        for file in new:
            for word in file.words():
                self._by_word.setdefault(word, []).append(file)
        if new:
            self._files |= new
            self._words = b"\n".join(self._by_word) + b"\n"
            self._found.clear()

    def of(self, text: bytes) -> set[File]:
        """The files of the index whose bytes hold `text`."""
        if text not in self._found:
            part = max(WORD.findall(text), key=len, default=b"")
            holding = {file for word in self._with(part) for file in self._by_word[word]} if part else self._files
            self._found[text] = holding if part == text else {file for file in holding if file.mentions(text)}
        return self._found[text]

    def _with(self, part: bytes) -> Iterator[bytes]:
        """The words that hold `part`."""
        at = self._words.find(part)
        while at >= 0:
            end = self._words.index(b"\n", at)
            yield self._words[self._words.rfind(b"\n", 0, at) + 1 : end]
            at = self._words.find(part, end)


class Tree:
    """All files below a root, in path order, with those that could not be taken and why."""

    def __init__(self, root: Path, exclude: tuple[str, ...] = ()) -> None:
        self.root, self.exclude = root, exclude
        names, self.listing = _list(root)
        self.files: list[File] = []
        self.skipped: list[Unread] = []
        real_root = os.path.realpath(root)
        inside: dict[str, bool] = {}
        for name in sorted(names):
            shown = printable(name)
            if self.excludes(shown):
                self.skipped.append(Unread(shown, "excluded by [tool.mingus-gate] exclude"))
            elif reason := _unreadable(root / name, real_root, inside):
                if reason != "gone":
                    self.skipped.append(Unread(shown, reason))
            else:
                self.files.append(File(shown, root / name, role_of(shown)))
        self._index()

    def _index(self) -> None:
        self._by_path = {file.path: file for file in self.files}

    def excludes(self, path: str) -> bool:
        """Whether the configuration leaves a path out."""
        return any(fnmatch(path, pattern) for pattern in self.exclude)

    def with_files(self, files: list[File]) -> Tree:
        """A tree at the same root that holds `files` instead."""
        other = object.__new__(Tree)
        other.root, other.exclude, other.listing, other.skipped = self.root, self.exclude, self.listing, self.skipped
        other.files = sorted(files, key=lambda file: file.path)
        other._index()
        return other

    def __iter__(self) -> Iterator[File]:
        return iter(self.files)

    def get(self, path: str) -> File | None:
        return self._by_path.get(path)


def printable(name: str) -> str:
    """A path as people and reports are shown it: slashes, no control or direction characters, valid UTF-8, and no two alike."""
    text = os.fsencode(name).decode("utf-8", "surrogateescape").replace(os.sep, "/")
    return "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)


def _list(root: Path) -> tuple[set[str], str]:
    """The names git tracks below the root; outside git, or where it tracks nothing here, the files themselves."""
    try:
        listed = git(root, "ls-files", "-z")
    except GitError:
        listed = b""
    if names := {os.fsdecode(name) for name in listed.split(b"\0") if name}:
        return names, "git"
    return set(_walk(root)), "file system"


def _walk(root: Path) -> Iterator[str]:
    """Every name below the root that is not a folder to go down; a stack of our own, so that no depth is too deep."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in os.scandir(root / folder)]
        except OSError:
            yield folder
            continue
        for name, is_folder in entries:
            path = os.path.join(folder, name)
            if not is_folder:
                yield path
            elif name not in IGNORED_FOLDERS and not os.path.exists(root / path / "pyvenv.cfg"):
                waiting.append(path)


def _unreadable(path: Path, real_root: str, inside: dict[str, bool]) -> str:
    """Why a listed file is not read, or an empty string."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return f"cannot be read ({type(error).__name__})"
    folder = str(path.parent)
    if folder not in inside:
        inside[folder] = os.path.commonpath((real_root, os.path.realpath(folder))) == real_root
    if stat.S_ISLNK(status.st_mode):
        return "symbolic link"
    if not inside[folder]:
        return "outside the tree (a folder above it is a symbolic link)"
    if stat.S_ISDIR(status.st_mode):
        return "submodule" if os.access(path, os.R_OK | os.X_OK) else "no permission to read"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES // 1024 // 1024} MB"
    if not os.access(path, os.R_OK):
        return "no permission to read"
    return ""
