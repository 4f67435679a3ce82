"""A column's type as written → the Type that Alembic would compare. What is not known has no family."""

from __future__ import annotations

import ast
from dataclasses import replace

from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword, string
from mingus_gate.repo.schema.enums import argument, enum_type, number_of
from mingus_gate.repo.schema.lookup import find, is_file, last_name, starred
from mingus_gate.repo.schema.nouns import UNTOLD, Type
from mingus_gate.repo.schema.type_names import FAMILIES, FOREIGN, SIZED, ZONED

MAX_STEPS = 6
"""Names and base classes followed before we give up."""
MAX_SHOWN = 60


def read_type(repo: Repo, module: Module, node: ast.expr | None, steps: int = MAX_STEPS) -> Type:
    """The type that an expression stands for: `sa.String(120)`, `db.Integer`, `ARRAY(sa.Text)`, a class of the tree."""
    if node is None or steps <= 0:
        return UNTOLD
    found = _of_call(repo, module, node, steps) if isinstance(node, ast.Call) else _of_name(repo, module, node, None, steps)
    return Type(found.family, found.length, found.values, found.item, _shown(module, node), found.name)


def _of_call(repo: Repo, module: Module, call: ast.Call, steps: int) -> Type:
    if isinstance(call.func, ast.Attribute):
        if call.func.attr == "with_variant":
            return _variant(repo, module, call, call.func.value, steps)
        if call.func.attr == "as_mutable" and call.args:  # MutableDict.as_mutable(JSON)
            return read_type(repo, module, call.args[0], steps - 1)
        if call.func.attr in ("evaluates_none", "copy", "adapt"):
            return read_type(repo, module, call.func.value, steps - 1)
    return _of_name(repo, module, call.func, call, steps)


def _variant(repo: Repo, module: Module, call: ast.Call, base: ast.expr, steps: int) -> Type:
    """`JSON().with_variant(JSONB, "postgresql")`: PostgreSQL's where it has one."""
    dialects = [string(argument) for argument in call.args[1:]] or [string(keyword(call, "dialect_name"))]
    return read_type(repo, module, call.args[0] if "postgresql" in dialects and call.args else base, steps - 1)


def _of_name(repo: Repo, module: Module, func: ast.expr, call: ast.Call | None, steps: int) -> Type:
    dotted = module.name(func)
    package, name = dotted.partition(".")[0], dotted.rpartition(".")[2]
    if package in FOREIGN and name in FOREIGN[package]:
        return Type(*FOREIGN[package][name])
    if name == "ChoiceType" and package == "sqlalchemy_utils":
        impl = argument(call, 1, "impl")
        return read_type(repo, module, impl, steps - 1) if impl is not None else Type("string", 255)
    if package != "sqlalchemy" and (own := _own(repo, module, func, dotted, call, steps)) is not None:
        return own
    return _known(repo, module, name, call, steps) if name in FAMILIES else UNTOLD


def _known(repo: Repo, module: Module, name: str, call: ast.Call | None, steps: int) -> Type:
    family = FAMILIES[name]
    if family == "enum":
        return enum_type(repo, module, call)
    if family == "array":
        return Type(family, item=read_type(repo, module, argument(call, 0, "item_type"), steps - 1))
    if family in SIZED:
        return Type(family, number_of(repo, module, argument(call, 0, "length")))
    if family in ZONED:
        return Type(_zoned(repo, module, family, argument(call, 0, "timezone")))
    if name == "TINYINT" and number_of(repo, module, argument(call, 0, "display_width")) == 1:
        return Type("boolean")  # MySQL's, as SQLAlchemy makes it
    return Type(family)


def _zoned(repo: Repo, module: Module, family: str, timezone: ast.expr | None) -> str:
    if timezone is None:
        return family
    value = repo.resolve(module, timezone)
    return "" if not value.fixed else ZONED[family] if value.literal is True else family


# -- types of the tree -------------------------------------------------------------------------------------------------


def _own(repo: Repo, module: Module, func: ast.expr, dotted: str, call: ast.Call | None, steps: int) -> Type | None:
    """A name or a class of the tree; None where it is neither."""
    if isinstance(func, ast.Name) and func.id in module.constants:
        return _assigned(repo, module, func.id, call, steps)
    if "." in dotted and not (_in_tree(repo, module, func, dotted) or dotted.partition(".")[0] in module.named):
        return None
    found = find(repo, module, dotted)
    if found is None:
        return _imported(repo, module, dotted, call, steps)
    return _of_class(repo, found[0], found[1], module, call, steps) if isinstance(found[1], ast.ClassDef) else UNTOLD


