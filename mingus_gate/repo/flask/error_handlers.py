"""Error handlers as facts: what `errorhandler`, `register_error_handler` and the REST extensions answer, and with which function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.python import Function, Module

DECORATORS = ("errorhandler", "app_errorhandler")
REGISTERS = ("register_error_handler", "add_error_handler")
EVERYTHING = {"Exception", "BaseException"}
UNKNOWN = "?"


@dataclass(frozen=True, eq=False)
class Handler:
    """One registration. `codes` are what it answers: "404", or the last part of an exception's name; "?" could not be told.

    `owner` is what it is registered on; `everywhere` is False for a blueprint's own, which answers only for its views.
    """

    codes: tuple[str, ...]
    module: Module
    node: ast.AST
    function: Function | ast.Lambda | None
    owner: str
    everywhere: bool

    @property
    def place(self) -> Place:
        return self.module.place(self.function or self.node)


def error_handlers(repo: Repo) -> list[Handler]:
    """Every error handler of served code, in path and line order."""
    found: list[Handler] = []
    for module in repo.python(b"errorhandler", b"error_handler", served=True):
        for attribute in module.nodes(ast.Attribute):
            if attribute.attr in DECORATORS:
                found += _decorated(repo, module, attribute)
            elif attribute.attr in REGISTERS:
                found += _registered(repo, module, attribute)
    for module, call in repo.calls("flask_smorest.Api", "apiflask.APIFlask", served=True):  # both answer every HTTP error in JSON
        found.append(Handler(("HTTPException",), module, call, None, "", True))
    return sorted(found, key=lambda handler: handler.place)


def _decorated(repo: Repo, module: Module, attribute: ast.Attribute) -> Iterator[Handler]:
    """`@app.errorhandler(404)`, `app.errorhandler(404)(view)`, and RESTX's bare `@api.errorhandler`."""
    parent = module.parent(attribute)
    call = parent if isinstance(parent, ast.Call) and parent.func is attribute else None
    codes = _codes(repo, module, call.args[0]) if call and call.args else ("Exception",)
    above = module.parent(call) if call else parent
    owner = module.name(attribute.value).rpartition(".")[2]
    everywhere = attribute.attr == "app_errorhandler" or owner.endswith(("app", "application"))
    if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
        yield Handler(codes, module, attribute, above, owner, everywhere)
    elif call and isinstance(above, ast.Call) and above.func is call and above.args:
        yield Handler(codes, module, attribute, _function(repo, module, above.args[0]), owner, everywhere)


def _registered(repo: Repo, module: Module, attribute: ast.Attribute) -> Iterator[Handler]:
    """`app.register_error_handler(404, view)`."""
    call = module.parent(attribute)
    if isinstance(call, ast.Call) and call.func is attribute and call.args:
        owner = module.name(attribute.value).rpartition(".")[2]
        function = _function(repo, module, call.args[1]) if len(call.args) > 1 else None
        yield Handler(_codes(repo, module, call.args[0]), module, call, function, owner, owner.endswith(("app", "application")))


def _function(repo: Repo, module: Module, node: ast.expr) -> Function | ast.Lambda | None:
    if isinstance(node, ast.Lambda):
        return node
    found = definition(repo, module, module.name(node))
    return found[1] if found and isinstance(found[1], ast.FunctionDef | ast.AsyncFunctionDef) and found[0] is module else None


def _codes(repo: Repo, module: Module, node: ast.expr) -> tuple[str, ...]:
    """What a handler is registered for; of a loop's variable, each of the values looped over."""
    if isinstance(node, ast.Name) and (looped := _looped(module, node)) is not None:
        return tuple(code for item in looped for code in _codes(repo, module, item)) or (UNKNOWN,)
    name = module.name(node)
    last = name.rpartition(".")[2]
    if last in HTTPStatus.__members__:
        return (str(HTTPStatus[last].value),)
    if "default_exceptions" in name:
        return ("HTTPException",)
    value = repo.resolve(module, node).literal
    if isinstance(value, int):
        return (str(value),)
    return (last,) if last[:1].isupper() else (UNKNOWN,)


def _looped(module: Module, name: ast.Name) -> list[ast.expr] | None:
    """The expressions a loop gives to a name: `for code in (404, 500)`, `for code, page in [(404, "a"), (500, "b")]`."""
    for loop in module.ancestors(name):
        if not isinstance(loop, ast.For):
            continue
        targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
        position = next((i for i, t in enumerate(targets) if isinstance(t, ast.Name) and t.id == name.id), None)
        if position is None:
            continue
        items = loop.iter
        if isinstance(items, ast.Name):
            values = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == items.id]
            items = values[0] if values else items
        elts = items.keys if isinstance(items, ast.Dict) else items.elts if isinstance(items, ast.List | ast.Tuple | ast.Set) else [items]
        if isinstance(loop.target, ast.Tuple):
            return [e.elts[position] for e in elts if isinstance(e, ast.Tuple) and position < len(e.elts)]
        return [e for e in elts if e is not None]
    return None
