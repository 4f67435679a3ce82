"""Classes as declarative reads them: what they inherit, in which order, and what stands in their bodies."""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass, field

from mingus_gate.repo import Repo
from mingus_gate.repo.models.roots import DECLARATIVE, LOST, MAX_STEPS, Root, gives_metadata, made_by, root_named
from mingus_gate.repo.python import Function, Module, source_of
from mingus_gate.repo.schema.lookup import find, last_name

HARMLESS = {
    *("UserMixin", "AnonymousUserMixin", "RoleMixin", "SerializerMixin", "AllFeaturesMixin", "ActiveRecordMixin", "ReprMixin", "SmartQueryMixin"),
    *("SessionMixin", "InspectionMixin", "EagerLoadMixin", "SerializeMixin", "MappedAsDataclass", "AsyncAttrs", "object", "Generic", "Protocol"),
    *("ABC", "Representable", "Loggable", "Base64", "StrEnum", "BaseQuery", "AbstractConcreteBase", "ConcreteBase"),
}
"""Classes of packages that bring no column."""
MAX_ANCESTORS = 40
"""Classes above one class that are followed; people write three or four."""
COLUMN_CALLS = (b"Column(", b"mapped_column", b"Mapped[")
HARMLESS_PACKAGES = {"sqlalchemy", "flask_sqlalchemy"}


@dataclass(eq=False)
class Class:
    """A class of the tree. `order` is its method resolution order within the tree, itself first."""

    module: Module
    node: ast.ClassDef
    root: Root | None = None
    order: list[Class] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """Bases that are not in the tree and may bring columns."""
    own: dict[str, Function | ast.expr | None] = field(default_factory=dict)
    """What its body gives each name: an expression, a function, or None for an annotation alone."""
    notes: dict[str, ast.expr] = field(default_factory=dict)
    """Annotations by name."""
    hidden: str = ""
    """An expression of its body that may make columns which cannot be told."""

    @property
    def abstract(self) -> bool:
        stated = self.own.get("__abstract__")
        return isinstance(stated, ast.Constant) and stated.value is True


def class_of(repo: Repo, module: Module, node: ast.ClassDef, depth: int = 0) -> Class:
    """The class that a definition makes; found once."""
    known = repo.fact(_known)
    if node not in known:
        known[node] = made = Class(module, node)
        made.order = [made]  # while it is being made: a circle ends here
        _read_body(made)
        if depth < MAX_ANCESTORS:
            _inherit(repo, made, depth)
        if len(made.order) > MAX_ANCESTORS or depth == MAX_ANCESTORS:
            made.order, made.strangers = made.order[:MAX_ANCESTORS], [f"{node.name}, with more than {MAX_ANCESTORS} classes above it"]
    return known[node]


def _known(_repo: Repo) -> dict[ast.ClassDef, Class]:
    """Classes by their definition, filled in as they are asked for."""
    return {}


def _inherit(repo: Repo, made: Class, depth: int) -> None:
    orders: list[list[Class]] = []
    for base in _bases(made.module, made.node):
        root, parent = _base(repo, made.module, base, depth + 1)
        if parent and parent is not made:
            orders.append(parent.order)
            made.strangers += parent.strangers
        made.root = made.root or root or (parent.root if parent else None)
        if not root and not parent and _may_bring_columns(made.module, base):
            made.strangers.append(source_of(base))
    direct = [order[0] for order in orders]
    made.order = [made, *_merged([*orders, direct])]
    if made.root is None or _declares_metadata(made):
        made.root = root_named(repo, made.module, made.node.name) or made.root
    if made.root is None and made.strangers and _is_mapped(made):
        made.root = Root(f"{LOST}{made.strangers[0]}", made.strangers[0], made.module.place(made.node))
        made.strangers = made.strangers[1:]


def _is_mapped(made: Class) -> bool:
    """Whether a class names its table, whatever its base may be."""
    return any(word in c.own for c in made.order for word in ("__tablename__", "__table__")) and made.module.file.mentions(*COLUMN_CALLS)


def _declares_metadata(made: Class) -> bool:
    return gives_metadata(made.module, made.own.get("metadata")) or any(last_name(made.module, base) in DECLARATIVE for base in made.node.bases)


def _bases(module: Module, node: ast.ClassDef) -> list[ast.expr]:
    """The bases, with `Generic[T]` and `with_metaclass(Meta, db.Model)` opened."""
    found: list[ast.expr] = []
    for base in node.bases:
        if isinstance(base, ast.Call) and module.name(base.func).endswith("with_metaclass"):
            found += base.args[1:]
        else:
            found.append(base.value if isinstance(base, ast.Subscript) else base)
    return found


def _base(repo: Repo, module: Module, base: ast.expr, depth: int) -> tuple[Root | None, Class | None]:
    """The root or the class of the tree that a base is; `db.Model` of `SQLAlchemy(model_class=Base)` is both."""
    if isinstance(base, ast.Call):
        root = made_by(repo, module, "Base", base)
    else:
        dotted = base.id if isinstance(base, ast.Name) and base.id in module.constants else module.name(base)
        found = find(repo, module, dotted)
        if found and isinstance(found[1], ast.ClassDef):
            return None, class_of(repo, found[0], found[1], depth)
        root = root_named(repo, module, dotted, MAX_STEPS)
        lost = dotted.endswith(".Model") and dotted.partition(".")[0] not in HARMLESS_PACKAGES and module.file.mentions(*COLUMN_CALLS)
        if root is None and lost:
            root = Root(LOST, dotted.split(".")[-2], module.place(base), flask=True)
    return root, class_of(repo, *root.below, depth) if root and root.below else None


def _may_bring_columns(module: Module, base: ast.expr) -> bool:
    dotted = module.name(base)
    package, last = dotted.partition(".")[0], dotted.rpartition(".")[2]
    return not (last in HARMLESS | DECLARATIVE or package in HARMLESS_PACKAGES or package in sys.stdlib_module_names or hasattr(builtins, dotted))


def _merged(orders: list[list[Class]]) -> list[Class]:
    """C3, as Python orders bases; where that has no answer, first come first."""
    waiting = [list(order) for order in orders if order]
    found: list[Class] = []
    while waiting:
        head = next((order[0] for order in waiting if not any(order[0] in other[1:] for other in waiting)), waiting[0][0])
        found.append(head)
        waiting = [rest for order in waiting if (rest := [item for item in order if item is not head])]
    return found


def _read_body(made: Class) -> None:
    for statement in made.node.body:
        _read_statement(made, statement)


def _read_statement(made: Class, statement: ast.stmt) -> None:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    made.own[target.id] = value
                elif isinstance(target, ast.Subscript):  # locals()["name"] = Column(…)
                    _hide(made, statement)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            made.own[name], made.notes[name] = value, annotation
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            made.own[statement.name] = statement
        case ast.If(test=test) if "TYPE_CHECKING" in ast.unparse(test):
            for inner in statement.orelse:
                _read_statement(made, inner)
        case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
            _hide(made, statement)


def _hide(made: Class, statement: ast.stmt) -> None:
    """A statement that may or may not make columns: what it tests, or how it starts."""
    if "olumn(" in ast.unparse(statement) and not made.hidden:
        shown: ast.AST = statement.test if isinstance(statement, ast.If) else statement.iter if isinstance(statement, ast.For) else statement
        made.hidden = source_of(shown) if isinstance(shown, ast.expr) else type(shown).__name__
