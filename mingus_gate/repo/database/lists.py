"""List routes as facts: which tables a view reads in full, and which views page or limit what they read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition, lineage
from mingus_gate.repo.flask.routes import Route, routes
from mingus_gate.repo.python import Function, Module, walk

LINKS = {"order_by", "options", "with_entities", "scalars", "mappings", "unique", "query", "execution_options", "execute"}
"""What may stand between a table and `.all()` without leaving any row out."""

BOUNDS = {"paginate", "limit", "fetchmany", "slice", "yield_per"}
GROWS = re.compile(r"creat|timestamp|^date$|^time$|_date$|regist|joined|publish|posted|sent|receiv|added|submitted|booked|paid|upload", re.IGNORECASE)
"""How the column is called that says when a row came."""

USED = re.compile(
    r"^(\w*(user|customer|member|subscriber|person|client|patient|order|invoice|payment|transaction|subscription|message|notification|comment|post"
    r"|booking|reservation|submission|ticket|expense|upload|visit|purchase|donation|audit\w*|logs?|entry)s?)$",
    re.IGNORECASE,
)
"""Tables, by the last word of their name, that get rows by being used; others are often kept by hand, and stay short."""

WHOLE = re.compile(r"export|download|csv|dump|backup|sitemap|feed|rss", re.IGNORECASE)
"""Routes whose answer is meant to be whole."""

REDUCES = {"len", "sum", "any", "all", "bool", "max", "min", "next"}


@dataclass(frozen=True, slots=True)
class ListRoute:
    """A view for GET that lists rows: all of `table`, or, where `bound` says by what, some of them."""

    route: Route
    place: Place
    table: str = ""
    bound: str = ""


def list_routes(repo: Repo) -> list[ListRoute]:
    """Every view for GET that is told to list rows, in path and line order."""
    found: dict[Place, ListRoute] = {}
    for route in repo.fact(routes):
        if "GET" not in route.methods or WHOLE.search(f"{route.path} {route.name}"):
            continue
        for body in (b for b in route.bodies if isinstance(b, Function) and b.name not in ("post", "put", "delete", "patch")):
            for listed in _listed(repo, route, body):
                found.setdefault(listed.place, listed)
    return sorted(found.values(), key=lambda listed: listed.place)


def _listed(repo: Repo, route: Route, body: Function) -> Iterator[ListRoute]:
    module = route.module
    calls = [n for n in walk(body) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in BOUNDS and not (call.args and ast.unparse(call.args[0]) == "1"):
            yield ListRoute(route, module.place(call), bound=call.func.attr)
            return
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("all", "fetchall") and not call.args:
            table = _whole_table(module, call.func.value)
            if table is not None and not _in_part(module, call) and _answered(module, body, call) and _grows(repo, module, table):
                yield ListRoute(route, module.place(call), table=module.name(table).rpartition(".")[2])


def _whole_table(module: Module, node: ast.expr) -> ast.expr | None:
    """The model of `Model.query`, `session.query(Model)`, `session.execute(select(Model))`, with nothing but order and options between."""
    while isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else module.name(node.func).rpartition(".")[2]
        if name in ("query", "select") and isinstance(node, ast.Call) and node.args:
            return node.args[0] if len(node.args) == 1 and isinstance(node.args[0], ast.Name | ast.Attribute) and not node.keywords else None
        if name in ("execute", "scalars") and node.args:
            node = node.args[0]
        elif name in LINKS and isinstance(node.func, ast.Attribute):
            node = node.func.value
        else:
            return None
    return node.value if isinstance(node, ast.Attribute) and node.attr == "query" else None


def _in_part(module: Module, call: ast.Call) -> bool:
    """Whether only a part of the rows is taken: `….all()[:20]`, or whether there are any."""
    parent = module.parent(call)
    return isinstance(parent, ast.Subscript) or (isinstance(parent, ast.Call) and module.name(parent.func) in ("len", "bool", "any"))


def _answered(module: Module, body: Function, call: ast.Call) -> bool:
    """Whether the rows reach the answer: what is returned holds them, or a name that was made of them."""
    names: set[str] = set()
    statements = [n for n in walk(body) if isinstance(n, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.Expr | ast.Return)]
    for statement in sorted(statements, key=lambda n: n.lineno):
        read = [statement.iter] if isinstance(statement, ast.For) else [statement]
        rows = (n for r in read for n in walk(r) if n is call or (isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)))
        touched = any(not _reduced(module, n) for n in rows)
        if touched and isinstance(statement, ast.Return):
            return True
        if touched and not (isinstance(statement, ast.Assign) and any(isinstance(n, ast.Slice) for n in walk(statement.value))):
            names |= _given(statement)
    return False


def _reduced(module: Module, rows: ast.AST) -> bool:
    """Whether only a number is made of them: `len(rows)`, `sum(1 for row in rows)`, or a question asked."""
    inside = (above for above in module.ancestors(rows) if isinstance(above, ast.Call | ast.Compare | ast.stmt))
    around = next(inside)
    while isinstance(around, ast.Call | ast.Compare):
        if isinstance(around, ast.Compare) or module.name(around.func) in REDUCES:
            return True
        around = next(inside)
    return False


def _given(statement: ast.stmt) -> set[str]:
    """The names that a statement gives something of what it reads: its targets, and `rows` of `rows.append(…)`."""
    if isinstance(statement, ast.Expr):
        call = statement.value
        owner = call.func.value if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else None
        return {owner.id} if isinstance(owner, ast.Name) else set()
    return {n.id for n in walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _grows(repo: Repo, module: Module, table: ast.expr) -> bool:
    """Whether the model is a class of the tree whose rows come by use: it is named like one, and says when a row came."""
    found = definition(repo, module, module.name(table))
    if found is None or not isinstance(found[1], ast.ClassDef) or not USED.search(found[1].name):
        return False
    items = [item for _, owner in lineage(repo, found[0], found[1]) for item in owner.body if isinstance(item, ast.Assign | ast.AnnAssign)]
    return any(_says_when(item) for item in items)


def _says_when(item: ast.Assign | ast.AnnAssign) -> bool:
    target = item.targets[0] if isinstance(item, ast.Assign) else item.target
    return isinstance(target, ast.Name) and bool(GROWS.search(target.id)) and bool(re.search(r"date|time", ast.unparse(item), re.IGNORECASE))
