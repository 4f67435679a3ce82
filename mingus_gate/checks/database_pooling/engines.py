"""Whether the engine is set up and made once, and its sessions end."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, absent, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engine_lives import engine_lives, plain_sessions
from mingus_gate.repo.database.engine_places import option_places
from mingus_gate.repo.database.engines import engines, extensions
from mingus_gate.repo.flask.app import apps, proven_absent

ONE_PLACE = Rule(
    "database-pooling.one-place",
    Severity.WARNING,
    "One place decides the engine options",
    "Keep `SQLALCHEMY_ENGINE_OPTIONS` in the production configuration, and delete the other assignment.",
    "`SQLALCHEMY_ENGINE_OPTIONS`",
    "The later assignment replaces the earlier one whole: a pool size that stands in one place is lost when another only sets pool_recycle.",
    "https://flask-sqlalchemy.readthedocs.io/en/stable/config/#flask_sqlalchemy.config.SQLALCHEMY_ENGINE_OPTIONS",
)
SHARED_ENGINE = Rule(
    "database-pooling.shared-engine",
    Severity.WARNING,
    "Each process makes its engine once",
    "Use the engine that is there, `db.engine` of Flask-SQLAlchemy, or make one at the top of a module, `engine = create_engine(…)`, and import it.",
    "`create_engine(` and `SQLAlchemy(`",
    "An engine made for each request brings a pool of its own: nothing is reused, and its connections stay open until they are collected.",
    "https://docs.sqlalchemy.org/en/20/core/connections.html#basic-usage",
)
SESSIONS_END = Rule(
    "database-pooling.sessions-end",
    Severity.WARNING,
    "Sessions end with the request",
    "Remove the session when the request ends: `@app.teardown_appcontext` over `def end(error): Session.remove()`.",
    "`scoped_session(`, `sessionmaker(` and Flask-SQLAlchemy",
    "A session that nobody ends keeps its connection, and what an earlier request read: the pool runs dry, and answers are old.",
    "https://docs.sqlalchemy.org/en/20/orm/contextual.html#using-thread-local-scope-with-web-applications",
)


def one_place(repo: Repo) -> Iterator[Observation]:
    for places in repo.fact(option_places):
        if len(places) == 1:
            yield holds("the engine options are given here alone", places[0].place)
        elif condition := next((p.condition for p in places if p.condition), ""):
            yield unclear(f"which of {len(places)} engine options counts is decided by `{condition}`", places[0].place)
        else:
            keys = {key for place in places for key in place.keys}
            for each in places:
                others = [p.place for p in places if p is not each]
                missing = f", without {', '.join(sorted(keys - set(each.keys)))}" if each.keys and keys - set(each.keys) else ""
                message = f"the engine options are given here{missing}, and again at {', '.join(map(str, others))}: the last one replaces the others"
                yield broken(message, each.place, places=[str(p.place) for p in places])
    if not repo.fact(option_places):
        yield from (
            holds("the options stand where the engine is made", e.place) for e in repo.fact(engines) if e.url is not None and not e.in_function
        )
        if repo.fact(apps):
            yield absent("no engine options are given: looked for `SQLALCHEMY_ENGINE_OPTIONS`")


def shared_engine(repo: Repo) -> Iterator[Observation]:
    for life in repo.fact(engine_lives):
        if life.once:
            yield holds("the engine is made once a process", life.place)
        else:
            yield broken(f"an engine is made for each request, by {life.by}", life.place)
    yield from (holds("Flask-SQLAlchemy makes one engine a process", module.place(call)) for module, call in repo.fact(extensions))
    if not repo.fact(engines):
        yield from proven_absent(repo, SHARED_ENGINE.looks_for)


def sessions_end(repo: Repo) -> Iterator[Observation]:
    for each in repo.fact(plain_sessions):
        if each.end == "teardown":
            yield holds(f"{each.name} is ended when the request is", each.at)
        elif each.end == "with":
            yield holds(f"{each.name} is used as a context manager", each.at)
        elif each.end == "otherwise" or not repo.fact(apps):
            yield unclear(f"whether each session of {each.name} is ended cannot be followed", each.at)
        else:
            yield broken(f"nothing ends the sessions of {each.name}", each.place)
    yield from (holds("Flask-SQLAlchemy removes its session after each request", module.place(call)) for module, call in repo.fact(extensions))
    if not repo.fact(engines):
        yield from proven_absent(repo, SESSIONS_END.looks_for)


RULES = {
    ONE_PLACE: one_place,
    SHARED_ENGINE: shared_engine,
    SESSIONS_END: sessions_end,
}
