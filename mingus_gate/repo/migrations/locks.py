"""What a revision makes the application wait for: indexes built, tables rewritten, rows changed all at once.

Sources: postgresql.org/docs/current/sql-altertable.html (Notes), sql-createindex.html, sql-altertype.html (Notes).
"""

from __future__ import annotations

import ast
import re

from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.history import Revision
from mingus_gate.repo.migrations.steps import Step, born_before, is_operation, made_here, made_later, sql_of, table_of, upgrade_calls
from mingus_gate.repo.python import Module, keyword, string
from mingus_gate.repo.schema.nouns import Type
from mingus_gate.repo.schema.types import read_type

INDEX = re.compile(r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+(CONCURRENTLY\b)?[^;(]*?\bON\s+(?:ONLY\s+)?[\"`]?([\w.]+)", re.IGNORECASE)


AUTOCOMMIT = re.compile(r"autocommit_block\(|isolation_level\s*=\s*[\"']AUTOCOMMIT|[\"']COMMIT;?[\"']", re.IGNORECASE)
"""What ends the transaction of the migration, or runs outside it."""
ADDS_VALUE = re.compile(r"\bALTER\s+TYPE\s+[\"`]?([\w.]+)[\"`]?\s+ADD\s+VALUE\b", re.IGNORECASE)
CHANGES_ROWS = re.compile(
    r"^\s*(?:UPDATE\s+(?:ONLY\s+)?[\"`]?([\w.]+)[\"`]?\s+(?:AS\s+\w+\s+|\w+\s+)?SET|DELETE\s+FROM\s+[\"`]?([\w.]+))\b",
    re.IGNORECASE | re.MULTILINE,
)
BOUNDED = re.compile(r"\b(WHERE|LIMIT)\b", re.IGNORECASE)


def indexes(repo: Repo, revision: Revision) -> list[Step]:
    """The indexes that the upgrade builds on tables which were there before; harmful where writing waits for them."""
    module, calls = revision.module, upgrade_calls(revision)
    made, born = made_here(repo, module, calls), born_before(repo, revision)
    found: list[Step] = []
    for call in calls:
        if is_operation(module, call, "create_index"):
            table = table_of(repo, module, call, 1)
            given = keyword(call, "postgresql_concurrently")
            value = repo.resolve(module, given) if given is not None else None
            other = made_later(module, made.get(table), call)
            doubt = f"postgresql_concurrently is `{value.unresolved}`" if value and value.unresolved else other if table else "its table is computed"
            if table not in born and (table not in made or other):
                found.append(Step(table or "…", module.place(call), not (value and value.always(bool)), doubt))
        else:
            matches = [match for text in _statements(repo, module, call) for match in INDEX.finditer(text)]
            found += [Step(m[2], module.place(call), not m[1]) for m in matches if m[2].rpartition(".")[2] not in {*made, *born}]
    return found


def concurrent_inside(repo: Repo, revision: Revision) -> list[Step]:
    """The indexes built CONCURRENTLY; harmful where that stands inside the migration's transaction, which PostgreSQL refuses."""
    module = revision.module
    found = []
    for call in upgrade_calls(revision):
        texts = [match for text in _statements(repo, module, call) for match in INDEX.finditer(text) if match[1]]
        given = keyword(call, "postgresql_concurrently") if is_operation(module, call, "create_index") else None
        if texts or (given is not None and repo.resolve(module, given).always(bool)):
            table = texts[0][2] if texts else table_of(repo, module, call, 1)
            found.append(Step(table or "…", module.place(call), not _outside(module, call)))
    return found


def rewrites(repo: Repo, revision: Revision) -> list[Step]:
    """The types that the upgrade changes on tables which were there before; harmful where PostgreSQL writes the table anew."""
    module, calls = revision.module, upgrade_calls(revision)
    fresh_tables = {*made_here(repo, module, calls), *born_before(repo, revision)}
    found = []
    for call in calls:
        wanted = keyword(call, "type_") if is_operation(module, call, "alter_column") else None
        table = table_of(repo, module, call, 0) if wanted is not None else ""
        if wanted is None or table in fresh_tables:
            continue
        old, new = read_type(repo, module, keyword(call, "existing_type")), read_type(repo, module, wanted)
        column = string(call.args[-1]) if call.args else None
        known = bool(old.family and new.family)
        doubt = "" if known else f"what it was is not told: write `existing_type=` beside `type_={new.shown}`"
        if {old.family, new.family} == {"timestamp", "timestamptz"}:
            doubt = "it depends on the server's time zone"  # in place where that is UTC
        found.append(Step(f"{table or '…'}.{column or '…'}", module.place(call), not _in_place(old, new), doubt))
    return found


def _in_place(old: Type, new: Type) -> bool:
    """Whether PostgreSQL changes one type into the other without touching the rows: texts that may get longer."""
    if old.family == new.family:
        return old.family != "string" or new.length is None or (old.length is not None and old.length <= new.length)
    return old.family in ("string", "text") and (new.family == "text" or (new.family == "string" and new.length is None))


def enum_values(repo: Repo, revision: Revision) -> list[Step]:
    """The enums that get values by ALTER TYPE; harmful inside the migration's transaction."""
    module = revision.module
    return [
        Step(match[1], module.place(call), not _outside(module, call))
        for call in upgrade_calls(revision)
        for text in _statements(repo, module, call)
        for match in ADDS_VALUE.finditer(text)
    ]


def whole_tables(repo: Repo, revision: Revision) -> list[Step]:
    """The statements that change rows of tables which were there before; harmful where one changes every row at once."""
    module, calls = revision.module, upgrade_calls(revision)
    fresh_tables = {*made_here(repo, module, calls), *born_before(repo, revision)}
    found = []
    for call in calls:
        for text in _statements(repo, module, call):
            for match in CHANGES_ROWS.finditer(text):
                statement = text[match.start() :].partition(";")[0]
                table = match[1] or match[2]
                if table.rpartition(".")[2] not in fresh_tables:
                    found.append(Step(table, module.place(call), not BOUNDED.search(statement)))
    return found


def _statements(repo: Repo, module: Module, call: ast.Call) -> tuple[str, ...]:
    return sql_of(repo, module, call.args[0]) if is_operation(module, call, "execute") and call.args else ()


def _outside(module: Module, call: ast.Call) -> bool:
    """Whether the call runs outside the transaction of the migration."""
    withs = [ast.unparse(item.context_expr) for above in module.ancestors(call) if isinstance(above, ast.With) for item in above.items]
    function = module.function_around(call)
    before = [ast.unparse(s) for s in (function.body if function else ()) if s.lineno < call.lineno]
    return any(AUTOCOMMIT.search(text) for text in (*withs, *before, ast.unparse(call)))
