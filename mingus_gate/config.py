"""What the team decided: `[tool.mingus-gate]` in pyproject.toml, checked key by key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from mingus_gate.model import FailOn, Waiver
from mingus_gate.waivers import nearest, written

TABLE = "tool.mingus-gate"


class ConfigError(Exception):
    """The configuration cannot be used. The text names file, line, key and remedy, one problem a line."""


class Config(BaseModel):
    """The settings of one gate. Keys are written with dashes in TOML."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-"))

    fail_on: FailOn = "critical"
    """What blocks; `new-critical`: only what the base does not have."""

    min_score: Annotated[float, Field(ge=0, le=100)] | None = None
    """A score under this blocks too; 0 to 100."""

    exclude: list[str] = []
    """Glob patterns of paths that are not judged; each is listed as skipped."""

    disable: list[str] = []
    """Rules (`tls.hsts`) or whole checks (`payments`) that are not asked."""

    checklist: str | None = None
    """Path of the application's own checklist; else the one that ships with the gate is shown."""

    waivers: tuple[Waiver, ...] = ()
    """What may stay broken. One that is not right waives nothing and is named in the report; only another shape is an error here."""

    @field_validator("waivers", mode="plain")
    @classmethod
    def _waivers(cls, entries: Any, info: ValidationInfo) -> tuple[Waiver, ...]:
        return written(entries, **(info.context or {}))


def load(root: Path, file: Path | None = None, *, known: Collection[str] = ()) -> Config:
    """The configuration in `file`, else in the `pyproject.toml` of `root`; the defaults where there is neither.

    `known` are the rule codes and check ids that `disable` may name. Raises ConfigError.
    """
    path = file or root / "pyproject.toml"
    shown = str(file) if file else "pyproject.toml"
    try:
        return parse(path.read_text("utf-8"), shown, known=known)
    except FileNotFoundError:
        if file:
            raise ConfigError(f"{shown}: no such file; give --config the path of a TOML file with a [{TABLE}] table") from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown}: cannot be read ({type(error).__name__}); it must be a UTF-8 text file") from None


def in_tree(root: Path, file: Path | None) -> str:
    """The configuration file's path from `root`, with slashes; empty where it stands outside."""
    path = (file or root / "pyproject.toml").resolve()
    return path.relative_to(root.resolve()).as_posix() if path.is_relative_to(root.resolve()) else ""


def score(text: str) -> float:
    """The `min-score` that somebody wrote on a command line. Raises ConfigError."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise ConfigError(f"min-score: {text!r} is not a number from 0 to 100")
    return value


def parse(text: str, shown: str, *, known: Collection[str] = ()) -> Config:
    """The configuration in the text of a TOML file that people know as `shown`. Raises ConfigError."""
    try:
        table: Any = tomllib.loads(text).get("tool", {}).get("mingus-gate", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown}: not valid TOML: {error}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"{shown}:{_line(text, 'mingus-gate')}: {TABLE} must be a table: write [{TABLE}]")
    return _validated(table, text, shown, known)


def _validated(table: dict[str, Any], text: str, shown: str, known: Collection[str]) -> Config:
    try:
        config = Config.model_validate(table, context={"text": text, "shown": shown})
    except ValidationError as error:
        raise ConfigError("\n".join(_problem(item, text, shown) for item in error.errors())) from None
    wrong = [name for name in config.disable if known and name not in known]
    if wrong:
        raise ConfigError("\n".join(f"{shown}:{_line(text, name)}: disable: no rule or check `{name}`{nearest(name, known)}" for name in wrong))
    return config


def _problem(item: Any, text: str, shown: str) -> str:
    """One line for one mistake: file, line, key, what is wrong, what was meant."""
    key = str(item["loc"][0])
    where = f"{shown}:{_line(text, key)}: [{TABLE}] {key}"
    if item["type"] == "extra_forbidden":
        names = [field.replace("_", "-") for field in Config.model_fields]
        return f"{where}: unknown key{nearest(key, names) or '; known are ' + ', '.join(names)}"
    said = item["msg"].removeprefix("Value error, ")
    return f"{where}: {said[0].lower()}{said[1:]}, not {type(item['input']).__name__} {_short(item['input'])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _line(text: str, word: str) -> int:
    """The line, from 1, on which `word` first stands inside or after the gate's table."""
    start = text.find(f"[{TABLE}")
    match = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])").search(text, max(start, 0))
    return text.count("\n", 0, match.start() if match else max(start, 0)) + 1
