"""The entries of Celery's beat schedule: what runs by the clock, and the name of the task it asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.app import tasks
from mingus_gate.repo.celery.settings import Hidden, Item, celery_settings, expand
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import Module, source_of, string


@dataclass(frozen=True, slots=True)
class BeatEntry:
    """One entry. `task` is the name it asks for, or empty where that is computed: `unresolved` is then the expression."""

    entry: str
    task: str
    place: Place
    unresolved: str = ""


def beat_entries(repo: Repo) -> list[BeatEntry]:
    """Every entry that production gives beat, in path and line order."""
    found: dict[Place, BeatEntry] = {}
    for module, source in _schedules(repo):
        for item in expand(repo, module, source):
            entry = BeatEntry("", "", item.place, item.expression) if isinstance(item, Hidden) else _entry(repo, item)
            found.setdefault(entry.place, entry)
    for module, call in repo.calls("*.add_periodic_task"):
        if len(call.args) > 1 and not only_for_tests(module, call):
            found[module.place(call)] = BeatEntry(*_task(repo, module, call.args[1]), module.place(call), _unresolved(repo, module, call.args[1]))
    return sorted(found.values(), key=lambda entry: entry.place)


def _schedules(repo: Repo) -> Iterator[tuple[Module, ast.expr]]:
    """Every expression that is, or is added to, the schedule; a single entry as a dictionary of one."""
    yield from ((s.module, s.node) for s in repo.fact(celery_settings) if s.key == "beat_schedule")
    for module in repo.python(b"beat_schedule", b"BEAT_SCHEDULE"):
        for target, value in module.assignments():
            if isinstance(target, ast.Subscript) and module.name(target.value).lower().endswith("conf.beat_schedule"):
                yield module, ast.Dict([target.slice], [value])
        for call in module.nodes(ast.Call):
            if module.name(call.func).lower().endswith("conf.beat_schedule.update"):
                yield from ((module, argument) for argument in call.args)


def _entry(repo: Repo, item: Item) -> BeatEntry:
    named = next((part for part in expand(repo, item.module, item.node) if isinstance(part, Item) and part.key == "task"), None)
    if named is None:
        return BeatEntry(item.key, "", item.place, source_of(item.node))
    _, task = _task(repo, named.module, named.node)
    return BeatEntry(item.key, task, named.place, _unresolved(repo, named.module, named.node))


def _task(repo: Repo, module: Module, node: ast.expr) -> tuple[str, str]:
    """The text itself and the name of the task that an expression stands for: a text, `task.name` or `task.s()`."""
    value = repo.resolve(module, node)
    if isinstance(value.literal, str):
        return value.literal, value.literal
    dotted = module.name(node).removesuffix(".name")
    for ending in (".s", ".si", ".signature", ".subtask"):
        dotted = dotted.removesuffix(ending)
    found = definition(repo, module, dotted)
    task = next((t for t in repo.fact(tasks) if found and t.node is found[1]), None)
    return dotted, task.name if task else ""


def _unresolved(repo: Repo, module: Module, node: ast.expr) -> str:
    return "" if string(node) or _task(repo, module, node)[1] else source_of(node)
