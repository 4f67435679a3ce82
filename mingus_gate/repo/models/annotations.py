"""What `Mapped[…]` says of a column: its type, whether it may be NULL, and the `mapped_column` that an `Annotated` holds."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mingus_gate.repo import Repo
from mingus_gate.repo.models.roots import Root, locate
from mingus_gate.repo.python import Module, string
from mingus_gate.repo.schema.enums import ENUMS, members_of
from mingus_gate.repo.schema.lookup import find, last_name
from mingus_gate.repo.schema.nouns import UNTOLD, Type
from mingus_gate.repo.schema.types import read_type

PYTHON = {
    "int": "integer",
    "str": "string",
    "float": "float",
    "bool": "boolean",
    "bytes": "binary",
    "decimal.Decimal": "numeric",
    "datetime.datetime": "timestamp",
    "datetime.date": "date",
    "datetime.time": "time",
    "datetime.timedelta": "interval",
    "uuid.UUID": "uuid",
}
"""SQLAlchemy's own type_annotation_map."""
MAX_STEPS = 6


@dataclass(frozen=True, slots=True)
class Note:
    """What an annotation says of a column. `call` is the `mapped_column(…)` that it holds, with its module."""

    type: Type = UNTOLD
    nullable: bool = False
    call: tuple[Module, ast.Call] | None = None


def read_note(repo: Repo, module: Module, annotation: ast.expr | None, root: Root) -> Note | None:
    """What `Mapped[…]` says, or None where it says nothing of a column: no annotation, `DynamicMapped[…]`, `ClassVar[…]`."""
    annotation = _opened(annotation)
    if not isinstance(annotation, ast.Subscript) or last_name(module, annotation.value) != "Mapped":
        return None
    return _inner(repo, module, annotation.slice, root, MAX_STEPS)


def _opened(node: ast.expr | None) -> ast.expr | None:
    """An annotation in quotes, parsed."""
    text = string(node)
    if text is None:
        return node
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _inner(repo: Repo, module: Module, node: ast.expr | None, root: Root, steps: int) -> Note:
    node = _opened(node)
    if node is None or steps <= 0:
        return Note()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either(repo, module, [node.left, node.right], root, steps)
    if isinstance(node, ast.Subscript):
        name = last_name(module, node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in ("Optional", "Union"):
            return _either(repo, module, [*parts, *([ast.Constant(None)] if name == "Optional" else [])], root, steps)
        if name == "Annotated":
            return _annotated(repo, module, node, parts, root, steps)
        if name == "Literal":
            texts = [text for part in parts if (text := string(part)) is not None]
            return Note(Type("string", max(map(len, texts)), shown="Literal") if len(texts) == len(parts) and texts else UNTOLD)
    mapped = _in_map(repo, module, node, root)
    if mapped is not None:
        return Note(mapped)
    return _named(repo, module, node, root, steps)


def _either(repo: Repo, module: Module, parts: list[ast.expr], root: Root, steps: int) -> Note:
    """`X | None`: X, and NULL is allowed."""
    notes = [_inner(repo, module, part, root, steps - 1) for part in parts if not _is_none(part)]
    optional = len(notes) < len(parts) or any(note.nullable for note in notes)
    return Note(notes[0].type if len(notes) == 1 else UNTOLD, optional, notes[0].call if len(notes) == 1 else None)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _annotated(repo: Repo, module: Module, node: ast.expr, parts: list[ast.expr], root: Root, steps: int) -> Note:
    """`Annotated[str, 30]` by the map, `Annotated[int, mapped_column(primary_key=True)]` by what it holds."""
    inner = _inner(repo, module, parts[0], root, steps - 1)
    call = next((p for p in parts[1:] if isinstance(p, ast.Call) and module.name(p.func).endswith("mapped_column")), None)
    mapped = _in_map(repo, module, node, root)
    return Note(mapped or inner.type, inner.nullable, (module, call) if call else inner.call)


def _in_map(repo: Repo, module: Module, node: ast.expr, root: Root) -> Type | None:
    """The type that the base's type_annotation_map gives this annotation."""
    if root.types is None:
        return None
    owner, types = root.types
    wanted = _spelled(module, node)
    for key, value in zip(types.keys, types.values, strict=True):
        if key is not None and _spelled(owner, key) == wanted:
            return read_type(repo, owner, value)
    return None


def _spelled(module: Module, node: ast.expr) -> str:
    """An annotation with its names resolved, so that the same one in two files is alike."""
    dotted = module.name(node)
    if not dotted or isinstance(node, ast.Call):
        return ast.unparse(node)
    return f"{module.dotted}.{dotted}" if dotted in module.constants else dotted


def _named(repo: Repo, module: Module, node: ast.expr, root: Root, steps: int) -> Note:
    """A plain name: Python's type, an Enum, an alias of an annotation."""
    dotted = module.name(node)
    if dotted in PYTHON:
        return Note(Type(PYTHON[dotted], shown=dotted))
    located = locate(repo, module, dotted) if dotted and not isinstance(node, ast.Subscript) else None
    if located and (values := located[0].constants.get(located[1])):
        owner, alias = located
        mapped = _in_map(repo, owner, ast.Name(alias), root)
        inner = _inner(repo, owner, values[-1], root, steps - 1)
        return Note(mapped, inner.nullable, inner.call) if mapped else inner
    found = find(repo, module, dotted) if dotted else None
    if found and isinstance(found[1], ast.ClassDef) and any(last_name(found[0], b) in ENUMS for b in found[1].bases):
        name = found[1].name
        return Note(Type("enum", values=members_of(found[1]), shown=name, name=name.lower()))
    return Note()
