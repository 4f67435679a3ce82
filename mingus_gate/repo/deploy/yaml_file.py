"""YAML as plain data with line numbers kept. Nothing is constructed but texts, numbers, lists and mappings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mingus_gate.model import Place, Unread
from mingus_gate.repo.tree import File

if TYPE_CHECKING:
    from mingus_gate.repo import Repo

MAX_INDENT = 200
MAX_OPEN = 100
"""Nesting beyond these is refused: no deploy file comes near it and parsing it is not safe."""


class Map(dict[str, Any]):
    """A mapping; keys are texts as written (`on` stays "on"). `lines` tells where each key stands."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def map(self, key: str) -> Map:
        """The mapping below `key`, or an empty one."""
        value = self.get(key)
        return value if isinstance(value, Map) else Map(self.lines.get(key, self.line))

    def maps(self, key: str) -> list[Map]:
        """The mappings in the list below `key`."""
        value = self.get(key)
        return [item for item in value if isinstance(item, Map)] if isinstance(value, list) else []

    def text(self, key: str) -> str:
        """The scalar below `key` as text, or ""."""
        return scalar(self.get(key))

    def place(self, path: str, key: str = "") -> Place:
        return Place(path, self.lines.get(key, self.line))


class Items(list[Any]):
    """A list; `lines` tells where each item stands."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


def scalar(value: object) -> str:
    """A YAML scalar as the text a shell would see."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def documents(repo: Repo, file: File) -> list[Map]:
    """The mappings a YAML file holds, one a document. A file that does not parse is noted in `repo.blind`."""
    import yaml

    text = file.text
    if "{{" in text:  # a template's own marks are no YAML; what is left mostly is
        text = re.sub(r"(?m)^[ \t]*\{\{.*\}\}[ \t]*$", "", text)
        text = re.sub(r"\{\{[^{}\n]*\}\}", "TEMPLATE", text)
    problem, line = "", 1
    found: list[Map] = []
    if _too_deep(text):
        problem = "nested too deeply"
    else:
        try:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            nodes = list(yaml.compose_all(text, Loader=loader))
            found = [value for node in nodes if isinstance(value := _value(node, {}), Map)]
        except yaml.MarkedYAMLError as error:
            problem, line = f"YAML: {error.problem or 'not readable'}", error.problem_mark.line + 1 if error.problem_mark else 1
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            problem = f"YAML: {type(error).__name__}"
    if problem and "TEMPLATE" not in text:
        repo.not_parsed(Unread(file.path, problem, line))
    return found


def _too_deep(text: str) -> bool:
    """Whether flow brackets or indentation nest deeper than a parser's recursion should follow."""
    opened = 0
    for line in text.splitlines():
        if len(line) - len(line.lstrip(" ")) > MAX_INDENT or line.count("- - ") > MAX_OPEN:
            return True
        opened = max(0, opened + line.count("[") + line.count("{") - line.count("]") - line.count("}"))
        if opened > MAX_OPEN or max(line.count("["), line.count("{")) > 10 * MAX_OPEN:
            return True
    return False


def _value(node: Any, seen: dict[int, Any]) -> Any:
    """A composed node as plain data; aliases share one value, so that neither bombs nor loops unfold."""
    if id(node) in seen:
        return seen[id(node)]
    line = node.start_mark.line + 1
    if node.id == "scalar":
        return _scalar(node.tag, node.value)
    if node.id == "sequence":
        items = seen[id(node)] = Items()
        for item in node.value:
            items.append(_value(item, seen))
            items.lines.append(item.start_mark.line + 1)
        return items
    result = seen[id(node)] = Map(line)
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            merged = _value(value, seen)
            for other in merged if isinstance(merged, list) else [merged]:
                if isinstance(other, Map):
                    result.update({k: v for k, v in other.items() if k not in result})
                    result.lines.update({k: n for k, n in other.lines.items() if k not in result.lines})
        elif key.id == "scalar":
            result[key.value] = _value(value, seen)
            result.lines[key.value] = key.start_mark.line + 1
    return result


def _scalar(tag: str, text: str) -> str | int | float | bool | None:
    kind = tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on", "y")
    try:
        return int(text) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
