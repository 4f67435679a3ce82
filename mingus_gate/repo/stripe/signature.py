"""Stripe's signature as facts: where it is checked, over what, with which secret, and how an event gets past the check."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, texts_in
from mingus_gate.repo.flask.app import FOR_PRODUCTION, FOR_TESTS
from mingus_gate.repo.python import Module, keyword, source_of, walk

VERIFIERS = ("*.construct_event", "*.WebhookSignature.verify_header", "*.parse_event_notification", "*.parse_thin_event")
PARSED = re.compile(r"\bdumps\(|\bjsonify\(|\bloads\(|\brequest\.(json|get_json|form|values|args)\b")
RAW = re.compile(r"\brequest\.(data|get_data|stream|body|environ)\b")
TRUSTED = re.compile(r"\bloads\(|get_json\(|\.json\b|construct_from\(|request\.(data|get_data)")
REFUSAL = re.compile(r"(Signature\w*|^Exception|^BaseException|StripeError)$")
ON_SECRET = re.compile(r"secret|sig|whsec", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Verification:
    """A call that checks Stripe's signature."""

    module: Module
    call: ast.Call

    @property
    def place(self) -> Place:
        return self.module.place(self.call)

    @property
    def payload(self) -> ast.expr | None:
        return self._given(0, "payload", "raw")

    @property
    def header(self) -> ast.expr | None:
        return self._given(1, "sig_header", "header")

    @property
    def secret(self) -> ast.expr | None:
        return self._given(2, "secret")

    def _given(self, index: int, *names: str) -> ast.expr | None:
        return self.call.args[index] if len(self.call.args) > index else keyword(self.call, *names)


def verifications(repo: Repo) -> list[Verification]:
    """Every signature check; calls of the application's own wrappers of that name are not among them. Scripts take no events, and
    what connexion serves is named in YAML only: so all of production counts."""
    return [Verification(module, call) for module, call in repo.calls(*VERIFIERS) if called(repo, module, call) is None]


def payload_kind(repo: Repo, module: Module, node: ast.expr | None, steps: int = 4) -> tuple[str, str]:
    """("raw", expression) where a payload is the request's bytes as they came, ("parsed", …) where it was read and written again."""
    if node is None or steps == 0:
        return "", source_of(node) if node else "nothing"
    shown = ast.unparse(node)
    if PARSED.search(shown):
        return "parsed", source_of(node)
    if RAW.search(shown):
        return "raw", source_of(node)
    if isinstance(node, ast.Await | ast.Starred):
        return payload_kind(repo, module, node.value, steps)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("decode", "encode"):
        return payload_kind(repo, module, node.func.value, steps)
    if isinstance(node, ast.Name):
        kinds = [payload_kind(repo, where, value, steps - 1) for where, value in _given_to(repo, module, node)]
        return (
            next((k for k in kinds if k[0] == "parsed"), None) or next((k for k in kinds if not k[0]), None) or (kinds[0] if kinds else ("", node.id))
        )
    return "", source_of(node)


def _given_to(repo: Repo, module: Module, name: ast.Name) -> Iterator[tuple[Module, ast.expr]]:
    """What a local name is assigned in its function, or a parameter given by the calls of that function."""
    function = module.function_around(name)
    if function is None:
        return
    parameters = [a.arg for a in (*function.args.posonlyargs, *function.args.args) if a.arg not in ("self", "cls")]
    for target, value in module.assignments():
        if isinstance(target, ast.Name) and target.id == name.id and module.function_around(target) is function:
            yield module, value
    if name.id in parameters:
        for where, call in repo.calls(function.name, f"*.{function.name}", served=True):
            index = parameters.index(name.id)
            given = call.args[index] if len(call.args) > index else keyword(call, name.id)
            if given is not None:
                yield where, given


