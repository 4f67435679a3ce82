"""What a revision asks of the database before it acts, answered from the schema as it stands. Standard library only."""

from __future__ import annotations

import re
from typing import Any

from mingus_gate.repo.migrations.bindings import Arguments
from mingus_gate.repo.migrations.standing import HOLE, Standing, key_of
from mingus_gate.repo.schema.nouns import Table

GUARD = re.compile(
    r"exist|has_|get_columns|get_table|get_index|get_unique|get_foreign|get_enums|regclass|inspect|reflect|pg_\w+|information_schema|sqlite_master"
    r"|\b\w*(tables|columns|cols|indexes|indices|constraints|uniques)\b",
    re.IGNORECASE,
)
"""A condition that asks whether something is there: what stands below it holds afterwards either way."""

ASKED = ("has_table", "has_index", "get_table_names", "get_columns", "get_indexes", "get_unique_constraints", "get_foreign_keys", "get_pk_constraint")


def answer(standing: Standing, method: str, given: Arguments) -> tuple[bool, Any]:
    """Whether an inspector's question can be answered, and the answer. Of a table that no revision made nothing is known."""
    schema = standing.schema
    if schema.unclear or given.unclear:
        return False, None
    if method == "get_table_names":
        return True, list(schema.tables)
    texts = [value for value in given.positional if isinstance(value, str)]
    name = given.text(None, "table_name", "tablename", "table") or (texts[0] if texts else "")
    key = key_of(name, given.text(None, "schema"))
    if not key or HOLE in key:
        return False, None
    table = schema.tables.get(key)
    if method == "has_table":
        return key not in schema.assumed, table is not None
    return (False, None) if table is None or table.unclear else (True, _about(table, method, texts))


def _about(table: Table, method: str, texts: list[str]) -> Any:
    match method:
        case "get_columns":
            return [{"name": c.name, "nullable": c.nullable} for c in table.columns.values()]
        case "get_indexes":
            return [{"name": i.name, "column_names": list(i.columns), "unique": i.unique} for i in table.indexes if not i.constraint]
        case "get_unique_constraints":
            return [{"name": i.name or _named(table, i.columns, "key"), "column_names": list(i.columns)} for i in table.indexes if i.constraint]
        case "get_foreign_keys":
            keys = [(f.name or _named(table, f.columns, "fkey"), f) for f in table.foreign_keys]
            return [{"name": name, "constrained_columns": list(f.columns), "referred_table": f.refers} for name, f in keys]
        case "has_index":
            return any(i.name in texts[1:] for i in table.indexes)
    return {"name": f"{table.name}_pkey", "constrained_columns": [c.name for c in table.columns.values() if c.primary_key]}


def _named(table: Table, columns: tuple[str, ...], kind: str) -> str:
    """The name that PostgreSQL gives a constraint that has none."""
    return f"{table.name.rpartition('.')[2]}_{'_'.join(columns)}_{kind}"
