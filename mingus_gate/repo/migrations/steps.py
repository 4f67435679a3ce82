"""What a revision does to the schema, read from its operations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.histories import fresh
from mingus_gate.repo.migrations.history import Revision
from mingus_gate.repo.python import Function, Module, keyword, source_of, string, walk

DROPS = re.compile(r"\b(DROP\s+(?:TABLE|COLUMN)|TRUNCATE)\b(?:\s+TABLE)?(?:\s+IF\s+EXISTS)?\s+[\"`\[]?([\w.]*)", re.IGNORECASE)
EMPTIES = re.compile(r"\b(DELETE\s+FROM|TRUNCATE)\b", re.IGNORECASE)
OPERATIONS = re.compile(r"(alembic\.)?op\.(?!execute|bulk_insert|get_bind|run_async|invoke)\w+|sqlalchemy\..*|print|bool|str|int|len")
"""Calls that change no row."""
PASSING = re.compile(r"te?mp|backup|bak|_old", re.IGNORECASE)
"""A table named so was made to be dropped."""


@dataclass(frozen=True, slots=True)
class Drop:
    """One table or column that an upgrade drops. `unclear` is the call where the name is computed."""

    what: str
    place: Place
    unclear: str = ""


def drops(repo: Repo, revision: Revision) -> list[Drop]:
    """What the upgrade of `revision` takes away; a table that it makes again or gives a new name is not lost."""
    module, upgrade = revision.module, revision.upgrade
    calls = [call for function in _reached(module, upgrade) for call in _calls(module, function)] if upgrade else []
    made = {text for call in calls if module.name(call.func).endswith(("create_table", "rename_table")) for text in map(string, call.args[:2])}
    found = [drop for call in calls for drop in _drops(repo, module, call)]
    return [d for d in found if not PASSING.search(d.what) and d.what.rpartition(" ")[2].partition(".")[0] not in made]


@dataclass(frozen=True, slots=True)
class Step:
    """A column that must be filled (`users.name`) or an index (`users`). `doubt` says why it may do no harm."""

    what: str
    place: Place
    harmful: bool
    doubt: str = ""


def must_be_filled(repo: Repo, revision: Revision) -> list[Step]:
    """NOT NULL columns that the upgrade makes on tables which were there before; harmful where nothing fills the rows."""
    module, calls = revision.module, upgrade_calls(revision)
    made, filled, born = made_here(repo, module, calls), data_calls(module, calls), born_before(repo, revision)
    emptied = any(EMPTIES.search(text) for call in filled for argument in call.args for text in sql_of(repo, module, argument))
    found: list[Step] = []
    for table, call in ((table_of(repo, module, call, 0), call) for call in calls if is_operation(module, call, "add_column")):
        column = next((a for a in call.args if isinstance(a, ast.Call) and module.name(a.func).endswith("Column")), None)
        other = made_later(module, made.get(table), call)
        if (
            column is None
            or (table in made and not other)
            or table in born
            or _option(repo, module, column, "nullable") is not False
            or _fills_itself(column)
        ):
            continue
        default = keyword(column, "server_default")
        harmful = default is None or _is_none(default)
        doubt = "its name is computed" if not table else "the rows may be deleted first" if emptied else other
        found.append(
            Step(f"{table or '…'}.{string(column.args[0]) if column.args else '…'}", module.place(column), harmful, doubt if harmful else "")
        )
    return found + _tightened(repo, module, calls, made, bool(filled))


def _tightened(repo: Repo, module: Module, calls: list[ast.Call], made: dict[str, ast.Call], filled: bool) -> list[Step]:
    """Columns that the upgrade adds as NULL and then makes NOT NULL."""
    added = {}
    for call in calls:
        column = next((a for a in call.args if isinstance(a, ast.Call) and module.name(a.func).endswith("Column")), None)
        if is_operation(module, call, "add_column") and column and column.args:
            default = keyword(column, "server_default")
            added[table_of(repo, module, call, 0), string(column.args[0])] = default is not None and not _is_none(default)
    found = []
    for call in calls:
        if is_operation(module, call, "alter_column") and _option(repo, module, call, "nullable") is False:
            batch = bool(batch_of(module, call))
            key = (table_of(repo, module, call, 0), string(call.args[0 if batch else 1]) if len(call.args) > (0 if batch else 1) else None)
            if key in added and all(key) and key[0] not in made:
                found.append(Step(f"{key[0]}.{key[1]}", module.place(call), not (filled or added[key])))
    return found


def upgrade_calls(revision: Revision) -> list[ast.Call]:
    """The calls of the upgrade and of what it calls, but for those for one dialect only."""
    module, upgrade = revision.module, revision.upgrade
    calls = [call for function in _reached(module, upgrade) for call in _calls(module, function)] if upgrade else []
    return [call for call in calls if not for_one_dialect(module, call)]


def upgrade_place(revision: Revision) -> Place:
    """Where the upgrade of `revision` begins."""
    return revision.module.place(revision.upgrade) if revision.upgrade else revision.place


def for_one_dialect(module: Module, node: ast.AST) -> bool:
    """Whether a condition on the dialect stands around it, or before it in its function."""
    if any("dialect" in ast.unparse(above.test) for above in module.ancestors(node) if isinstance(above, ast.If | ast.IfExp)):
        return True
    function = module.function_around(node)
    return any(
        isinstance(n, ast.If) and "dialect" in ast.unparse(n.test) and any(isinstance(last, ast.Return) for last in n.body)
        for n in (function.body if function else ())
    )


def is_operation(module: Module, call: ast.Call, operation: str) -> bool:
    return module.name(call.func).rpartition(".")[2] == operation


def made_here(repo: Repo, module: Module, calls: list[ast.Call]) -> dict[str, ast.Call]:
    """Tables that the upgrade itself makes."""
    found = {table_of(repo, module, call, 0): call for call in calls if is_operation(module, call, "create_table")}
    return {table: call for table, call in found.items() if table}


def tables_made(repo: Repo) -> dict[str, set[str]]:
    """The tables that each fresh revision makes, by its path."""
    return {r.path: set(made_here(repo, r.module, upgrade_calls(r))) for r in repo.fact(fresh)}


def born_before(repo: Repo, revision: Revision) -> set[str]:
    """Tables that another fresh revision makes: they have no rows to wait for."""
    return {table for path, tables in repo.fact(tables_made).items() if path != revision.path for table in tables}


def made_later(module: Module, made: ast.Call | None, call: ast.Call) -> str:
    """The doubt where the table of `call` is made on another way through the upgrade."""
    other = made and module.enclosing(made, ast.If) and made.lineno > call.lineno
    return "the table is made further down if it is not there" if other else ""


def data_calls(module: Module, calls: list[ast.Call]) -> list[ast.Call]:
    """The calls that may change rows: all but the operations on the schema."""
    batches = {item.optional_vars.id for node in module.nodes(ast.With) for item in node.items if isinstance(item.optional_vars, ast.Name)}
    return [
        call
        for call in calls
        if not OPERATIONS.fullmatch(name := module.name(call.func))
        and name.partition(".")[0] not in batches
        and not any(isinstance(above, ast.Call) and module.name(above.func).endswith("Column") for above in module.ancestors(call))
    ]


def table_of(repo: Repo, module: Module, call: ast.Call, position: int) -> str:
    """The table an operation is for, or "" where it is computed."""
    batch = batch_of(module, call)
    node = batch[0] if batch else keyword(call, "table_name") or (call.args[position] if len(call.args) > position else None)
    literal = repo.resolve(module, node).literal if node is not None else None
    return literal if isinstance(literal, str) else ""


def _option(repo: Repo, module: Module, call: ast.Call, name: str) -> object:
    node = keyword(call, name)
    return repo.resolve(module, node).literal if node is not None else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _fills_itself(column: ast.Call) -> bool:
    """Computed columns, identities and keys that count."""
    words = {n.attr if isinstance(n, ast.Attribute) else n.id for a in column.args for n in walk(a) if isinstance(n, ast.Attribute | ast.Name)}
    return bool(words & {"Computed", "Identity", "Sequence"}) or keyword(column, "primary_key") is not None


def sql_of(repo: Repo, module: Module, argument: ast.expr) -> tuple[str, ...]:
    """The texts of a statement, `sa.text("…").bindparams(…)` opened."""
    while isinstance(argument, ast.Call):
        bound = isinstance(argument.func, ast.Attribute) and argument.func.attr in ("bindparams", "execution_options")
        inner = argument.func.value if bound and isinstance(argument.func, ast.Attribute) else argument.args[0] if argument.args else None
        if inner is None:
            break
        argument = inner
    return repo.resolve(module, argument).texts


def _drops(repo: Repo, module: Module, call: ast.Call) -> Iterator[Drop]:
    operation = module.name(call.func).rpartition(".")[2]
    if operation in ("drop_table", "drop_column") and call.args:
        kind = operation[5:]
        names = [string(argument) for argument in (*batch_of(module, call), *call.args[: 1 if kind == "table" else 2])]
        hidden = source_of(call) if None in names else ""
        yield Drop(f"{kind} {'.'.join(name for name in names if name)}", module.place(call), hidden)
    elif operation == "execute" and call.args:
        for match in (match for text in sql_of(repo, module, call.args[0]) for match in DROPS.finditer(text)):
            yield Drop(f"{match[1].split()[-1].lower().replace('truncate', 'rows of')} {match[2]}", module.place(call))


def batch_of(module: Module, call: ast.Call) -> list[ast.expr]:
    """The table of `with op.batch_alter_table("table") as batch` around a call of `batch`."""
    inside = (item.context_expr for above in module.ancestors(call) if isinstance(above, ast.With) for item in above.items)
    return next((e.args[:1] for e in inside if isinstance(e, ast.Call) and module.name(e).endswith("batch_alter_table")), [])


def _reached(module: Module, function: Function) -> list[Function]:
    """The function and the functions of the same file that it calls."""
    found = [function]
    for current in found:
        names = {module.name(call.func) for call in _calls(module, current)}
        found += [f for f in module.functions if f.name in names and f not in found and f.name != "downgrade"]
    return found


def _calls(module: Module, function: Function) -> list[ast.Call]:
    return [call for call in module.nodes(ast.Call) if function in module.ancestors(call)]
