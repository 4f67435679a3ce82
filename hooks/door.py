"""What every hook shares: exit codes, the team's settings read with the standard library, and lines as git tools print them."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mingus_gate import HOME, __version__
from mingus_gate.model import Place, Waiver
from mingus_gate.redact import Redactor
from mingus_gate.repo import Repo
from mingus_gate.waivers import written

CLEAN, FOUND, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True)
class Settings:
    """What a hook needs of `[tool.mingus-gate]`."""

    exclude: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    checklist: str | None = None
    waivers: tuple[Waiver, ...] = ()


def read_settings(root: Path) -> Settings:
    """The settings in `pyproject.toml`. Raises ConfigError."""
    try:
        text = (root / "pyproject.toml").read_text("utf-8")
        import tomllib  # here and below: a hook starts so often that it loads what it needs, no more

        table: Any = tomllib.loads(text).get("tool", {}).get("mingus-gate", {})
        exclude, disable, checklist = table.get("exclude", []), table.get("disable", []), table.get("checklist")
        lists = isinstance(exclude, list) and isinstance(disable, list)
        if lists and all(isinstance(item, str) for item in [*exclude, *disable, checklist or ""]):
            return Settings(tuple(exclude), tuple(disable), checklist, written(table.get("waivers", []), text, "pyproject.toml"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, AttributeError, TypeError):
        pass
    # something is wrong with the file: let the one who checks it key by key, and loads pydantic for that, say what
    from mingus_gate.config import load

    config = load(root)
    return Settings(tuple(config.exclude), tuple(config.disable), config.checklist, config.waivers)


class Committed:
    """The files that git hands over; none given means all."""

    def __init__(self, repo: Repo, names: Sequence[str]) -> None:
        self.repo = repo
        self.names = names
        wanted = {os.path.abspath(name) for name in names}
        self.files = [file for file in repo.tree if not names or os.path.abspath(file.location) in wanted]
        self._paths = {file.path for file in self.files}

    def has(self, place: Place | None) -> bool:
        """Whether what was found there is to be shown; what has no place concerns every commit."""
        return not self.names or place is None or place.path in self._paths


def line(place: Place | None, message: str, rule: str = "") -> str:
    """`path:line:col: message [rule]`, which editors can jump to."""
    where = f"{place.path}:{place.line}:{place.column}: " if place else ""
    return f"{where}{message}{f' [{rule}]' if rule else ''}"


def note(text: str) -> None:
    """Tells what a hook did not do; pre-commit shows it with `--verbose` or beside findings."""
    print(text, file=sys.stderr)


def guarded(hook: Callable[[Sequence[str]], int], argv: Sequence[str] | None) -> int:
    """Runs a hook and returns its exit code."""
    if argv is None:  # the process is ours: its trees are kept to the end, and collecting among them costs a fifth of the time
        gc.disable()
        atexit.register(gc.freeze)  # Python's last collection too
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that is not UTF-8 must not end the run
    try:
        return hook(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the one place where a fault of ours becomes an exit code)
        from mingus_gate.config import ConfigError  # loads pydantic: only where something went wrong

        if isinstance(error, ConfigError):
            note(str(error))
            return USAGE
        import platform
        import traceback

        note(Redactor().text(traceback.format_exc()))
        note(
            f"This is a fault of mingus-gate {__version__} (Python {platform.python_version()}), not of your commit; please report it: {HOME}/issues"
        )
        return FAULT
