"""Backups as facts: what dumps the database, and what schedules it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.database.engines import engines
from mingus_gate.repo.deploy import is_shell, services
from mingus_gate.repo.deploy.kubernetes import objects
from mingus_gate.repo.deploy.nouns import MAX_TEXT, for_development
from mingus_gate.repo.deploy.schedules import CRON_FILE, schedules
from mingus_gate.repo.deploy.yaml_file import documents
from mingus_gate.repo.python import Function, Module
from mingus_gate.repo.tree import File

DUMP = re.compile(
    r"(?<![\w.@-])(?P<tool>pg_dump(all)?|mysqldump|mariadb-dump|mydumper|pg_basebackup|pgbackrest|wal-[ge](?=\s+(backup|wal)-push)|barman(?=\s+backup)"
    r"|xtrabackup|mariabackup|mongodump|litestream(?=\s+replicate)|restic(?=\s.{0,200}\bbackup\b)|borg(matic)?(?=\s+create|$)|duplicity|kopia(?=\s+snapshot)"
    r"|heroku pg:backups(:capture|:schedule)|create-db-(cluster-)?snapshot|disks snapshot|sql backups create"
    r"|sqlite3\b[^|;]{0,200}[.]backup)(?=[\s'\"]|$)"
)
TOOLS = tuple(
    word.encode()
    for word in (
        *(
            "pg_dump",
            "mysqldump",
            "mariadb-dump",
            "mydumper",
            "pg_basebackup",
            "pgbackrest",
            "wal-",
            "barman",
            "xtrabackup",
            "mariabackup",
            "mongodump",
        ),
        *("litestream", "restic", "borg", "duplicity", "kopia", "pg:backups", "create-db-", "disks snapshot", "sql backups", ".backup"),
    )
)
NO_BACKUP = re.compile(r"--schema-only|\s-s\s|--no-data|--version|--help|\b(which|command -v|type|hash|install|apt-get|apk|brew|yum|echo|printf)\b")
BACKUP_IMAGE = re.compile(r"backup|pgbackrest|wal-g|litestream", re.IGNORECASE)
RUNS = {"run", "Popen", "popen", "system", "call", "check_call", "check_output", "getoutput", "local", "sudo", "shell", "run_command", "execv"}
RUNS |= {"create_subprocess_exec", "create_subprocess_shell"}
ABOUT_BACKUPS = re.compile(r"back-?up|dump|clean|prune|rotat|retention|purge|upload|s3|bucket|store|old", re.IGNORECASE)
COMMAND_NAME = re.compile(r"cmd|command|args|argv|dump|backup", re.IGNORECASE)
RESTORE = re.compile(
    r"(?<![\w.-])(pg_restore\b|psql\b[^|<\n]{0,200}<(?!<)\s*\S|\|\s*(\S{1,80}\s+){0,6}psql\b|mysql\b[^|<\n]{0,200}<(?!<)\s*\S|\|\s*mysql\b|restic\s.{0,200}\brestore\b|pgbackrest\b.{0,200}\brestore\b"
    r"|cp\s+\S{0,100}backup\S{0,100}\s+\S{1,200}\.(db|sqlite3?)\b|wal-[ge] backup-fetch|pg:backups:restore"
    r"|litestream restore|barman recover|borg extract|restore-db-|sql backups restore)"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """Something that copies the data. `text` is all the tree says of it: its file and what schedules it, comments left out.

    `managed` are backups that a platform makes: scheduled, kept and stored elsewhere by it.
    """

    tool: str
    place: Place
    text: str
    schedule: Place | None = None
    managed: bool = False
    named: bool = False
    """Whether its file or function is called a backup: a dump may have other uses."""


def has_database(repo: Repo) -> bool:
    """Whether the application keeps data: it makes an engine, or a database stands beside it."""
    images = (service.image for service in repo.fact(services))
    return bool(repo.fact(engines)) or any(re.search(r"(^|/)(postgres|postgis|mysql|mariadb|timescale)", image) for image in images)


def backups(repo: Repo) -> list[Backup]:
    """What copies the database; scheduled ones first, then those whose place names them so."""
    clocks = list(repo.fact(schedules))
    found = [*_managed(repo), *_self_scheduled(repo)]
    for tool, place, told, text in _dumps(repo):
        names = {name for word in told for name in (_callers(repo, word) if clocks and word.isidentifier() else {word})}
        schedule = next(((p, t) for p, t in clocks if p == place or _runs(t, tool, names)), None)
        named = bool(re.search(r"back-?up", " ".join((place.path, *names)), re.IGNORECASE))
        code = re.sub(r"(?m)(^|\s)#.*$", "", text[:MAX_TEXT] + (f"\n{schedule[1]}" if schedule else ""))
        found.append(Backup(tool, place, code, schedule[0] if schedule else None, named=named))
    return sorted(found, key=lambda b: (b.schedule is None and not b.managed, not b.named, b.place))


def unknown_schedules(repo: Repo) -> list[Place]:
    """What schedules a backup by its name, where the tree does not hold what it runs."""
    return [
        place for place, text in repo.fact(schedules) if re.search(r"back-?up|pg_?dump|(db|database|disk)[-_ ](snapshot|dump)", text, re.IGNORECASE)
    ]


def named_backups(repo: Repo) -> list[Place]:
    """Scripts and playbooks that are named backups, whatever they copy."""
    return [Place(file.path) for file in commanding(repo) if re.search(r"back-?up", file.path, re.IGNORECASE)]


# -- what dumps ------------------------------------------------------------------------------------------------------


def _dumps(repo: Repo) -> Iterator[tuple[str, Place, tuple[str, ...], str]]:
    """(tool, place, the names by which a schedule can mean it, the file's text)."""
    for file in commanding(repo):
        if not file.path.endswith(".py"):
            yield from _dumped_by_lines(file)
    for module in repo.python(*TOOLS):
        for node in module.nodes(ast.Constant):
            if isinstance(node.value, str) and (match := DUMP.search(node.value)) and _is_command(module, node) and not NO_BACKUP.search(node.value):
                function = module.function_around(node)
                names = (module.path.rpartition("/")[2], *((function.name,) if function else ()))
                if not (function and RESTORE.search(_code(function))):  # both together copy one database into another
                    yield _tool(match), module.place(node), names, _told(module, function)
                    break


def commanding(repo: Repo) -> Iterator[File]:
    """Files that hold commands: scripts, unit and cron files, workflows, manifests, Makefiles."""
    for file in repo.files():
        if for_development(file.path) or file.path.endswith((".lock", ".json", ".js", ".ts", ".html", ".css", ".md", ".sql", ".po")):
            continue
        named = file.path.endswith((".py", ".yml", ".yaml", ".service", ".mk")) or file.name in (
            "Makefile",
            "justfile",
            "Justfile",
            "Procfile",
            "run",
        )
        if named or CRON_FILE.search(file.path) or is_shell(file):
            yield file


def _dumped_by_lines(file: File) -> Iterator[tuple[str, Place, tuple[str, ...], str]]:
    names = (file.name, file.name.removesuffix(".service")) if file.name not in ("Makefile", "justfile") else ()
    for number, line in enumerate(file.lines, 1):
        code = re.sub(r"(^|\s)#.*", "", line)
        match = None if re.match(r"\s*(;|(- )?(name|image|description):)", code) else DUMP.search(code)
        bare = file.path.endswith((".yml", ".yaml")) and match and not code[match.end() :].strip("'\" ]")
        if match and not bare and not NO_BACKUP.search(code[max(0, match.start() - 40) :]) and not RESTORE.search(code):
            yield _tool(match), Place(file.path, number), names, file.text
            return


def _tool(match: re.Match[str]) -> str:
    first = match["tool"].split()[0]
    return match["tool"] if first in ("disks", "sql", "heroku") else first


def _told(module: Module, function: Function | None) -> str:
    """What a Python file says of its backups: the whole of a script; of a module, the functions that are about them."""
    if function is None:
        return module.file.text
    return "\n".join(_code(f) for f in module.functions if f is function or ABOUT_BACKUPS.search(f.name))


def _code(function: Function) -> str:
    """The function without its docstring."""
    first = function.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return "\n".join(ast.unparse(statement) for statement in function.body[told:])


def _callers(repo: Repo, function: str, depth: int = 4) -> set[str]:
    """The function's name and those of the functions that call it, and so on up: by any of these a schedule may mean it."""
    found, waiting = {function}, [function]
    for _ in range(depth):
        above = set()
        for name in waiting:
            for module in repo.python(f"{name}(".encode()):
                calls = (c for c in module.nodes(ast.Call) if module.name(c.func).rpartition(".")[2] == name)
                above |= {f.name for call in calls if (f := module.function_around(call))}
        waiting = sorted(above - found - {"main", "run", "wrapper"})[:10]
        found |= set(waiting)
    return found


def _is_command(module: Module, node: ast.AST) -> bool:
    """Whether a text is run, or given a name that says so; not a docstring and not a log line."""
    for above in module.ancestors(node):
        if isinstance(above, ast.Call) and module.name(above.func).rpartition(".")[2] in RUNS:
            return True
        if isinstance(above, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = above.targets if isinstance(above, ast.Assign) else [above.target]
            return any(COMMAND_NAME.search(ast.unparse(target)) for target in targets)
        if isinstance(above, ast.stmt):
            return False
    return False


def _runs(text: str, tool: str, names: set[str]) -> bool:
    """Whether a schedule's text means this dump: by its tool, its file, its function."""
    return bool(re.search(rf"(?<![\w-]){re.escape(tool)}(?![\w-])", text)) or any(
        re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text) for n in names
    )


# -- what needs no schedule ------------------------------------------------------------------------------------------


def _self_scheduled(repo: Repo) -> Iterator[Backup]:
    """Images and operators that back up on their own clock."""
    for service in repo.fact(services):
        if BACKUP_IMAGE.search(service.image):
            place = service.places.get("image", service.place)
            text = " ".join(f"{key}={value}" for key, value in service.environment.items()) + " ".join(service.command)
            yield Backup(service.image, place, text, place)
    for path, told in repo.fact(objects):
        if told.text("kind") in ("ScheduledBackup", "SGScheduledBackup", "PostgresBackupSchedule") or "velero" in told.text("apiVersion"):
            yield Backup(told.text("kind"), told.place(path, "kind"), "", told.place(path, "kind"), managed=True)


def _managed(repo: Repo) -> Iterator[Backup]:
    """Databases of a platform that backs them up: Terraform's and Render's."""
    for file in repo.files(".tf"):
        google = bool(re.search(r"backup_configuration\s*\{[^}]{0,500}enabled\s*=\s*true", file.text))
        for number, line in enumerate(file.lines, 1):
            if tool := _terraform(line, google):
                yield Backup(tool, Place(file.path, number), "", Place(file.path, number), managed=True)
    for file in repo.files("render.yaml", "render.yml"):
        for document in documents(repo, file):
            for database in document.maps("databases"):
                if database.text("plan") != "free":
                    yield Backup("Render Postgres", database.place(file.path), "", database.place(file.path), managed=True)


def _terraform(line: str, google: bool) -> str:
    """The setting or resource of a line by which backups are made, or "". `google`: its backups are switched on in the file."""
    if match := re.match(r"\s*(backup_retention_period|backup_retention_days)\s*=\s*(\d+|var\S*|local\S*)", line):
        return match[1] if match[2] != "0" else ""
    match = re.match(r"\s*resource\s+\"(aws_backup_plan|digitalocean_database_cluster|google_sql_database_instance)\"", line)
    if match and match[1].startswith("google") and not google:
        return ""
    return match[1] if match else ""
