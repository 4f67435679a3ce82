"""Outbound HTTP calls as facts: who is called with which client, and how long it may take."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.debug import only_by_main
from mingus_gate.repo.python import Module, keyword, source_of, unpacks
from mingus_gate.repo.values import Value

VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
SESSIONS = {"requests.Session", "requests.session", "requests.sessions.Session"}
HTTPX_CLIENTS = {"httpx.Client", "httpx.AsyncClient"}
HTTPX_DEFAULT = 5


@dataclass(frozen=True, eq=False)
class OutboundCall:
    """A call of `requests`, `httpx` or `urllib`. `timeout` is what it is given, or the client's own default; None is none at all."""

    module: Module
    call: ast.Call
    client: str
    timeout: Value | None
    unresolved: str = ""
    """The expression that may hide a timeout."""

    @property
    def place(self) -> Place:
        return self.module.place(self.call)


def outbound_calls(repo: Repo) -> list[OutboundCall]:
    """Every outbound HTTP call of served code, in path and line order; what only `__main__` reaches answers no request."""
    found: list[OutboundCall] = []
    for module in repo.python(b"requests", b"httpx", b"urlopen", served=True):
        sessions = dict(_sessions(module))
        for call in module.nodes(ast.Call):
            found += (made for made in _call(repo, module, call, sessions) if not only_by_main(repo, module, call))
    return sorted(found, key=lambda outbound: outbound.place)


def _sessions(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Names that hold a session or client: `session = requests.Session()`, `with httpx.Client() as client`."""
    for target, value in module.assignments():
        if isinstance(value, ast.Call) and module.name(value.func) in SESSIONS | HTTPX_CLIENTS and isinstance(target, ast.Name | ast.Attribute):
            yield ast.unparse(target), value
    for node in module.nodes(ast.withitem):
        made, name = node.context_expr, node.optional_vars
        if isinstance(made, ast.Call) and isinstance(name, ast.Name) and module.name(made.func) in SESSIONS | HTTPX_CLIENTS:
            yield name.id, made


def _call(repo: Repo, module: Module, call: ast.Call, sessions: dict[str, ast.Call]) -> Iterator[OutboundCall]:
    name = module.name(call.func)
    library, _, verb = name.partition(".")
    given = keyword(call, "timeout")
    if name in ("urllib.request.urlopen", "urllib2.urlopen"):
        given = given or (call.args[2] if len(call.args) > 2 else None)
        yield _outbound(repo, module, call, "urlopen", given, None)
    elif library in ("requests", "httpx") and verb in VERBS:
        yield _outbound(repo, module, call, name, given, Value((HTTPX_DEFAULT,)) if library == "httpx" else None)
    elif isinstance(call.func, ast.Attribute) and call.func.attr in VERBS:
        made = call.func.value if isinstance(call.func.value, ast.Call) else sessions.get(ast.unparse(call.func.value))
        if isinstance(made, ast.Call) and (kind := module.name(made.func)) in SESSIONS | HTTPX_CLIENTS:
            own = keyword(made, "timeout")
            default = repo.resolve(module, own) if own else Value((HTTPX_DEFAULT,)) if kind in HTTPX_CLIENTS else None
            mounted = b".mount(" in module.file.data and kind in SESSIONS  # an adapter may bring its own timeout
            yield _outbound(repo, module, call, f"{kind.partition('.')[0]} session", given, default, "an adapter" if mounted else "")


def _outbound(
    repo: Repo, module: Module, call: ast.Call, client: str, given: ast.expr | None, default: Value | None, hidden: str = ""
) -> OutboundCall:
    if given is not None:
        value = repo.resolve(module, given)
        return OutboundCall(module, call, client, None if value.fixed and value.literal is None else value)
    if unpacks(call):
        options = next(k.value for k in call.keywords if k.arg is None)
        value = repo.resolve(module, options)
        if isinstance(value.literal, dict) and "timeout" in value.literal:
            return OutboundCall(module, call, client, value.literal["timeout"])
        hidden = hidden or (source_of(options) if not isinstance(value.literal, dict) else "")
    return OutboundCall(module, call, client, default, hidden if default is None else "")
