"""What served code writes to its log: every call, and which of them write a secret."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import names_secret
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import Function, Module, string, walk

METHODS = {"debug", "info", "warning", "warn", "error", "critical", "exception", "fatal", "log", "trace", "success"}
LOGGER = re.compile(r"(^|_)(log|logger|logging|getLogger|get_logger|bind)$", re.IGNORECASE)
COMMAND = re.compile(r"(^|\.)(command|cli|group|shell_context_processor)$")
COMMAND_LINE = {"argparse", "getpass", "docopt", "fire"}
SESSION_TAKES = re.compile(r"session\.(add|delete|merge|refresh)$")
"""A database session takes objects only."""
TEXT_METHODS = {
    "strip",
    "split",
    "rsplit",
    "encode",
    "decode",
    "lower",
    "upper",
    "startswith",
    "endswith",
    "replace",
    "partition",
    "get",
    "format",
    "count",
}
OPTIONS = {"exc_info", "stack_info", "stacklevel"}
WRITES_WHOLE = {"str", "repr", "dict", "list", "tuple", "json.dumps", "dumps", "pprint.pformat", "pformat", "jsonify"}

SECRET = re.compile(
    r"(\w+_)?(password|passwd|passphrase|pwd|secret_?key|api_?key|access_?token|refresh_?token|auth_?token|bearer_?token|jwt_?token|session_?token|reset_?token"
    r"|private_?key|client_?secret|webhook_?secret|signing_?secret|card_?number|cvv|cvc)",
    re.IGNORECASE,
)
MAYBE_SECRET = re.compile(r"(\w+_)?(token|secret|credentials?|jwt|otp|otp_code|ssn|authorization|auth_header)", re.IGNORECASE)
NOT_SECRET = re.compile(
    r"(has|is|no|use|uses|with|without|needs?|requires?|missing|in_?valid|valid|show|hide|reset|change|forgot|forget|update|check|verify|set|get|generate|hashed"
    r"|encrypted|masked|redacted|public|publishable|min|max|len|num|n|count|total|next|page|cursor|continuation|sync|pad|eos|bos|unk|stop|special)_\w+",
    re.IGNORECASE,
)
HEADERS = re.compile(r"authorization|cookie|x-api-key|x-auth-token|x-access-token", re.IGNORECASE)
WHOLE = re.compile(r"(\w+\.)*(request\.(headers|cookies)|os\.environ|(app|current_app)\.config)")
BODY = re.compile(r"(\w+\.)*request\.(form|json|data|values|get_json\(.*\)|get_data\(.*\)|form\.to_dict\(.*\))")
HOLDERS = {"self", "settings", "config", "cfg", "conf", "args", "options", "Config", "Settings"}
MESSAGES = re.compile(r"err|messag|msg|label|field|help|count|schema|valid|rule|type|name", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class LogCall:
    """A call that writes a line of log. `level` is the method's name, or "print"."""

    module: Module
    call: ast.Call
    level: str

    @property
    def place(self) -> Place:
        return self.module.place(self.call)


@dataclass(frozen=True, eq=False)
class Leak:
    """A secret that a log call writes; `certain` where there is no other way to read it."""

    log: LogCall
    what: str
    certain: bool


def log_calls(repo: Repo) -> list[LogCall]:
    """Every log call of served code, in path and line order; what a command prints to the person who typed it is none."""
    found = []
    for module in repo.python(b"log", b"LOG", b"print(", served=True):
        found += [
            LogCall(module, call, level)
            for call in module.nodes(ast.Call)
            if (level := _level(module, call)) and not only_for_tests(module, call) and not in_command(module, call)
        ]
    return sorted(found, key=lambda log: log.place)


def leaks(repo: Repo) -> list[Leak]:
    """The log calls that write a secret, one a call."""
    found = []
    for log in repo.fact(log_calls):
        judged = [_judged(log.module, leaf) for leaf in _leaves(log)]
        worst = max((j for j in judged if j[0]), default=None, key=lambda j: j[1])
        quiet = log.level in ("debug", "trace")  # production does not write these lines, as a rule
        if worst and (worst[1] or not quiet):
            found.append(Leak(log, worst[0], worst[1] and not quiet))
    return found


def _level(module: Module, call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        served = call.func.id == "print" and "print" not in module.imports and not COMMAND_LINE & set(module.imports)
        return "print" if served else ""
    if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        owner = call.func.value
        name = module.name(owner).rpartition(".")[2] or (owner.attr if isinstance(owner, ast.Attribute) else "")
        return call.func.attr if LOGGER.search(name) else ""
    return ""


def in_command(module: Module, node: ast.AST) -> bool:
    """Whether a function that is a command of the command line is around it."""
    function = module.function_around(node)
    return function is not None and any(COMMAND.search(module.name(d)) for d in function.decorator_list)


def _leaves(log: LogCall) -> Iterator[ast.expr]:
    """The expressions whose text ends up in the line."""
    waiting: list[ast.expr] = [*log.call.args[1 if log.level == "log" else 0 :]]
    waiting += [word.value for word in log.call.keywords if word.arg not in OPTIONS and word.arg != "file"]
    while waiting:
        node = waiting.pop()
        below = _below(log.module, node)
        if below is None:
            yield node
        else:
            waiting += below


def _below(module: Module, node: ast.expr) -> list[ast.expr] | None:
    """The expressions that make up the text of `node`; None where it is one itself, empty where nothing of them is written."""
    match node:
        case ast.JoinedStr(values=values):
            return values
        case ast.FormattedValue(value=inner) | ast.Await(value=inner) | ast.Starred(value=inner):
            return [inner]
        case ast.BinOp(left=left, right=right):
            return [left, right] if isinstance(node.op, ast.Add | ast.Mod) else []
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.BoolOp(values=items):
            return items
        case ast.Dict(values=items):
            return items
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Call(args=args, keywords=words):
            if module.name(node.func) in WRITES_WHOLE or (isinstance(node.func, ast.Attribute) and node.func.attr == "format"):
                return [*args, *(word.value for word in words if word.arg != "indent")]
            return None if _reads(node) or BODY.fullmatch(ast.unparse(node)) else []
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return [] if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) else None
    return []


