"""Whether the application starts with a secret key of its own and without the debugger."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import value_of
from mingus_gate.repo.flask.app import proven_absent, settings
from mingus_gate.repo.flask.debug import app_runs, debug_lines, only_by_main, wsgi_servers
from mingus_gate.repo.flask.signing_keys import Key, refused_at, signing_keys

SECRET_KEY = Rule(
    "security-config.secret-key",
    Severity.CRITICAL,
    "Signing and encryption keys come from the environment, without a fallback",
    'Read the key without a fallback, so that a start without it fails: `SECRET_KEY = os.environ["SECRET_KEY"]`.',
    "`SECRET_KEY`, `JWT_SECRET_KEY`, `ENCRYPTION_KEY` and the like",
    "Who knows the key signs in as anybody: it is in the source for everyone who ever had the repository, and one missing "
    "variable in production is enough to make it the real one.",
    "https://flask.palletsprojects.com/en/stable/config/#SECRET_KEY",
)
DEBUG = Rule(
    "security-config.debug",
    Severity.CRITICAL,
    "Debug mode is off in production",
    "Turn it off, `DEBUG = False`, `debug=False`, `FLASK_DEBUG=0`; let developers ask, `flask run --debug`, and start production with gunicorn.",
    "`DEBUG` settings, `app.run(debug=…)`, `FLASK_DEBUG` in deploy files, and the WSGI server they start",
    "The debugger shows source and variables with every error and lets a visitor run Python on the server.",
    "https://flask.palletsprojects.com/en/stable/debugging/",
)


def secret_key(repo: Repo) -> Iterator[Observation]:
    keys = repo.fact(signing_keys)
    for key in keys:
        yield from _judge_key(repo, key)
    if not keys:
        yield from proven_absent(repo, SECRET_KEY.looks_for)


def _judge_key(repo: Repo, key: Key) -> Iterator[Observation]:
    value, unless = key.value, " or ".join(key.value.env)
    texts = [v for v in value.literals if isinstance(v, str | bytes) and v]
    if texts and (guard := refused_at(repo, key, texts)):
        yield holds(f"{key.name} has a fallback, but the start is refused with it at {guard}", key.place)
    elif texts:
        yield broken(
            f"{key.name} falls back to a literal when {unless} is not set" if unless else f"{key.name} is a literal in the source", key.place
        )
    elif key.made_up:
        when = f" when {unless} is not set" if unless else ""
        yield broken(f"{key.name} is made up anew by every process{when}: workers do not accept each other's signatures", key.place)
    elif value.unresolved and not key.stored:
        yield unclear(f"{key.name} is `{value.unresolved}`", key.place)
    elif value.unresolved or unless:
        yield holds(f"{key.name} comes from {unless} without a fallback" if unless else f"{key.name} is read from a secret store", key.place)


def debug(repo: Repo) -> Iterator[Observation]:
    for setting in settings(repo, "DEBUG", "FLASK_DEBUG"):
        if only_by_main(repo, setting.module, setting.node):
            continue
        value = value_of(repo, setting)
        unless = " or ".join(value.env)
        if value.may_be(is_on):
            yield broken(f"{setting.key} is on when {unless} is not set" if unless else f"{setting.key} is on", setting.place)
        elif value.unresolved:
            yield unclear(f"{setting.key} is `{value.unresolved}`", setting.place)
        elif value.literals or unless:
            yield holds(f"{setting.key} is off unless {unless} says so" if unless else f"{setting.key} is off", setting.place)
    for line in repo.fact(debug_lines):
        yield broken("the process is started with debug mode on", line.place)
    yield from _runs(repo)


def _runs(repo: Repo) -> Iterator[Observation]:
    """What `app.run(debug=…)` comes to: it counts where importing the file reaches it, or where production runs the file."""
    servers = repo.fact(wsgi_servers)
    for line in servers[:1]:
        yield holds(f"{line.text} serves the application, not the development server", line.place)
    for run in repo.fact(app_runs):
        on = run.debug is not None and run.debug.may_be(is_on)
        if on and not run.guarded:
            yield broken("importing this file starts the development server with debug mode on", run.place)
        elif on and run.started and run.started.sure:
            yield broken(f"debug mode is on, and {run.started.place} starts this file", run.place)
        elif on and not servers:
            yield unclear(f"debug mode is on when {run.place.path} itself is run, and no deploy file tells what production starts", run.place)
        elif run.started and run.started.sure and run.debug is not None and not run.debug.unresolved:
            yield holds(f"{run.started.place} starts this file with debug mode off", run.place)


def is_on(value: object) -> bool:
    """Whether a flag of this value is on; variables of the environment give texts."""
    return value is True or (not isinstance(value, bool) and str(value).lower() in ("1", "true", "yes", "on", "t"))


RULES = {
    SECRET_KEY: secret_key,
    DEBUG: debug,
}
