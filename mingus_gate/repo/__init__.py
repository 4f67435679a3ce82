"""The source tree as facts. Each fact is found once; what could not be parsed on the way is remembered with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from mingus_gate.model import Role, Scanned, Unread
from mingus_gate.repo.python import Module, NotParsedError
from mingus_gate.repo.served import served_paths
from mingus_gate.repo.tree import File, Mentions, Tree
from mingus_gate.repo.values import Value, resolve

Fact = TypeVar("Fact")
About = ParamSpec("About")


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
        self._parsed: dict[File, Module | Unread] = {}
        self._facts: dict[tuple[object, ...], tuple[Any, dict[str, Unread]]] = {}
        self._mentions = Mentions()
        self._indexed: set[tuple[Role, ...]] = set()
        self._listed: dict[tuple[tuple[str, ...], tuple[Role, ...]], list[File]] = {}
        self._by_last_name: dict[str, list[File]] | None = None
        self._by_import_name: dict[str, File | None] = {}

    # -- files ---------------------------------------------------------------------------------------------------

    def files(self, *names: str, roles: tuple[Role, ...] = (Role.PRODUCTION,)) -> Iterator[File]:
        """Files of the given roles whose path ends with one of `names` (all where none is given)."""
        if (names, roles) not in self._listed:
            self._listed[names, roles] = [file for file in self.tree if file.role in roles and (not names or file.path.endswith(names))]
        yield from self._listed[names, roles]

    def file(self, path: str) -> File | None:
        return self.tree.get(path)

    # -- Python --------------------------------------------------------------------------------------------------

    def python(self, *mentions: bytes, roles: tuple[Role, ...] = (Role.PRODUCTION,), served: bool = False) -> Iterator[Module]:
        """Parsed Python files whose bytes hold one of `mentions`; the others are never parsed.

        `served` leaves out what the served application and its workers never import: scripts, migrations, tools.
        """
        within = self.fact(served_paths) if served else None
        holding = self._holding(roles, mentions) if mentions else None
        for file in self.files(".py", roles=roles):
            if (within is None or file.path in within) and (holding is None or file in holding) and (module := self.module(file)):
                yield module

    def _holding(self, roles: tuple[Role, ...], mentions: tuple[bytes, ...]) -> set[File]:
        if roles not in self._indexed:
            self._indexed.add(roles)
            self._mentions.add(self.files(".py", roles=roles))
        return set().union(*map(self._mentions.of, mentions))

    def module(self, file: File) -> Module | None:
        """The parsed file, or None where it does not parse; it is then noted in `blind`."""
        if file.path not in self._modules:
            if file not in self._parsed:
                try:
                    self._parsed[file] = Module(file)
                except NotParsedError as error:
                    self._parsed[file] = Unread(file.path, str(error), error.line)
            self._modules[file.path] = self._parsed[file]
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
        wanted = "/".join(parts)
        if wanted not in self._by_import_name:
            self._by_import_name[wanted] = self._find_python_file(parts[-1], wanted)
        return self._by_import_name[wanted]

    def _find_python_file(self, last: str, wanted: str) -> File | None:
        if self._by_last_name is None:
            self._by_last_name = {}
            for file in self.files(".py"):
                self._by_last_name.setdefault(file.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2], []).append(file)
        found = [f for f in self._by_last_name.get(last, []) if f"/{f.path.removesuffix('.py').removesuffix('/__init__')}".endswith(f"/{wanted}")]
        exact = [f for f in found if f.path in (f"{wanted}.py", f"{wanted}/__init__.py")]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def calls(self, *names: str, roles: tuple[Role, ...] = (Role.PRODUCTION,), served: bool = False) -> Iterator[tuple[Module, ast.Call]]:
        """Calls of the given dotted names, imports resolved: `calls("flask_cors.CORS")`; `"*.init_app"` takes any owner."""
        exact = {name for name in names if not name.startswith("*.")}
        ends = tuple(name[1:] for name in names if name.startswith("*."))
        last = {name.rpartition(".")[2] for name in names}
        for module in self.python(*{name.encode() for name in last}, roles=roles, served=served):
            for _, call in sorted((call for name in last for call in module.calls.get(name, ())), key=lambda numbered: numbered[0]):
                name = module.name(call.func)
                if name in exact or (ends and name.endswith(ends)):
                    yield module, call

    def resolve(self, module: Module, node: ast.expr | None) -> Value:
        """What an expression can come to: literals, environment variables, or what stopped us."""
        return resolve(self, module, node)

    def share(self, other: Repo) -> None:
        """Reads and parses the files that both trees hold once for both, whichever asks first."""
        other._parsed, other._mentions = self._parsed, self._mentions

    # -- facts ---------------------------------------------------------------------------------------------------

    def fact(self, find: Callable[Concatenate[Repo, About], Fact], *about: About.args, **nothing: About.kwargs) -> Fact:
        """What `find(self, *about)` returns, found once; the files it could not parse count for everybody who asks."""
        key = (find, *about)
        if key not in self._facts:
            before, self.blind = self.blind, {}
            try:
                self._facts[key] = find(self, *about, **nothing), self.blind
            finally:
                self.blind = before
        value, blind = self._facts[key]
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
