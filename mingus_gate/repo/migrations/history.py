"""One migration history: its revisions and their graph, pure."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place, Unread
from mingus_gate.repo.migrations.script_locations import ScriptLocation
from mingus_gate.repo.python import Function, Module


@dataclass(frozen=True, eq=False)
class Revision:
    """One revision file. `id` is empty and `unclear` the expression that stopped us where an id is computed."""

    module: Module
    id: str
    down: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    unclear: str = ""

    @property
    def path(self) -> str:
        return self.module.path

    @cached_property
    def place(self) -> Place:
        """Where `revision` is assigned."""
        nodes = assigned(self.module, "revision")
        return self.module.place(nodes[-1]) if nodes else Place(self.path)

    @cached_property
    def down_place(self) -> Place:
        """Where `down_revision` is assigned."""
        nodes = assigned(self.module, "down_revision")
        return self.module.place(nodes[-1]) if nodes else self.place

    @property
    def upgrade(self) -> Function | None:
        return self._function("upgrade")

    @property
    def downgrade(self) -> Function | None:
        return self._function("downgrade")

    @property
    def merges(self) -> bool:
        return len(self.down) > 1

    def _function(self, name: str) -> Function | None:
        return next((f for f in self.module.functions if f.name == name and self.module.parent(f) is self.module.tree), None)


@dataclass(frozen=True, eq=False)
class History:
    """The revisions of one script location, in path order.

    `bare` is a folder of revisions without an env.py: something else than Alembic's command runs it. `unread` are its
    files that do not parse, `strangers` those that say no revision id.
    """

    location: ScriptLocation
    revisions: tuple[Revision, ...]
    unread: tuple[Unread, ...] = ()
    strangers: tuple[Module, ...] = ()
    bare: bool = False

    @property
    def name(self) -> str:
        return self.location.folder or "the root folder"

    @property
    def unclear(self) -> Revision | None:
        """A revision whose id or parents are computed: the graph is then not known."""
        return next((r for r in self.revisions if r.unclear), None)

    @cached_property
    def by_id(self) -> dict[str, list[Revision]]:
        found: dict[str, list[Revision]] = {}
        for revision in self.revisions:
            if revision.id:
                found.setdefault(revision.id, []).append(revision)
        return found

    @cached_property
    def heads(self) -> tuple[Revision, ...]:
        """Revisions that no other follows. `depends_on` does not count: `alembic upgrade head` does not follow it."""
        followed = {down for revision in self.revisions for down in revision.down}
        return tuple(revisions[-1] for id_, revisions in self.by_id.items() if id_ not in followed)

    @cached_property
    def duplicates(self) -> tuple[list[Revision], ...]:
        return tuple(revisions for revisions in self.by_id.values() if len(revisions) > 1)

    @cached_property
    def dangling(self) -> tuple[tuple[Revision, str], ...]:
        """Each revision that names a parent, or something it depends on, that is not there; and the name."""
        labels = {label for revision in self.revisions for label in revision.labels}
        missing = [(r, down) for r in self.revisions for down in r.down if down not in self.by_id]
        for revision in self.revisions:
            for wanted in revision.depends_on:
                name = wanted.partition("@")[0]
                if name not in labels and not any(id_.startswith(name) for id_ in self.by_id):
                    missing.append((revision, wanted))
        return tuple(missing)

    @cached_property
    def cycle(self) -> tuple[Revision, ...]:
        """Revisions that follow one another in a circle, or nothing."""
        ordered = set(self.ordered)
        left = {r.id: r for r in self.revisions if r.id and r not in ordered}
        current = next(iter(left), "")
        walked: list[str] = []
        while current and current not in walked:
            walked.append(current)
            current = next((id_ for id_ in self.needs(left[current]) if id_ in left), "")
        return tuple(left[id_] for id_ in walked[walked.index(current) :]) if current else ()

    @cached_property
    def ordered(self) -> tuple[Revision, ...]:
        """Parents before children; what stands in or after a circle is left out."""
        waiting = {id_: {needed for r in revisions for needed in self.needs(r) if needed in self.by_id} for id_, revisions in self.by_id.items()}
        children: dict[str, list[str]] = {}
        for id_, parents in waiting.items():
            for parent in parents:
                children.setdefault(parent, []).append(id_)
        ready = [id_ for id_, parents in waiting.items() if not parents]
        done: list[str] = []
        while ready:
            id_ = ready.pop()
            done.append(id_)
            for child in children.get(id_, ()):
                waiting[child].discard(id_)
                if not waiting[child]:
                    ready.append(child)
        return tuple(revision for id_ in done for revision in self.by_id[id_])

    def needs(self, revision: Revision) -> list[str]:
        """The ids that must run before `revision`: its parents and what it depends on, which may be the start of an id."""
        wanted = [name.partition("@")[0] for name in revision.depends_on]
        return [*revision.down, *(id_ for name in wanted for id_ in ([name] if name in self.by_id else self.by_id) if id_.startswith(name))]

    def line_of(self, revision: Revision) -> list[str]:
        """The id of `revision` and of all it stands on, nearest first."""
        found: dict[str, None] = {}
        waiting = [revision.id]
        while waiting:
            id_ = waiting.pop(0)
            if id_ not in found:
                found[id_] = None
                waiting += [down for r in self.by_id.get(id_, ()) for down in r.down]
        return list(found)

    @cached_property
    def tips(self) -> tuple[Revision, ...]:
        """The newest revisions that change something: the heads, of an empty merge what it joins."""
        found: dict[str, Revision] = {}
        waiting = list(self.heads)
        seen: set[str] = set()
        while waiting:
            revision = waiting.pop(0)
            if revision.id in seen:
                continue
            seen.add(revision.id)
            if revision.merges and (revision.upgrade is None or does_nothing(revision.upgrade)):
                waiting += self._parents(revision)
            else:
                found[revision.id] = revision
        return tuple(found.values())

    def newest(self, count: int) -> list[Revision]:
        """The `count` revisions nearest to the heads; merges are passed through."""
        found: dict[str, Revision] = {}
        waiting = list(self.tips)
        while waiting and len(found) < count:
            revision = waiting.pop(0)
            if revision.id not in found:
                if not revision.merges:
                    found[revision.id] = revision
                waiting += self._parents(revision)
        return list(found.values())

    def _parents(self, revision: Revision) -> list[Revision]:
        return [r for down in revision.down for r in self.by_id.get(down, ())]


def does_nothing(function: Function) -> bool:
    """Whether a body holds nothing but `pass`, a docstring or a bare return."""
    return all(
        isinstance(n, ast.Pass)
        or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        or (isinstance(n, ast.Return) and (n.value is None or isinstance(n.value, ast.Constant)))
        for n in function.body
    )


def assigned(module: Module, name: str) -> list[ast.expr]:
    """What a module-level name is given, also by `revision, down_revision = "b", "a"`."""
    if name in module.constants:
        return module.constants[name]
    found: list[ast.expr] = []
    for target, value in module.assignments():
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            found += [v for t, v in zip(target.elts, value.elts, strict=True) if isinstance(t, ast.Name) and t.id == name]
    return found
