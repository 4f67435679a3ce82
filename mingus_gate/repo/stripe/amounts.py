"""Whether an expression is an integer, told without running it: for amounts of money."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called
from mingus_gate.repo.python import Module, source_of, string, walk

IN_CENTS = re.compile(
    r"cents?$|_cents?_|pence$|pennies$|minor(_units?)?$|in_cents|smallest|^(unit_amount|amount_(total|subtotal|due|paid|remaining|received|capturable|refunded|off))$"
)
"""Names of amounts in the smallest unit: as people name them, and the fields of Stripe's own objects."""
WHOLE = ("math.ceil", "math.floor", "math.trunc", "round", "len")
EXACT = re.compile(r"\b(round|Decimal|quantize|ceil|floor|to_integral_value)\b")
INTEGER = ("Integer", "BigInteger", "SmallInteger", "int")
FLOAT = ("Float", "REAL", "DOUBLE", "Double", "float")


def judged(repo: Repo, module: Module, node: ast.expr, steps: int = 5) -> tuple[bool | None, str]:
    """Whether it is an integer (None where that cannot be told), and the expression that decides."""
    value = repo.resolve(module, node)
    if value.literals and not value.unresolved:
        return all(_whole(v) for v in value.literals), source_of(node)
    return _integer(repo, module, node, steps), source_of(node)


def _whole(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) or value is None


def _integer(repo: Repo, module: Module, node: ast.expr, steps: int) -> bool | None:
    if steps == 0:
        return None
    if parts := _parts(node):
        return _all(_integer(repo, module, part, steps - 1) for part in parts)
    if isinstance(node, ast.BinOp):  # `/` is a float whatever it divides
        return isinstance(node.op, ast.FloorDiv) and _integer(repo, module, node.left, steps - 1) is not False
    if isinstance(node, ast.Call):
        return _call(repo, module, node, steps)
    if isinstance(node, ast.Name):
        return _name(repo, module, node, steps)
    if isinstance(node, ast.Attribute):
        return True if IN_CENTS.search(node.attr) else _column(repo, node.attr)
    if isinstance(node, ast.Subscript) and IN_CENTS.search(string(node.slice) or ""):
        return True
    return _whole(node.value) if isinstance(node, ast.Constant) else None


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions that all have to be integers for this one to be."""
    match node:
        case ast.BinOp(op=op, left=left, right=right) if not isinstance(op, ast.Div | ast.FloorDiv):
            return [left, right]
        case ast.UnaryOp(operand=inner) | ast.Await(value=inner):
            return [inner]
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=values):
            return values
    return []


def _all(parts: Iterable[bool | None]) -> bool | None:
    """False if one is, True if all are."""
    found = list(parts)
    return False if False in found else None if None in found else True


def _call(repo: Repo, module: Module, node: ast.Call, steps: int) -> bool | None:
    name = module.name(node.func)
    last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    if name == "int" and node.args:
        inner = node.args[0]
        scaled = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult | ast.Pow) for n in walk(inner))
        if not scaled or EXACT.search(ast.unparse(inner)):
            return True
        return _integer(repo, module, inner, steps - 1)  # int(19.99 * 100) is 1998
    if name in WHOLE:
        return True if len(node.args) == 1 else None
    if name == "float":
        return False
    if name in ("max", "min", "abs", "sum"):
        return _all(_integer(repo, module, part, steps - 1) for part in node.args)
    if IN_CENTS.search(last) or (last == "get" and node.args and IN_CENTS.search(string(node.args[0]) or "")):
        return True
    found = called(repo, module, node)
    returns = found[1].returns if found and isinstance(found[1], ast.FunctionDef | ast.AsyncFunctionDef) else None
    return _annotated(returns)


def _name(repo: Repo, module: Module, node: ast.Name, steps: int) -> bool | None:
    if IN_CENTS.search(node.id.lower()):
        return True
    function = module.function_around(node)
    parameters = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs) if function else ()
    annotation = next((a.annotation for a in parameters if a.arg == node.id), None)
    assigned = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == node.id and module.function_around(t) is function]
    if assigned and (node.id, function) not in module.changed:
        return _all(_integer(repo, module, value, steps - 1) for value in assigned)
    return _annotated(annotation)


def _annotated(annotation: ast.expr | None) -> bool | None:
    shown = ast.unparse(annotation) if annotation else ""
    return True if shown == "int" else False if shown == "float" else None


def _column(repo: Repo, attribute: str) -> bool | None:
    """What the models of the tree say of a column of that name, where they agree."""
    types = repo.fact(_columns).get(attribute, set())
    if types and types <= set(INTEGER):
        return True
    return False if types and types <= set(FLOAT) else None


def _columns(repo: Repo) -> dict[str, set[str]]:
    """Column name → the types that models give columns of that name."""
    found: dict[str, set[str]] = {}
    for module in repo.python(b"Column(", b"mapped_column", b"Mapped["):
        for target, value in module.assignments():
            if (
                isinstance(target, ast.Name)
                and isinstance(value, ast.Call)
                and module.name(value.func).rpartition(".")[2] in ("Column", "mapped_column")
            ):
                kinds = [module.name(a).rpartition(".")[2] for a in value.args if string(a) is None]
                above = module.parent(target)
                if isinstance(above, ast.AnnAssign) and isinstance(above.annotation, ast.Subscript):
                    kinds.append(ast.unparse(above.annotation.slice))
                found.setdefault(target.id, set()).add(next((k for k in kinds if k in (*INTEGER, *FLOAT)), "another"))
    return found
