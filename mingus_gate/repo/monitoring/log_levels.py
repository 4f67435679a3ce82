"""From which level on production writes its log: every place that sets one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import FOR_PRODUCTION, FOR_TESTS, only_for_tests, settings
from mingus_gate.repo.flask.configured import configured
from mingus_gate.repo.monitoring.log_calls import in_command
from mingus_gate.repo.python import Module, keyword, source_of, string
from mingus_gate.repo.startup import guarded

LOGGER = re.compile(r"^(?!.*handler)(.*_)?(log|logger|root|getLogger)(_\w+)?$", re.IGNORECASE)
NUMBERS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
NAMES = {*NUMBERS.values(), "WARN", "FATAL", "NOTSET", "TRACE"}
SETTINGS = ("LOG_LEVEL", "LOGGING_LEVEL", "LOGLEVEL", "LOGGER_LEVEL")
GUNICORN = re.compile(r"gunicorn[\w.]*\.py$")
WANTED = re.compile(r"^(?!not )[\w.\[\]'\"()]*(verbose|trace|_log\b|profil)", re.IGNORECASE)
UNWANTED = re.compile(r"\bnot\b.*(verbose|debug|trace|_log\b|profil)", re.IGNORECASE)
FOR_PROFILES = re.compile(r"profil|debug|trace", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Level:
    """One place that sets a level. `names` are the levels it can be, `env` the variables that decide, `unresolved` what stopped us.
    `narrow` is True where it is that of one named logger, which says nothing of the others."""

    what: str
    place: Place
    names: tuple[str, ...]
    env: tuple[str, ...] = ()
    unresolved: str = ""
    narrow: bool = False


def levels(repo: Repo) -> list[Level]:
    """Those of loggers, not of handlers (a handler passes on what its logger lets through), in path and line order."""
    found: list[Level] = []
    for module in repo.python(b"basicConfig", b"setLevel", b"dictConfig", b"make_filtering_bound_logger", b"loglevel", served=True):
        for call in module.nodes(ast.Call):
            if not (only_for_tests(module, call) or _on_request(module, call) or in_command(module, call)):
                narrow = _narrow(module, call)
                found += [replace(_level(repo, module, what, node), narrow=narrow) for what, node in _given(module, call)]
    for file in repo.files(".py"):
        if GUNICORN.search(file.path) and (gunicorn := repo.module(file)):
            found += [_level(repo, gunicorn, "gunicorn's loglevel", node) for node in gunicorn.constants.get("loglevel", [])]
    for setting in settings(repo, *SETTINGS):
        if any(_reads(repo, setting.key)):
            found.append(_level(repo, setting.module, setting.key, setting.node, setting.place))
    return sorted(found, key=lambda level: level.place)


def _reads(repo: Repo, key: str) -> Iterator[bool]:
    """Where served code reads a setting: `config["KEY"]`, `config.get("KEY")`, `settings.KEY`, `KEY`; not commands and scripts."""
    for module in repo.python(key.encode(), served=True):
        texts = [n for n in module.nodes(ast.Constant) if n.value == key and isinstance(module.parent(n), ast.Subscript | ast.Call)]
        names = [n for n in (*module.nodes(ast.Name), *module.nodes(ast.Attribute)) if key in (getattr(n, "id", ""), getattr(n, "attr", ""))]
        read = [n for n in (*texts, *names) if not isinstance(getattr(n, "ctx", None), ast.Store) and not _written(module, n)]
        yield from (True for n in read if not guarded(module, n) and not in_command(module, n))


def _written(module: Module, key: ast.AST) -> bool:
    """Whether it is the key of an assignment or what `os.getenv` reads: neither reads the setting."""
    above = module.parent(key)
    if isinstance(above, ast.Call):
        return module.name(above.func) in ("os.getenv", "os.environ.get", "environ.get", "getenv")
    if isinstance(above, ast.Subscript):
        return isinstance(above.ctx, ast.Store) or module.name(above.value) in ("os.environ", "environ")
    return False


def _on_request(module: Module, node: ast.AST) -> bool:
    """Below a condition on a switch for it (`if verbose:`), behind one (`if not DB_LOG: return`), or a logger made for it."""
    function = module.function_around(node)
    tests = [above.test for above in module.ancestors(node) if isinstance(above, ast.If)]
    refusals = [s.test for s in function.body if isinstance(s, ast.If) and isinstance(s.body[-1], ast.Return)] if function else []
    owner = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    made = module.constants.get(owner.id, []) if isinstance(owner, ast.Name) else []
    names = [string(v.args[0]) or "" for v in (owner, *made) if isinstance(v, ast.Call) and v.args]
    wanted = any(WANTED.search(ast.unparse(test)) for test in tests) or any(UNWANTED.search(ast.unparse(test)) for test in refusals)
    return wanted or any(FOR_PROFILES.search(name) for name in names)


def _narrow(module: Module, call: ast.Call) -> bool:
    """`getLogger("boto").setLevel(…)` and a variable that holds such a logger; not `app.logger`, `getLogger()`."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "setLevel":
        return False
    owner = call.func.value
    if isinstance(owner, ast.Attribute):
        return owner.attr != "logger" or ast.unparse(owner.value) == "self"
    if isinstance(owner, ast.Name):
        made = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == owner.id]
        return not any(isinstance(v, ast.Call) and module.name(v.func).endswith("getLogger") and not v.args for v in made)
    return isinstance(owner, ast.Call) and bool(owner.args)


