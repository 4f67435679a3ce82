"""What happens to an event of Stripe's that comes twice: whether its handler keeps the id, or looks at what it did before."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in, reached
from mingus_gate.repo.python import Module, source_of, walk
from mingus_gate.repo.stripe.webhooks import Webhook

EVENT_ID = re.compile(r"(\w*event|evt)(\.id|\['id'\]|\.get\('id'[^)]*\))")
EVENT = re.compile(r"\b(\w*event\w*|evt)\b")
LOGS = re.compile(r"(^|\.)(print|debug|info|warning|error|exception|log|critical)$")
ACTS = re.compile(r"(^|\.)(commit|delay|apply_async|send_task|send_\w*(mail|email|message|notification)\w*|enqueue|put_item|save)$")
HARMLESS = re.compile(
    r"(^|\.)(get|jsonify|dumps|loads|str|int|len|isinstance|dict|list|getattr|format|retrieve|construct_\w+|append|lower|items|keys)$"
)
ONCE = re.compile(r"\bget_or_create\b|on_conflict_do_\w+|\bsetnx\b|nx=True|\bIntegrityError\b|insert_or_ignore|update_or_create")
STATE = re.compile(
    r"\.(status|state|is_paid|paid|paid_at|processed|processed_at|handled|handled_at|completed|completed_at|fulfilled|fulfilled_at|redeemed)\b"
)
KEPT = re.compile(r"\bquery\b|\bselect\(|\.scalar\w*\(|\.filter\w*\(|\.get\(\w+, |\.first\(|\.one\w*\(|find_one|get_item|\.get_by|\.find_by")


@dataclass(frozen=True, slots=True)
class Repeat:
    """How a webhook meets an event again. `how`: it looks at the event's `id`, at its own `state`, a unique key keeps it `once`,
    it `acts` again, or what it does is `hidden`. `shown` is the expression that says so."""

    how: Literal["id", "state", "once", "acts", "hidden"]
    place: Place
    shown: str
    asked: bool = False
    """What is hidden is asked in a condition: it may be what looks."""


def repeat(repo: Repo, hook: Webhook) -> Repeat | None:
    """What is known of the second time; None where the handler changes nothing."""
    nodes = list(dict.fromkeys(_bodies(repo, hook)))
    if found := next((each for where, node in nodes for each in _id(where, node)), None):
        return found
    acting = [(where, node, act) for where, node in nodes if (act := next(_acts(repo, where, node), None))]
    looking = {node: look for where, node in nodes if (look := next(iter([*_once(where, node), *_state(where, node)]), None))}
    outside = [each for where, node in nodes for each in _hidden(repo, where, node)]
    asked = next((each for each in outside if each.asked), None)
    if acting and all(node in looking for _, node, _ in acting):
        return looking[acting[0][1]]
    if looking or asked or not acting:
        look = next(iter(looking.values()), None)
        return asked or (replace(look, how="hidden") if look else next(iter(outside), None))
    return acting[0][2]


def _bodies(repo: Repo, hook: Webhook) -> Iterator[tuple[Module, ast.AST]]:
    """The handler and what it calls, also by the name of a method that only one class of the tree has."""
    module = hook.route.module if hook.route else hook.verification.module if hook.verification else None
    function = module.function_around(hook.verification.call) if module and hook.verification and not hook.route else None
    for body in hook.route.bodies if hook.route else [function] if function else []:
        for where, node in reached(repo, module, body) if module else ():
            yield where, node
            for call in calls_in(node):
                if (other := _only_of_name(repo, where, call)) is not None:
                    yield from reached(repo, *other, depth=1)


def _only_of_name(repo: Repo, module: Module, call: ast.Call) -> tuple[Module, ast.AST] | None:
    """The one function of the tree by the name of a method or task that is called with the event."""
    func = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in ("delay", "apply_async") else call.func
    if not _given(call) or called(repo, module, call) or not isinstance(func, ast.Attribute | ast.Name):
        return None
    last = func.attr if isinstance(func, ast.Attribute) else func.id
    if HARMLESS.search(last):
        return None
    found = [(other, f) for other in repo.python(last.encode(), served=True) for f in other.functions if f.name == last]
    return found[0] if len(found) == 1 else None


def _given(call: ast.Call) -> bool:
    """Whether a call is handed the event, or a part of it."""
    return any(EVENT.search(ast.unparse(argument)) for argument in (*call.args, *(word.value for word in call.keywords)))


def _id(module: Module, node: ast.AST) -> Iterator[Repeat]:
    read = [n for n in walk(node) if isinstance(n, ast.Attribute | ast.Subscript | ast.Call) and EVENT_ID.fullmatch(ast.unparse(n))]
    for inner in read:
        if not any(isinstance(above, ast.Call) and LOGS.search(module.name(above)) for above in module.ancestors(inner)):
            yield Repeat("id", module.place(inner), source_of(inner))


def _once(module: Module, node: ast.AST) -> Iterator[Repeat]:
    """A unique key, or a key that is set only if it is not there."""
    for inner in walk(node):
        text = (
            ast.unparse(inner)
            if isinstance(inner, ast.Call)
            else ast.unparse(inner.type)
            if isinstance(inner, ast.ExceptHandler) and inner.type
            else ""
        )
        if found := ONCE.search(text):
            yield Repeat("once", module.place(inner), found[0])


def _state(module: Module, node: ast.AST) -> Iterator[Repeat]:
    """`if payment.paid: return`, or `if known: return`, of what the database keeps."""
    body = node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
    given = [n for statement in body for n in walk(statement) if isinstance(n, ast.Assign)]
    kept = {t.id for n in given if KEPT.search(text := ast.unparse(n.value)) and "stripe" not in text for t in n.targets if isinstance(t, ast.Name)}
    kept -= {t.id for n in given if EVENT.match(ast.unparse(n.value)) for t in n.targets if isinstance(t, ast.Name)}
    before = {t.id for n in given if _of(kept, ast.unparse(n.value)) for t in n.targets if isinstance(t, ast.Name)}
    for test in (n for statement in body for n in walk(statement) if isinstance(n, ast.If)):
        ends = isinstance(test.body[-1], ast.Return | ast.Continue | ast.Raise)
        text = ast.unparse(test.test)
        owned = any(re.search(rf"\b{re.escape(name)}{STATE.pattern}", text) for name in kept)
        known = ends and (text.removesuffix(" is not None") in kept)
        compared = any(re.search(rf"\b{re.escape(name)}\b\s*[!=]=|[!=]=\s*{re.escape(name)}\b", text) for name in before)
        if owned or known or compared:
            yield Repeat("state", module.place(test), source_of(test.test))


def _of(kept: set[str], text: str) -> bool:
    """`user.tier or "free"`: an attribute of what the database keeps."""
    return any(re.match(rf"{re.escape(name)}\.\w+( or .*)?$", text) for name in kept)


def _hidden(repo: Repo, module: Module, node: ast.AST) -> Iterator[Repeat]:
    """The event is handed to what is not in the tree, or is chosen from a table."""
    for call in calls_in(node):
        name = module.name(call.func)
        outside = not HARMLESS.search(name) and not LOGS.search(name) and not ACTS.search(name) and not name.startswith(("stripe", "flask"))
        if _given(call) and outside and called(repo, module, call) is None and _only_of_name(repo, module, call) is None:
            asked = any(isinstance(above, ast.If) and any(n is call for n in walk(above.test)) for above in module.ancestors(call))
            yield Repeat("hidden", module.place(call), source_of(call.func), asked)


def _acts(repo: Repo, module: Module, node: ast.AST) -> Iterator[Repeat]:
    """What is done for an event; what a task of the tree does is told by the task itself."""
    for call in calls_in(node):
        if ACTS.search(module.name(call.func) or ast.unparse(call.func)) and _only_of_name(repo, module, call) is None:
            yield Repeat("acts", module.place(call), source_of(call.func))
