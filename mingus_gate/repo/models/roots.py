"""What tables are declared on: `db = SQLAlchemy()`, `Base = declarative_base()`, `class Base(DeclarativeBase)`, `MetaData()`."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword
from mingus_gate.repo.schema.lookup import find, last_name, starred
from mingus_gate.repo.schema.naming import DEFAULT_NAMING, Naming
from mingus_gate.repo.schema.written import text_of

DECLARATIVE = {"DeclarativeBase", "DeclarativeBaseNoMeta"}
FACTORIES = {"declarative_base", "generate_base", "registry", "MetaData", "automap_base"}
SQLMODEL = "sqlmodel.SQLModel"
FOREIGN = {"flask_appbuilder.Model": True, SQLMODEL: True, "alchemical.Model": False}
"""Roots that packages bring, and whether they declare tables of their own, or in ways of their own."""
LOST = "?"
"""Key of a `db.Model` whose `db` is not found, or in more than one file; a base class that is not found has its name behind it."""
PARTS = ("metadata", "Model", "registry")
"""Attributes of a root that lead to the same metadata."""
MAX_STEPS = 8
Located = tuple[Module, str]


@dataclass(frozen=True, slots=True)
class Root:
    """A metadata and how classes come to it. `key` tells metadatas apart; `below` is the class of the tree that models inherit by it."""

    key: str
    name: str
    place: Place
    flask: bool = False
    below: tuple[Module, ast.ClassDef] | None = None
    schema: str = ""
    naming: tuple[tuple[str, str], ...] = tuple(DEFAULT_NAMING.items())
    types: tuple[Module, ast.Dict] | None = None
    foreign: bool = False


def root_of(repo: Repo, module: Module, node: ast.expr | None) -> Root | None:
    """The root that `db.Model`, `Base`, `metadata` or `Base.metadata` stands for in `module`."""
    return root_named(repo, module, module.name(node)) if isinstance(node, ast.Name | ast.Attribute) else None


def root_named(repo: Repo, module: Module, dotted: str, steps: int = MAX_STEPS) -> Root | None:
    """The root of a dotted name, imports resolved; found once."""
    if dotted in FOREIGN:
        return Root(dotted, dotted.rpartition(".")[2], Place(module.path), True, foreign=FOREIGN[dotted])
    if not dotted or steps <= 0:
        return None
    known = repo.fact(_known)
    key = (module.path, dotted)
    if key not in known:
        known[key] = None  # a circle leads nowhere
        known[key] = _find(repo, module, dotted, steps)
    return known[key]


def _known(_repo: Repo) -> dict[tuple[str, str], Root | None]:
    """Roots by module and name, filled in as they are asked for."""
    return {}


def _find(repo: Repo, module: Module, dotted: str, steps: int) -> Root | None:
    located = locate(repo, module, dotted)
    if located is None:
        owner, _, last = dotted.rpartition(".")
        return root_named(repo, module, owner, steps - 1) if last in PARTS else None
    found, name = located
    if found is not module:
        return root_named(repo, found, name, steps - 1)
    if values := found.constants.get(name):
        return _assigned(repo, found, name, values[-1], steps)
    node = next((n for n in found.named.get(name, []) if isinstance(n, ast.ClassDef)), None)
    return _of_class(repo, found, node, steps) if node else None


def locate(repo: Repo, module: Module, dotted: str, steps: int = MAX_STEPS) -> Located | None:
    """The module that assigns or defines a name at its top, followed through imports and re-exports."""
    if steps <= 0:
        return None
    if "." not in dotted:
        if dotted in module.constants or any(module.parent(n) is module.tree for n in module.named.get(dotted, [])):
            return module, dotted
        source = module.imports.get(dotted) if steps < MAX_STEPS else None
        if source and source != dotted:
            return locate(repo, module, source, steps - 1)
        held = starred(repo, module, dotted)
        return locate(repo, held[0], held[1], steps - 1) if held else None
    found = repo.module_of(dotted)
    if found is None or not found[1] or "." in found[1] or found[0] is module:
        return None
    return locate(repo, found[0], found[1], steps - 1)


def _assigned(repo: Repo, module: Module, name: str, value: ast.expr, steps: int) -> Root | None:
    if isinstance(value, ast.Name | ast.Attribute):  # Model = db.Model
        return root_named(repo, module, module.name(value), steps - 1)
    return made_by(repo, module, name, value, steps) if isinstance(value, ast.Call) else None


def made_by(repo: Repo, module: Module, name: str, call: ast.Call, steps: int = MAX_STEPS) -> Root | None:
    """The root that a call makes, if it makes one."""
    last = last_name(module, call)
    if last == "Alchemical":
        return root_named(repo, module, "alchemical.Model")
    flask = is_flask_sqlalchemy(repo, module, call)
    if not flask and last not in FACTORIES:
        return None
    root = replace(Root(f"{module.path}:{name}", name, module.place(call), flask), naming=_named_later(repo, module))
    if last in ("declarative_base", "generate_base") and isinstance(call.func, ast.Attribute) and (held := root_of(repo, module, call.func.value)):
        root = replace(held, place=root.place)  # registry.generate_base()
    if last == "MetaData":
        return _with_metadata(repo, module, root, call)
    root = _on_metadata(repo, module, root, keyword(call, "metadata"), steps)
    if isinstance(types := keyword(call, "type_annotation_map"), ast.Dict):
        root = replace(root, types=(module, types))
    base = keyword(call, "model_class") or keyword(call, "cls")
    return _on_class(repo, module, root, base, steps) if base is not None else root


def _on_class(repo: Repo, module: Module, root: Root, base: ast.expr, steps: int) -> Root:
    """`SQLAlchemy(model_class=Base)`, `declarative_base(cls=Base)`: models inherit that class; its metadata is used if it has one."""
    if isinstance(base, ast.Call):  # model_class=declarative_base(cls=Base)
        made = made_by(repo, module, root.name, base, steps - 1)
        return replace(root, below=made.below, types=made.types) if made else root
    if held := root_named(repo, module, module.name(base), steps - 1):
        root = replace(held, flask=root.flask, place=root.place, name=root.name)
    found = find(repo, module, module.name(base))
    return replace(root, below=(found[0], found[1])) if found and isinstance(found[1], ast.ClassDef) else root


def is_flask_sqlalchemy(repo: Repo, module: Module, call: ast.Call) -> bool:
    """Whether a call makes Flask-SQLAlchemy's object, or one of a class of the tree made from it."""
    name = module.name(call.func)
    if name.rpartition(".")[2] in ("SQLAlchemy", "SQLA") and not module.named.get(name):
        return True
    found = find(repo, module, name)
    return bool(found and isinstance(found[1], ast.ClassDef) and any(found[0].name(b).endswith("SQLAlchemy") for b in found[1].bases))


