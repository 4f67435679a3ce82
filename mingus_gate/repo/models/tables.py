"""How classes and `Table(…)` calls become tables: names, inheritance, `__table_args__`, binds."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.models.attributes import add_columns
from mingus_gate.repo.models.classes import Class, class_of
from mingus_gate.repo.models.names import bound, first_argument, returned, written_name
from mingus_gate.repo.models.roots import SQLMODEL, Root, naming_of, root_of
from mingus_gate.repo.python import Module, keyword, source_of, string, walk
from mingus_gate.repo.schema.constraints import read_arguments, read_index
from mingus_gate.repo.schema.lookup import find, last_name
from mingus_gate.repo.schema.nouns import Schema, Table
from mingus_gate.repo.schema.references import snake_case
from mingus_gate.repo.schema.written import is_call, text_of

Parts = tuple[list[ast.expr], dict[str | None, ast.expr], str]
MORE_TABLES = {"__versioned__": ("{}_version", "transaction"), "__mapper_cls__": ("{}_history",)}
"""Class attribute → the tables that are made beside its own."""


@dataclass(slots=True)
class Metadata:
    """A metadata, by the name people know it by (`db`, `Base`), and the tables declared on it."""

    key: str
    name: str
    place: Place
    bind_key: str = ""
    flask: bool = False
    schema: Schema = field(default_factory=Schema)


class Reading:
    """The metadatas as they fill: each class is asked for its table once."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.found: dict[tuple[str, str], Metadata] = {}
        self.made: dict[Class, Table | None] = {}

    def metadata(self, root: Root, bind_key: str = "") -> Metadata:
        made = self.found.setdefault((root.key, bind_key), Metadata(root.key, root.name, root.place, bind_key, root.flask))
        if root.foreign:
            made.schema.unclear = root.key
        return made

    # -- Table(…) ------------------------------------------------------------------------------------------------------

    def tables(self, module: Module) -> None:
        """The tables that `Table(…)` calls at the top of a module, or in a class body, make."""
        if not module.file.mentions(b"Table("):
            return
        for call in module.nodes(ast.Call):
            if last_name(module, call) == "Table" and call.args and not module.function_around(call):
                self._table(module, call)

    def _table(self, module: Module, call: ast.Call) -> None:
        on = call.args[1] if len(call.args) > 1 else keyword(call, "metadata")
        root = root_of(self.repo, module, on)
        arguments = call.args[2:] if root else call.args[1:]
        if root is None and isinstance(call.func, ast.Attribute):  # db.Table("name", …)
            root = root_of(self.repo, module, call.func.value)
        name = text_of(self.repo, module, call.args[0])
        if root is None:
            return
        bind = keyword(call, "bind_key")
        held = self.metadata(root, (text_of(self.repo, module, bind) or "") if bind is not None else "")
        if name is None:
            _unclear(held.schema, call.args[0], module)
            return
        schema = keyword(call, "schema")
        table = Table(_qualified(name, text_of(self.repo, module, schema) if schema is not None else root.schema), module.place(call))
        if any(keyword(call, word) is not None for word in ("autoload", "autoload_with")) or any(isinstance(a, ast.Starred) for a in arguments):
            table.unclear = source_of(call)
        read_arguments(self.repo, module, table, [a for a in arguments if not isinstance(a, ast.Starred)], naming_of(root))
        _put(held.schema, table, root)

    def indexes(self, module: Module) -> None:
        """`Index("name", User.email)` beside the classes."""
        for call in module.nodes(ast.Call) if module.file.mentions(b"Index(") else ():
            if not is_call(module, call, "Index") or not isinstance(module.parent(module.parent(call) or call), ast.Module):
                continue
            for node in walk(call):
                table = self._of_attribute(module, node) if isinstance(node, ast.Attribute) else None
                if table and call.args:
                    table.indexes.append(read_index(self.repo, module, call, table.name))
                    break

    def _of_attribute(self, module: Module, node: ast.Attribute) -> Table | None:
        """The table of `User` in `User.email`."""
        found = find(self.repo, module, node.value.id) if isinstance(node.value, ast.Name) else None
        return self.made.get(class_of(self.repo, found[0], found[1])) if found and isinstance(found[1], ast.ClassDef) else None

    # -- classes -------------------------------------------------------------------------------------------------------

    def table_of(self, owner: Class) -> Table | None:
        """The table that a class is mapped to: its own, or that of the class it inherits from."""
        if owner not in self.made:
            self.made[owner] = None
            if owner.root and not owner.abstract and not (owner.root.below and owner.root.below[1] is owner.node):
                self.made[owner] = self._mapped(owner, owner.root)
        return self.made[owner]

    def _mapped(self, owner: Class, root: Root) -> Table | None:
        parents = [c for c in owner.order[1:] if self.table_of(c) is not None]
        covered = {c for parent in parents for c in parent.order}
        givers = [c for c in owner.order if c not in covered]
        held = self.metadata(root, self._bind_key(owner))
        if root.key == SQLMODEL:  # its fields are no columns we read
            return None
        if "__table__" in owner.own:
            return self._assigned_table(owner, held.schema)
        above = self.table_of(parents[0]) if parents else None
        name, hidden = self._name(owner, root, givers)
        if hidden:
            held.schema.unclear = held.schema.unclear or hidden
            held.schema.unclear_place = held.schema.unclear_place or owner.module.place(owner.node)
            return Table("", unclear=hidden)
        table = Table(name, owner.module.place(owner.node))
        if not name or (above and root.flask and not self._has_key(owner, givers, root, table)):
            if above:
                add_columns(self.repo, above, owner, givers, root)
            return above
        self._fill(owner, root, givers, table, held.schema)
        return table

    def _fill(self, owner: Class, root: Root, givers: list[Class], table: Table, schema: Schema) -> None:
        arguments, options, at = self._arguments(owner, givers, table)
        if table.unclear and "schema" not in options:  # it may stand in any schema
            schema.unclear = schema.unclear or table.unclear
            schema.unclear_place = schema.unclear_place or table.place
        named = options.get("schema")
        table.name = _qualified(table.name, text_of(self.repo, at, named) if named is not None else root.schema)
        called = add_columns(self.repo, table, owner, givers, root)
        known = table.unclear
        read_arguments(self.repo, at, table, arguments, naming_of(root))
        if table.unclear != known:  # what stands in __table_args__ is no column
            table.unclear, table.unclear_keys = known, table.unclear_keys or table.unclear
        table.indexes = [replace(index, columns=_called(index.columns, table, called)) for index in table.indexes]
        table.foreign_keys = [replace(key, columns=_called(key.columns, table, called)) for key in table.foreign_keys]
        _put(schema, table, root)
        if maker := next((name for c in owner.order for name in MORE_TABLES if name in c.own), ""):
            _more_tables(schema, table, maker)

    def _name(self, owner: Class, root: Root, givers: list[Class]) -> tuple[str, str]:
        """The name of its own table, or what hides it; no name where it is mapped to its parent's, or to none."""
        for by in givers:
            if "__tablename__" in by.own:
                return written_name(self.repo, owner, by)
        for by in owner.order:
            if isinstance(by.own.get("__tablename__"), ast.FunctionDef):
                return written_name(self.repo, owner, by)
        if not root.flask:
            return "", ""
        return snake_case(owner.node.name), ""

    def _has_key(self, owner: Class, givers: list[Class], root: Root, table: Table) -> bool:
        """Whether its own columns hold a primary key: Flask-SQLAlchemy then makes it a table, else it shares its parent's."""
        trial = Table(table.name)
        add_columns(self.repo, trial, owner, givers, root)
        return any(column.primary_key for column in trial.columns.values())

    def _assigned_table(self, owner: Class, schema: Schema) -> Table | None:
        """The table that `__table__ = users` or `__table__ = Table("users", …)` names."""
        given = owner.own["__table__"]
        if isinstance(given, ast.Name) and (values := owner.module.constants.get(given.id)):
            given = values[-1]
        name = text_of(self.repo, owner.module, given.args[0]) if isinstance(given, ast.Call) and given.args else None
        return next((t for key, t in schema.tables.items() if name and key.rpartition(".")[2] == name), Table(""))

    def _bind_key(self, owner: Class) -> str:
        by = next((c for c in owner.order if "__bind_key__" in c.own), None)
        given = by.own["__bind_key__"] if by else None
        return (text_of(self.repo, by.module, given) or "") if by and isinstance(given, ast.expr) else ""

    def _arguments(self, owner: Class, givers: list[Class], table: Table) -> tuple[list[ast.expr], dict[str | None, ast.expr], Module]:
        """The positional arguments and the options of `__table_args__`, and the module they stand in."""
        by = next((c for c in givers if "__table_args__" in c.own), None)
        if by is None:
            return [], {}, owner.module
        given = by.own["__table_args__"]
        if isinstance(given, ast.FunctionDef | ast.AsyncFunctionDef):
            values = [bound(value, owner, first_argument(given), table.name) for value in returned(given)]
            given = values[0] if len(values) == 1 else None
        arguments, options, hidden = _parts(by.module, given)
        table.unclear = table.unclear or hidden
        return arguments, options, by.module


