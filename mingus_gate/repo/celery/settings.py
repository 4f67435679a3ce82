"""Celery's configuration as facts: every place that sets a key, old and new names alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import CeleryApp, attributes, celery_apps, owner_of
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.flask.app import NOT_PRODUCTION, all_settings, only_for_tests, settings
from mingus_gate.repo.python import Module, source_of, string
from mingus_gate.repo.values import Value

OLD_NAMES = {
    "CELERY_ALWAYS_EAGER": "task_always_eager",
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
    "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERYBEAT_SCHEDULE": "beat_schedule",
    "CELERY_TASK_RESULT_EXPIRES": "result_expires",
    "CELERY_IGNORE_RESULT": "task_ignore_result",
    "CELERY_ANNOTATIONS": "task_annotations",
    "BROKER_URL": "broker_url",
}
"""docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings"""

NAMED = {"broker": "broker_url", "backend": "result_backend"}
"""Arguments of `Celery(…)` that are called otherwise than the setting they make."""

WHOLE = re.compile(r"CELERY(_CONFIG|_CONF|_SETTINGS|_OPTIONS)?")
"""Flask settings that hold all of Celery's as one dictionary."""

IN_FLASK = re.compile(r".*CELERY|BROKER_URL$|(task|result|worker|beat|broker|accept)_[a-z_]+$|imports$")
"""Flask settings that are Celery's: old names, names with a prefix, and new names where `conf.update(app.config)` takes them in."""

ELSEWHERE = re.compile(r"(\w+\.)*(\w*app|application)\.config(\.\w+)?$|.*\bconf(\.\w+)?$")
"""`app.config["CELERY"]`, read with the Flask settings, and Celery's own `celery.conf.beat_schedule`."""


@dataclass(frozen=True, slots=True)
class Item:
    """A key and the expression it is given, of a dictionary, class or module."""

    key: str
    module: Module
    node: ast.expr
    place: Place


@dataclass(frozen=True, slots=True)
class Hidden:
    """Configuration that cannot be seen: the expression it comes from."""

    expression: str
    place: Place
    app: CeleryApp | None = None


@dataclass(frozen=True, eq=False)
class CelerySetting:
    """One place that sets a key (by its new name). `app` is None where it may be for any application."""

    repo: Repo
    key: str
    module: Module
    node: ast.expr
    place: Place
    app: CeleryApp | None = None

    @cached_property
    def value(self) -> Value:
        return self.repo.resolve(self.module, self.node)


def key_of(name: str) -> str:
    """The new name of a setting, or "" where the name is none of Celery's."""
    if name in OLD_NAMES:
        return OLD_NAMES[name]
    return name.removeprefix("CELERY_").lower() if name.startswith("CELERY_") else name if name.islower() else ""


def celery_settings(repo: Repo) -> list[CelerySetting]:
    """Every place in production code that sets a Celery key, in path and line order."""
    return sorted((s for s in repo.fact(_everything) if isinstance(s, CelerySetting)), key=lambda setting: setting.place)


def settings_of(repo: Repo, app: CeleryApp, *keys: str) -> list[CelerySetting]:
    """What gives one of `keys` to the application."""
    return [s for s in repo.fact(celery_settings) if s.key in keys and (s.app is None or s.app is app)]


def hidden_settings(repo: Repo) -> list[Hidden]:
    """Every expression that Celery is configured from and that cannot be seen into."""
    return [s for s in repo.fact(_everything) if isinstance(s, Hidden)]


def _everything(repo: Repo) -> list[CelerySetting | Hidden]:
    found: list[CelerySetting | Hidden] = []
    if not repo.fact(celery_apps):
        return found
    for app in repo.fact(celery_apps):
        items = [Item(NAMED.get(w.arg, w.arg), app.module, w.value, app.module.place(w.value)) for w in app.call.keywords if w.arg]
        found += _settings(repo, items, app)
    for module in repo.python(b"celery", b"Celery"):
        for app_or_none, source in (*_updates(repo, module), *_objects(repo, module)):
            found += _settings(repo, expand(repo, module, source), app_or_none)
        found += _assigned(repo, module)
    for key in {s.key for s in repo.fact(all_settings) if IN_FLASK.match(s.key)}:
        for setting in settings(repo, key):
            item = Item(key, setting.module, setting.node, setting.place)
            found += _settings(repo, expand(repo, setting.module, setting.node) if WHOLE.fullmatch(key) else [item], None)
    return found


def _settings(repo: Repo, items: Iterable[Item | Hidden], app: CeleryApp | None) -> Iterator[CelerySetting | Hidden]:
    for item in items:
        if isinstance(item, Hidden):
            yield Hidden(item.expression, item.place, app)
        elif key := key_of(item.key):
            yield CelerySetting(repo, key, item.module, item.node, item.place, app)


