"""What a revision uses that the database of production does not know: types and statements of another."""

from __future__ import annotations

import ast
import re

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.history import Revision
from mingus_gate.repo.migrations.steps import for_one_dialect, sql_of, upgrade_calls
from mingus_gate.repo.python import Module

TYPES = {
    "postgresql": re.compile(
        r"sqlalchemy\.dialects\.mysql\.(\w+\.)?(TINYINT|MEDIUMINT|LONGTEXT|MEDIUMTEXT|TINYTEXT|LONGBLOB|MEDIUMBLOB|TINYBLOB|YEAR|SET|DATETIME|DOUBLE)"
    ),
    "mysql": re.compile(
        r"sqlalchemy\.dialects\.postgresql\.(\w+\.)?(ARRAY|JSONB|INET|CIDR|HSTORE|TSVECTOR|BYTEA|INTERVAL|MONEY|MACADDR|CITEXT|\w+RANGE)"
    ),
}
"""Types that the compiler of the other database refuses, or writes down and the server refuses."""

SQL = {
    "postgresql": re.compile(
        r"\b(AUTO_INCREMENT|ENGINE\s*=\s*InnoDB|ON\s+DUPLICATE\s+KEY|INSERT\s+IGNORE|INSERT\s+OR\s+(?:IGNORE|REPLACE)|AUTOINCREMENT|sqlite_master"
        r"|MODIFY\s+COLUMN)\b|^\s*(PRAGMA)\b",
        re.IGNORECASE,
    ),
    "mysql": re.compile(
        r"\b(ON\s+CONFLICT|CREATE\s+EXTENSION|INSERT\s+OR\s+(?:IGNORE|REPLACE)|AUTOINCREMENT|sqlite_master|INDEX\s+CONCURRENTLY|JSONB)\b|^\s*(PRAGMA)\b",
        re.IGNORECASE,
    ),
}


def foreign(repo: Repo, revision: Revision, kind: str) -> list[tuple[str, Place]]:
    """The types and words of another database than `kind` that the upgrade uses, and where."""
    module = revision.module
    calls = upgrade_calls(revision)
    functions = {module.function_around(call) for call in calls}
    found = [
        (name.removeprefix("sqlalchemy.dialects."), module.place(node))
        for node in (*module.nodes(ast.Attribute), *module.nodes(ast.Name))
        if TYPES[kind].fullmatch(name := module.name(node)) and module.function_around(node) in functions and not _only_told(module, node)
    ]
    for call in calls:
        if module.name(call.func).rpartition(".")[2] == "execute" and call.args:
            for match in (m for text in sql_of(repo, module, call.args[0]) if (m := SQL[kind].search(text))):
                found.append((" ".join((match[1] or match[2]).split()), module.place(call)))
    return sorted(set(found), key=lambda one: one[1])


def _only_told(module: Module, node: ast.AST) -> bool:
    """Whether a type stands where the database never gets it: a variant, `existing_type=`, a branch for its own dialect."""
    return for_one_dialect(module, node) or any(
        (isinstance(above, ast.keyword) and above.arg == "existing_type")
        or (isinstance(above, ast.Call) and module.name(above.func).endswith("with_variant"))
        or (isinstance(above, ast.Call) and isinstance(above.func, ast.Attribute) and above.func.attr == "with_variant")
        for above in module.ancestors(node)
    )
