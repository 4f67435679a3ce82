"""What env.py has compared: the metadata it names as its target, and the filters it is asked through."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.migrations.history import History
from mingus_gate.repo.python import Module, keyword, source_of
from mingus_gate.repo.schema.filters import Filter

BY_FLASK = re.compile(r"\bextensions\b|\bget_metadata\(|\bmigrate\b")
"""env.py as Flask-Migrate writes it: the metadata is that of the `db` it was given."""


@dataclass(frozen=True)
class Claim:
    """What one history's env.py has compared. `targets` are the expressions that it names; None stands for Flask-Migrate's `db`."""

    targets: tuple[tuple[Module, ast.expr] | None, ...]
    place: Place
    include_object: Filter | None = None
    include_name: Filter | None = None
    include_schemas: bool = False
    types: str = ""
    """What is given as `compare_type`, if types are not compared Alembic's way."""
    unclear: str = ""


def claim(repo: Repo, history: History) -> Claim:
    """What the history's env.py, and the Migrate it hands its options, have compared."""
    place = Place(f"{history.location.folder}/env.py".lstrip("/"))
    file = repo.file(place.path)
    env = repo.module(file) if file else None
    if env is None:  # Flask-Alembic needs none, and a bare folder has none
        return Claim((None,), history.location.place)
    calls = [(env, call) for call in env.nodes(ast.Call) if env.name(call.func).endswith(".configure")]
    targets: list[tuple[Module, ast.expr] | None] = []
    for _, call in calls:
        for target in _targets(env, keyword(call, "target_metadata")):
            if target is None or all(ast.dump(target) != ast.dump(known[1]) for known in targets if known):
                targets += [(env, target) if target is not None else None] if target is not None or None not in targets else []
    given = [*calls, *_handed(repo)]
    schemas = _option(given, "include_schemas")
    return Claim(
        tuple(targets),
        place,
        _filter(repo, _option(given, "include_object")),
        _filter(repo, _option(given, "include_name")),
        schemas is not None and not (isinstance(schemas[1], ast.Constant) and schemas[1].value is False),
        _own_types(_option(given, "compare_type")),
        "" if targets else "env.py names no target_metadata",
    )


def _targets(env: Module, node: ast.expr | None, steps: int = 4) -> Iterator[ast.expr | None]:
    """The expressions that stand for metadata; None for Flask-Migrate's."""
    if isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            yield from _targets(env, item, steps)
        return
    if isinstance(node, ast.Name) and steps:
        given = [value for target, value in env.assignments() if isinstance(target, ast.Name) and target.id == node.id]
        if given:
            for value in given:
                yield from _targets(env, value, steps - 1)
            return
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return
    yield None if BY_FLASK.search(ast.unparse(node)) else node


def _handed(repo: Repo) -> list[tuple[Module, ast.Call]]:
    """The calls that give Flask-Migrate options for `context.configure`."""
    return [(module, call) for module, call in repo.calls("flask_migrate.Migrate", "*.init_app") if call.keywords]


def _option(calls: list[tuple[Module, ast.Call]], name: str) -> tuple[Module, ast.expr] | None:
    return next(((module, value) for module, call in calls if (value := keyword(call, name)) is not None), None)


def _filter(repo: Repo, option: tuple[Module, ast.expr] | None) -> Filter | None:
    if option is None:
        return None
    module, node = option
    if isinstance(node, ast.Lambda):
        return Filter(repo, module, node)
    found = definition(repo, module, module.name(node))
    if found and not isinstance(found[1], ast.ClassDef):
        return Filter(repo, found[0], found[1])
    return Filter(repo, module, _unread(node))


def _unread(node: ast.expr) -> ast.Lambda:
    """Stands for a function that was not found: its answer is never known."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(args=nothing, body=ast.Await(value=node))


def _own_types(option: tuple[Module, ast.expr] | None) -> str:
    if option is None or (isinstance(option[1], ast.Constant) and option[1].value is True):
        return ""
    return f"compare_type={source_of(option[1])}"


def flask_database(repo: Repo) -> list[tuple[Module, ast.expr]]:
    """The `db` that Flask-Migrate is given: `Migrate(app, db)`, `migrate.init_app(app, db)`."""
    found: list[tuple[Module, ast.expr]] = []
    for module, call in repo.calls("flask_migrate.Migrate", "flask.ext.migrate.Migrate"):
        given = keyword(call, "db") or (call.args[1] if len(call.args) > 1 else None)
        found += [(module, given)] if given is not None else []
    for module, call in repo.calls("*.init_app"):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if "migrat" in module.name(owner).lower():
            given = keyword(call, "db") or (call.args[1] if len(call.args) > 1 else None)
            found += [(module, given)] if given is not None else []
    return found
