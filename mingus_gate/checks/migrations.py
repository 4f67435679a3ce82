"""Do code, migrations and database agree on the schema?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.databases import NAMES, databases
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.migrations.foreign_sql import foreign
from mingus_gate.repo.migrations.histories import histories, misplaced
from mingus_gate.repo.migrations.history import History, Revision, does_nothing
from mingus_gate.repo.migrations.schema_changes import applications, created_at_start, models, upgrades
from mingus_gate.repo.migrations.steps import drops, indexes, must_be_filled
from mingus_gate.target import Target, shown

LOOKED_FOR = "alembic.ini, `[tool.alembic]`, an env.py that imports Alembic, and files with a `down_revision`"

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
    'Name the revision it really follows: `down_revision = "<id>"`.',
    LOOKED_FOR,
    "Alembic reads the whole graph before any command: a parent that is missing, or a circle, ends each of them with a "
    "traceback; of two files with one id it keeps one and never runs the other.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#create-a-migration-script",
)
IN_PLACE = Rule(
    "migrations.in-place",
    Severity.WARNING,
    "Every revision file is where Alembic reads it",
    "Move it: `git mv <file> migrations/versions/`.",
    LOOKED_FOR,
    "Alembic reads only the versions folder of its script location. A revision beside it looks done and is never run.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#the-migration-environment",
)
DOWNGRADE = Rule(
    "migrations.downgrade",
    Severity.INFO,
    "The newest revisions can be undone",
    'Write what undoes the upgrade: `op.drop_column("table", "column")` for an `op.add_column`.',
    LOOKED_FOR,
    "A release that must be taken back takes its schema back with it; an empty downgrade reports success and changes nothing.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#downgrading",
)
DESTRUCTIVE = Rule(
    "migrations.destructive",
    Severity.WARNING,
    "The newest revision drops no table or column",
    "Split it: release the code that no longer reads the column first, and drop the column in a revision of the next release.",
    LOOKED_FOR,
    "During a deploy the old code still runs against the new schema and fails on what was dropped; and the data is gone, "
    "whatever the downgrade says. Older revisions have run long ago, so only the newest is judged.",
    "https://docs.gitlab.com/development/database/avoiding_downtime_in_migrations/#dropping-columns",
)
NOT_NULL = Rule(
    "migrations.not-null",
    Severity.WARNING,
    "The newest revision adds no column that the rows already there cannot fill",
    'Give it a value for them: `op.add_column("users", sa.Column("plan", sa.String(20), nullable=False, server_default="free"))`.',
    LOOKED_FOR,
    "The rows that are there would hold NULL in the new column, so the statement fails as soon as the table has one: on the empty database "
    "of the tests it ran. `default=` is Python's and fills no row. Older revisions have run long ago, so only the newest is judged.",
    "https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN",
)
BLOCKING_INDEX = Rule(
    "migrations.blocking-index",
    Severity.WARNING,
    "The newest revision locks no table against writing while it builds an index",
    'In `with op.get_context().autocommit_block():` write `op.create_index("ix_users_email", "users", ["email"], postgresql_concurrently=True)`.',
    f"PostgreSQL, and {LOOKED_FOR}",
    "Without CONCURRENTLY, PostgreSQL lets nobody write to the table until its index is built: on a large one, minutes in which requests "
    "wait and the pool runs out. Tables made by the same revision have no rows. Only the newest revision is judged.",
    "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)
DIALECT = Rule(
    "migrations.dialect",
    Severity.WARNING,
    "The newest revision speaks the dialect of production's database",
    'Write it with SQLAlchemy\'s own types (`sa.SmallInteger()`, `sa.Text()`), or put it under `if op.get_bind().dialect.name == "mysql":`.',
    f"addresses and drivers of one database, and {LOOKED_FOR}",
    "A type or a statement of another database ends `upgrade` with an error: autogenerate wrote what the developer's database has.",
    "https://docs.sqlalchemy.org/en/20/core/type_basics.html",
)
CREATE_ALL = Rule(
    "migrations.create-all",
    Severity.WARNING,
    "The schema changes by migrations alone, not by create_all at start",
    "Delete the call and run `flask db upgrade` in the deploy script.",
    "`create_all(` run by the served application, and `db upgrade` or `alembic upgrade` in deploy scripts",
    'create_all makes new tables ahead of the migration that should, which then fails with "already exists"; '
    "and it never alters a table that exists.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/models/#creating-the-tables",
)
EXISTS = Rule(
    "migrations.exists",
    Severity.WARNING,
    "The models have a migration history",
    "Start one: `flask db init`, then `flask db migrate` on an empty database, and commit migrations/.",
    "SQLAlchemy models and a migration history",
    "Without migrations a changed model reaches a database with data only by hand.",
    "https://flask-migrate.readthedocs.io/en/latest/",
)

NEWEST = 5
"""How many revisions `downgrade` judges: what a rollback could reach."""

OTHER_TOOLS = re.compile(r"(^|/)(migrate\.cfg|yoyo\.ini|liquibase[^/]*|flyway[^/]*|atlas\.hcl|V\d+__[^/]*\.sql|migrations?/[^/]*\.sql)$")
CREATED = re.compile(r"^Create Date: *(\d{4}-\d\d-\d\d[ T]?[\d:.]*)", re.MULTILINE)
REVISION = Rule(
    "migrations.revision",
    Severity.CRITICAL,
    "The database stands at the head of the migrations",
    "Run `flask db upgrade` (or `alembic upgrade head`) before the new code is served.",
    "the rows of `alembic_version` at DATABASE_URL",
    "Code that expects a column the database does not have fails on every request that touches it.",
    "https://alembic.sqlalchemy.org/en/latest/tutorial.html#running-our-first-migration",
)


def single_head(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    for history in _written(repo):
        if (stuck := _stuck(history)) is not None:
            yield stuck
        elif len(history.heads) == 1:
            head = history.heads[0]
            yield holds(f"one head, {head.id}, over {len(history.revisions)} revisions in {history.name}", head.place, head=head.id)
        elif history.heads:
            yield _several_heads(repo, history)


def _several_heads(repo: Repo, history: History) -> Observation:
    lines = {head: set(history.line_of(head)) for head in history.heads}
    own = {head: line - set().union(*(other for it, other in lines.items() if it is not head)) for head, line in lines.items()}
    labels = {head: next((r.labels[0] for r in history.revisions if r.id in own[head] and r.labels), "") for head in lines}
    unlabelled = [head for head in lines if not labels[head]]
    newest = max(lines, key=lambda head: (_created(head), head.path))
    if not unlabelled:
        return holds(f"one head for each labelled branch of {history.name}: {', '.join(sorted(labels.values()))}", newest.place)
    several = f"{len(lines)} heads in {history.name}: {' and '.join(f'{head.id} ({head.path})' for head in list(lines)[:3])}"
    apart = own == lines and len(history.location.versions) > 1  # a base in each of several folders
    if len(unlabelled) == 1 or apart or not _known_whole(repo, history):
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
    yield from _none(repo)
    for history in _written(repo):
        if (stuck := _stuck(history)) is not None:
            yield stuck
        elif faults := list(_faults(repo, history)):
            sure = _known_whole(repo, history)
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
    yield from _none(repo)
    for revision in repo.fact(misplaced):
        copied = next((h.by_id[revision.id][0] for h in _written(repo) if not h.bare and revision.id in h.by_id), None)
        if repo.fact(_folders_set_in_code):
            yield unclear("code sets `version_locations` itself", revision.place)
        elif copied:
            yield broken(f"a second copy of the revision {revision.id}: Alembic reads only {copied.path}", revision.place)
        else:
            yield broken(f"the revision {revision.id} stands outside the versions folder: Alembic never runs it", revision.place)
    for history in _written(repo):
        if history.bare and all(h.bare for h in _written(repo)):
            yield unclear(f"no env.py belongs to the revisions in {history.name}: what runs them is not known", history.location.place)
        elif not history.bare:
            yield holds(f"{len(history.revisions)} revisions in {', '.join(history.location.versions)}", history.location.place)


def downgrade(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    for history in _written(repo):
        for revision in history.newest(NEWEST):
            up, down = revision.upgrade, revision.downgrade
            if up is None or does_nothing(up):
                continue
            if down is None or does_nothing(down):
                yield broken(f"the downgrade of {revision.id} is empty", revision.module.place(down) if down else revision.place)
            elif not any(isinstance(statement, ast.Raise) for statement in down.body):  # who raises there says so on purpose
                yield holds(f"{revision.id} has a downgrade", revision.module.place(down))


def destructive(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    for history in _written(repo):
        for revision in history.tips:
            lost = drops(repo, revision)
            for drop in lost:
                if drop.unclear:
                    yield unclear(f"the newest revision drops a {drop.what.split()[0]} whose name is computed: `{drop.unclear}`", drop.place)
                else:
                    yield broken(f"the newest revision drops the {drop.what}", drop.place)
            if not lost and revision.upgrade:
                yield holds(f"the newest revision, {revision.id}, drops no table or column", revision.module.place(revision.upgrade))


def not_null(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    fills = set(repo.fact(databases)) == {"mysql"}  # it gives the rows the type's zero value
    for revision in _newest(repo):
        steps = must_be_filled(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"the newest revision makes {step.what} NOT NULL, and nothing fills the rows there are"
            if step.doubt or fills:
                yield unclear(f"{message}: {step.doubt or 'MySQL may put in a zero value'}", step.place)
            else:
                yield broken(message, step.place)
        if not harmful:
            does = f"fills the rows of {steps[0].what}" if steps else "adds no column that the rows there are cannot fill"
            yield holds(f"the newest revision, {revision.id}, {does}", steps[0].place if steps else _upgrade(revision))


def blocking_index(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    known = repo.fact(databases)
    if known and "postgresql" not in known:
        yield from proven_absent(repo, "PostgreSQL, its drivers and addresses")
        return
    for revision in _newest(repo):
        steps = indexes(repo, revision)
        harmful = [step for step in steps if step.harmful]
        for step in harmful:
            message = f"the newest revision builds an index on {step.what} without CONCURRENTLY"
            if step.doubt or set(known) != {"postgresql"}:
                yield unclear(f"{message}: {step.doubt or 'which database production runs on is not known'}", step.place)
            else:
                yield broken(f"{message}: nobody can write to it meanwhile", step.place)
        if not harmful:
            does = f"builds its index on {steps[0].what} concurrently" if steps else "builds no index on a table that was there"
            yield holds(f"the newest revision, {revision.id}, {does}", steps[0].place if steps else _upgrade(revision))


def dialect(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    known = repo.fact(databases)
    if len(known) != 1 or (kind := next(iter(known))) not in ("postgresql", "mysql"):
        return
    for revision in _newest(repo):
        strange = foreign(repo, revision, kind)
        for what, place in strange:
            yield broken(f"the newest revision uses {what}, which {NAMES[kind]} ({known[kind]}) does not know", place)
        if not strange:
            yield holds(f"the newest revision, {revision.id}, uses nothing that {NAMES[kind]} does not know", _upgrade(revision))


def _newest(repo: Repo) -> list[Revision]:
    """The newest revisions of every history that have an upgrade."""
    return [revision for history in _written(repo) for revision in history.tips if revision.upgrade]


def _upgrade(revision: Revision) -> Place:
    return revision.module.place(revision.upgrade) if revision.upgrade else revision.place


def create_all(repo: Repo) -> Iterator[Observation]:
    yield from _none(repo)
    if written := _written(repo):
        for place, condition in repo.fact(created_at_start):
            if condition:
                yield unclear(f"create_all runs at start if `{condition}`", place)
            else:
                yield broken(f"create_all runs when the application starts, beside the migrations in {written[0].name}", place)
        yield from (holds(what, place) for what, place in repo.fact(upgrades))


def exists(repo: Repo) -> Iterator[Observation]:
    found, written = repo.fact(models), _written(repo)
    if not found:
        yield from proven_absent(repo, "classes with `Column(` or `mapped_column(`")
    elif written:
        yield holds(f"{sum(len(h.revisions) for h in written)} revisions stand for {len(found)} models", written[0].location.place)
    elif other := next((f for f in repo.files() if OTHER_TOOLS.search(f.path)), None):
        yield unclear(f"something else than Alembic may change the schema: {other.path}")
    elif repo.fact(applications):
        yield broken(f"{len(found)} {'model' if len(found) == 1 else 'models'} and no migration", found[0])
    else:
        yield unclear("models without an application: the migrations may be somewhere else", found[0])


def _written(repo: Repo) -> list[History]:
    """The histories with revisions; bare ones only where code runs them, or where there is no other."""
    found = [h for h in repo.fact(histories) if h.revisions]
    return [h for h in found if not h.bare] if not repo.fact(_folders_set_in_code) and any(not h.bare for h in found) else found


def _none(repo: Repo) -> Iterator[Observation]:
    if not _written(repo):
        yield from proven_absent(repo, LOOKED_FOR)


def _stuck(history: History) -> Observation | None:
    """Why the graph of a history is not known."""
    if history.unread:
        return unclear(f"{history.unread[0].path} could not be read ({history.unread[0].reason})", Place(history.unread[0].path))
    if (revision := history.unclear) is not None:
        return unclear(f"the graph is not known: `{revision.unclear}` in {revision.path}", revision.place)
    return None


def _known_whole(repo: Repo, history: History) -> bool:
    """Whether Alembic reads just the files we took for the history."""
    return not history.bare and not (repo.fact(_folders_set_in_code) and repo.fact(misplaced))


def _folders_set_in_code(repo: Repo) -> bool:
    """Whether code tells Alembic itself where revisions are."""
    return any(file.mentions(b"version_locations") for file in repo.files(".py"))


def revision(target: Target) -> Iterator[Observation]:
    """Reads `alembic_version` and compares it with the heads of the source; nothing is written."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    address = shown(target.given("DATABASE_URL"))
    written = _written(target.repo)
    heads = {head.id for history in written for head in history.heads}
    if not heads:
        return
    try:
        with target.database() as connection:
            found = {str(row[0]) for row in connection.execute(text("SELECT version_num FROM alembic_version"))}
    except SQLAlchemyError as error:
        yield unclear(f"`alembic_version` could not be read ({type(getattr(error, 'orig', None) or error).__name__})", address=address)
        return
    there, wanted = ", ".join(sorted(found)) or "nothing", ", ".join(sorted(heads))
    if found == heads:
        yield holds(f"the database stands at {there}", address=address, database=there, heads=wanted)
    elif strangers := found - {r.id for history in written for r in history.revisions}:
        said = f"the database stands at {', '.join(sorted(strangers))}, which this source does not know"
        yield broken(said, address=address, database=there, heads=wanted)
    else:
        yield broken(f"the database stands at {there}, the source at {wanted}", address=address, database=there, heads=wanted)


CHECK = Check(
    "migrations",
    "Migrations",
    "Do code, migrations and database agree on the schema?",
    weight=3,
    static={
        SINGLE_HEAD: single_head,
        WHOLE_HISTORY: whole_history,
        IN_PLACE: in_place,
        DOWNGRADE: downgrade,
        DESTRUCTIVE: destructive,
        NOT_NULL: not_null,
        BLOCKING_INDEX: blocking_index,
        DIALECT: dialect,
        CREATE_ALL: create_all,
        EXISTS: exists,
    },
    live={REVISION: revision},
)