def _in_tree(repo: Repo, module: Module, func: ast.expr, dotted: str) -> bool:
    """Whether all but the last name is a file of the tree that is imported; `db.String` of an instance `db` is none of ours."""
    root = func
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in module.imports and is_file(repo, dotted.rpartition(".")[0])


def _imported(repo: Repo, module: Module, dotted: str, call: ast.Call | None, steps: int) -> Type | None:
    """A type that another file of the tree keeps under a name: `Money = Numeric(10, 2)`."""
    found = repo.module_of(dotted) if "." in dotted else starred(repo, module, dotted)
    if found is None or not found[1] or "." in found[1] or found[0] is module:
        return None
    if found[1] in found[0].constants:
        return _assigned(repo, found[0], found[1], call, steps)
    held = starred(repo, *found)
    if held and held[1] in held[0].constants:
        return _assigned(repo, *held, call, steps)
    if found[1] not in found[0].imports or steps <= 1:
        return UNTOLD  # it stands in a file of the tree that we read, but not where we look
    return _of_name(repo, found[0], ast.Name(found[1]), call, steps - 1)


def _assigned(repo: Repo, module: Module, name: str, call: ast.Call | None, steps: int) -> Type:
    """What a module-level name stands for; of several, the one they agree on."""
    kinds = {_plain(_value(repo, module, value, call, steps)) for value in module.constants[name]}
    return kinds.pop() if len(kinds) == 1 else UNTOLD


def _value(repo: Repo, module: Module, value: ast.expr, call: ast.Call | None, steps: int) -> Type:
    if call is not None and isinstance(value, ast.Name | ast.Attribute) and steps > 1:
        return _of_name(repo, module, value, call, steps - 1)
    return read_type(repo, module, value, steps - 1)


def _plain(found: Type) -> Type:
    return replace(found, shown="")


def _of_class(repo: Repo, module: Module, node: ast.ClassDef, at: Module, call: ast.Call | None, steps: int) -> Type:
    """A TypeDecorator through its `impl`, a UserDefinedType through what it prints, a subclass through its base."""
    if steps <= 1:
        return UNTOLD
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    if "load_dialect_impl" in methods:
        return _by_dialect(repo, module, methods["load_dialect_impl"], steps)
    if "get_col_spec" in methods:
        return _printed(methods["get_col_spec"])
    own_init = "__init__" in methods
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == "impl" for t in targets) and isinstance(statement, ast.Assign | ast.AnnAssign):
            return _with_arguments(repo, module, statement.value, at, None if own_init else call, steps)
    for base in node.bases:
        found = _with_arguments(repo, module, base, at, None if own_init else call, steps)
        if found.family:
            return found
    return UNTOLD


def _with_arguments(repo: Repo, module: Module, impl: ast.expr | None, at: Module, call: ast.Call | None, steps: int) -> Type:
    """`impl = String` takes the arguments that the type is given: `Name(40)` is a `String(40)`."""
    if impl is None:
        return UNTOLD
    if isinstance(impl, ast.Subscript):  # TypeDecorator[datetime]
        impl = impl.value
    found = read_type(repo, module, impl, steps - 1)
    if call is not None and not isinstance(impl, ast.Call) and found.family in SIZED | {"enum", "array", *ZONED}:
        name = last_name(module, impl)
        return _known(repo, at, name, call, steps) if name in FAMILIES else found
    return found


def _by_dialect(repo: Repo, module: Module, method: ast.FunctionDef, steps: int) -> Type:
    """What `load_dialect_impl` gives PostgreSQL, where it asks for the dialect by name."""
    for node in method.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq):
            returned = next((s.value for s in node.body if isinstance(s, ast.Return)), None)
            if string(node.test.comparators[0]) == "postgresql" and isinstance(returned, ast.Call) and returned.args:
                return read_type(repo, module, returned.args[0], steps - 1)
    return UNTOLD


def _printed(method: ast.FunctionDef) -> Type:
    """A UserDefinedType is what its `get_col_spec` returns."""
    returned = [statement.value for statement in method.body if isinstance(statement, ast.Return)]
    text = string(returned[0]) if len(returned) == 1 else None
    if not text or not text.replace(" ", "").isalnum():
        return UNTOLD
    return Type(FAMILIES.get(text.upper(), text.lower()))


def _shown(module: Module, node: ast.expr) -> str:
    """The expression as it stands in its line; one over several lines is written anew."""
    text = ""
    if getattr(node, "lineno", 0) and node.lineno == node.end_lineno:
        line = module.file.lines[node.lineno - 1]
        text = line[node.col_offset : node.end_col_offset] if line.isascii() else ""
    try:
        text = text or ast.unparse(node)
    except (ValueError, RecursionError):
        return type(node).__name__
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
