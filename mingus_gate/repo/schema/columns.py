"""Columns and constraints as written in models and revisions: `sa.Column(…)`, `mapped_column(…)`, `UniqueConstraint(…)`."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass, field, replace
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Function, Module, keyword, string, walk
from mingus_gate.repo.schema.lookup import find, last_name
from mingus_gate.repo.schema.nouns import UNTOLD, Column, ForeignKey, Index, Table, Type
from mingus_gate.repo.schema.type_names import FAMILIES
from mingus_gate.repo.schema.types import read_type

COLUMNS = {"Column", "mapped_column"}
WRAPPERS = {"deferred", "column_property", "synonym_for"}
"""Functions of SQLAlchemy's ORM whose first argument is the column."""
ATTACHED = {"ForeignKey", "Computed", "Identity", "Sequence", "CheckConstraint", "FetchedValue", "DefaultClause", "ColumnDefault"}
"""Arguments of a column that are not its type."""
CAMEL = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")
"""Where Flask-SQLAlchemy puts an underscore (flask_sqlalchemy.model.camel_to_snake_case)."""
PLAIN_FIELD = re.compile(r"\{\w*\}")
Words = dict[str | None, ast.expr]
Called = tuple[Module, ast.Call, Words]
Naming = dict[str, str]
"""The naming convention of a metadata: `{"ix": "ix_%(column_0_label)s", "uq": …}`."""
DEFAULT_NAMING: Naming = {"ix": "ix_%(column_0_label)s"}


@dataclass(slots=True)
class Read:
    """A column and what it brings along."""

    column: Column
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)


def read_column(
    repo: Repo,
    module: Module,
    node: ast.expr | None,
    table: str = "",
    name: str = "",
    given: Type = UNTOLD,
    nullable: bool | None = True,
    naming: Naming = DEFAULT_NAMING,
) -> Read | None:
    """The column that `node` makes, or None where it makes none or its name cannot be told.

    `name` is its name where the call has none, `given` and `nullable` what an annotation says of it.
    """
    found = column_call(repo, module, node)
    if found is None:
        return None
    module, call, words = found
    positional = [argument for argument in call.args if not is_none(argument)]
    written = words.get("name")
    first = positional[0] if positional else None
    if written is None and first is not None and _is_text(repo, module, first):
        written, positional = first, positional[1:]
    name = (text_of(repo, module, written) or "") if written is not None else name
    if not name:
        return None
    attached = {last_name(module, argument): argument for argument in positional if isinstance(argument, ast.Call)}
    typed = words.get("type_") or next((a for a in positional if not _is_attached(module, a)), None)
    primary = flag(repo, module, words.get("primary_key"), False) is True
    column = Column(
        name,
        read_type(repo, module, typed) if typed is not None else given,
        flag(repo, module, words.get("nullable"), False if primary or "Identity" in attached else nullable),
        _default(repo, module, words.get("server_default"), "Computed" in attached or "FetchedValue" in attached or "DefaultClause" in attached),
        primary,
        module.place(call),
        _server_default(words.get("server_default")),
    )
    if any(isinstance(a, ast.Starred) for a in call.args) or None in words:
        column = replace(column, nullable=None, default=None, type=column.type if typed is not None else UNTOLD)
    keys = [read_foreign_key(repo, module, (name,), a) for a in positional if isinstance(a, ast.Call) and is_call(module, a, "ForeignKey")]
    return Read(column, _flagged(repo, module, call, words, table, name, naming), keys)


def column_call(repo: Repo, module: Module, node: ast.expr | None, steps: int = 4) -> Called | None:
    """The `Column(…)` that an expression makes, with its keywords: itself, in `deferred(…)`, by a helper or a partial of the tree."""
    if not isinstance(node, ast.Call) or steps <= 0:
        return None
    last = last_name(module, node)
    words = {word.arg: word.value for word in node.keywords}
    if last in WRAPPERS:
        return column_call(repo, module, node.args[0], steps - 1) if node.args else None
    local = node.func.id if isinstance(node.func, ast.Name) else ""
    if local in module.constants:
        return _partial(module, node, words, module.constants[local][-1])
    if last in COLUMNS and (local not in module.named or local in module.imports):
        return module, node, words
    found = find(repo, module, module.name(node.func)) if local or "." in module.name(node.func) else None
    if found is None:
        return None
    return _made_by(repo, *found, node, words, module, steps)


