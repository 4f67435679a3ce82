"""The source tree as facts. Each fact is found once; what could not be parsed on the way is remembered with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from mingus_gate.model import Role, Scanned, Unread
from mingus_gate.repo.python import Module, NotParsedError
from mingus_gate.repo.served import served_paths
from mingus_gate.repo.tree import File, Tree
from mingus_gate.repo.values import Value, resolve

Fact = TypeVar("Fact")


class Repo:
    """The tree below `root`. Rules read files and Python modules here and ask for facts with `fact(function)`.

    `blind` collects the files that a question met and could not parse; the runner empties it before each rule, so a
    rule that looked at such a file is not called passing.

    `base` is the tree this one is compared with, and `merged` this one as it will be once it is merged into the base's
    branch; both are None where there is no base.
    """

    def __init__(self, root: Path, exclude: tuple[str, ...] = (), tree: Tree | None = None) -> None:
        self.root = root
        self.tree = tree or Tree(root, exclude)
        self.blind: dict[str, Unread] = {}
        self.base: Repo | None = None
        self.merged: Repo | None = None
        self._modules: dict[str, Module | Unread] = {}
        self._facts: dict[Callable[[Repo], Any], tuple[Any, dict[str, Unread]]] = {}
        self._by_last_name: dict[str, list[File]] | None = None

    # -- files ---------------------------------------------------------------------------------------------------

    def files(self, *names: str, roles: tuple[Role, ...] = (Role.PRODUCTION,)) -> Iterator[File]:
        """Files of the given roles whose path ends with one of `names` (all where none is given)."""
        for file in self.tree:
            if file.role in roles and (not names or file.path.endswith(names)):
                yield file

    def file(self, path: str) -> File | None:
        return self.tree.get(path)

    # -- Python --------------------------------------------------------------------------------------------------

    def python(self, *mentions: bytes, roles: tuple[Role, ...] = (Role.PRODUCTION,), served: bool = False) -> Iterator[Module]:
        """Parsed Python files whose bytes hold one of `mentions`; the others are never parsed.

        `served` leaves out what the served application and its workers never import: scripts, migrations, tools.
        """
        within = self.fact(served_paths) if served else None
        for file in self.files(".py", roles=roles):
            if (within is None or file.path in within) and file.mentions(*mentions) and (module := self.module(file)):
                yield module

    def module(self, file: File) -> Module | None:
        """The parsed file, or None where it does not parse; it is then noted in `blind`."""
        if file.path not in self._modules:
            try:
                self._modules[file.path] = Module(file)
            except NotParsedError as error:
                self._modules[file.path] = Unread(file.path, str(error), error.line)
        found = self._modules[file.path]
        if isinstance(found, Unread):
            self.blind[file.path] = found
            return None
        return found

    def not_parsed(self, unread: Unread) -> None:
        """Notes a file of another language (YAML, …) that could not be parsed, like a Python file that could not."""
        self._modules[unread.path] = self.blind[unread.path] = unread

    def module_of(self, dotted: str) -> tuple[Module, str] | None:
        """The module of the tree that a dotted name starts with, and the rest of the name.

        The folder that production puts on `sys.path` is not known, so a name is matched against the end of the path;
        where several files match, none is taken.
        """
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            if file := self.python_file(parts[:length]):
                module = self.module(file)
                return (module, ".".join(parts[length:])) if module else None
        return None

    def python_file(self, parts: list[str]) -> File | None:
        """The one production file that the parts of an import name can mean."""
        if self._by_last_name is None:
            self._by_last_name = {}
            for file in self.files(".py"):
                self._by_last_name.setdefault(file.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2], []).append(file)
        wanted = "/".join(parts)
        found = [
            f for f in self._by_last_name.get(parts[-1], []) if f"/{f.path.removesuffix('.py').removesuffix('/__init__')}".endswith(f"/{wanted}")
        ]
        exact = [f for f in found if f.path in (f"{wanted}.py", f"{wanted}/__init__.py")]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def calls(self, *names: str, roles: tuple[Role, ...] = (Role.PRODUCTION,), served: bool = False) -> Iterator[tuple[Module, ast.Call]]:
        """Calls of the given dotted names, imports resolved: `calls("flask_cors.CORS")`; `"*.init_app"` takes any owner."""
        exact = {name for name in names if not name.startswith("*.")}
        ends = tuple(name[1:] for name in names if name.startswith("*."))
        for module in self.python(*{name.rpartition(".")[2].encode() for name in names}, roles=roles, served=served):
            for call in module.nodes(ast.Call):
                name = module.name(call.func)
                if name in exact or (ends and name.endswith(ends)):
                    yield module, call

    def resolve(self, module: Module, node: ast.expr | None) -> Value:
        """What an expression can come to: literals, environment variables, or what stopped us."""
        return resolve(self, module, node)

    def share(self, other: Repo) -> None:
        """Lends `other` what was parsed of the files that both trees hold."""
        same = {file.path for file in other.tree if self.tree.get(file.path) is file}
        other._modules |= {path: module for path, module in self._modules.items() if path in same}

    # -- facts ---------------------------------------------------------------------------------------------------

    def fact(self, find: Callable[[Repo], Fact]) -> Fact:
        """What `find(self)` returns, found once; the files it could not parse count for everybody who asks."""
        if find not in self._facts:
            before, self.blind = self.blind, {}
            try:
                self._facts[find] = find(self), self.blind
            finally:
                self.blind = before
        value, blind = self._facts[find]
        self.blind.update(blind)
        found: Fact = value
        return found

    @property
    def scanned(self) -> Scanned:
        modules = self._modules.values()
        return Scanned(
            files=len(self.tree.files),
            parsed=sum(isinstance(m, Module) for m in modules),
            not_parsed=tuple(sorted((m for m in modules if isinstance(m, Unread)), key=lambda m: m.path)),
            skipped=tuple(self.tree.skipped),
            listing=self.tree.listing,
        )