def _of_class(repo: Repo, module: Module, node: ast.ClassDef, steps: int) -> Root | None:
    """The root that a class is (`class Base(DeclarativeBase)`, `@as_declarative()`), or inherits."""
    own = next(
        (s.value for s in node.body if isinstance(s, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "metadata" for t in s.targets)), None
    )
    if _starts(module, node):
        root = Root(f"{module.path}:{node.name}", node.name, module.place(node))
        return _on_metadata(repo, module, replace(root, types=_type_map(module, node)), own, steps)
    for base in node.bases:
        inherited = root_named(repo, module, module.name(base), steps - 1)
        if inherited and own is not None:
            root = replace(inherited, key=f"{module.path}:{node.name}", name=node.name, place=module.place(node))
            return _on_metadata(repo, module, root, own, steps)
        if inherited:
            return inherited
    return None


def gives_metadata(module: Module, given: ast.AST | None) -> bool:
    """Whether `metadata = …` in a class is a metadata; it may be a column of that name."""
    return isinstance(given, ast.Name | ast.Attribute) or (isinstance(given, ast.Call) and module.name(given.func).endswith("MetaData"))


def _starts(module: Module, node: ast.ClassDef) -> bool:
    if any(last_name(module, base) in DECLARATIVE for base in node.bases):
        return True
    return any(module.name(decorator).endswith(("as_declarative", "as_declarative_base")) for decorator in node.decorator_list)


def _type_map(module: Module, node: ast.ClassDef) -> tuple[Module, ast.Dict] | None:
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target if isinstance(statement, ast.AnnAssign) else None
        if not isinstance(target, ast.Name) or not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        value = statement.value
        if target.id == "registry" and isinstance(value, ast.Call):
            value = keyword(value, "type_annotation_map")
        if target.id in ("type_annotation_map", "registry") and isinstance(value, ast.Dict):
            return module, value
    return None


def _on_metadata(repo: Repo, module: Module, root: Root, node: ast.expr | None, steps: int) -> Root:
    """The root with the metadata that it is given; one under a name of its own is shared by whatever else is given it."""
    if isinstance(node, ast.Call):
        return _with_metadata(repo, module, root, node)
    held = root_named(repo, module, module.name(node), steps - 1) if node is not None else None
    return replace(root, key=held.key, schema=held.schema, naming=held.naming) if held else root


def _with_metadata(repo: Repo, module: Module, root: Root, call: ast.Call) -> Root:
    schema, naming = keyword(call, "schema"), keyword(call, "naming_convention")
    named = root.naming if naming is None else _convention(repo, module, naming)
    return replace(root, schema=(text_of(repo, module, schema) or "") if schema is not None else "", naming=named)


def _named_later(repo: Repo, module: Module) -> tuple[tuple[str, str], ...]:
    """`db.metadata.naming_convention = …` in the module of a root; else SQLAlchemy's own."""
    if module.file.mentions(b".naming_convention ="):
        for target, value in module.assignments():
            if isinstance(target, ast.Attribute) and target.attr == "naming_convention":
                return _convention(repo, module, value)
    return tuple(DEFAULT_NAMING.items())


def _convention(repo: Repo, module: Module, node: ast.expr) -> tuple[tuple[str, str], ...]:
    """The patterns of a naming convention; one that cannot be told gives no name."""
    value = repo.resolve(module, node).literal
    texts = {k: v.literal for k, v in value.items()} if isinstance(value, dict) else {"ix": None}
    return tuple((k, v) for k, v in {**DEFAULT_NAMING, **texts}.items() if isinstance(v, str))


def naming_of(root: Root) -> Naming:
    """Its naming convention."""
    return dict(root.naming)
