"""Shell command lines, read and never run: their words, their single commands, what only starts another."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

WRAPPERS = {
    *("exec", "sudo", "nohup", "time", "nice", "ionice", "command", "eval", "dumb-init", "tini", "catchsegv", "stdbuf", "setsid", "chpst"),
    *("ddtrace-run", "opentelemetry-instrument", "newrelic-admin", "env", "dotenv", "watchmedo", "xvfb-run", "then", "do", "else", "!", "{", "("),
}
"""Programs that only start another: the words after them and their own options are the command."""
RUNNERS = {"poetry", "pipenv", "uv", "pdm", "hatch", "rye", "doppler", "infisical", "conda", "micromamba", "aws-vault", "chamber"}
"""Programs whose `run` (or `exec`) starts another."""
AS_USER = {"gosu", "su-exec", "setpriv", "runuser"}
TAKES_A_VALUE = {"-u", "-g", "-n", "-f", "-c", "--env-file", "-e", "--chdir", "-C"}
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?[-=]((?:[^{}]|\$\{[^{}]*\})*))?[^{}]*\}|(\w+))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$X` and `${X:-default}` as their values, where known; an unknown one stays as written."""
    for _ in range(4):
        changed = VARIABLE.sub(
            lambda m: variables.get(m[1] or m[3]) or (expand(m[2], variables) if m[2] is not None and m[2] != m[0] else m[0]), text
        )
        if changed == text or len(changed) > 20_000:
            break
        text = changed
    return text


def words(text: str) -> tuple[str, ...]:
    """The words of one command; where the quotes do not close, split at blanks."""
    try:
        return tuple(shlex.split(text, comments=False))
    except ValueError:
        return tuple(text.split())


def unwrap(argv: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command without what only starts it, and the environment it is given on the way; `python -m x` is `x`."""
    env: dict[str, str] = {}
    rest = list(argv)
    while rest:
        name = rest[0].rpartition("/")[2]
        if match := ASSIGNMENT.fullmatch(rest[0]):
            env[match[1]] = match[2]
            del rest[0]
        elif name in RUNNERS and any(word in ("run", "exec") for word in rest[1:4]):
            rest = _after_options(rest[2:] if rest[1] in ("run", "exec") else rest[3:])
        elif name in AS_USER:
            rest = _after_options(rest[1:])[1:]
        elif name in WRAPPERS:
            rest = _after_options(rest[1:])
            rest = rest[1:] if name in ("newrelic-admin", "dotenv") and rest[:1] in (["run-program"], ["run"]) else rest
        elif re.fullmatch(r"wait-for-it(\.sh)?|wait-for(\.sh)?|dockerize|wait", name) and "--" in rest:
            rest = rest[rest.index("--") + 1 :]
        elif re.fullmatch(r"python[\d.]*", name) and (module := _module(rest)):
            rest = module
        else:
            break
    return tuple(_without_redirections(rest)), env


def _without_redirections(argv: list[str]) -> Iterator[str]:
    target = False
    for word in argv:
        if not target and not re.match(r"\d?[<>]|&>", word):
            yield word
        target = bool(re.fullmatch(r"\d?[<>]{1,2}|&>", word))


def _module(rest: list[str]) -> list[str]:
    """Of `python -u -m gunicorn app:app`, from `gunicorn` on."""
    index = next((i for i, word in enumerate(rest[1:], 1) if not re.fullmatch(r"-[uOBEIsS]+", word)), 0)
    return rest[index + 1 :] if index and rest[index] == "-m" else []


def _after_options(rest: list[str]) -> list[str]:
    while rest and rest[0].startswith("-"):
        if rest[0] == "--":
            return rest[1:]
        rest = rest[2:] if rest[0] in TAKES_A_VALUE else rest[1:]
    return rest


def commands_of(text: str) -> list[str]:
    """The single commands of a line: split at `;`, `&`, `&&`, `||`, `|` outside quotes; a shell's `-c` is opened."""
    found: list[str] = []
    for part in split(text):
        argv, _ = unwrap(words(part))
        if argv and argv[0].rpartition("/")[2] in ("sh", "bash", "ash", "zsh") and (inner := _dash_c(argv)):
            found += commands_of(inner)
        elif len(argv) == 1 and part.split()[0] == "eval" and " " in argv[0]:
            found += commands_of(argv[0])
        elif part.strip():
            found.append(part.strip())
    return found


def _dash_c(argv: tuple[str, ...]) -> str:
    for index, word in enumerate(argv[1:-1], 1):
        if re.fullmatch(r"-[a-z]*c", word):
            return argv[index + 1]
    return ""


def split(text: str) -> list[str]:
    """The parts of a line between `;`, `&`, `|` and line ends outside quotes and substitutions; comments left out."""
    parts, quote, depth, start, index = [], "", 0, 0, 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'":
            index += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif text.startswith(("$(", "${"), index):
            depth += 1
            index += 1
        elif char in ")}" and depth:
            depth -= 1
        elif not depth and char in ";&|\n" and not _redirects(text, index):
            parts.append(text[start:index])
            start = index + 1
        index += 1
    return [part for part in (*parts, text[start:]) if part.strip() and not part.lstrip().startswith("#")]


def _redirects(text: str, index: int) -> bool:
    """Whether the `&` there belongs to `2>&1` or `&>`."""
    return text[index] == "&" and (text[max(0, index - 1) : index] in (">", "<") or text[index + 1 : index + 2] == ">")