def _partial(module: Module, call: ast.Call, words: Words, value: ast.expr) -> Called | None:
    """`Column = functools.partial(sa.Column, nullable=False)`, and `Column = db.Column`."""
    if isinstance(value, ast.Call) and is_call(module, value, "partial") and value.args:
        words = {**{word.arg: word.value for word in value.keywords}, **words}
        value = value.args[0]
    return (module, call, words) if not isinstance(value, ast.Call) and last_name(module, value) in COLUMNS else None


def _made_by(repo: Repo, owner: Module, made: Function | ast.ClassDef, call: ast.Call, words: Words, module: Module, steps: int) -> Called | None:
    """The column that a function of the tree returns; a class that is a Column reads as one whose rest is hidden."""
    if isinstance(made, ast.ClassDef):
        if any(last_name(owner, base) in COLUMNS for base in made.bases):
            return module, call, {**words, None: call} if any(isinstance(s, ast.FunctionDef) for s in made.body) else words
        return None
    returned = [n.value for n in walk(made) if isinstance(n, ast.Return) and n.value is not None]
    found = column_call(repo, owner, _with_arguments(made, call, returned[0]), steps - 1) if len(returned) == 1 else None
    if found and None in found[2] and made.args.kwarg:  # Column(…, **kwargs): what the caller gives beyond the parameters
        names = {argument.arg for argument in (*made.args.args, *made.args.kwonlyargs)}
        handed = {word: value for word, value in words.items() if word not in names}
        return found[0], found[1], {**{word: value for word, value in found[2].items() if word is not None}, **handed}
    return found


def _with_arguments(made: Function, call: ast.Call, node: ast.expr) -> ast.expr:
    """What a helper returns, the literals it is called with in place of its parameters."""
    names = [argument.arg for argument in made.args.args]
    given: dict[str | None, ast.expr] = dict(zip(reversed(names), reversed(made.args.defaults), strict=False))
    given |= dict(zip(names, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg in names}
    literals = {name: value.value for name, value in given.items() if name and isinstance(value, ast.Constant)}
    filled: ast.expr = _Filled(literals).visit(copy.deepcopy(node)) if literals else node
    return filled


class _Filled(ast.NodeTransformer):
    def __init__(self, literals: dict[str, Any]) -> None:
        self.literals = literals

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(self.literals[node.id]), node) if node.id in self.literals else node


def add(table: Table, read: Read) -> None:
    """Puts a column and what it brings along into `table`."""
    table.columns[read.column.name] = read.column
    table.indexes += read.indexes
    table.foreign_keys += read.foreign_keys


# -- what a column says of itself --------------------------------------------------------------------------------------


def flag(repo: Repo, module: Module, node: ast.expr | None, default: bool | None) -> bool | None:
    if node is None:
        return default
    literal = node.value if isinstance(node, ast.Constant) else repo.resolve(module, node).literal
    return literal if isinstance(literal, bool) else bool(literal) if isinstance(literal, int) else None


def _default(repo: Repo, module: Module, node: ast.expr | None, attached: bool) -> bool | None:
    if node is None:
        return attached
    if isinstance(node, ast.Call):  # text("NULL"), null(): the database keeps none
        text = string(node.args[0]) if node.args and is_call(module, node, "text") else None
        return not (is_call(module, node, "null") or (text or "").upper() == "NULL")
    value = repo.resolve(module, node)
    return not (value.fixed and value.literal in (None, False))


def _server_default(node: ast.expr | None) -> str:
    return "" if node is None or is_none(node) else ast.unparse(node)


def _flagged(repo: Repo, module: Module, call: ast.Call, words: Words, table: str, name: str, naming: Naming) -> list[Index]:
    """The index of `index=True`, the constraint of `unique=True`; both together are a unique index."""
    unique = flag(repo, module, words.get("unique"), False) is True
    place = module.place(call)
    if flag(repo, module, words.get("index"), False) is True:
        return [Index(conventional("ix", naming, table, (name,)), (name,), unique, place=place)]
    return [Index(conventional("uq", naming, table, (name,)), (name,), True, True, place)] if unique else []