def _parts(module: Module, node: ast.expr | ast.AST | None) -> Parts:
    """`(UniqueConstraint(…), {"schema": …})` in its parts, and the expression where it cannot be told."""
    if isinstance(node, ast.Name) and len(module.constants.get(node.id, ())) == 1:
        node = module.constants[node.id][0]
    if isinstance(node, ast.Dict):
        return [], {string(key): value for key, value in zip(node.keys, node.values, strict=True)}, ""
    if isinstance(node, ast.Call) and module.name(node.func) == "dict":
        return [], {word.arg: word.value for word in node.keywords}, ""
    if isinstance(node, ast.Tuple | ast.List):
        last = node.elts[-1] if node.elts else None
        if isinstance(last, ast.Dict):
            return node.elts[:-1], _parts(module, last)[1], ""
        return node.elts, {}, ""
    if isinstance(node, ast.Constant) and node.value is None:
        return [], {}, ""
    if isinstance(node, ast.IfExp):
        return _alternative(module, node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _parts(module, node.left), _parts(module, node.right)
        return [*left[0], *right[0]], {**left[1], **right[1]}, left[2] or right[2]
    return [], {}, source_of(node) if node is not None else "__table_args__"


def _alternative(module: Module, node: ast.IfExp) -> Parts:
    """`(…) if condition else ()`: one argument that cannot be read stands for them, if neither names a schema."""
    parts = [_parts(module, branch) for branch in (node.body, node.orelse)]
    hidden = any(options or stuck for _, options, stuck in parts)
    return ([], {}, source_of(node)) if hidden else ([node.test], {}, "")


def _qualified(name: str, schema: str | None) -> str:
    return f"{schema}.{name}" if schema else name


def _put(schema: Schema, table: Table, root: Root) -> None:
    """A table that is declared twice is known by neither."""
    if root.schema:
        table.foreign_keys = [replace(k, refers=_qualified(k.refers, "" if "." in k.refers else root.schema)) for k in table.foreign_keys]
    held = schema.tables.get(table.name)
    if held is None:
        schema.tables[table.name] = table
    elif held.place != table.place:
        held.unclear = held.unclear or f"{table.name}, which is declared twice"


def _called(names: tuple[str, ...], table: Table, called: dict[str, str]) -> tuple[str, ...]:
    """The columns of names that may be attributes: `Index("…", status)` of `status = Column("state", …)`."""
    return tuple(name if name in table.columns else called.get(name, name) for name in names)


def _more_tables(schema: Schema, table: Table, maker: str) -> None:
    """SQLAlchemy-Continuum, and mappers of an application's own, keep versions in further tables, and columns in this one."""
    for name in MORE_TABLES[maker]:
        named = name.format(table.name)
        schema.tables.setdefault(named, Table(named, table.place, unclear=maker))
    if maker == "__mapper_cls__":
        table.unclear = table.unclear or maker


def _unclear(schema: Schema, node: ast.expr, module: Module) -> None:
    schema.unclear = schema.unclear or source_of(node)
    schema.unclear_place = schema.unclear_place or module.place(node)
