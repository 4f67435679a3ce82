"""What a revision does with a connection: SQL that it runs, tables and metadata that it makes there. Standard library only."""

from __future__ import annotations

import ast
import re
from typing import Any

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.bindings import Arguments, Scope
from mingus_gate.repo.migrations.expressions import Expressions
from mingus_gate.repo.migrations.operations import Run, operate
from mingus_gate.repo.migrations.standing import Standing
from mingus_gate.repo.python import source_of, string
from mingus_gate.repo.schema.nouns import Table
from mingus_gate.repo.schema.types import read_type

DATA = (".update", ".insert", ".delete", ".select", ".values", ".where", ".query", ".from_select", ".bindparams", ".join")
DATA_CLASSES = (
    "Sequence",
    "CreateSequence",
    "DropSequence",
    "CreateSchema",
    "select",
    "insert",
    "update",
    "delete",
    "exists",
    "union_all",
    "CreateView",
)

READ = re.compile(r"\b(open|read\w*|load\w*|get_data|split)\(")
"""A text that comes from a file."""


class Connection:
    """Follows the calls of `op.get_bind()`, of what it makes, and of `op.execute`."""

    def __init__(self, repo: Repo, standing: Standing, expressions: Expressions) -> None:
        self.repo, self.standing, self.expressions = repo, standing, expressions

    def execute(self, node: ast.Call, given: Arguments, scope: Scope) -> Any:
        statement = self._opened(given.get(0, "sqltext", "statement", "clause", "object_"), scope)
        place = scope.module.place(node)
        if isinstance(statement, str):
            from mingus_gate.repo.migrations.ddl import run_sql  # here: a history without SQL has no time for what reads it

            run_sql(statement, self.standing, place)
        elif (
            isinstance(statement, ast.AST)
            and not self._on_data(statement, scope)
            and (not self.standing.doubt or READ.search(ast.unparse(statement)))
        ):
            self.standing.unclear(source_of(node), place)
        return node

    def _opened(self, statement: Any, scope: Scope) -> Any:
        """The text in `sa.text("…").bindparams(…)`."""
        for _ in range(6):
            if not isinstance(statement, ast.Call):
                break
            last = self.expressions.dotted(statement.func, scope).rpartition(".")[2]
            if last in ("text", "DDL", "literal_column") and statement.args:
                statement = self.expressions.value(statement.args[0], scope)
            elif isinstance(statement.func, ast.Attribute) and isinstance(statement.func.value, ast.Call):
                inner = self._opened(statement.func.value, scope)
                return inner if isinstance(inner, str) else statement
            else:
                break
        return statement

    def _on_data(self, statement: ast.AST, scope: Scope) -> bool:
        """Whether it is an expression of SQLAlchemy's that reads or writes rows."""
        dotted = self.expressions.dotted(statement, scope)
        last = dotted.rpartition(".")[2]
        if not isinstance(statement, ast.Call) and "." in dotted and self.repo.module_of(dotted) is None:
            return any(f"{dotted}.".startswith(f"{source}.") for source in scope.module.imports.values())  # a package knows no table of ours
        return last in DATA_CLASSES or any(part in f".{dotted}." for part in (f"{word}." for word in DATA))

    def create(self, node: ast.Call, scope: Scope, held: Any, last: str) -> None:
        """`Table(…).create(bind)`, and `metadata.create_all(bind)`, which makes what its tables say."""
        place = scope.module.place(node)
        made = self.expressions.dotted(held, scope).rpartition(".")[2] if isinstance(held, ast.Call) else ""
        if made == "Table" and isinstance(held, ast.Call):
            given = self.expressions.arguments(held, scope)
            given.positional[1:2] = []
            operate(Run(self.repo, scope.module, self.standing, held, given, place), "create_table")
        elif made in ("Enum", "ENUM") and isinstance(held, ast.Call):
            kind = read_type(self.repo, scope.module, held)
            self.standing.enums[kind.name] = kind.values
        elif last == "create_all" or (isinstance(held, ast.AST) and "__table__" in ast.unparse(held)):
            self._create_models(node, scope, place)

    def _create_models(self, node: ast.Call, scope: Scope, place: Place) -> None:
        """Tables of the models that stand in the revision itself; where none does, of any."""
        values = [value for target, value in scope.module.assignments() if isinstance(target, ast.Name) and target.id == "__tablename__"]
        values += [call.args[0] for call in scope.module.nodes(ast.Call) if scope.module.name(call.func).endswith("Table") and call.args]
        for name in [string(value) for value in values]:
            if name:
                self.standing.create_table(Table(name, place, unclear=source_of(node)), keep=True)
        if not values:
            self.standing.unclear(source_of(node), place)
