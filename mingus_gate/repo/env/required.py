"""Whether the start is refused without a variable that the application cannot do without."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import EnvRead, env_reads, names_secret, names_signing_key
from mingus_gate.repo.python import Module, string, walk

AT_START = re.compile(
    r"create_\w*app|make_\w*app|init\w*|__init__|setup\w*|load\w*|configure\w*|get_(config|settings)|main|from_env\w*", re.IGNORECASE
)
EXITS = {"sys.exit", "exit", "quit", "os._exit", "abort"}
CHECKS = re.compile(r"valid|require|check|ensure|missing|verify|must", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Needed:
    """A variable and where its absence is noticed at start; None where nothing notices."""

    name: str
    place: Place
    noticed: Place | None


def needed(repo: Repo) -> list[Needed]:
    """Secrets that are read without fallback: those whose absence ends the start, and the signing keys whose does not."""
    found: dict[str, Needed] = {}
    reads = [r for r in repo.fact(env_reads) if names_secret(r.name)]
    for read in reads:
        if read.required and _at_start(read):
            found[read.name] = Needed(read.name, read.place, read.place)
    for read in reads:
        if read.name not in found and names_signing_key(read.name) and _may_be_none(read):
            noticed = _refused(repo, read)
            if noticed or not _substituted(repo, read):
                found[read.name] = Needed(read.name, read.place, noticed)
    return sorted(found.values(), key=lambda one: one.place)


def _at_start(read: EnvRead) -> bool:
    function = read.module.function_around(read.node)
    return function is None or bool(AT_START.fullmatch(function.name))


def _may_be_none(read: EnvRead) -> bool:
    """`SECRET_KEY = os.getenv("SECRET_KEY")`: kept as it is, at start."""
    above = read.module.parent(read.node)
    kept = isinstance(above, ast.Assign | ast.AnnAssign | ast.keyword | ast.Dict)
    plain = read.module.name(read.node) in ("os.getenv", "os.environ.get")
    empty = read.default is None or (isinstance(read.default, ast.Constant) and read.default.value in (None, ""))
    return kept and plain and empty and _at_start(read)


def _refused(repo: Repo, read: EnvRead) -> Place | None:
    """Where the start is refused without it: a condition that raises, a list of what is required, `${X:?}` in a start script."""
    words = _words(read)
    for module in _mentioning(repo, read):
        if condition := next((node for node in _conditions(module, words) if _ends(module, node)), None):
            return module.place(condition)
        if asserted := next((node for node in module.nodes(ast.Assert) if words.search(ast.unparse(node.test))), None):
            return module.place(asserted)
        if listed := next((node for node in _lists(module, words) if _gone_through(module, node)), None):
            return module.place(listed)
        for call in module.nodes(ast.Call):
            if CHECKS.search(module.name(call.func)) and words.search(ast.unparse(call)):
                return module.place(call)
    needle = (f"${{{read.name}:?".encode(), f"${{{read.name}?".encode())
    return next((Place(file.path) for file in repo.files() if file.mentions(*needle)), None)


def _substituted(repo: Repo, read: EnvRead) -> bool:
    """Whether a condition on it gives something else instead: then it is never empty."""
    words = _words(read)
    return any(
        isinstance(n, ast.Assign)
        for module in _mentioning(repo, read)
        for node in _conditions(module, words)
        for statement in (*node.body, *node.orelse)
        for n in walk(statement)
    )


def _words(read: EnvRead) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, {read.name, *_targets(read)}))})(?!\w)", re.IGNORECASE)


def _mentioning(repo: Repo, read: EnvRead) -> Iterator[Module]:
    names = {read.name, *_targets(read)}
    return repo.python(*{form for name in names for form in (name.encode(), name.lower().encode())}, served=True)


def _conditions(module: Module, words: re.Pattern[str]) -> Iterator[ast.If]:
    return (node for node in module.nodes(ast.If) if words.search(ast.unparse(node.test)))


def _lists(module: Module, words: re.Pattern[str]) -> Iterator[ast.List | ast.Tuple | ast.Set]:
    listings: tuple[ast.List | ast.Tuple | ast.Set, ...] = (*module.nodes(ast.List), *module.nodes(ast.Tuple), *module.nodes(ast.Set))
    for listed in listings:
        if any((text := string(item)) and words.fullmatch(text) for item in listed.elts):
            yield listed


def _gone_through(module: Module, listed: ast.expr) -> bool:
    """Whether what goes through the list may end the start."""
    above = module.parent(listed)
    names = [t.id for t in above.targets if isinstance(t, ast.Name)] if isinstance(above, ast.Assign) else []
    loops: tuple[ast.For | ast.comprehension, ...] = (*module.nodes(ast.For), *module.nodes(ast.comprehension))
    used = any(loop.iter is listed or (isinstance(loop.iter, ast.Name) and loop.iter.id in names) for loop in loops)
    return used and (any(module.nodes(ast.Raise)) or any(module.name(call.func) in EXITS for call in module.nodes(ast.Call)))


def _targets(read: EnvRead) -> list[str]:
    """What the value is bound to."""
    above = read.module.parent(read.node)
    targets = above.targets if isinstance(above, ast.Assign) else [above.target] if isinstance(above, ast.AnnAssign) else []
    found = [t.id if isinstance(t, ast.Name) else t.attr if isinstance(t, ast.Attribute) else string(getattr(t, "slice", None)) for t in targets]
    return [name for name in found if name]


def _ends(module: Module, node: ast.If) -> bool:
    """Whether a branch raises, ends the process, or adds to a list of problems."""
    return any(
        isinstance(n, ast.Raise) or (isinstance(n, ast.Call) and (module.name(n.func) in EXITS or module.name(n.func).endswith(".append")))
        for statement in (*node.body, *node.orelse)
        for n in walk(statement)
    )
