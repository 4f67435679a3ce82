"""Calls in a revision that only make values: of builtins, and of the methods of texts and collections. Standard library only."""

from __future__ import annotations

import ast
import itertools
import textwrap
from collections.abc import Callable
from typing import Any

from mingus_gate.repo.migrations.bindings import MAX_ITEMS, MAX_TEXT, WIDE, Arguments, shown
from mingus_gate.repo.migrations.standing import HOLE


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple | dict | str | range):
        raise TypeError
    return list(value)


def _range(*bounds: Any) -> list[Any]:
    found = range(*bounds)
    if len(found) > MAX_ITEMS:
        raise ValueError
    return list(found)


def _distinct(value: Any = ()) -> list[Any]:
    items = _items(value)
    return [item for number, item in enumerate(items) if item not in items[:number]]


def _zip(*values: Any) -> list[Any]:
    return [list(pair) for pair in zip(*map(_items, values), strict=False)]


def _product(*values: Any) -> list[Any]:
    items = [_items(value) for value in values]
    return [list(pair) for pair in itertools.islice(itertools.product(*items), MAX_ITEMS)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "str": lambda value="": _text(value),
    "len": lambda value: len(_items(value)),
    "list": lambda value=(): _items(value),
    "tuple": lambda value=(): _items(value),
    "set": _distinct,
    "frozenset": _distinct,
    "sorted": lambda value: sorted(_items(value)),
    "reversed": lambda value: _items(value)[::-1],
    "dict": lambda value=(), **named: dict(value if isinstance(value, dict) else _items(value)) | named,
    "range": _range,
    "enumerate": lambda value, start=0: [[number, item] for number, item in enumerate(_items(value), start)],
    "zip": _zip,
    "itertools.product": _product,
    "itertools.chain": lambda *values: [item for value in values for item in _items(value)],
    "any": lambda value: any(_known(_items(value))),
    "all": lambda value: all(_known(_items(value))),
    "bool": lambda value=False: bool(_known([value])[0]),
    "int": lambda value=0: int(_known([value])[0]),
    "textwrap.dedent": textwrap.dedent,
    "inspect.cleandoc": textwrap.dedent,
}

TEXT_METHODS: tuple[str, ...] = ("lower", "upper", "strip", "lstrip", "rstrip", "replace", "split", "splitlines", "title", "capitalize")
TEXT_METHODS += ("startswith", "endswith", "removeprefix", "removesuffix")


def _text(value: Any) -> str:
    if isinstance(value, ast.AST):
        raise TypeError
    return shown(value)


def _known(items: list[Any]) -> list[Any]:
    if any(isinstance(item, ast.AST) for item in items):
        raise TypeError
    return items


def function_value(name: str, given: Arguments) -> tuple[bool, Any]:
    """Whether the call of a builtin can be told, and what it gives."""
    function = FUNCTIONS.get(name)
    if function is None or given.unclear:
        return False, None
    try:
        return True, function(*given.positional, **given.named)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return False, None


def method_value(held: Any, method: str, given: Arguments) -> tuple[bool, Any]:
    """Whether the call of a method of a known value can be told, and what it gives. Lists and dictionaries change as they do."""
    if given.unclear:
        return False, None
    try:
        if isinstance(held, str):
            return _of_text(held, method, given)
        if isinstance(held, dict):
            return _of_dict(held, method, given)
        return _of_list(held, method, given) if isinstance(held, list) else (False, None)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return False, None


def _of_text(text: str, method: str, given: Arguments) -> tuple[bool, Any]:
    if method == "format":
        if WIDE.search(text):
            return True, HOLE
        return True, text.format(*(shown(v) for v in given.positional), **{k: shown(v) for k, v in given.named.items()})
    if method == "join":
        return True, text.join(shown(item) for item in _items(given.positional[0]))[:MAX_TEXT]
    if method in TEXT_METHODS and all(isinstance(v, str | int) for v in given.positional):
        if method == "replace" and len(text) * len(str(given.positional[1])) > MAX_TEXT * 10:
            return False, None
        return (HOLE not in text or method not in ("startswith", "endswith")), getattr(text, method)(*given.positional)
    return False, None


def _of_dict(held: dict[Any, Any], method: str, given: Arguments) -> tuple[bool, Any]:
    match method:
        case "items":
            return True, [[key, value] for key, value in held.items()]
        case "keys":
            return True, list(held)
        case "values":
            return True, list(held.values())
        case "get" if not isinstance(given.positional[0], ast.AST):
            return True, held.get(*given.positional)
        case "update":
            held.update(given.positional[0] if given.positional else {}, **given.named)
            return True, None
        case "copy":
            return True, dict(held)
    return False, None


def _of_list(held: list[Any], method: str, given: Arguments) -> tuple[bool, Any]:
    match method:
        case "append" | "add" if len(held) < MAX_ITEMS:
            held.append(given.positional[0])
        case "extend" | "update" if len(held) < MAX_ITEMS:
            held.extend(_items(given.positional[0])[:MAX_ITEMS])
        case "remove" | "discard" if given.positional[0] in held:
            held.remove(given.positional[0])
        case "copy" | "union":
            return True, [*held, *(_items(given.positional[0]) if given.positional else [])]
        case "difference":
            return True, [item for item in held if item not in _items(given.positional[0])]
        case "fetchall" | "all":
            return True, held
        case _:
            return False, None
    return True, None
