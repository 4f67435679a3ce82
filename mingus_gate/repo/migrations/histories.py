"""The migration history as facts: revision files read into histories, and those outside. By AST alone, standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mingus_gate.model import Observation, Unread
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.migrations.history import History, Revision, assigned
from mingus_gate.repo.migrations.script_locations import ScriptLocation, script_locations
from mingus_gate.repo.python import Module, source_of
from mingus_gate.repo.tree import File

LOOKED_FOR = "alembic.ini, `[tool.alembic]`, an env.py that imports Alembic, and files with a `down_revision`"

ID_IN_NAME = re.compile(r"([a-f0-9]+)\.py$")
"""Where a file has no `revision`, Alembic takes its name for the id if it looks like this."""


def histories(repo: Repo) -> list[History]:
    """Every history: one a script location, then folders of revisions without one: Flask-Alembic's, and the bare ones."""
    located = [_read(repo, location, [f for f in repo.tree if location.reads(f.path)]) for location in repo.fact(script_locations)]
    known = {id_ for history in located for r in history.revisions for id_ in (r.id, *r.down)}
    known_runner = any(file.mentions(b"flask_alembic") for file in repo.files(".py"))  # it needs no env.py
    bare = [
        History(ScriptLocation(folder, (folder,), revisions[0].place, "flask db"), tuple(revisions), bare=not known_runner)
        for folder, revisions in repo.fact(_stray).items()
        if not _linked(revisions, known)
    ]
    return located + bare


def written(repo: Repo) -> list[History]:
    """The histories with revisions; bare ones only where code runs them, or where there is no other."""
    found = [h for h in repo.fact(histories) if h.revisions]
    return [h for h in found if not h.bare] if not repo.fact(folders_set_in_code) and any(not h.bare for h in found) else found


def fresh(repo: Repo) -> list[Revision]:
    """The revisions a deploy of this tree will run: those that its base does not have.

    Without a base, or where this tree adds none, they are the newest of each history.
    """
    known = {r.id for history in repo.base.fact(written) for r in history.revisions} if repo.base else set()
    added = [r for history in repo.fact(written) for r in history.ordered if r.id not in known] if known else []
    return added or [r for history in repo.fact(written) for r in history.tips]


def no_history(repo: Repo) -> Iterator[Observation]:
    """The proof that there is no history, where there is none."""
    if not repo.fact(written):
        yield from proven_absent(repo, LOOKED_FOR)


def known_whole(repo: Repo, history: History) -> bool:
    """Whether Alembic reads just the files we took for the history."""
    return not history.bare and not (repo.fact(folders_set_in_code) and repo.fact(misplaced))


def folders_set_in_code(repo: Repo) -> bool:
    """Whether code tells Alembic itself where revisions are."""
    return any(file.mentions(b"version_locations") for file in repo.files(".py"))


def misplaced(repo: Repo) -> list[Revision]:
    """Revision files outside every folder that Alembic reads, though they belong to one of its histories."""
    known = {r.path for history in repo.fact(histories) for r in history.revisions}
    return [r for revisions in repo.fact(_stray).values() for r in revisions if r.path not in known]


def _linked(revisions: Iterable[Revision], known: set[str]) -> bool:
    return any(id_ in known for r in revisions for id_ in (r.id, *r.down))


def _stray(repo: Repo) -> dict[str, list[Revision]]:
    """Revision files that no script location reads, by folder."""
    locations = repo.fact(script_locations)
    found: dict[str, list[Revision]] = {}
    for module in repo.python(b"down_revision"):
        if not any(location.reads(module.path) for location in locations) and assigned(module, "revision") and assigned(module, "down_revision"):
            revision = _revision(repo, module)
            if revision.id:
                found.setdefault(module.path.rpartition("/")[0], []).append(revision)
    return found


def _read(repo: Repo, location: ScriptLocation, files: list[File]) -> History:
    revisions: list[Revision] = []
    unread: list[Unread] = [u for u in repo.tree.skipped if location.reads(u.path)]
    strangers: list[Module] = []
    for file in files:
        module = repo.module(file)
        if module is None:
            unread.append(repo.blind[file.path])
        elif assigned(module, "revision") or "revision" in module.imports or "*" in module.imports or ID_IN_NAME.match(file.name):
            revisions.append(_revision(repo, module))
        else:
            strangers.append(module)
    return History(location, tuple(revisions), tuple(unread), tuple(strangers))


def _revision(repo: Repo, module: Module) -> Revision:
    id_, unclear = _texts(repo, module, "revision")
    if not id_ and not unclear:
        name = ID_IN_NAME.match(module.file.name)
        id_, unclear = ((name[1],), "") if name and not module.imports.keys() & {"revision", "*"} else ((), "an imported `revision`")
    down, unclear_down = _texts(repo, module, "down_revision")
    labels, _ = _texts(repo, module, "branch_labels")
    depends_on, _ = _texts(repo, module, "depends_on")
    return Revision(module, id_[0] if id_ else "", down, labels, depends_on, unclear or unclear_down)


def _texts(repo: Repo, module: Module, name: str) -> tuple[tuple[str, ...], str]:
    """The texts that a module-level name is given, or the expression that hides them."""
    found: set[tuple[str, ...]] = set()
    for node in assigned(module, name):
        value = repo.resolve(module, node)
        items = [item.literal for item in value.literal] if isinstance(value.literal, list) else [value.literal]
        if value.literal is None and value.literals == (None,):
            items = []
        if not all(isinstance(item, str) for item in items):
            return (), f"{name} = {source_of(node)}"
        found.add(tuple(items))
    if len(found) > 1:
        return (), f"{name}, which is assigned twice"
    return next(iter(found), ()), ""
