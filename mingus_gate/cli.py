"""The command `mingus-gate`: arguments → the functions of the package → an exit code. The only module that knows all."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import get_args

from mingus_gate import HOME, __version__
from mingus_gate.checks import CHECKS, RULES
from mingus_gate.config import Config, ConfigError, in_tree, load, score
from mingus_gate.github.inputs import add_arguments
from mingus_gate.model import FailOn, Past, Report, Rule
from mingus_gate.redact import Redactor
from mingus_gate.repo.git import folder_in
from mingus_gate.waivers import nearest

PASSES, BLOCKS, USAGE, FAULT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes, fixed by DESIGN."""

MAX_WIDTH = 140
"""Columns; longer lines are hard to read, however wide the terminal."""

KNOWN = {*RULES, *(check.id for check in CHECKS)}
FORMAT_NAMES = ("text", "json", "markdown", "sarif", "junit", "html")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; no traceback leaves it but that of a fault of ours (3)."""
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
        code = int(arguments.run(arguments))
        _flush()
        return code
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _flush()
        return PASSES
    except SystemExit as ended:  # argparse: 0 after --help, 2 after a wrong argument
        return int(ended.code or 0)
    except Exception:  # noqa: BLE001  (the one place where a fault of ours becomes exit code 3)
        return _fault()


def _flush() -> None:
    """Hands over what was printed. A reader that has left (`| head`) is no error and changes no exit code."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fault() -> int:
    print(Redactor().text(traceback.format_exc()), file=sys.stderr)
    print(
        f"This is a fault of mingus-gate, not of your application.\nmingus-gate {__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}\nPlease report it with the lines above (read them for secrets first): {HOME}/issues",
        file=sys.stderr,
    )
    return FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("mingus-gate", description="May this Flask application go to production? Fourteen checks, each with evidence.")
    parser.add_argument("--version", action="version", version=f"mingus-gate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser(
        "check", help="judge a source tree", description="Judges the tree at PATH. Exit code 0: the gate passes, 1: it blocks."
    )
    check.add_argument("path", nargs="?", default=".", type=Path, metavar="PATH", help="the application's root (default: this folder)")
    check.add_argument("--live", action="store_true", help="ask the running system too; its addresses come from the environment (docs/live.md)")
    check.add_argument("--format", action="append", choices=FORMAT_NAMES, help="may be given several times, each with its --output (default: text)")
    check.add_argument("--output", action="append", type=Path, metavar="FILE", help="write the report here; the n-th belongs to the n-th --format")
    check.add_argument("--fail-on", choices=get_args(FailOn), help="the least severity that blocks (default: critical)")
    check.add_argument("--min-score", type=score, metavar="N", help="block under this score, 0 to 100")
    check.add_argument("--base", default="", metavar="REF", help="compare with where REF and the checked out commit parted")
    check.add_argument(
        "--history", nargs="+", action="extend", default=[], type=Path, metavar="FILE", help="earlier JSON reports: the HTML one draws a trend"
    )
    check.add_argument("--only", nargs="+", action="extend", default=[], metavar="CHECK", help="ask only these checks")
    check.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with a [tool.mingus-gate] table (default: PATH/pyproject.toml)")
    check.set_defaults(run=_check)

    checklist = commands.add_parser("checklist", help="how far the deployment checklist is, and what is wrong with it")
    checklist.add_argument("what", choices=("status", "lint", "show"), help="status: counts by section; lint: mistakes; show: the Markdown itself")
    checklist.add_argument("path", nargs="?", default=".", type=Path, metavar="PATH", help="the application's root (default: this folder)")
    checklist.add_argument("--config", type=Path, metavar="FILE", help="as for check")
    checklist.set_defaults(run=_checklist, fail_on=None, min_score=None)

    ci = commands.add_parser("ci", help="what the GitHub Action runs (docs/action.md)")
    add_arguments(ci)
    ci.set_defaults(run=_ci)

    rules = commands.add_parser("rules", help="list every rule")
    rules.set_defaults(run=_rules)

    explain = commands.add_parser("explain", help="what a rule asks, why, and how to mend it")
    explain.add_argument("rule", metavar="RULE", help="a rule (tls.hsts) or a check (tls)")
    explain.set_defaults(run=_explain)
    return parser


def _check(arguments: argparse.Namespace) -> int:
    from mingus_gate.reports.links import tree_url

    _needs_folder(arguments.path)
    unknown = [name for name in arguments.only if name not in {check.id for check in CHECKS}]
    if unknown:
        raise ConfigError("\n".join(f"--only: no check `{name}`{nearest(name, [c.id for c in CHECKS])}" for name in unknown))
    outputs, earlier = _outputs(arguments), _history(arguments)
    report = _examine(arguments, _config(arguments))
    report = replace(report, history=earlier, tree=tree_url(os.environ, report.commit, folder_in(arguments.path)))
    for name, target in outputs:
        _write(report, name, target)
    return BLOCKS if report.score.verdict == "blocked" else PASSES


