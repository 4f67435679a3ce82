"""nginx configurations as facts: their server blocks with every directive inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import MAX_TEXT, for_development
from mingus_gate.repo.tree import File

LEXEME = re.compile(
    r"#[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[{};]|(?:[^\s{};\"'#\\$]|\\.|\$\{\w+\}|\$)(?:\$\{\w+\}|\{\{[^{}]*\}\}|[^\s{};])*|\n"
)
LOCAL = re.compile(r"(127\.|localhost|unix:|\[::1\])")
PASSES_ON = {"proxy_pass", "uwsgi_pass", "fastcgi_pass"}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its words, and the blocks around it inside the server (`location /api`)."""

    name: str
    args: tuple[str, ...]
    place: Place
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """A `server { … }`. `above` are the directives of the blocks around it (`http`), which it inherits."""

    place: Place
    directives: list[Directive] = field(default_factory=list)
    above: list[Directive] = field(default_factory=list)

    def all(self, name: str) -> list[Directive]:
        """The directives of that name, inherited ones only where it has none of its own."""
        own = [d for d in self.directives if d.name == name]
        return own or [d for d in self.above if d.name == name]

    @property
    def tls(self) -> bool:
        return any("ssl" in d.args or d.args[:1] == ("443",) for d in self.all("listen")) or any(d.args[:1] == ("on",) for d in self.all("ssl"))

    @property
    def plain(self) -> bool:
        """Whether it listens without TLS, and to others than this machine."""
        names = {name for d in self.directives if d.name == "server_name" for name in d.args}
        listens = [d for d in self.directives if d.name == "listen"]
        return not self.tls and names != {"localhost"} and not any(LOCAL.match(d.args[0]) for d in listens if d.args)

    @property
    def redirects_to_https(self) -> bool:
        return any(
            (d.name == "return" and d.args and d.args[-1].strip("\"'").startswith(("https://", "$scheme_https")))
            or (d.name == "rewrite" and len(d.args) > 1 and d.args[1].startswith("https://"))
            for d in self.directives
        )

    @property
    def passes_on(self) -> bool:
        """Whether it hands requests to an application."""
        return any(d.name in PASSES_ON for d in self.directives)


def server_blocks(repo: Repo) -> list[ServerBlock]:
    """Every server block of the nginx configurations that are not for development, in path and line order."""
    found = [block for file in repo.files(roles=(Role.PRODUCTION, Role.EXAMPLE)) if _is_nginx(file) for block in list(_blocks(file))]
    return [block for block in found if not _for_development(block)]


def _for_development(block: ServerBlock) -> bool:
    """Whether its certificate's file name says so (`shop_dev.pem`); the folders above may be called local or test for other reasons."""
    return any(for_development(d.args[0].rpartition("/")[2]) for d in block.directives if d.name == "ssl_certificate" and d.args)


def _is_nginx(file: File) -> bool:
    if file.role is Role.EXAMPLE and not re.search(r"\.(conf|nginx)\.(template|tpl|j2)$|(^|/)templates/[^/]*\.conf", file.path):
        return False
    if not re.search(r"nginx|\.conf(\.\w+)?$|(^|/)sites-(available|enabled)/", file.path, re.IGNORECASE) or for_development(file.path):
        return False
    return not file.path.endswith((".py", ".md", ".js", ".sh", ".yml", ".yaml")) and bool(re.search(rb"(?m)^[ \t]*server\s*\{", file.data))


def _blocks(file: File) -> Iterator[ServerBlock]:
    stack: list[str] = []
    above: list[Directive] = []
    current: ServerBlock | None = None
    depth_of_server = 0
    for words, ending, line in _statements(file.text[:MAX_TEXT]):
        place = Place(file.path, line)
        if ending == "}":
            if current is not None and len(stack) == depth_of_server:
                current = None
            if stack:
                stack.pop()
        elif ending == "{":
            stack.append(" ".join(words))
            if words == ["server"] and current is None:
                current, depth_of_server = ServerBlock(place, above=above), len(stack)
                yield current
        elif words:
            if current is not None:
                current.directives.append(Directive(words[0], tuple(words[1:]), place, tuple(stack[depth_of_server:])))
            else:
                above.append(Directive(words[0], tuple(words[1:]), place))


def _statements(text: str) -> Iterator[tuple[list[str], str, int]]:
    """(words, ending, line of the first word) for each directive and block."""
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"\{\{[^\n]*?\}\}", "$TEMPLATE", text)
    words: list[str] = []
    line, first = 1, 1
    for match in LEXEME.finditer(text):
        lexeme = match[0]
        if lexeme == "\n":
            line += 1
        elif lexeme in "{};":
            yield words, lexeme, first if words else line
            words = []
        elif not lexeme.startswith("#"):
            if not words:
                first = line
            words.append(lexeme.strip("\"'"))
            line += lexeme.count("\n")
