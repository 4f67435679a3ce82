"""Where Flask-SQLAlchemy's engine options are decided: places of one application that replace one another."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import Setting, apps, settings
from mingus_gate.repo.python import Module, source_of, string, walk
from mingus_gate.repo.startup import running

KEY = "SQLALCHEMY_ENGINE_OPTIONS"
NOT_SERVED = re.compile(r"sqlite|test|debug|develop", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OptionPlace:
    """A place that gives the options. `keys` are those it sets; `condition` is the `if` around it, else empty."""

    place: Place
    keys: tuple[str, ...]
    condition: str = ""


def option_places(repo: Repo) -> list[list[OptionPlace]]:
    """For each application the places that give its engine options and replace what another has given."""
    given = [s for s in settings(repo, KEY) if not _adds(s)]
    found: list[list[OptionPlace]] = []
    for app in repo.fact(apps) if len(given) > 1 else []:
        started = running(repo, [(app.module, app.module.function_around(app.call) or app.module.tree)])
        classes = [s for s in given if _declared(s) and s.module.path in started.modules]
        written = [s for s in given if not _declared(s) and started.runs(s.module, s.node)]
        both = (classes[:1] if len(classes) == 1 else []) + written
        places = [_place(s) for s in both if not any(NOT_SERVED.search(ast.unparse(test)) for test in _tests(s.module, s.node))]
        if len(places) > 1 and places not in found:
            found.append(places)
    return found or [[_place(s)] for s in given]


def _place(setting: Setting) -> OptionPlace:
    value = setting.value.literal
    keys = tuple(value) if isinstance(value, dict) else ()
    return OptionPlace(setting.place, keys, _condition(setting.module, setting.node))


def _declared(setting: Setting) -> bool:
    """Whether it is an attribute of a configuration class or a name of a configuration module."""
    parent = setting.module.parent(setting.node)
    targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target] if isinstance(parent, ast.AnnAssign) else []
    return bool(setting.owner) or any(isinstance(target, ast.Name) for target in targets)


def _adds(setting: Setting) -> bool:
    """Whether it keeps what was given before: `setdefault`, or the same key is read in it or above it."""
    parent = setting.module.parent(setting.node)
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "setdefault":
        return True
    nodes: list[ast.Subscript | ast.Call] = [*setting.module.nodes(ast.Subscript), *setting.module.nodes(ast.Call)]
    before = [n for n in nodes if _reads(n) and n.lineno < setting.node.lineno]
    return bool(before) or any(string(n) == KEY or (isinstance(n, ast.Name | ast.Attribute) and KEY in ast.unparse(n)) for n in walk(setting.node))


def _condition(module: Module, node: ast.AST) -> str:
    return next(map(source_of, _tests(module, node)), "")


def _reads(node: ast.Subscript | ast.Call) -> bool:
    """Whether it is `config["SQLALCHEMY_ENGINE_OPTIONS"]` or `config.get("SQLALCHEMY_ENGINE_OPTIONS")`, read."""
    if isinstance(node, ast.Subscript):
        return string(node.slice) == KEY and isinstance(node.ctx, ast.Load)
    return isinstance(node.func, ast.Attribute) and node.func.attr == "get" and bool(node.args) and string(node.args[0]) == KEY


def _tests(module: Module, node: ast.AST) -> list[ast.expr]:
    """The tests of the `if` statements around it, innermost first."""
    return [above.test for above in module.ancestors(node) if isinstance(above, ast.If)]