def _reads(call: ast.Call) -> str:
    """The key that `data.get("key")` and `os.getenv("KEY")` read."""
    last = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    return (string(call.args[0]) or "") if last in ("get", "getenv", "pop") and call.args else ""


def _judged(module: Module, node: ast.expr, follow: bool = True) -> tuple[str, bool]:
    """What secret an expression is ("" for none), and whether that is certain."""
    shown = ast.unparse(node)
    if WHOLE.fullmatch(shown):
        return f"all of `{shown}`", True
    if BODY.fullmatch(shown):
        return "the body of the request", False
    if isinstance(node, ast.Name):
        return _judged_name(module, node, follow)
    if isinstance(node, ast.Attribute):
        return _judged_attribute(module, node)
    key = (string(node.slice) if isinstance(node, ast.Subscript) else _reads(node) if isinstance(node, ast.Call) else "") or ""
    owner = shown.partition("[")[0].partition(".get(")[0]
    if key.isupper() and names_secret(key):
        return f"`{key}`", True
    if "headers" in owner and HEADERS.search(key):
        return f"the header {key}", True
    if MESSAGES.search(owner.rpartition(".")[2]):
        return "", False
    return _by_name(key, certain=True)


def _by_name(name: str, certain: bool) -> tuple[str, bool]:
    if NOT_SECRET.fullmatch(name):
        return "", False
    if SECRET.fullmatch(name):
        return f"`{name}`", certain
    return (f"`{name}`", False) if MAYBE_SECRET.fullmatch(name) else ("", False)


def _judged_name(module: Module, node: ast.Name, follow: bool) -> tuple[str, bool]:
    function = module.function_around(node)
    given = module.assigned.get((node.id, function), [])
    if follow and len(given) == 1 and (BODY.fullmatch(text := ast.unparse(given[0])) or WHOLE.fullmatch(text)):
        return _judged(module, given[0], follow=False)
    named = _by_name(node.id, certain=True)
    if named[0] and ((given and all(map(_harmless, given))) or _loop_variable(node, function) or _is_object(node, function)):
        return "", False
    return named


def _harmless(value: ast.expr) -> bool:
    """A text, a comparison, or what hides a secret: `bool(…)`, `len(…)`, `mask(…)`, `hash(…)`, `token[:4]`."""
    if isinstance(value, ast.Constant | ast.Compare | ast.JoinedStr):
        return True
    if isinstance(value, ast.Subscript):
        return isinstance(value.slice, ast.Slice)
    return isinstance(value, ast.Call) and bool(
        re.search(r"\b(bool|len|any|all|\w*mask\w*|\w*hash\w*|redact\w*|hexdigest|count|sha\d+|md5)$", ast.unparse(value.func))
    )


def _loop_variable(node: ast.Name, function: Function | None) -> bool:
    """A name that runs over a list: of names of variables that are missing, as a rule."""
    loops = [n.target for n in walk(function) if isinstance(n, ast.For | ast.comprehension)] if function else []
    return any(isinstance(n, ast.Name) and n.id == node.id for target in loops for n in walk(target))


def _is_object(node: ast.Name | ast.Attribute, around: ast.AST | None) -> bool:
    """Whether the code around uses it as no text can be used: a `token` that is a row of a table prints its own way."""
    shown = ast.unparse(node)
    for n in walk(around) if around is not None else ():
        if isinstance(n, ast.Attribute) and n.attr not in TEXT_METHODS and isinstance(n.value, type(node)) and ast.unparse(n.value) == shown:
            return True
        if isinstance(n, ast.Call) and n.args and SESSION_TAKES.search(ast.unparse(n.func)) and ast.unparse(n.args[0]) == shown:
            return True
    return False


def _judged_attribute(module: Module, node: ast.Attribute) -> tuple[str, bool]:
    """`settings.API_KEY` is one; `User.password` may be a hash, `Reason.BAD_PASSWORD` is the name of a thing."""
    owner = module.name(node.value).rpartition(".")[2]
    if node.attr == "data" and isinstance(node.value, ast.Attribute):  # form.password.data
        return _by_name(node.value.attr, certain=True)
    if node.attr.isupper() and owner not in HOLDERS:
        return "", False
    model = module.enclosing(node, ast.ClassDef)
    if not _by_name(node.attr, certain=False)[0] or _is_object(node, model):
        return "", False
    column = model is not None and re.search(rf"^ *{re.escape(node.attr)}\b.*Column\(", ast.unparse(model), re.MULTILINE) is not None
    return _by_name(node.attr, certain=owner in HOLDERS and not column)
