"""What the workflow asked for: the inputs of action.yml, from the command line or the environment."""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from mingus_gate.config import Config, ConfigError, in_tree, load, score
from mingus_gate.model import FailOn

Mode = Literal["auto", "always", "changes", "never"]
"""When to write the comment: auto = when its text differs; changes = when verdict, score or blockers differ; always = every run."""

ARGUMENTS = {
    "path": "the application's root (default: this folder)",
    "config": "a TOML file with a [tool.mingus-gate] table (default: PATH/pyproject.toml)",
    "fail-on": "what blocks: critical, warning, new-critical (what the base does not have), never (default: the configuration's)",
    "min-score": "block under this score, 0 to 100",
    "base": "what to compare with, a git revision (default: the pull request's base)",
    "live": "ask the running system too: true, false; its addresses come from the environment",
    "comment": "when to write the pull request comment: auto, always, changes, never (default: auto)",
    "key": "tells several gates of one repository apart (default: default)",
    "report-file": "where to write the JSON report (default: a file in RUNNER_TEMP)",
    "sarif-file": "where to write the SARIF report for code scanning (default: nowhere)",
    "comment-from": "judge nothing: comment what this JSON report of the run that started this one (workflow_run) says; it is not trusted",
}
"""Each is also read from INPUT_<NAME>, as action.yml hands it over. The token only is: arguments are shown by `ps`."""

KEY = re.compile(r"[A-Za-z0-9_./]+(-[A-Za-z0-9_./]+)*")
"""It stands in an HTML comment, which two dashes would end."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the workflow asked for."""

    path: Path
    config: Config
    settings: str
    """The file it was read from, from `path`."""

    base: str
    live: bool
    comment: Mode
    key: str
    report_file: Path
    sarif_file: Path | None
    comment_from: Path | None
    token: str

    @property
    def name(self) -> str:
        """What people are shown of the key."""
        return "" if self.key == "default" else self.key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, text in ARGUMENTS.items():
        parser.add_argument(f"--{name}", help=text, metavar="VALUE")


def read_inputs(arguments: Mapping[str, object], environ: Mapping[str, str]) -> Inputs:
    """The inputs: from the command line, else from the environment. Raises ConfigError."""

    def given(name: str) -> str:
        return str(arguments.get(name.replace("-", "_")) or environ.get(f"INPUT_{name.replace('-', '_').upper()}", "")).strip()

    from mingus_gate.checks import IDS, RULES  # fourteen modules, and every command makes this one's parser

    path = Path(given("path") or ".")
    if not path.is_dir():
        raise ConfigError(f"path: {path} is not a folder; is the repository checked out (actions/checkout) before this step?")
    file = Path(given("config")) if given("config") else None
    config = load(path, file, known={*RULES, *IDS})
    wanted: dict[str, object] = {}
    if given("fail-on"):
        wanted["fail_on"] = _one_of("fail-on", given("fail-on"), get_args(FailOn))
    if given("min-score"):
        wanted["min_score"] = score(given("min-score"))
    return Inputs(
        path=path,
        config=config.model_copy(update=wanted),
        settings=in_tree(path, file),
        base=given("base"),
        live=_one_of("live", given("live").lower() or "false", ("true", "false")) == "true",
        comment=cast(Mode, _one_of("comment", given("comment") or "auto", get_args(Mode))),
        key=_key(given("key") or "default"),
        report_file=Path(given("report-file") or Path(tempfile.mkdtemp(prefix="mingus-gate-", dir=environ.get("RUNNER_TEMP")), "report.json")),
        sarif_file=Path(given("sarif-file")) if given("sarif-file") else None,
        comment_from=Path(given("comment-from")) if given("comment-from") else None,
        token=environ.get("INPUT_GITHUB_TOKEN") or environ.get("GITHUB_TOKEN", ""),
    )


def _key(text: str) -> str:
    if not KEY.fullmatch(text) or len(text) > 100:
        raise ConfigError(f"key: {text!r} may hold letters, digits, single dashes and _ . / only")
    return text


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(f"{name}: {value!r} is none of {', '.join(choices)}")
    return value
