"""Outbound TLS: where served code leaves the certificate unchecked, and where it checks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, keyword, source_of, string, unpacks
from mingus_gate.repo.values import Value

VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream"}
CLIENTS = {"Client", "AsyncClient", "Session", "ClientSession", "TCPConnector", "PoolManager", "client", "resource", "Elasticsearch", "OpenSearch"}
OFF = {"verify": False, "verify_ssl": False, "verify_certs": False, "validate_certs": False, "ssl": False}
ON_MEANS_OFF = {"disable_ssl_certificate_validation", "tlsAllowInvalidCertificates", "tlsInsecure", "insecure_skip_verify"}
LOCAL = re.compile(r"localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|host\.docker\.internal")
LOCAL_URL = re.compile(r"^https?://(localhost|127\.|0\.0\.0\.0|\[::1\])|^http://")
SSLMODE_OFF = re.compile(r"sslmode=(disable|allow)\b")
ADDRESS_HOST = re.compile(r"^[a-z+0-9]+://(?:[^@/]*@)?\[?([\w.:-]*?)\]?(?::\d+)?(?:[/?]|$)")


@dataclass(frozen=True, slots=True)
class Check:
    """One place that decides whether a certificate is checked. `on` is None where `why` says what decides."""

    what: str
    place: Place
    on: bool | None
    why: str = ""


def checks(repo: Repo) -> list[Check]:
    """Every such place of served code, in path and line order."""
    found: list[Check] = []
    for module in repo.python(b"requests", b"httpx", b"verify", b"ssl", b"urllib3", b"tls", served=True):
        contexts = list(_contexts(module))
        found += contexts
        found += _calls(repo, module)
        found += _assigned(module, {module.function_around(node) for node in _none_nodes(module)})
        found += _sslmode(repo, module)
    return sorted(found, key=lambda check: check.place)


def _calls(repo: Repo, module: Module) -> Iterator[Check]:
    """HTTP calls: `requests.get(url)` checks, `requests.get(url, verify=False)` does not."""
    evident = VERBS if module.file.mentions(b".verify") else VERBS | CLIENTS
    for call in module.nodes(ast.Call):
        name = module.name(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
        if last not in VERBS | CLIENTS or "jwt" in name.lower():
            continue
        for option, off in OFF.items():
            node = keyword(call, option)
            if node is not None and (option != "ssl" or "aiohttp" in str(module.imports.values())):
                yield _judged(repo, module, call, f"{option}={source_of(node)}", repo.resolve(module, node), off)
                break
        else:
            if any(word.arg in ON_MEANS_OFF for word in call.keywords):
                word = next(w for w in call.keywords if w.arg in ON_MEANS_OFF)
                yield _judged(repo, module, call, f"{word.arg}={source_of(word.value)}", repo.resolve(module, word.value), True)
            elif name.startswith(("requests.", "httpx.")) and last in evident and not unpacks(call) and not _local(repo, module, call):
                yield Check(f"{name} checks certificates", module.place(call), on=True)


def _judged(repo: Repo, module: Module, call: ast.Call, what: str, value: Value, off: bool) -> Check:
    place = module.place(call)
    if _local(repo, module, call):
        return Check(what, place, on=True, why="to this machine")
    if value.fixed and value.literal is off:
        condition = _condition(module, call)
        return Check(what, place, on=None if condition else False, why=condition)
    if value.may_be(lambda v: v is off) and not value.unresolved:
        return Check(what, place, on=False, why=f"unless {' and '.join(value.env)} says otherwise" if value.env else "")
    if value.unresolved and not value.literals:
        return Check(what, place, on=None, why=f"`{value.unresolved}`")
    return Check(what, place, on=True)


def _local(repo: Repo, module: Module, call: ast.Call) -> bool:
    """Whether the address is this machine, or plain HTTP: as a literal, or in the function of this file that makes it."""
    for argument in (*call.args[:2], *(k.value for k in call.keywords if k.arg in ("url", "base_url"))):
        value = repo.resolve(module, argument)
        if any(LOCAL_URL.match(text) for text in value.texts):
            return True
        made = re.match(r"(\w+)\(", value.unresolved)
        maker = next((f for f in module.functions if made and f.name == made[1]), None)
        if maker and LOCAL.search(ast.unparse(maker)):
            return True
    return False


def _condition(module: Module, node: ast.AST) -> str:
    """The `if` around a statement, as written: it then runs only sometimes."""
    for above in module.ancestors(node):
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            break
        if isinstance(above, ast.If | ast.IfExp):
            return f"only in a branch of `{source_of(above.test)}`"
    return ""


def _contexts(module: Module) -> Iterator[Check]:
    """Default contexts, `ssl._create_unverified_context` and `ssl.CERT_NONE`, Redis' own aside (its certificates are often self-signed)."""
    for node in module.nodes(ast.Attribute):
        if node.attr in ("_create_unverified_context", "OPT_X_TLS_NEVER") and module.name(node).startswith(("ssl.", "ldap.")):
            condition = _condition(module, node)
            yield Check(module.name(node), module.place(node), on=None if condition else False, why=condition)
    for none in _none_nodes(module):
        condition = _condition(module, none)
        yield Check("ssl.CERT_NONE", module.place(none), on=None if condition else False, why=condition)
    if not module.file.mentions(b"CERT_NONE", b"check_hostname"):
        made = (call for call in module.nodes(ast.Call) if module.name(call.func) == "ssl.create_default_context")
        yield from (Check("ssl.create_default_context checks certificates", module.place(call), on=True) for call in made)


