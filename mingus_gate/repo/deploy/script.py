"""Shell scripts, read and never run: which of their commands are reached in production."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from mingus_gate.repo.deploy.nouns import lines
from mingus_gate.repo.deploy.shell import ASSIGNMENT, expand, split, words

DEVELOPMENT = re.compile(r"develop|debug|\bdev\b|_dev\b|\blocal\b|['\"]test(ing)?['\"]|--reload", re.IGNORECASE)
PRODUCTION = re.compile(r"prod", re.IGNORECASE)
FUNCTION = re.compile(r"(?:function\s+)?([\w-]+)\s*\(\s*\)\s*\{?(.*)|function\s+([\w-]+)\s*\{?(.*)")
FIRST_ARGUMENT = re.compile(r"[\"']?\$\{?1(?::?-[^{}]*)?\}?[\"']?")
ALL_ARGUMENTS = re.compile(r"\"?\$[@*]\"?|\"?\$\{[@*]\}\"?")


@dataclass(frozen=True, slots=True)
class Arm:
    """One branch of a `case` or an `if` around a command. `opens` is the line of the `case` or `if`.

    `pattern` is what the first argument must match (`*` for an `else`), "" where another thing is tested.
    """

    opens: int
    pattern: str = ""
    development: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One command of a script; `number` is 0 for what the script was given (`exec "$@"`)."""

    text: str
    number: int
    function: str = ""
    arms: tuple[Arm, ...] = ()


@dataclass
class Script:
    """A shell script: its commands in order and its variables."""

    lines: list[Line] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def reached(self, arguments: tuple[str, ...] = ()) -> Iterator[Line]:
        """The commands that run when the script is given `arguments`: functions not called, branches not taken, those
        for development, and what stands behind an `exec` are left out."""
        return self._reached(arguments, "", {line.function for line in self.lines if line.function})

    def _reached(self, arguments: tuple[str, ...], function: str, names: set[str]) -> Iterator[Line]:
        """`names` are the functions not yet entered: each is read once."""
        for line in self.lines:
            if line.function != function or not all(self._taken(arm, arguments) for arm in line.arms):
                continue
            head = line.text.split()[0]
            if head in names:
                names.remove(head)
                yield from self._reached(arguments, head, names)
            elif arguments and ALL_ARGUMENTS.search(line.text):
                text, count = ALL_ARGUMENTS.subn(lambda _: shlex.join(arguments), line.text)
                yield Line(text, 0 if count and ALL_ARGUMENTS.fullmatch(line.text.removeprefix("exec ").split(" -")[0].strip()) else line.number)
            else:
                yield line
            if head == "exec" and all(arm.pattern and arguments for arm in line.arms):
                return

    def _taken(self, arm: Arm, arguments: tuple[str, ...]) -> bool:
        if not arm.pattern or not arguments:
            return not arm.development
        patterns = dict.fromkeys(a.pattern for line in self.lines for a in line.arms if a.opens == arm.opens)
        return next((p for p in patterns if p != "*" and _matches(p, arguments[0])), "*") == arm.pattern


def read_script(text: str) -> Script:
    """The commands of a shell script with the functions and branches around them."""
    reader = _Reader()
    for number, line in _logical_lines(text):
        reader.line(number, line)
    return reader.script