def _given(module: Module, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What a call sets the level of, and the expression it is given."""
    name = module.name(call.func)
    if name == "logging.basicConfig":
        if (level := keyword(call, "level")) is not None:
            yield "logging.basicConfig", level
    elif name == "structlog.make_filtering_bound_logger" and call.args:
        yield "structlog", call.args[0]
    elif isinstance(call.func, ast.Attribute) and call.func.attr == "setLevel" and call.args:
        owner = call.func.value
        last = module.name(owner).rpartition(".")[2] or (owner.attr if isinstance(owner, ast.Attribute) else "")
        taken_over = isinstance(call.args[0], ast.Attribute) and call.args[0].attr == "level"  # setLevel(gunicorn_logger.level)
        if LOGGER.search(last) and not taken_over:
            yield source_of(owner), call.args[0]
    elif name == "logging.config.dictConfig" and call.args:
        yield from _in_dictionary(module, call.args[0])


def _in_dictionary(module: Module, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """The levels of `root` and of the `loggers` of a dictConfig."""
    if isinstance(node, ast.Name):
        assigned = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == node.id]
        for value in assigned:
            if isinstance(value, ast.Dict):
                yield from _in_dictionary(module, value)
        return
    root, loggers = _entry(node, "root"), _entry(node, "loggers")
    if (level := _entry(root, "level")) is not None:
        yield "the root logger", level
    for key, logger in zip(loggers.keys, loggers.values, strict=True) if isinstance(loggers, ast.Dict) else ():
        if (level := _entry(logger, "level")) is not None:
            yield f"the logger {string(key) or 'root'}", level


def _entry(node: ast.expr | None, key: str) -> ast.expr | None:
    if not isinstance(node, ast.Dict):
        return None
    return next((v for k, v in zip(node.keys, node.values, strict=True) if string(k) == key), None)


def _level(repo: Repo, module: Module, what: str, node: ast.expr, place: Place | None = None) -> Level:
    names, env, unresolved = _named(repo, module, node)
    return Level(what, place or module.place(node), tuple(dict.fromkeys(names)), tuple(dict.fromkeys(env)), unresolved)


def _named(repo: Repo, module: Module, node: ast.expr, steps: int = 4) -> tuple[list[str], list[str], str]:
    """The levels an expression can be, the variables it reads, and what stopped us."""
    dotted = module.name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    if dotted.startswith("logging.") and dotted.rpartition(".")[2] in NAMES:
        return [dotted.rpartition(".")[2]], [], ""
    if isinstance(node, ast.IfExp):
        return _chosen(repo, module, node, steps)
    if isinstance(node, ast.Call) and steps and (parts := _parts(module, node)):
        judged = [_named(repo, module, part, steps - 1) for part in parts]
        return [n for j in judged for n in j[0]], [e for j in judged for e in j[1]], next((j[2] for j in judged if j[2]), "")
    if isinstance(node, ast.Name) and steps:
        function = module.function_around(node)
        given = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == node.id and module.function_around(t) is function]
        if len(given) == 1:
            return _named(repo, module, given[0], steps - 1)
    value = configured(repo, module, node)
    names = [NUMBERS.get(v, "") if isinstance(v, int) else v.upper().strip() for v in value.literals if isinstance(v, int | str)]
    return [name for name in names if name in NAMES], list(value.env), value.unresolved


def _parts(module: Module, call: ast.Call) -> list[ast.expr]:
    """What `getattr(logging, X, logging.INFO)`, `logging.getLevelName(X)` and `X.upper()` take their level from."""
    name = module.name(call.func)
    if name == "getattr" and len(call.args) > 1 and module.name(call.args[0]) == "logging":
        return call.args[1:2]
    if name in ("logging.getLevelName", "str", "int") and call.args:
        return call.args[:1]
    return [call.func.value] if isinstance(call.func, ast.Attribute) and call.func.attr in ("upper", "strip") else []


def _chosen(repo: Repo, module: Module, node: ast.IfExp, steps: int) -> tuple[list[str], list[str], str]:
    """`DEBUG if app.debug else INFO`: what production takes."""
    test = ast.unparse(node.test)
    negated = bool(re.search(r"\bnot\b|!=", test))
    if FOR_TESTS.search(test) or FOR_PRODUCTION.search(test):
        for_body = bool(FOR_PRODUCTION.search(test)) is not negated if not FOR_TESTS.search(test) else negated
        return _named(repo, module, node.body if for_body else node.orelse, steps)
    body, orelse = _named(repo, module, node.body, steps), _named(repo, module, node.orelse, steps)
    return body[0] + orelse[0], body[1] + orelse[1], body[2] or orelse[2]
