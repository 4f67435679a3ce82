"""Every metadata of the tree with the tables that models declare on it. Standard library only."""

from __future__ import annotations

import ast
from dataclasses import replace

from mingus_gate.repo import Repo
from mingus_gate.repo.models.classes import class_of
from mingus_gate.repo.models.extensions import add_extension_tables
from mingus_gate.repo.models.roots import LOST, root_of
from mingus_gate.repo.models.tables import Metadata, Reading
from mingus_gate.repo.python import Module
from mingus_gate.repo.schema.nouns import UNTOLD, Schema, Table, Type

MENTIONS = (b"Column(", b"mapped_column", b"Mapped[", b"__tablename__", b".Model)", b".Model,", b"Table(", b"__abstract__", b"__mapper_args__")
MAX_STEPS = 5
"""Foreign keys to foreign keys that are followed for a type."""


def metadatas(repo: Repo) -> list[Metadata]:
    """Every metadata on which tables are declared, those of Flask-SQLAlchemy's binds apart."""
    reading = Reading(repo)
    files = [f for f in repo.files(".py") if f.mentions(*MENTIONS) and not f.mentions(b"down_revision")]
    modules = [module for file in files if (module := repo.module(file))]
    unread = next((f"{file.path} does not parse" for file in files if file.path in repo.blind), "")
    for module in modules:
        reading.tables(module)
    for module in modules:
        for node in module.nodes(ast.ClassDef):
            if not module.function_around(node):
                reading.table_of(class_of(repo, module, node))
    for module in modules:
        reading.indexes(module)
    found = _joined([m for m in reading.found.values() if m.schema.tables or m.schema.unclear])
    for metadata in found:
        metadata.schema.unclear = metadata.schema.unclear or unread
        _finish(repo, metadata.schema)
    return found


def metadata_of(repo: Repo, module: Module, node: ast.expr, bind_key: str = "") -> Metadata | None:
    """The metadata that an expression means: `Base.metadata`, `db.metadata`, `models.Base`; None where none of the tree does."""
    root = root_of(repo, module, node)
    return next((m for m in repo.fact(metadatas) if root and m.key == root.key and m.bind_key == bind_key), None)


def _joined(found: list[Metadata]) -> list[Metadata]:
    """Models of a `db` that is not found belong to the only one there is; where there are several, nothing is known to be missing."""
    lost = [m for m in found if m.key.startswith(LOST)]
    for stray in lost:
        fitting = [m for m in found if stray.key == LOST and m not in lost and m.flask and m.bind_key == stray.bind_key]
        for metadata in fitting if len(fitting) == 1 else []:
            metadata.schema.tables = {**stray.schema.tables, **metadata.schema.tables}
            metadata.schema.unclear = metadata.schema.unclear or stray.schema.unclear
        if len(fitting) == 1:
            found = [m for m in found if m is not stray]
        else:
            for metadata in found:
                metadata.schema.unclear = metadata.schema.unclear or f"{stray.name}, which is not found"
    return found


def _finish(repo: Repo, schema: Schema) -> None:
    """What only the whole schema tells: types of foreign keys, and the tables that extensions add."""
    for table in schema.tables.values():
        for name, column in table.columns.items():
            if not column.type.family and not column.type.shown:
                table.columns[name] = replace(column, type=_referred(schema, table, name, MAX_STEPS))
    _versions_between(schema)
    add_extension_tables(repo, schema)


def _referred(schema: Schema, table: Table, name: str, steps: int) -> Type:
    """The type of the column that a foreign key without a type points to."""
    key = next((k for k in table.foreign_keys if name in k.columns and len(k.refers_to) == len(k.columns)), None)
    target = schema.tables.get(key.refers) if key else None
    column = target.columns.get(key.refers_to[key.columns.index(name)]) if key and target else None
    if target is None or column is None or steps <= 0:
        return UNTOLD
    return column.type if column.type.family or column.type.shown else _referred(schema, target, column.name, steps - 1)


def _versions_between(schema: Schema) -> None:
    """SQLAlchemy-Continuum versions the tables between versioned ones too."""
    versioned = {name.removesuffix("_version") for name, table in schema.tables.items() if table.unclear == "__versioned__"}
    for table in list(schema.tables.values()):
        if table.foreign_keys and table.name not in versioned and {key.refers for key in table.foreign_keys} <= versioned:
            name = f"{table.name}_version"
            schema.tables.setdefault(name, Table(name, table.place, unclear="__versioned__"))
