"""Follows the statements of a revision's upgrade as Python would run them, and applies the operations it meets.

By AST alone, standard library only. A condition that cannot be told puts what it guards in doubt, unless it only asks
whether something is there; then what it guards holds afterwards either way.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition
from mingus_gate.repo.migrations.bindings import MAX_LEVEL, Arguments, Batch, Closure, Scope, as_node, bind, items_of, level_of
from mingus_gate.repo.migrations.connection import Connection
from mingus_gate.repo.migrations.expressions import Expressions
from mingus_gate.repo.migrations.guards import ASKED, GUARD, answer
from mingus_gate.repo.migrations.operations import Run, operate
from mingus_gate.repo.migrations.standing import Standing, key_of
from mingus_gate.repo.migrations.value_calls import function_value, method_value
from mingus_gate.repo.python import Function, Module, source_of, walk

MAX_CALLS = 12
"""Helpers that call helpers beyond this depth are not followed."""

FOLLOWED = ("create", "create_all", "execute", "exec_driver_sql", *ASKED)
"""Methods of what SQLAlchemy makes that may change the schema or ask for it."""

QUERIED = re.compile(r"execute|query|queries|fetch|scalar|select|rows|results?\b|_ids\b")
"""A condition on the rows of a query: a revision that ends early without rows is written for databases that have some."""


@dataclass(frozen=True, slots=True)
class Left:
    """How a block was left before its end: "return" with a value, "break", "continue", "raise"."""

    by: str
    value: Any = None


LEAVING: dict[type[ast.stmt], Left] = {ast.Raise: Left("raise"), ast.Break: Left("break"), ast.Continue: Left("continue")}


class Interpreter:
    """Runs functions of revisions against a schema."""

    def __init__(self, repo: Repo, standing: Standing, dialect: Callable[[], str]) -> None:
        self.repo, self.standing = repo, standing
        self.expressions = Expressions(repo, dialect, self._call)
        self.connection = Connection(repo, standing, self.expressions)
        self._running: list[ast.AST] = []

    def run(self, module: Module, function: Function, steps: int) -> None:
        """Runs a function that is given nothing but, by name, what Alembic's own revisions import."""
        self.expressions.left = steps
        self._running = []
        self._block(function.body, Scope(module))

    # -- statements ----------------------------------------------------------------------------------------------

    def _block(self, body: list[ast.stmt], scope: Scope) -> Left | None:
        for statement in body:
            if type(statement) in LEAVING:
                return LEAVING[type(statement)]
            method = getattr(self, f"_{type(statement).__name__.lower()}", None)
            left: Left | None = method(statement, scope) if method else None
            if left:
                return left
        return None

    def _expr(self, node: ast.Expr, scope: Scope) -> None:
        if not isinstance(node.value, ast.Constant):
            self.expressions.value(node.value, scope)

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.expressions.value(node.value, scope)
        for target in node.targets:
            self._give(target, value, scope)

    def _annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self._give(node.target, self.expressions.value(node.value, scope), scope)

    def _augassign(self, node: ast.AugAssign, scope: Scope) -> None:
        if isinstance(node.target, ast.Name):
            load = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
            self._give(node.target, self.expressions.value(ast.copy_location(ast.BinOp(load, node.op, node.value), node), scope), scope)

    def _give(self, target: ast.expr, value: Any, scope: Scope) -> None:
        if isinstance(target, ast.Subscript):
            held = self.expressions.value(target.value, scope)
            key = self.expressions.value(target.slice, scope)
            if isinstance(held, dict) and isinstance(key, str | int):
                held[key] = value
        else:
            bind(target, value, scope)

    def _return(self, node: ast.Return, scope: Scope) -> Left:
        return Left("return", self.expressions.value(node.value, scope) if node.value else None)

    def _functiondef(self, node: Function, scope: Scope) -> None:
        scope.names[node.name] = Closure(node, scope)

    _asyncfunctiondef = _functiondef

    def _if(self, node: ast.If, scope: Scope) -> Left | None:
        told = self.expressions.truth(node.test, scope)
        if told is not None:
            return self._block(node.body if told else node.orelse, scope)
        test = self.expressions.closed(node.test, scope)
        asks = bool(GUARD.search(ast.unparse(test)))
        return self._either(node, scope, asks, source_of(test))

    def _either(self, node: ast.If, scope: Scope, asks: bool, doubt: str) -> Left | None:
        """Both ways of a condition that cannot be told."""
        standing = self.standing
        before = standing.doubt, standing.tolerant
        standing.doubt, standing.tolerant = before[0] or ("" if asks else doubt), before[1] or asks
        names = dict(scope.names)
        left = self._block(node.body, scope)
        other = Scope(scope.module, names)
        other_left = self._block(node.orelse, other)
        standing.doubt, standing.tolerant = before
        for name in scope.names.keys() & other.names.keys():
            if scope.names[name] is not other.names[name] and scope.names[name] != other.names[name]:
                scope.names[name] = ast.copy_location(ast.Name(name, ast.Load()), node.test)
        if left and other_left:
            return left if left.by != "raise" else other_left
        if left and left.by != "raise" and not asks and not (left.by == "return" and QUERIED.search(f"{ast.unparse(node.test)} {doubt}")):
            standing.doubt = standing.doubt or doubt  # until the function or the loop's turn ends
        return None

    def _for(self, node: ast.For, scope: Scope) -> Left | None:
        value = self.expressions.value(node.iter, scope)
        if isinstance(value, list | dict):
            for item in items_of(value):
                bind(node.target, item, scope)
                left = self._turn(node.body, scope)
                if left and left.by == "break":
                    return None
                if left and left.by != "continue":
                    return left
        else:
            bind(node.target, value if isinstance(node.target, ast.Name) else node.target, scope)
            self._doubted(node.body, scope, source_of(node.iter))
        return self._block(node.orelse, scope)

    _asyncfor = _for

    def _turn(self, body: list[ast.stmt], scope: Scope) -> Left | None:
        doubt = self.standing.doubt
        left = self._block(body, scope)
        self.standing.doubt = doubt
        return left

    def _while(self, node: ast.While, scope: Scope) -> Left | None:
        if self.expressions.truth(node.test, scope) is not False:
            self._doubted(node.body, scope, source_of(node.test))
        return None

    def _doubted(self, body: list[ast.stmt], scope: Scope, doubt: str) -> None:
        """What may run any number of times."""
        before = self.standing.doubt
        self.standing.doubt = before or doubt
        self._block(body, scope)
        self.standing.doubt = before

    def _match(self, node: ast.Match, scope: Scope) -> None:
        for case in node.cases:
            self._doubted(case.body, scope, source_of(node.subject))

    def _with(self, node: ast.With, scope: Scope) -> Left | None:
        for item in node.items:
            value = self.expressions.value(item.context_expr, scope)
            if item.optional_vars is not None:
                bind(item.optional_vars, value, scope)
        return self._block(node.body, scope)

    _asyncwith = _with

    def _try(self, node: ast.Try, scope: Scope) -> Left | None:
        """The way without an exception: whoever catches one expects that what is tried may be done already."""
        before = self.standing.tolerant
        self.standing.tolerant = before or bool(node.handlers)
        left = self._block(node.body, scope)
        self.standing.tolerant = before
        if left and left.by == "raise":
            left = None
        return left or self._block(node.orelse, scope) or self._block(node.finalbody, scope)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        func = node.func
        held: Any = None
        if isinstance(func, ast.Attribute) and _leads_somewhere(func.value, scope):
            held = self.expressions.value(func.value, scope)
            if isinstance(held, Batch):
                return self._operation(node, scope, func.attr, held.table)
        dotted = self.expressions.dotted(func, scope)
        owner, _, last = dotted.rpartition(".")
        if owner in ("op", "alembic.op") or owner.endswith((".op", "alembic.operations.Operations")):
            return self._operation(node, scope, last)
        if dotted.startswith(("sqlalchemy.", "sa.")) and last not in FOLLOWED:
            return self.expressions.closed(node, scope)
        return self._other_call(node, scope, held, dotted)

    def _other_call(self, node: ast.Call, scope: Scope, held: Any, dotted: str) -> Any:
        last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        closure = self._helper(node, scope, dotted)
        given = self.expressions.arguments(node, scope)
        told, value = False, None
        if closure:
            return self._run_helper(closure, given, node)
        if last in ("execute", "exec_driver_sql"):
            self.connection.execute(node, given, scope)
        elif last in ASKED:
            told, value = answer(self.standing, last, given)
        elif last == "is_offline_mode":
            return False
        elif last in ("create", "create_all"):
            self.connection.create(node, scope, held, last)
        elif held is not None and not isinstance(held, ast.AST):
            told, value = method_value(held, last, given)
        else:
            told, value = function_value(dotted, given)
        return value if told else _evaluated(node, held, given)

    def _operation(self, node: ast.Call, scope: Scope, operation: str, batch: str = "") -> Any:
        given = self.expressions.arguments(node, scope)
        if operation == "f":
            return given.get(0, "name", default=node)
        if operation == "batch_alter_table":
            return Batch(key_of(given.text(0, "table_name"), given.text(None, "schema")))
        if operation == "execute":
            return self.connection.execute(node, given, scope)
        if operation in ("run_async", "invoke"):
            return self._invoked(node, given, scope)
        if operation in ("get_bind", "get_context"):
            return node
        place = scope.module.place(node)
        operate(Run(self.repo, scope.module, self.standing, node, given, place), operation, batch)
        return node

    def _invoked(self, node: ast.Call, given: Arguments, scope: Scope) -> Any:
        """`op.run_async(function)` runs it; what `op.invoke(operation)` does is made elsewhere."""
        first = given.get(0)
        if isinstance(first, Closure):
            return self._run_helper(first, Arguments([node], {}), node)
        self.standing.unclear(source_of(node), scope.module.place(node))
        return node

    # -- functions -----------------------------------------------------------------------------------------------

    def _helper(self, node: ast.Call, scope: Scope, dotted: str) -> Closure | None:
        """The function of the revision, or of a file of the tree that knows Alembic, that a call runs."""
        if isinstance(node.func, ast.Name):
            found = self.expressions.value(node.func, scope)
            if isinstance(found, Closure):
                return found
        head = dotted.partition(".")[0]
        if head in ("sqlalchemy", "alembic", "") or "." not in dotted:
            return None
        found_at = self.repo.module_of(dotted)
        if found_at is None or not found_at[1] or not found_at[0].file.mentions(b"alembic", b"op."):
            return None
        meant = definition(self.repo, *found_at)
        return Closure(meant[1], Scope(meant[0])) if meant and not isinstance(meant[1], ast.ClassDef) else None

    def _run_helper(self, closure: Closure, given: Arguments, node: ast.Call) -> Any:
        function = closure.function
        if len(self._running) >= MAX_CALLS or self._running.count(function) > 2:
            if any(isinstance(n, ast.Name) and n.id == "op" for n in walk(function)):
                self.standing.unclear(source_of(node), closure.scope.module.place(function))
            return node
        inner = Scope(closure.scope.module, dict(closure.scope.names))
        self._bind_parameters(function.args, given, inner)
        if isinstance(function, ast.Lambda):
            return self.expressions.value(function.body, inner)
        doubt = self.standing.doubt
        self._running.append(function)
        left = self._block(function.body, inner)
        self._running.pop()
        self.standing.doubt = doubt
        return left.value if left and left.by == "return" else None

    def _bind_parameters(self, parameters: ast.arguments, given: Arguments, inner: Scope) -> None:
        names = [a.arg for a in (*parameters.posonlyargs, *parameters.args)]
        own = Scope(inner.module)
        for name, default in zip(names[len(names) - len(parameters.defaults) :], parameters.defaults, strict=True):
            inner.names[name] = self.expressions.value(default, own)
        for argument, keyword_default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
            if keyword_default is not None:
                inner.names[argument.arg] = self.expressions.value(keyword_default, own)
        inner.names |= dict(zip(names, given.positional, strict=False))
        rest = {name: value for name, value in given.named.items() if name not in names and name not in {a.arg for a in parameters.kwonlyargs}}
        inner.names |= {name: value for name, value in given.named.items() if name not in rest}
        if parameters.vararg:
            inner.names[parameters.vararg.arg] = given.positional[len(names) :]
        if parameters.kwarg:
            inner.names[parameters.kwarg.arg] = rest


def _leads_somewhere(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is more than a dotted name of an import: it is bound, or a call stands in it."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return not isinstance(node, ast.Name) or node.id in scope.names or node.id in scope.module.constants


def _evaluated(node: ast.Call, held: Any, given: Arguments) -> ast.Call:
    """The call with its parts as far as they are told, so that nothing in it runs twice."""
    level = 1 + max(map(level_of, (held, *given.positional, *given.named.values())), default=0)
    if level > MAX_LEVEL:
        return node
    new = copy.copy(node)
    new.level = level  # type: ignore[attr-defined]
    if held is not None and isinstance(node.func, ast.Attribute):
        new.func = ast.copy_location(ast.Attribute(as_node(held, node.func.value), node.func.attr, ast.Load()), node.func)
    if not given.unclear:
        new.args = [as_node(value, node) for value in given.positional]
        new.keywords = [ast.keyword(name, as_node(value, node)) for name, value in given.named.items()]
    return new