def _needs_folder(path: Path) -> None:
    if not path.is_dir():
        raise ConfigError(f"{path}: not a folder; give the root of the application's source tree")


def _config(arguments: argparse.Namespace) -> Config:
    config = load(arguments.path, arguments.config, known=KNOWN)
    given = {"fail_on": arguments.fail_on, "min_score": arguments.min_score}
    return config.model_copy(update={name: value for name, value in given.items() if value is not None})


def _outputs(arguments: argparse.Namespace) -> list[tuple[str, Path | None]]:
    """The n-th format with the n-th file; at most one format goes to standard output."""
    formats: list[str] = arguments.format or ["text"]
    files: list[Path | None] = [*(arguments.output or [])]
    if len(files) > len(formats):
        raise ConfigError(f"--output: {len(files)} files for {len(formats)} formats; give each --output its --format")
    if len(formats) - len(files) > 1:
        raise ConfigError(f"--format: {len(formats)} formats for {len(files)} files; only one can go to standard output")
    return list(zip(formats, files + [None] * (len(formats) - len(files)), strict=True))


def _history(arguments: argparse.Namespace) -> tuple[Past, ...]:
    if not arguments.history:
        return ()
    from mingus_gate.reports.history import read_history

    return read_history(arguments.history)


def _examine(arguments: argparse.Namespace, config: Config) -> Report:
    from mingus_gate.gate import examine

    settings, live = in_tree(arguments.path, arguments.config), os.environ if arguments.live else None
    ask = partial(examine, arguments.path, config, only=arguments.only, base=arguments.base, settings=settings, live=live)
    if not sys.stderr.isatty():
        return ask()
    from rich.console import Console

    with Console(stderr=True).status("reading the tree") as status:
        return ask(progress=lambda check: status.update(f"{check.title}: {check.question}"))


def _write(report: Report, name: str, target: Path | None) -> None:
    from mingus_gate.reports import FORMATS
    from mingus_gate.reports.text import WIDTH, render_text

    if target is None and name == "text" and sys.stdout.isatty():
        width = min(shutil.get_terminal_size((WIDTH, 24)).columns, MAX_WIDTH)
        text = render_text(report, color=not os.environ.get("NO_COLOR"), width=width)
    else:
        text = FORMATS[name](report)
    if target is None:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that is not UTF-8 must not end the run
        with suppress(BrokenPipeError):  # the verdict stands
            sys.stdout.write(text)
        return
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError(f"--output {target}: cannot be written ({error.strerror})") from None


def _checklist(arguments: argparse.Namespace) -> int:
    from mingus_gate.checklist import lint, own_file, shipped, status_text
    from mingus_gate.gate import examine
    from mingus_gate.repo import Repo

    _needs_folder(arguments.path)
    config = _config(arguments)
    if arguments.what == "status":
        print(status_text(examine(arguments.path, config).checklist))
        return PASSES
    text = own_file(Repo(arguments.path), config.checklist).text if config.checklist else shipped()
    if arguments.what == "show":
        print(text, end="")
        return PASSES
    found = lint(text, config.checklist or "production_deployment_checklist.md")
    for problem in found:
        print(f"{problem.place.path}:{problem.place.line}:{problem.place.column}: {problem.message}")
    return BLOCKS if found else PASSES


def _ci(arguments: argparse.Namespace) -> int:
    from mingus_gate.github.ci import run

    return run(arguments)


def _rules(_: argparse.Namespace) -> int:
    for check in CHECKS:
        print(f"\n{check.id}: {check.question}")
        for rule in check.rules:
            print(f"  {rule.severity.word:8}  {rule.code:42}  {rule.title}")
    return PASSES


def _explain(arguments: argparse.Namespace) -> int:
    chosen = [rule for code, rule in RULES.items() if arguments.rule in (code, rule.check)]
    if not chosen:
        raise ConfigError(f"no rule or check `{arguments.rule}`{nearest(arguments.rule, KNOWN)}; `mingus-gate rules` lists them")
    print("\n\n".join(_explained(rule) for rule in chosen))
    return PASSES


def _explained(rule: Rule) -> str:
    page = f"docs/checks/{rule.check}.md#{rule.code.partition('.')[2]}"
    lines = [
        f"{rule.code}  ({rule.severity.word}, {rule.points} points)",
        rule.title,
        "",
        fill(f"Why: {rule.why}", 100),
        fill(f"Fix: {rule.fix}", 100, break_long_words=False, break_on_hyphens=False),
        fill(f"Looks for: {rule.looks_for}", 100, break_long_words=False, break_on_hyphens=False),
        *([f"Source: {rule.source}"] if rule.source else []),
        f"Examples: {page}",
    ]
    return "\n".join(lines)
