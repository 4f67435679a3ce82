"""What a clock starts: crontabs, timers, scheduled workflows, CronJobs, Celery beat and other schedulers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import is_shell
from mingus_gate.repo.deploy.kubernetes import containers
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.workflows import steps
from mingus_gate.repo.tree import File

CRON_FILE = re.compile(r"(^|/)cron\.(d|hourly|daily|weekly|monthly)/|(^|/)crontabs?(/|[._-]|$)|\.cron(tab)?$|(^|/)cron(tab)?[^/]*\.(txt|ya?ml)$")
CRON_LINE = re.compile(r"^\s*(@(hourly|daily|weekly|monthly|midnight)|([\d*/,-]+\s+){4}[\d*/,\w-]+)\s+\S")
CRON_IN_SCRIPT = re.compile(r"(@(hourly|daily|weekly|monthly|midnight)|([\d*/,-]+\s+){4}[\d*/,-]+)\s+\S.*")
BEAT = ("beat_schedule", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE", "BEAT_SCHEDULE", "SCHEDULER_JOBS")
SCHEDULERS = (b"add_periodic_task", b"add_job(", b"periodic_task", b"scheduled_task", b"scheduler.task", b"import schedule")


def schedules(repo: Repo) -> list[tuple[Place, str]]:
    """Each (place, text) by which a clock starts something, those for development left out."""
    return [*_files(repo), *_others(repo), *_python(repo)]


def _files(repo: Repo) -> Iterator[tuple[Place, str]]:
    for file in repo.files():
        if for_development(file.path):
            continue
        if CRON_FILE.search(file.path):
            yield from _cron(file)
        elif file.path.endswith(".timer"):
            service = repo.file(f"{file.path.removesuffix('.timer')}.service")
            yield Place(file.path), f"{file.text}\n{service.text if service else file.name}"
        elif is_shell(file) and file.mentions(b"crontab", b"cron.d", b"sleep"):
            yield from _script_schedules(file)
        elif file.path.endswith((".yml", ".yaml")) and file.mentions(b"cron:") and file.mentions(b"job:"):
            yield from ((Place(file.path, n), line) for n, line in enumerate(file.lines, 1) if re.match(r"\s*job:\s", line))


def _others(repo: Repo) -> Iterator[tuple[Place, str]]:
    yield from ((step.place, f"{step.text} {step.uses}") for step in repo.fact(steps) if step.schedule)
    yield from ((c.place, f"{' '.join(c.argv)} {c.told.text('image')} {c.name}") for c in repo.fact(containers) if c.kind == "CronJob")


def _cron(file: File) -> Iterator[tuple[Place, str]]:
    if re.search(r"(^|/)cron\.(hourly|daily|weekly|monthly)/", file.path) or (file.path.endswith((".yml", ".yaml")) and "schedule:" in file.text):
        yield Place(file.path), file.text
        return
    for number, line in enumerate(file.lines, 1):
        if CRON_LINE.match(line):
            rest = " ".join(file.lines[number : number + 3]) if line.rstrip().endswith("\\") else ""
            yield Place(file.path, number), f"{line} {rest}"


def _script_schedules(file: File) -> Iterator[tuple[Place, str]]:
    """Lines by which a script installs a crontab; and a script that loops and sleeps by itself."""
    for number, line in enumerate(file.lines, 1):
        if not line.lstrip().startswith("#") and (match := CRON_IN_SCRIPT.search(line)) and file.mentions(b"crontab", b"cron.d"):
            yield Place(file.path, number), match[0]
    if re.search(r"while\s+(true|:|\[\s*1)", file.text) and re.search(r"sleep\s+(\d{4,}|\d+[hd]|\$)", file.text):
        yield Place(file.path), file.text


def _python(repo: Repo) -> Iterator[tuple[Place, str]]:
    """Celery beat, APScheduler, `schedule` and the like."""
    for module in repo.python(*(name.encode() for name in BEAT), *SCHEDULERS):
        for target, value in module.assignments():
            if ast.unparse(target).rpartition(".")[2].strip("'\"]") in BEAT and isinstance(value, ast.Dict | ast.List):
                yield from ((module.place(v), ast.unparse(v)) for v in (value.values if isinstance(value, ast.Dict) else value.elts))
        for call in module.nodes(ast.Call):
            name = module.name(call.func).rpartition(".")[2]
            function = module.parent(call)
            if name in ("scheduled_task", "periodic_task", "task", "cron") and isinstance(function, ast.FunctionDef) and call.args:
                yield module.place(call), function.name
            elif name in ("add_periodic_task", "add_job", "do"):
                yield module.place(call), ast.unparse(call)