def _updates(repo: Repo, module: Module) -> Iterator[tuple[CeleryApp | None, ast.expr]]:
    """What `celery.conf.update(…)` is given; keywords as a dictionary."""
    for call in module.nodes(ast.Call):
        owner, _, last = module.name(call.func).rpartition(".")
        if last == "update" and owner.endswith(".conf") and not only_for_tests(module, call):
            app = owner_of(repo, module, owner.removesuffix(".conf"))
            yield from ((app, argument) for argument in call.args)
            yield from ((app, word.value) for word in call.keywords if word.arg is None)
            named = [word for word in call.keywords if word.arg]
            if named:
                yield app, ast.Dict([ast.copy_location(ast.Constant(w.arg), w) for w in named], [w.value for w in named])


def _objects(repo: Repo, module: Module) -> Iterator[tuple[CeleryApp | None, ast.expr]]:
    """What `config_from_object` is given."""
    for call in module.nodes(ast.Call):
        owner, _, last = module.name(call.func).rpartition(".")
        if last in ("config_from_object", "config_from_envvar") and call.args and not only_for_tests(module, call):
            yield owner_of(repo, module, owner), call.args[0]


def _assigned(repo: Repo, module: Module) -> Iterator[CelerySetting]:
    """`celery.conf.key = …` and `celery.conf["key"] = …`."""
    for target, value in module.assignments():
        if isinstance(target, ast.Attribute):
            key, owner = target.attr, module.name(target.value)
        elif isinstance(target, ast.Subscript):
            key, owner = string(target.slice) or "", module.name(target.value)
        else:
            continue
        if owner.endswith(".conf") and key_of(key) and not only_for_tests(module, target):
            app = owner_of(repo, module, owner.removesuffix(".conf"))
            yield CelerySetting(repo, key_of(key), module, value, module.place(target), app)


def expand(repo: Repo, module: Module, source: ast.expr, steps: int = 6) -> Iterator[Item | Hidden]:
    """The keys and values of the dictionary, class or module that an expression means, and the parts that cannot be seen."""
    if (pairs := _pairs(module, source)) is not None:
        for name, value, at in pairs:
            if name is None:
                yield from expand(repo, module, value, steps - 1)
            elif name:
                yield Item(name, module, value, module.place(at))
    elif not ELSEWHERE.match(module.name(source.value if isinstance(source, ast.Subscript) else source)):
        meant = list(_meant(repo, module, source)) if steps > 0 else []
        for where, node in meant:
            yield from expand(repo, where, node, steps - 1) if isinstance(node, ast.expr) else _body(where, node)
        if not meant:
            yield Hidden(source_of(source), module.place(source))


def _pairs(module: Module, source: ast.expr) -> list[tuple[str | None, ast.expr, ast.AST]] | None:
    """Keys, values and places of a dictionary as written; what it takes in (`**more`, `a or b`) has None for a key."""
    if isinstance(source, ast.Dict):
        return [(string(key) or "" if key else None, value, key or value) for key, value in zip(source.keys, source.values, strict=True)]
    if isinstance(source, ast.BoolOp):
        return [(None, value, value) for value in source.values]
    if isinstance(source, ast.Call) and module.name(source) == "dict" and not source.args:
        return [(word.arg, word.value, word) for word in source.keywords]
    return None


def _body(module: Module, node: ast.ClassDef | ast.Module) -> Iterator[Item]:
    """The names that a configuration class or module gives values."""
    if isinstance(node, ast.ClassDef):
        yield from (Item(key, module, value, module.place(value)) for key, value in attributes(node).items())
    else:
        named = ((key, value) for key, values in module.constants.items() for value in values)
        yield from (Item(key, module, value, module.place(value)) for key, value in named if not only_for_tests(module, value))


def _meant(repo: Repo, module: Module, source: ast.expr) -> Iterator[tuple[Module, ast.expr | ast.ClassDef | ast.Module]]:
    """The dictionaries, class or module that a name, or a text for `config_from_object`, stands for."""
    text = string(source)
    dotted = text.replace(":", ".") if text else module.name(source) if isinstance(source, ast.Name | ast.Attribute) else ""
    if not dotted:
        return
    function = module.function_around(source)
    if isinstance(source, ast.Name):
        local = [
            v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == source.id and module.function_around(t) in (function, None)
        ]
        yield from ((module, value) for value in local)
        if local:
            return
    found = definition(repo, module, dotted)
    if found and isinstance(found[1], ast.ClassDef):
        if not NOT_PRODUCTION.fullmatch(found[1].name):
            yield found[0], found[1]
    elif (other := repo.module_of(dotted)) is not None:
        where, name = other
        owner, _, attribute = name.rpartition(".")
        if not name:
            yield where, where.tree
        elif not owner:
            yield from ((where, value) for value in where.constants.get(name, []))
        else:
            yield from ((where, v) for c in where.named.get(owner, ()) if isinstance(c, ast.ClassDef) and (v := attributes(c).get(attribute)))