class _Reader:
    def __init__(self) -> None:
        self.script = Script()
        self.function = ""
        self.branches: list[tuple[str, Arm, Arm]] = []
        """Of each open `if` and `case`: its keyword and the present arm, and for an `if` that of its `else`."""

    def line(self, number: int, text: str) -> None:
        text, closes_function = self._function(text)
        if self._in_case() and (match := re.match(r"\(?([^()\s][^()]*)\)\s*(.*)", text)):
            keyword, case, _ = self.branches[-1]
            arm = Arm(case.opens, match[1].strip() if case.pattern else "", bool(DEVELOPMENT.search(match[1])))
            self.branches[-1] = (keyword, arm, case)
            text = match[2]
        for part in split(text):
            self._part(part.strip(), number)
        if text.endswith((";;", ";;&", ";&")) and self.branches:
            keyword, _, case = self.branches[-1]
            self.branches[-1] = (keyword, case, case)
        if closes_function:
            self.function = ""

    def _function(self, text: str) -> tuple[str, bool]:
        if match := FUNCTION.match(text):
            self.function = match[1] or match[3]
            body = (match[2] or match[4] or "").strip()
            return (body[:-1].rstrip("; "), True) if body.endswith("}") else (body, False)
        return text, text == "}"

    def _in_case(self) -> bool:
        """Whether an arm's pattern may come next."""
        return bool(self.branches) and self.branches[-1][0] == "case" and self.branches[-1][1] is self.branches[-1][2]

    def _part(self, part: str, number: int) -> None:
        head, _, rest = part.partition(" ")
        if head in ("then", "else", "do"):
            if head == "else" and self.branches:
                keyword, _, other = self.branches[-1]
                self.branches[-1] = (keyword, other, other)
            if rest.strip():
                self._part(rest.strip(), number)
        elif head in ("if", "elif", "case"):
            self._open(head, rest, number)
        elif head in ("fi", "esac"):
            del self.branches[-1:]
        elif head not in ("for", "while", "until", "done", "}", "{", "[", "[[") and not self._assigns(part):
            arms = tuple(arm for keyword, arm, case in self.branches if keyword == "if" or arm is not case)
            self.script.lines.append(Line(part, number, self.function, arms))

    def _open(self, head: str, rest: str, number: int) -> None:
        if head == "elif":
            number = self.branches.pop()[1].opens if self.branches else number
        if head == "case":
            subject = FIRST_ARGUMENT.fullmatch(rest.removesuffix(" in").strip())
            case = Arm(number, "?" if subject else "")
            self.branches.append(("case", case, case))
        else:
            self.branches.append(("if", *_if_arms(rest, number)))

    def _assigns(self, part: str) -> bool:
        match = ASSIGNMENT.fullmatch(part.removeprefix("export ").strip())
        if match is None or len(words(match[2])) > 1:
            return False
        value = "".join(words(match[2]))
        if not re.search(rf"\$\{{?{match[1]}\}}?(?!\w|:?-)", value):  # PATH=$PATH:x tells nothing
            others = {k: v for k, v in self.script.variables.items() if k != match[1]}
            self.script.variables.setdefault(match[1], expand(value, others))
        return True


def _if_arms(condition: str, number: int) -> tuple[Arm, Arm]:
    """The arm below `if condition` and that of its `else`."""
    given = re.search(rf"{FIRST_ARGUMENT.pattern}\s*==?\s*[\"']?([\w.-]+)[\"']?\s*\]", condition)
    if given and "&" not in condition:
        return Arm(number, given[1]), Arm(number, "*")
    negated = bool(re.search(r"!=|(^|\[|\s)!\s", condition))
    if DEVELOPMENT.search(condition):
        return Arm(number, "", not negated), Arm(number, "", negated)
    if PRODUCTION.search(condition):
        return Arm(number, "", negated), Arm(number, "", not negated)
    return Arm(number), Arm(number)


def _matches(pattern: str, word: str) -> bool:
    return any(fnmatchcase(word, part.strip(" \"'(")) for part in pattern.split("|"))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined, comments and here-documents left out."""
    written = lines(text)
    index = 0
    while index < len(written):
        number, line = index + 1, written[index].strip()
        index += 1
        if line.startswith("#"):
            continue
        while line.endswith("\\") and index < len(written):
            line = f"{line[:-1].rstrip()} {written[index].strip()}"
            index += 1
        if match := re.search(r"<<-?\s*['\"]?(\w+)['\"]?", line):
            while index < len(written) and written[index].strip() != match[1]:
                index += 1
            index += 1
        line = re.sub(r"(^|\s)#[^'\"]*$", "", line).strip()
        if line:
            yield number, line