def _none_nodes(module: Module) -> list[ast.AST]:
    names = (n for n in module.nodes(ast.Attribute) if n.attr == "CERT_NONE" and module.name(n) == "ssl.CERT_NONE")
    texts = (n for n in module.nodes(ast.Constant) if n.value == "CERT_NONE")
    found = (n for n in (*names, *texts) if not isinstance(module.parent(n), ast.Compare) and not for_redis(module, n))
    return [n for n in found if not _looks_at_certificate(module, n)]


def _looks_at_certificate(module: Module, node: ast.AST) -> bool:
    """Whether the function around connects only to see the certificate: then it must not refuse a bad one."""
    function = module.function_around(node)
    return function is not None and ".getpeercert(" in ast.unparse(function)


def for_redis(module: Module, node: ast.AST) -> bool:
    """Whether a value is given for Redis' `ssl_cert_reqs`, as keyword, dictionary entry or part of an address."""
    parent = module.parent(node)
    if isinstance(parent, ast.keyword):
        return parent.arg == "ssl_cert_reqs"
    if isinstance(parent, ast.Dict):
        key = next((k for k, v in zip(parent.keys, parent.values, strict=True) if v is node), None)
        return string(key) == "ssl_cert_reqs"
    return False


def _assigned(module: Module, already: set[ast.FunctionDef | ast.AsyncFunctionDef | None]) -> Iterator[Check]:
    """`session.verify = False`, `context.check_hostname = False`; the latter once, where CERT_NONE is not reported beside it."""
    for target, value in module.assignments():
        if not isinstance(target, ast.Attribute) or not isinstance(value, ast.Constant):
            continue
        hostname = target.attr == "check_hostname" and module.function_around(target) not in already and not _looks_at_certificate(module, target)
        session = target.attr == "verify" and module.file.mentions(b"requests", b"httpx")
        if session and isinstance(value.value, str) and "/" in value.value:
            yield Check(f"{ast.unparse(target)} names a certificate authority", module.place(target), on=True)
        elif (hostname or session) and value.value is False:
            condition = _condition(module, target)
            yield Check(f"{ast.unparse(target)} = False", module.place(target), on=None if condition else False, why=condition)


def _sslmode(repo: Repo, module: Module) -> Iterator[Check]:
    """Database addresses that refuse TLS, those of this machine and of a container network (a host without a dot) aside."""
    for node in module.nodes(ast.Constant):
        if isinstance(node.value, str) and SSLMODE_OFF.search(node.value) and not isinstance(module.parent(node), ast.Expr):
            whole = module.parent(node) if isinstance(module.parent(node), ast.JoinedStr) else node
            value = repo.resolve(module, whole) if isinstance(whole, ast.expr) else Value()
            hosts = [match[1] for text in value.texts if (match := ADDRESS_HOST.match(text))]
            if any("." in host and not LOCAL.search(host) for host in hosts):
                yield Check("sslmode=disable", module.place(node), on=False)
            elif value.unresolved or not hosts:
                yield Check("sslmode=disable", module.place(node), on=None, why="the host is not in the text")