def bypass(verification: Verification) -> tuple[str, bool]:
    """How an event gets in unchecked, and whether that is certain: ("the signature is not checked without `secret`", True)."""
    module, call = verification.module, verification.call
    function = module.function_around(call)
    if function is None:
        return "", False
    event = _target(module, call)
    others = [value for name, value in _assigned(function) if event and name == event and call not in walk(value) and _trusts(value)]
    for test, in_body in _conditions(module, call, function):
        if others or any(map(_gives_back_unchecked, test.orelse if in_body else test.body)):
            return _judged(test.test, verification, trusting=not in_body)
    for branch in walk(function):  # if not secret: return json.loads(payload)
        earlier = isinstance(branch, ast.If) and call not in walk(branch) and branch.lineno < call.lineno
        if earlier and isinstance(branch, ast.If) and any(map(_gives_back_unchecked, branch.body)):
            return _judged(branch.test, verification, trusting=True)
    if others and any(_goes_on(module, handler) for handler in _handlers(module, call, function)):
        return "an event whose signature is refused is used all the same", True
    return "", False


def _target(module: Module, call: ast.Call) -> str:
    statement = module.enclosing(call, ast.Assign, ast.AnnAssign, ast.Return)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target if isinstance(statement, ast.AnnAssign) else None
    return target.id if isinstance(target, ast.Name) else ""


def _assigned(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in walk(function):
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def _trusts(value: ast.expr) -> bool:
    """An event read from the request without a check."""
    return bool(TRUSTED.search(ast.unparse(value)))


def _conditions(module: Module, call: ast.Call, function: ast.AST) -> Iterator[tuple[ast.If, bool]]:
    """The `if`s of the function below which the check stands, and whether in their body (not the `else`)."""
    child: ast.AST = call
    for above in module.ancestors(call):
        if above is function:
            return
        if isinstance(above, ast.If) and child is not above.test:
            yield above, any(child is statement for statement in above.body)
        child = above


def _gives_back_unchecked(statement: ast.AST) -> bool:
    return any(isinstance(n, ast.Return) and n.value is not None and _trusts(n.value) for n in walk(statement))


def _judged(test: ast.expr, verification: Verification, trusting: bool) -> tuple[str, bool]:
    """What a condition says, below which an event is trusted, or else checked. One for tests is none; one on the secret or the
    signature lets everybody in."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) is trusting:  # each part alone is enough to get past the check
        judged = [_judged(part, verification, trusting) for part in test.values]
        return next((each for each in judged if each[1]), None) or next((each for each in judged if each[0]), ("", False))
    shown = ast.unparse(test)
    if FOR_TESTS.search(shown) or FOR_PRODUCTION.search(shown):
        return "", False
    given = {n.id for e in (verification.secret, verification.header) if e is not None for n in walk(e) if isinstance(n, ast.Name)}
    names = {n.id for n in walk(test) if isinstance(n, ast.Name)} | {n.attr for n in walk(test) if isinstance(n, ast.Attribute)}
    if given & names or any(ON_SECRET.search(name) for name in (*names, *texts_in(test))):
        return f"the signature is {'not checked' if trusting else 'checked only'} if `{source_of(test)}`", True
    return f"the signature is checked only on a condition: `{source_of(test)}`", False


def _handlers(module: Module, call: ast.Call, function: ast.AST) -> Iterator[ast.ExceptHandler]:
    """The handlers that a refused signature ends in."""
    for tried in module.ancestors(call):
        if tried is function:
            return
        if isinstance(tried, ast.Try) and any(call in walk(statement) for statement in tried.body):
            for handler in tried.handlers:
                caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
                if any(name is None or REFUSAL.search(module.name(name)) for name in caught):
                    yield handler


def _goes_on(module: Module, handler: ast.ExceptHandler) -> bool:
    """Whether the function goes on after the handler."""
    last = handler.body[-1]
    return not isinstance(last, ast.Return | ast.Raise | ast.Continue) and not any(
        isinstance(n, ast.Call) and module.name(n.func).rpartition(".")[2] == "abort" for n in walk(last)
    )
