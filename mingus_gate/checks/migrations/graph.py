"""Whether Alembic can read the history: its heads, its gaps, and the files it does not see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.histories import LOOKED_FOR, folders_set_in_code, known_whole, misplaced, no_history, written
from mingus_gate.repo.migrations.history import History, Revision

SINGLE_HEAD = Rule(
    "migrations.single-head",
    Severity.CRITICAL,
    "The history has exactly one head",
    'Join the heads: `flask db merge -m "merge heads" HEAD HEAD` (with Alembic alone: `alembic merge -m "merge heads" HEAD HEAD`).',
    LOOKED_FOR,
    "Two branches that each added a revision leave two heads once both are merged. `upgrade head` then stops with "
    '"Multiple head revisions are present", at deploy time, though each branch was green.',
    "https://alembic.sqlalchemy.org/en/latest/branches.html#working-with-branches",
)
WHOLE_HISTORY = Rule(
    "migrations.whole-history",
    Severity.CRITICAL,
    "Every revision is there once and follows one that is there",
    'Give each file an id of its own and name the one that it really follows: `revision = "<new id>"`, `down_revision = "<id>"`.',
    LOOKED_FOR,
    "Alembic reads the whole graph before any command: a parent that is missing, or a circle, ends each of them with a "
    "traceback; of two files with one id it keeps one and never runs the other.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#create-a-migration-script",
)
IN_PLACE = Rule(
    "migrations.in-place",
    Severity.WARNING,
    "Every revision file is where Alembic reads it",
    "Move it, `git mv <file> migrations/versions/`, or delete it where it is a second copy: `git rm <file>`.",
    LOOKED_FOR,
    "Alembic reads only the versions folder of its script location. A revision beside it looks done and is never run.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#the-migration-environment",
)
CREATED = re.compile(r"^Create Date: *(\d{4}-\d\d-\d\d[ T]?[\d:.]*)", re.MULTILINE)


def single_head(repo: Repo) -> Iterator[Observation]:
    """The head is that of the tree as it will be once merged: two branches may each add a revision and be green."""
    yield from no_history(repo)
    for history in (repo.merged or repo).fact(written):
        if (stuck := _stuck(history)) is not None:
            yield stuck
        elif len(history.heads) == 1:
            head = history.heads[0]
            yield holds(f"one head, {head.id}, over {len(history.revisions)} revisions in {history.name}", head.place, head=head.id)
        elif gap := _gap(history):
            yield unclear(f"{gap[0].id} follows {gap[1]}, which is not there: how many heads the whole history has is not known", gap[0].down_place)
        elif history.heads:
            yield _several_heads(repo, history)


def _gap(history: History) -> tuple[Revision, str] | None:
    """The missing parent that explains why there is more than one head; whole-history says what to do."""
    torn = {revision.id for revision, _ in history.dangling}
    whole = [head for head in history.heads if not torn & set(history.line_of(head))]
    return history.dangling[0] if history.dangling and len(whole) <= 1 else None


def _several_heads(repo: Repo, history: History) -> Observation:
    """Named at the newest head that this tree has itself."""
    lines = {head: set(history.line_of(head)) for head in history.heads}
    own = {head: line - set().union(*(other for it, other in lines.items() if it is not head)) for head, line in lines.items()}
    labels = {head: next((r.labels[0] for r in history.revisions if r.id in own[head] and r.labels), "") for head in lines}
    unlabelled = [head for head in lines if not labels[head]]
    newest = max(lines, key=lambda head: (repo.file(head.path) is not None, _created(head), head.path))
    merging = "" if all(repo.file(head.path) for head in lines) else "once this is merged, "
    if not unlabelled:
        return holds(f"one head for each labelled branch of {history.name}: {', '.join(sorted(labels.values()))}", newest.place)
    several = f"{merging}{len(lines)} heads in {history.name}: {' and '.join(f'{head.id} ({head.path})' for head in list(lines)[:3])}"
    apart = own == lines and len(history.location.versions) > 1  # a base in each of several folders
    if len(unlabelled) == 1 or apart or not known_whole(repo, history):
        return unclear(f"{several}; whether they are branches on purpose is not written", newest.place)
    parent = next((id_ for id_ in history.line_of(unlabelled[0]) if id_ in lines[unlabelled[1]]), "")
    shared = f"both on {parent} ({history.by_id[parent][0].path})" if parent in history.by_id else "with no shared parent"
    command = _merge_command(history, [head.id for head in unlabelled])
    return broken(f"{several}, {shared}; `{command}` joins them", newest.place, heads=[h.id for h in lines], parent=parent, command=command)


def _merge_command(history: History, heads: list[str]) -> str:
    location = history.location
    folder = f" -d {location.folder}" if location.command == "flask db" and not location.folder.endswith("migrations") else ""
    return f'{location.command} merge{folder} -m "merge heads" {" ".join(heads)}'


def _created(revision: Revision) -> str:
    found = CREATED.search(ast.get_docstring(revision.module.tree) or "")
    return found[1] if found else ""


def whole_history(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    for history in (repo.merged or repo).fact(written):
        if (stuck := _stuck(history)) is not None:
            yield stuck
        elif faults := list(_faults(repo, history)):
            sure = known_whole(repo, history)
            yield from (fault if sure else unclear(fault.message, fault.place) for fault in faults)
        else:
            yield holds(f"{len(history.revisions)} revisions in {history.name}, each there once and its parents with it", history.heads[0].place)


def _faults(repo: Repo, history: History) -> Iterator[Observation]:
    outside = {r.id: r for r in repo.fact(misplaced)}
    for module in history.strangers:
        yield broken("it has no `revision`, and Alembic stops at such a file in a versions folder", Place(module.path))
    for revisions in history.duplicates:
        paths = " and ".join(r.path for r in revisions)
        yield broken(f"the revision id {revisions[0].id} stands in {len(revisions)} files: {paths}", revisions[-1].place)
    for revision, wanted in history.dangling:
        where = f"; it is in {outside[wanted].path}, which Alembic does not read" if wanted in outside else ""
        yield broken(f"{revision.id} follows {wanted}, which no file in {history.name} defines{where}", revision.down_place)
    if history.cycle:
        yield broken(f"revisions follow one another in a circle: {', '.join(r.id for r in history.cycle[:5])}", history.cycle[0].down_place)


def in_place(repo: Repo) -> Iterator[Observation]:
    yield from no_history(repo)
    for revision in repo.fact(misplaced):
        copied = next((h.by_id[revision.id][0] for h in repo.fact(written) if not h.bare and revision.id in h.by_id), None)
        if repo.fact(folders_set_in_code):
            yield unclear("code sets `version_locations` itself", revision.place)
        elif copied:
            yield broken(f"a second copy of the revision {revision.id}: Alembic reads only {copied.path}", revision.place)
        else:
            yield broken(f"the revision {revision.id} stands outside the versions folder: Alembic never runs it", revision.place)
    for history in repo.fact(written):
        if history.bare and all(h.bare for h in repo.fact(written)):
            yield unclear(f"no env.py belongs to the revisions in {history.name}: what runs them is not known", history.location.place)
        elif not history.bare:
            yield holds(f"{len(history.revisions)} revisions in {', '.join(history.location.versions)}", history.location.place)


def _stuck(history: History) -> Observation | None:
    """Why the graph of a history is not known."""
    if history.unread:
        return unclear(f"{history.unread[0].path} could not be read ({history.unread[0].reason})", Place(history.unread[0].path))
    if (revision := history.unclear) is not None:
        return unclear(f"the graph is not known: `{revision.unclear}` in {revision.path}", revision.place)
    return None


RULES = {
    SINGLE_HEAD: single_head,
    WHOLE_HISTORY: whole_history,
    IN_PLACE: in_place,
}
