"""How many database connections production may open, and how many the server takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.celery.settings import celery_settings
from mingus_gate.repo.database.engines import Engine, pooled_engines
from mingus_gate.repo.database.pools import numbers
from mingus_gate.repo.deploy import Command, Service, commands, services
from mingus_gate.repo.deploy.servers import Server, option, servers
from mingus_gate.repo.values import Value

POSTGRES = re.compile(r"(^|/)(postgres(ql)?|postgis|pgvector|timescaledb(-ha)?)([:@]|$)")
MYSQL = re.compile(r"(^|/)(mysql(-server)?|mariadb|percona(-server)?)([:@]|$)")
RESERVED = 3
"""superuser_reserved_connections of PostgreSQL: the application does not get these."""
DEFAULTS = {"PostgreSQL": 100, "MySQL": 151}


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes of one command. `count` is None where the tree does not tell it; `open_` then says why.

    `file` is the compose file whose services they are, else the file that starts them.
    """

    file: str
    count: int | None
    place: Place
    env: Mapping[str, str]
    open_: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What the database server takes, less what it keeps for its administrator."""

    server: str
    connections: int
    place: Place


@dataclass(frozen=True, slots=True)
class Budget:
    """What production may open against what the server takes. `open_` is what cannot be told; numbers count what can."""

    place: Place
    told: str = ""
    processes: int = 0
    each: int = 0
    limit: int = 0
    server: str = ""
    open_: str = ""

    @property
    def connections(self) -> int:
        return self.processes * self.each

    @property
    def numbers(self) -> dict[str, Any]:
        if not self.each:
            return {}
        safe = self.limit // self.each
        return {"processes": self.processes, "each": self.each, "connections": self.connections, "limit": self.limit, "safe_processes": safe}


def budgets(repo: Repo) -> list[Budget]:
    """The budget of the application's one engine; none where it has several, or nothing serves it."""
    kept = [engine for engine in repo.fact(pooled_engines) if not engine.in_function]
    web = repo.fact(web_processes)
    return [_budget(repo, kept[0], web)] if len(kept) == 1 and web else []


def _budget(repo: Repo, engine: Engine, web: list[Processes]) -> Budget:
    place, servers = web[0].place, repo.fact(limits)
    size, overflow = (_option(engine, key, default, web[0].env) for key, default in (("pool_size", 5), ("max_overflow", 10)))
    if not size or overflow is None or overflow < 0:
        return Budget(engine.place, open_="pool_size and max_overflow are no numbers in the tree")
    if len(servers) != 1:
        several = "several database servers are started"
        return Budget(place, open_=several if servers else "max_connections of the database server is not in the tree")
    beside = servers[0].place.path
    web, tasks = ([p for p in found if p.file == beside] for found in (web, repo.fact(celery_processes)))
    if len(web) != 1:
        return Budget(place, open_=f"whether this server uses the database that {beside} starts is not written")
    (serving, open_web), (working, open_tasks) = together(web), together(tasks)
    each, processes, limit = size + overflow, serving + working, servers[0].connections
    counted = f"{serving} web" + (f" and {working} Celery processes" if working else f" process{'es' * (serving > 1)}")
    told = f"{counted} x ({size} + {overflow}) connections are {processes * each}"
    open_ = open_web or open_tasks
    room = f"{servers[0].server} has room for {limit // each} processes of {each} connections, but {open_}" if open_ else ""
    return Budget(place, told, processes, each, limit, servers[0].server, room)


def _option(engine: Engine, key: str, default: int, env: Mapping[str, str]) -> int | None:
    value = engine.options.get(key)
    return number(value, env) if value else None if engine.unresolved else default


def number(value: Value, env: Mapping[str, str]) -> int | None:
    """The whole number a value comes to, the environment of its process counted in."""
    given = [env[name] for name in value.env if env.get(name, "").isdecimal()]
    known = numbers(value)
    if given:
        return int(given[0])
    return known[0] if len(set(known)) == 1 and not value.unresolved else None


def limits(repo: Repo) -> list[Limit]:
    """The limits of the database servers that compose files start."""
    found = []
    for service in repo.fact(services):
        kind = "PostgreSQL" if POSTGRES.search(service.image) else "MySQL" if MYSQL.search(service.image) else ""
        words = " ".join((*service.entrypoint, *service.command))
        if not kind or service.development or re.search(r"config[_-]file|\.cnf|\.conf\b", words):
            continue
        stated = re.search(r"max[_-]connections\s*=?\s*(\d+)", words)
        total = int(stated[1]) if stated else DEFAULTS[kind]
        place = service.places.get("command", service.place) if stated else service.place
        found.append(Limit(kind, total - RESERVED if kind == "PostgreSQL" else total, place))
    return found


def web_processes(repo: Repo) -> list[Processes]:
    """The worker processes of each server that deploy files start."""
    return [_web(repo, server, server.command) for server in repo.fact(servers) if server.name == "gunicorn" and server.command]


def _web(repo: Repo, server: Server, command: Command) -> Processes:
    found = option(repo, server, ("--workers", "-w"), "workers")
    env = command.env
    value = found[0] if found else Value((env["WEB_CONCURRENCY"],)) if "WEB_CONCURRENCY" in env else Value((1,))
    count = number(value, env)
    instances, open_, file = _instances(repo, command)
    if count is None:
        open_ = f"the number of workers is `{value.unresolved or (value.env and '$' + value.env[0]) or 'computed'}`"
    elif found is None and "WEB_CONCURRENCY" not in env and command.kind in ("procfile", "k8s", "platform"):
        open_ = open_ or "the number of workers is left to the platform"
    return Processes(file, None if open_ or count is None else count * instances, found[1] if found else server.place, env, open_)


def celery_processes(repo: Repo) -> list[Processes]:
    """The processes of each Celery worker that deploy files start."""
    workers = [c for c in repo.fact(commands) if c.program == "celery" and "worker" in c.argv and c.kind != "workflow"]
    return [_worker(repo, command) for command in workers]


def _worker(repo: Repo, command: Command) -> Processes:
    instances, open_, file = _instances(repo, command)
    pool, stated = command.flag("-P", "--pool") or "", command.flag("-c", "--concurrency")
    scaled = re.match(r"\d+", command.flag("--autoscale") or "")
    configured = [s.value for s in repo.fact(celery_settings) if s.key == "worker_concurrency"]
    count: int | None = None
    if pool in ("solo", "threads", "gevent", "eventlet"):
        count = 1
    elif scaled:
        count = int(scaled[0])
    elif stated is not None:
        count = int(stated) if stated.isdecimal() else None
    elif configured:
        count = number(configured[0], command.env)
    if count is None:
        open_ = open_ or "Celery's concurrency is not a number in the tree; left alone it is that of the machine's processors"
    return Processes(file, None if open_ or count is None else count * instances, command.place, command.env, open_)


def _instances(repo: Repo, command: Command) -> tuple[int, str, str]:
    """How many containers run the command, why that is not known, and the file that starts it: compose's where one does."""
    if command.kind in ("k8s", "platform"):
        return 1, "the number of replicas is decided outside", command.place.path
    named = [s for s in repo.fact(services) if not s.development and _starts(s, command)]
    return max(sum(s.replicas for s in named), 1), "", named[0].place.path if named else command.place.path


def _starts(service: Service, command: Command) -> bool:
    if command.service:
        return service.name == command.service
    return service.build == command.place.path and not service.command and not service.entrypoint


def together(found: list[Processes]) -> tuple[int, str]:
    """How many processes there are at least, and what is not known of the others."""
    return sum(each.count or 0 for each in found), next((each.open_ for each in found if each.count is None), "")
