"""Debug mode as facts: `app.run(…)` and what reaches it, and what deploy files start. Standard library only: commit hooks ask."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.start_lines import StartLine, start_lines
from mingus_gate.repo.python import Module, keyword
from mingus_gate.repo.startup import guarded
from mingus_gate.repo.values import Value

WSGI = re.compile(
    r"(?<![\w.-])(gunicorn|uwsgi|waitress-serve|waitress|hypercorn|granian|uvicorn|mod_wsgi-express|passenger|gevent)(?![\w./:-]*\.(py|conf|ini|toml|log))\b"
)
STARTS_WITH_DEBUG = re.compile(
    r"\bFLASK_DEBUG[\"']?\s*[=:]\s*[\"']?(1|true|yes|on)\b|\bFLASK_DEBUG\s+(1|true)\b|\bflask\b[\w\s\"',.=-]*\s[\"']?--debug\b", re.IGNORECASE
)
PYTHON = re.compile(r"(?<![\w-])python[\d.]*[\"']?[\s,\"']+(?:-[uOBEs]+[\"',\s]+)*(?:-m[\"',\s]+([\w.]+)|([\w./-]+\.py))")
APP = re.compile(r"(^|_)(app|application|server|flask|api|wsgi)\d?$|^create_app$|^make_app$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """One `app.run(…)`. `guarded` says that importing the file does not reach it; `started` is the line that runs the file."""

    place: Place
    debug: Value | None
    guarded: bool
    started: StartLine | None


def app_runs(repo: Repo) -> list[Run]:
    """Every call that starts the development server in files the application is made of."""
    starters = [(line, parts) for line in repo.fact(start_lines) for match in PYTHON.finditer(line.text) for parts in [_file(match)]]
    found = []
    for module in repo.python(b".run(", served=True):
        for call in module.nodes(ast.Call):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "run" and APP.search(module.name(call.func.value).rpartition(".")[2]):
                value = keyword(call, "debug")
                inside = guarded(module, call) or module.function_around(call) is not None
                started = sorted((line for line, path in starters if f"/{module.path}".endswith(f"/{path}")), key=lambda line: not line.sure)
                debug = repo.resolve(module, value) if value is not None else None
                found.append(Run(module.place(call), debug, inside or not _imported(repo, module), started[0] if started else None))
    return found


def only_by_main(repo: Repo, module: Module, node: ast.AST) -> bool:
    """Whether a statement stands in a function that this file calls below `__main__` and no other file names."""
    function = module.function_around(node)
    if function is None:
        return guarded(module, node)
    calls = [call for call in module.nodes(ast.Call) if module.name(call.func) == function.name]
    others = [f for f in repo.files(".py") if f.path != module.path and f.mentions(function.name.encode())]
    named = re.compile(rb"\b%s\b" % re.escape(function.name.encode()))
    return bool(calls) and all(guarded(module, call) for call in calls) and not any(named.search(f.data) for f in others)


def _file(match: re.Match[str]) -> str:
    return match[2].removeprefix("./").rpartition("/app/")[2].lstrip("/") if match[2] else f"{match[1].replace('.', '/')}.py"


def _imported(repo: Repo, module: Module) -> bool:
    """Whether another file of the tree imports this one, or a WSGI server is pointed at it; else it is a script of its own."""
    words = (f"import {module.path.rpartition('/')[2].removesuffix('.py')}".encode(), f"{module.dotted} import".encode())
    if any(file.mentions(*words) for file in repo.files(".py") if file.path != module.path):
        return True
    name = module.path.rpartition("/")[2].removesuffix(".py")
    return any(re.search(rf"\b{re.escape(name)}:\w", line.text) for line in repo.fact(start_lines))


def debug_lines(repo: Repo) -> list[StartLine]:
    """Lines of deploy files that turn debug mode on for what they start."""
    return [line for line in repo.fact(start_lines) if line.sure and STARTS_WITH_DEBUG.search(line.text)]


def wsgi_servers(repo: Repo) -> list[StartLine]:
    """Lines that start a WSGI server; `text` is its name. Those that are surely for production come first."""
    found = [StartLine(match[1], line.place, line.sure) for line in repo.fact(start_lines) if (match := WSGI.search(line.text))]
    return sorted(found, key=lambda line: not line.sure)
