"""Which server answers in production: the one that deploy files start, with its workers and timeout."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import Command, commands, find_started, services
from mingus_gate.repo.deploy.units import ini
from mingus_gate.repo.python import Module
from mingus_gate.repo.tree import File
from mingus_gate.repo.values import Value

PRODUCTION = {
    *("gunicorn", "uwsgi", "waitress", "waitress-serve", "hypercorn", "uvicorn", "granian", "gevent", "daphne", "unitd"),
    *("twist", "twistd", "cheroot", "bjoern", "meinheld"),
}
DEVELOPMENT = "development server"
IN_PYTHON = {
    "waitress.serve": "waitress",
    "gevent.pywsgi.WSGIServer": "gevent",
    "gevent.wsgi.WSGIServer": "gevent",
    "eventlet.wsgi.server": "eventlet",
    "uvicorn.run": "uvicorn",
    "uvicorn.Server": "uvicorn",
    "hypercorn.asyncio.serve": "hypercorn",
    "cheroot.wsgi.Server": "cheroot",
    "cheroot.wsgi.WSGIServer": "cheroot",
    "tornado.wsgi.WSGIContainer": "tornado",
    "bjoern.run": "bjoern",
    "granian.Granian": "granian",
    "granian.server.Granian": "granian",
    "paste.httpserver.serve": "paste",
    "werkzeug.serving.run_simple": DEVELOPMENT,
}
OTHER_FRAMEWORKS = {"fastapi", "streamlit", "typer", "textual", "telegram", "discord", "aiohttp", "bottle", "sanic"}
FLASK_NAMES = re.compile(r"(^|_)(app|application|server|webapp|flask|api|create_app\(\))$")


@dataclass(frozen=True, eq=False, slots=True)
class Server:
    """A server of the application. `name` is its program, or DEVELOPMENT.

    `command` is what starts it; None for one that only a Python file starts which no deploy file names.
    `config` is the gunicorn configuration it reads (a Python file), `ini` uWSGI's.
    """

    name: str
    place: Place
    command: Command | None
    config: Module | None = None
    ini: File | None = None

    @property
    def development(self) -> bool:
        return self.name == DEVELOPMENT


def servers(repo: Repo) -> list[Server]:
    """Every server that deploy files start; where they start none, those that a `__main__` of the tree starts for production."""
    found = [server for command in repo.fact(commands) if command.kind != "workflow" and (server := _server(repo, command))]
    return list({server.place: server for server in found}.values()) or list(_own_main(repo))


def option(repo: Repo, server: Server, flags: tuple[str, ...], key: str) -> tuple[Value, Place] | None:
    """What an option is set to, and where: by flag, by GUNICORN_CMD_ARGS, in the configuration file."""
    command = server.command
    if command is not None and (given := command.flag(*flags)) is not None:
        return _read(given), server.place
    if command is not None and (extra := command.env.get("GUNICORN_CMD_ARGS")):
        inner = Command(command.kind, extra, ("gunicorn", *extra.split()), server.place)
        if (given := inner.flag(*flags)) is not None:
            return _read(given), server.place
    if server.config is not None and (nodes := server.config.constants.get(key)):
        return repo.resolve(server.config, nodes[-1]), server.config.place(nodes[-1])
    if server.ini is not None:
        for _, name, value, place in ini(server.ini):
            if name == key:
                return _read(value), place
    return None


def _read(text: str) -> Value:
    """A flag's value: a number, `$X`, or what it holds."""
    if re.fullmatch(r"-?\d+", text):
        return Value((int(text),))
    if match := re.search(r"[$]\{?(\w+)", text):
        return Value(env=(match[1],))
    return Value((text,))


def _server(repo: Repo, command: Command) -> Server | None:
    name = _named(repo, command)
    if not name or (name == DEVELOPMENT and (not command.entry or _developed_with(repo, command))):
        return None
    config = _gunicorn_config(repo, command) if name == "gunicorn" else None
    return Server(name, command.place, command, config, _uwsgi_ini(repo, command) if name == "uwsgi" else None)


