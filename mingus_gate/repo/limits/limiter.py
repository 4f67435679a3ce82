"""Flask-Limiter as facts: where it is made, which application gets it, and where it counts."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import definition, reached
from mingus_gate.repo.deploy.servers import option, servers
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.flask.blueprints import Key, mounts
from mingus_gate.repo.python import Module, keyword, unpacks
from mingus_gate.repo.served import reachable
from mingus_gate.repo.tree import File
from mingus_gate.repo.values import Value

FORWARDED = re.compile(r"x-forwarded-for|http_x_forwarded_for", re.IGNORECASE)
STORAGE_KEYS = ("RATELIMIT_STORAGE_URI", "RATELIMIT_STORAGE_URL")
DEFAULT_KEYS = ("RATELIMIT_DEFAULT", "RATELIMIT_APPLICATION", "RATELIMIT_GLOBAL")


@dataclass(frozen=True, eq=False)
class Limiter:
    """A `flask_limiter.Limiter`. `bound` tells whether an application gets it; None where that could not be told."""

    module: Module
    call: ast.Call
    variable: str
    bound: bool | None
    bound_in: File
    """The file that hands it to the application, or makes it."""
    storage: Value | None
    """Where it counts: what the constructor or the configuration names; None is the default, memory."""
    storage_place: Place
    defaults: bool
    """Whether limits for every route are given."""

    @property
    def place(self) -> Place:
        return self.module.place(self.call)


def limiters(repo: Repo) -> list[Limiter]:
    """Every Flask-Limiter of production code."""
    return [_limiter(repo, module, call) for module, call in repo.calls("flask_limiter.Limiter", "flask_limiter.extension.Limiter", served=True)]


def _limiter(repo: Repo, module: Module, call: ast.Call) -> Limiter:
    parent = module.parent(call)
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    variable = ast.unparse(target) if isinstance(target, ast.Name | ast.Attribute) else ""
    storage, place = _storage(repo, module, call)
    given = [k.value for k in call.keywords if k.arg in ("default_limits", "application_limits", "global_limits", "meta_limits")]
    defaults = any(not (isinstance(v, ast.List) and not v.elts) for v in given) or any(
        s.value.literal or not s.value.fixed for s in settings(repo, *DEFAULT_KEYS)
    )
    bound, where = _bound(repo, module, call, variable)
    return Limiter(module, call, variable, bound, where, storage, place, defaults)


def _storage(repo: Repo, module: Module, call: ast.Call) -> tuple[Value | None, Place]:
    """Flask-Limiter takes the constructor's `storage_uri`, then the configuration's, then memory."""
    if (given := keyword(call, "storage_uri")) is not None:
        return repo.resolve(module, given), module.place(given)
    if configured := settings(repo, *STORAGE_KEYS):
        value = configured[0].value
        for setting in configured[1:]:
            value |= setting.value
        return value, configured[0].place
    for where in repo.python(b"STORAGE_UR", served=True):  # app.config[flask_limiter.extension.C.STORAGE_URL] = …
        for target, value_node in where.assignments():
            if isinstance(target, ast.Subscript) and re.search(r"\.STORAGE_UR[IL]$", ast.unparse(target.slice)):
                return repo.resolve(where, value_node), where.place(target)
    return (Value(unresolved="**options") if unpacks(call) else None), module.place(call)


def _bound(repo: Repo, module: Module, call: ast.Call, variable: str) -> tuple[bool | None, File]:
    names = [module.name(a).rpartition(".")[2] for a in (*call.args, *(k.value for k in call.keywords if k.arg == "app"))]
    if any(re.search(r"app(lication)?$|^server$", name) for name in names):
        return True, module.file
    if not variable:
        return None, module.file
    last = variable.rpartition(".")[2]
    loops = False
    for where, start in repo.calls("*.init_app", served=True):
        owner = where.name(start.func).removesuffix(".init_app").rpartition(".")[2]
        if owner == last:
            return True, where.file
        loops |= any(isinstance(n, ast.For) and owner in ast.unparse(n.target) for n in where.ancestors(start))
    return (None if loops else False), module.file


def under_default(repo: Repo) -> set[str]:
    """Paths of the files whose routes have a default limit: those that the file which binds such a limiter imports.

    A limiter bound to `current_app` belongs to whichever application that is: every file then.
    """
    found: set[str] = set()
    for limiter in repo.fact(limiters):
        if limiter.defaults and limiter.bound is not False:
            anywhere = limiter.bound is None or "current_app" in ast.unparse(limiter.call)
            found |= {file.path for file in repo.files(".py")} if anywhere else reachable(repo, [limiter.bound_in])
    return found


def limited_mounts(repo: Repo) -> set[Key]:
    """Blueprints under a limit: `limiter.limit("5/minute")(auth_bp)`."""
    table = repo.fact(mounts)
    return {
        key
        for module in repo.python(b".limit(", served=True)
        for call in module.nodes(ast.Call)
        if isinstance(call.func, ast.Call) and module.name(call.func).endswith(".limit")
        for argument in call.args
        if (key := table.key(module, argument))
    }


def key_function(repo: Repo, limiter: Limiter) -> tuple[str, list[tuple[Module, ast.AST]]]:
    """The name of a limiter's `key_func` and the code of the tree that it runs; a lambda's name is empty."""
    module, call = limiter.module, limiter.call
    node = keyword(call, "key_func") or next((a for a in call.args if isinstance(a, ast.Lambda) or "app" not in module.name(a)), None)
    if node is None:
        return "", []
    if isinstance(node, ast.Lambda):
        return "", list(reached(repo, module, node))
    name = module.name(node)
    found = definition(repo, module, name)
    return name, list(reached(repo, *found)) if found else []


def told_apart(name: str, code: list[ast.AST]) -> str:
    """What a key function tells clients apart by: "address", "address or account", "forwarded" (what a header says),
    "proxies" (a header, with proxies counted in its own way), or empty."""
    text = "\n".join(ast.unparse(node) for node in code)
    if name.endswith("get_ipaddr"):
        return "forwarded"
    if name.endswith("get_remote_address"):
        return "address"
    if FORWARDED.search(text) or "access_route" in text:
        return "proxies" if re.search(r"trusted|\[-\d\]|reversed", text, re.IGNORECASE) else "forwarded"
    return "address or account" if re.search(r"remote_addr|get_remote_address|current_user|get_jwt_identity|user_id|\bg\.", text) else ""


def set_at(repo: Repo, variable: str, role: Role) -> Place | None:
    """Where a deploy or example file gives the variable a value that is not memory."""
    pattern = re.compile(rf"^\s*(?:-\s*|ENV\s+|export\s+|Environment=)?[\"']?{variable}[\"']?\s*[:= ]\s*[\"']?(?!memory)\S", re.MULTILINE)
    for file in repo.files(roles=(role,)):
        if not file.path.endswith(".py") and not file.binary and file.mentions(variable.encode()) and (match := pattern.search(file.text)):
            return Place(file.path, file.text[: match.end()].count("\n") + 1)
    return None


def one_worker(repo: Repo) -> str:
    """Words for a tree whose servers start one worker each: the fault is there, and not felt yet."""
    options = [option(repo, server, ("-w", "--workers"), "workers") for server in repo.fact(servers)]
    numbers = {str(found[0].literal) for found in options if found}
    return " (one worker is started today; a second one doubles every limit)" if numbers == {"1"} else ""
