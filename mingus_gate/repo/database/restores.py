"""How the data is brought back: scripts that restore, documents that say how."""

from __future__ import annotations

import re

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.database.backups import DUMP, RESTORE, commanding
from mingus_gate.repo.tree import File

UNPACK = re.compile(rf"{RESTORE.pattern}|\bunarchive:|\btar\b|\bextract|copyfile|shutil\.|\bcopy:|put_item|batch_write|\.restore\(", re.IGNORECASE)
RESTORING = re.compile(r"restor(e|ing|ation)\b|disaster recovery|recover(y|ing)?\b.{0,80}\b(data|database|backup)", re.IGNORECASE)
STEPS = re.compile(r"```|~~~|::\n|(?m:^\s*(\d+[.)]|[$])\s)")
DATA = re.compile(r"back-?up|\bdump|database|snapshot|\.sql|pg_|mysql", re.IGNORECASE)


def restores(repo: Repo) -> list[Place]:
    """Scripts that restore, then documents that say how."""
    found = [Place(file.path, line) for file in commanding(repo) if (line := _scripted_restore(file))]
    for file in repo.files(".md", ".rst", ".txt", ".adoc", roles=(Role.DOCUMENTATION, Role.PRODUCTION)):
        line = _written_restore(file) if file.mentions(b"estor", b"ecover", b"ESTOR", b"psql", b"mysql") else 0
        found += [Place(file.path, line)] if line else []
    return found


def _scripted_restore(file: File) -> int:
    """The line of a command that restores, in a file that says so; 0 where there is none."""
    if not file.mentions(b"estor", b"ESTOR", b"ecover") or not re.search(r"(?<!pg_)restor|recover", f"{file.path}\n{file.text}", re.IGNORECASE):
        return 0
    command = UNPACK if re.search(r"(?<!pg_)restor", file.path, re.IGNORECASE) and file.mentions(b"backup", b"snapshot") else RESTORE
    lines = (n for n, line in enumerate(file.lines, 1) if command.search(line) and not DUMP.search(line) and not line.lstrip().startswith("#"))
    return next(lines, 0)


def _written_restore(file: File) -> int:
    """The line of a heading on restoring data that is followed by steps, or of a command that restores; 0 where there is none."""
    lines, fenced = file.lines, False
    for index, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif RESTORE.search(line) and not DUMP.search(line) and re.search(r"back-?up|dump|restor|\bbak\b|\.gz\b", line, re.IGNORECASE):
            return index + 1
        elif not fenced and _is_heading(lines, index) and RESTORING.search(line):
            section = "\n".join(lines[index + 1 : index + 40])
            if STEPS.search(section) and DATA.search(f"{line}\n{section}"):
                return index + 1
    return 0


def _is_heading(lines: list[str], index: int) -> bool:
    underline = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index].startswith(("#", "=")) or bool(re.fullmatch(r"[=~^-]{4,}\s*", underline))