def _developed_with(repo: Repo, command: Command) -> bool:
    """Whether a compose service starts it that people develop with."""
    path = command.place.path
    return any(s.development for s in repo.fact(services) if s.name == command.service and (s.place.path == path or command.kind == "script"))


def _named(repo: Repo, command: Command) -> str:
    program = command.program.removesuffix(".exe")
    if program.startswith("mod_wsgi-express"):
        return "mod_wsgi"
    if program in PRODUCTION:
        return program.removesuffix("-serve")
    if program == "flask":
        return DEVELOPMENT if _subcommand(command.argv[1:]) == "run" else ""
    if re.fullmatch(r"python[\d.]*", program):
        argv = tuple(word for word in command.argv[1:] if not re.fullmatch(r"-[uOBEIsS]+", word))
        return _python(repo, command, argv)
    if program.endswith(".py"):
        return _python(repo, command, command.argv)
    if re.fullmatch(r"[\w.]+", program) and program not in ("bash", "sh") and " -m " in f" {command.text} ":
        found = repo.python_file([*program.split("."), "__main__"]) or repo.python_file(program.split("."))
        return _main_of(repo, found) if found else ""
    return ""


def _subcommand(words: tuple[str, ...]) -> str:
    """The first word that is no option of `flask` and no value of one."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("--app", "-A", "--env-file", "-e"):
            skip = True
        elif not word.startswith("-"):
            return word
    return ""


def _python(repo: Repo, command: Command, argv: tuple[str, ...]) -> str:
    file = find_started(repo, argv[0], command.place.path) if argv and argv[0].endswith(".py") else None
    if file is None:
        return ""
    if argv[1:2] in (("runserver",), ("run",)) and file.mentions(b"flask", b"Flask") and not file.mentions(b"gunicorn"):
        return DEVELOPMENT
    return _main_of(repo, file) if len(argv) == 1 or argv[1].startswith("-") else ""


def _main_of(repo: Repo, file: File) -> str:
    """The server a Python file starts when it is run: a production one it calls wins over `app.run()`."""
    if not file.mentions(b".run(", b"serve", b"Server", b"server"):
        return ""
    module = repo.module(file)
    if module is None:
        return ""
    names = {IN_PYTHON[name] for call in module.nodes(ast.Call) if (name := module.name(call.func)) in IN_PYTHON}
    if production := sorted(names - {DEVELOPMENT}):
        return production[0]
    return DEVELOPMENT if names or any(_runs_flask(module, call) for call in module.nodes(ast.Call)) else ""


def _runs_flask(module: Module, call: ast.Call) -> bool:
    """`app.run(…)`: not of an asynchronous loop, a bot, or another framework; what SocketIO runs is told apart."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "run"):
        return False
    owner = call.func.value
    name = ast.unparse(owner)
    if any(source.partition(".")[0] in OTHER_FRAMEWORKS for source in module.imports.values()):
        return False
    return bool(FLASK_NAMES.search(name)) and not name.endswith("socketio")


def _own_main(repo: Repo) -> Iterator[Server]:
    """Production servers started below `if __name__ == "__main__"`, or at the end of a file, by calls of Python."""
    for module, call in repo.calls(*(name for name, server in IN_PYTHON.items() if server != DEVELOPMENT)):
        yield Server(IN_PYTHON[module.name(call.func)], module.place(call), None)


def _gunicorn_config(repo: Repo, command: Command) -> Module | None:
    given = command.flag("-c", "--config")
    if given and given.startswith("python:"):
        file = repo.python_file(given.removeprefix("python:").split("."))
    elif given:
        file = find_started(repo, given.removeprefix("file:"), command.place.path)
    else:
        folder = command.place.path.rpartition("/")[0]
        file = repo.file(f"{folder}/gunicorn.conf.py".lstrip("/")) or repo.file("gunicorn.conf.py")
        file = file or next((f for f in repo.files("/gunicorn.conf.py")), None)
    return repo.module(file) if file and file.name.endswith(".py") else None


def _uwsgi_ini(repo: Repo, command: Command) -> File | None:
    given = command.flag("--ini", "--ini-paste") or next((word for word in command.argv[1:] if word.endswith(".ini")), "")
    return find_started(repo, given, command.place.path) if given else None
