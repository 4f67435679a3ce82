"""Rate limiters written by hand: what answers 429, where it counts, and whether it counts at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.definitions import called, calls_in, reached
from mingus_gate.repo.python import Function, Module, walk

LIMITING = re.compile(r"rate_?limit|throttl|too_?many_?requests|limiter\b", re.IGNORECASE)
HOOKS = ("before_request", "before_app_request")


@dataclass(frozen=True, eq=False)
class OwnLimiter:
    """A limiter written by hand: the function that answers 429, or the one it asks. `name` is how the tree calls it."""

    module: Module
    function: Function
    name: str
    every_request: bool
    counts_in: str
    """"memory", "redis", "database", "cache", "nothing" (it lets everything pass), or empty where it could not be told."""
    variable: str = ""
    """The dictionary of the process that it counts in."""

    @property
    def place(self) -> Place:
        return self.module.place(self.function)


def own_limiters(repo: Repo) -> list[OwnLimiter]:
    """Functions of served code that answer 429 and speak of a rate, or those they ask; not handlers that only word the answer."""
    found: dict[Function, OwnLimiter] = {}
    raised = _too_many_classes(repo)
    for module in repo.python(b"429", b"TooManyRequests", b"TOO_MANY_REQUESTS", *(name.encode() for name in raised), served=True):
        for node in _answers_429(module, raised):
            function = module.function_around(node)
            if function is None or not LIMITING.search(ast.unparse(function)) or _words_the_answer(module, function):
                continue
            outer = [n for n in module.ancestors(function) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            start = outer[-1] if outer else function
            every = _every_request(repo, module, start)
            for where, counting in _asked(repo, module, function) or [(module, function)]:
                name = start.name if counting is function else counting.name
                counts_in, variable = _counter(repo, where, counting, counting is not function)
                if (counts_in or every) and (counting not in found or every):
                    found[counting] = OwnLimiter(where, counting, name, every, counts_in, variable)
    return list(found.values())


def _asked(repo: Repo, module: Module, function: Function) -> list[tuple[Module, Function]]:
    """The functions of the tree that a function asks whether there were too many requests: `if not check_rate_limit(ip)`."""
    asked = [called(repo, module, call) for call in calls_in(function) if LIMITING.search(module.name(call.func))]
    return [(found[0], found[1]) for found in asked if found and not isinstance(found[1], ast.ClassDef)]


def _too_many_classes(repo: Repo) -> list[str]:
    """Exception classes of the tree that are answered with 429."""
    return [
        owner.name
        for module in repo.python(b"429", served=True)
        for owner in module.nodes(ast.ClassDef)
        if any(isinstance(n, ast.Assign) and ast.unparse(n) in ("status_code = 429", "code = 429", "status = 429") for n in owner.body)
    ]


def _answers_429(module: Module, raised: list[str]) -> Iterator[ast.AST]:
    for number in module.nodes(ast.Constant):
        above = next((n for n in module.ancestors(number) if not isinstance(n, ast.Tuple | ast.keyword)), None)
        if number.value == 429 and isinstance(above, ast.Return | ast.Assign | ast.Call):
            yield number
    for node in module.nodes(ast.Raise):
        if module.name(node.exc).rpartition(".")[2] in ("TooManyRequests", *raised):
            yield node
    for attribute in module.nodes(ast.Attribute):
        if attribute.attr == "TOO_MANY_REQUESTS" and not isinstance(module.parent(attribute), ast.Compare):
            yield attribute


def _words_the_answer(module: Module, function: Function) -> bool:
    """Error handlers, and code that passes on another server's 429."""
    decorators = [module.name(d) for d in function.decorator_list]
    passes_on = re.search(r"status(_code)?\s*(==|in|!=)[^\n]*429", ast.unparse(function))
    return bool(passes_on) or any("errorhandler" in name for name in decorators)


def _every_request(repo: Repo, module: Module, function: Function) -> bool:
    """Whether it runs before every request: decorated or registered so, or called by a function that is."""
    if any(module.name(d).rpartition(".")[2] in HOOKS for d in function.decorator_list):
        return True
    for where, call in repo.calls(*(f"*.{hook}" for hook in HOOKS), served=True):
        for argument in call.args:
            if where.name(argument).rpartition(".")[2] == function.name and (where is module or isinstance(argument, ast.Name)):
                return True
    for where in repo.python(*(hook.encode() for hook in HOOKS), served=True):
        for hook in where.functions:
            hooked = any(where.name(d).rpartition(".")[2] in HOOKS for d in hook.decorator_list)
            if hooked and any(node is function for _, node in reached(repo, where, hook)):
                return True
    return False


def _counter(repo: Repo, module: Module, function: Function, helpers: bool) -> tuple[str, str]:
    """Where a limiter counts, and the variable where that is a dictionary of the process: `hits = {}`, `self.hits = {}`."""
    code = list(reached(repo, module, function, 1 if helpers else 0))
    returned = [n.value for n in walk(function) if isinstance(n, ast.Return)]
    if returned and all(isinstance(v, ast.Constant) and v.value is True for v in returned):
        return "nothing", ""
    for where, node in code:
        made = {
            ast.unparse(t) for t, value in where.assignments() if re.match(r"\{\}|(collections\.)?(default|Ordered)?[dD]ict\(", ast.unparse(value))
        }
        used = {ast.unparse(n.value) for n in walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)}
        if stored := sorted(made & used):
            return "memory", stored[0]
    text = "\n".join(ast.unparse(node) for _, node in code)
    kinds = {"redis": r"redis|valkey", "database": r"\.query\b|session\.(query|execute|add)|\.execute\(|cursor", "cache": r"cache\."}
    return next((kind for kind, pattern in kinds.items() if re.search(pattern, text, re.IGNORECASE)), ""), ""