def conventional(kind: str, naming: Naming, table: str, columns: tuple[str, ...], refers: str = "") -> str:
    """The name that a naming convention gives, or "" where it gives none or asks for what we do not fill in."""
    pattern = naming.get(kind, "")
    if not pattern or not columns or not table:
        return ""
    bare, label = table.rpartition(".")[2], f"{table.replace('.', '_')}_"
    words = {
        "table_name": bare,
        "column_0_name": columns[0],
        "column_0_key": columns[0],
        "column_0_label": label + columns[0],
        "column_0_N_name": "_".join(columns),
        "column_0_N_label": "_".join(label + column for column in columns),
        "column_0N_name": "".join(columns),
        "referred_table_name": refers.rpartition(".")[2],
    }
    try:
        name = pattern % words
    except (KeyError, ValueError, TypeError):
        return ""
    return name if len(name) <= 63 else ""


def read_foreign_key(repo: Repo, module: Module, columns: tuple[str, ...], call: ast.Call) -> ForeignKey:
    """`ForeignKey("users.id")` of the given columns; `refers` is empty where the target cannot be told."""
    target = call.args[0] if call.args else keyword(call, "column")
    refers, referred = target_of(repo, module, target)
    name = keyword(call, "name")
    return ForeignKey(columns, refers, (referred,) if referred else (), (name is not None and text_of(repo, module, name)) or "", module.place(call))


def target_of(repo: Repo, module: Module, node: ast.expr | None) -> tuple[str, str]:
    """The table and column of `"users.id"`, of `User.id` and of `users.c.id`."""
    if isinstance(node, ast.Attribute):
        owner = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr == "c" else node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "__table__":
            owner = owner.value
        if table := table_of(repo, module, owner):
            return table, node.attr
    text = text_of(repo, module, node) or ""
    table, _, column = text.rpartition(".")
    return (table, column) if table else (column, "")


def table_of(repo: Repo, module: Module, node: ast.expr) -> str:
    """The table that a name of a class, or of a `Table`, stands for."""
    if isinstance(node, ast.Name) and (values := module.constants.get(node.id)):
        value = values[-1]
        return (text_of(repo, module, value.args[0]) or "") if isinstance(value, ast.Call) and is_call(module, value, "Table") and value.args else ""
    found = find(repo, module, module.name(node))
    if found is None or not isinstance(found[1], ast.ClassDef):
        return ""
    for statement in found[1].body:
        if isinstance(statement, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__tablename__" for t in statement.targets):
            return text_of(repo, found[0], statement.value) or ""
    flask = any(found[0].name(base).endswith(".Model") for base in found[1].bases)
    return snake_case(found[1].name) if flask else ""


def snake_case(name: str) -> str:
    """The table name that Flask-SQLAlchemy makes of a class's."""
    return CAMEL.sub(r"_\1", name).lower().lstrip("_")


def text_of(repo: Repo, module: Module, node: ast.expr | None) -> str | None:
    """The text of an expression; `op.f("…")` and `quoted_name("…", True)` are the text they are given."""
    if isinstance(node, ast.Constant):
        return string(node)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format" and (pattern := string(node.func.value)):
            return _formatted(repo, module, pattern, node)
        return text_of(repo, module, node.args[0]) if node.args and last_name(module, node) in ("f", "quoted_name", "conv") else None
    literal = repo.resolve(module, node).literal if node is not None else None
    return literal if isinstance(literal, str) else None


def _formatted(repo: Repo, module: Module, pattern: str, call: ast.Call) -> str | None:
    """`"{}.{}".format("users", "id")`, all of it texts."""
    texts = [text_of(repo, module, argument) for argument in call.args]
    named = {word.arg or "": text_of(repo, module, word.value) for word in call.keywords}
    if "{" in PLAIN_FIELD.sub("", pattern) or None in texts or None in named.values():
        return None
    try:
        return pattern.format(*texts, **named)
    except (IndexError, KeyError, ValueError):
        return None


def _is_text(repo: Repo, module: Module, node: ast.expr) -> bool:
    """Whether the first argument of a column is its name and not its type."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return True
    if isinstance(node, ast.Name):
        return node.id == "name" or (module.name(node) == node.id and text_of(repo, module, node) is not None)
    if isinstance(node, ast.Attribute) and node.attr in FAMILIES:
        return False
    return isinstance(node, ast.Attribute | ast.Call | ast.BinOp) and text_of(repo, module, node) is not None


def _is_attached(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Starred):
        return True
    return isinstance(node, ast.Call) and last_name(module, node) in ATTACHED


def is_call(module: Module, call: ast.Call, name: str) -> bool:
    return last_name(module, call) == name


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
