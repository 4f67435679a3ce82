"""Security headers as facts: what code and the proxy's configuration send."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Place
from mingus_gate.repo import Repo

TALISMANS = ("flask_talisman.Talisman", "flask_talisman.talisman.Talisman", "talisman.Talisman")
NOSNIFF, FRAMING = "x-content-type-options", {"x-frame-options", "content-security-policy"}
PROXY = re.compile(r"\.(conf|nginx|vhost|j2|htaccess|tmpl|template)$|nginx|apache|httpd|Caddyfile|sites-(available|enabled)|(^|/)_headers$")
SETS_HEADER = re.compile(
    r"^(?!\s*#)(?!.*(?:\bunset\b|hide_header)).*header.*?(X-Content-Type-Options|X-Frame-Options|Content-Security-Policy)", re.IGNORECASE
)


def sent_headers(repo: Repo) -> dict[str, Place]:
    """Each header of `NOSNIFF` and `FRAMING` that is named, and where first."""
    found: dict[str, Place] = {}
    for name, place in _sent(repo):
        found.setdefault(name, place)
    return found


def header_extensions(repo: Repo) -> list[tuple[str, Place]]:
    """Calls of extensions that send all of them: Talisman, secure."""
    names = (*TALISMANS, "secure.Secure", "secure.SecureHeaders", "secure.Secure.with_default_headers")
    return [
        (module.name(call.func).rpartition(".")[2], module.place(call))
        for module in repo.python(b"alisman", b"from secure", b"import secure", served=True)
        for call in module.nodes(ast.Call)
        if module.name(call.func) in names
    ]


def _sent(repo: Repo) -> Iterator[tuple[str, Place]]:
    """The headers that code or a proxy's configuration names, and where."""
    names = (b"X-Content-Type-Options", b"X-Frame-Options", b"Content-Security-Policy")
    for module in repo.python(*names, *(name.lower() for name in names), served=True):
        for node in module.nodes(ast.Constant):
            text = node.value.lower() if isinstance(node.value, str) else ""
            parent = module.parent(node)
            if text in {NOSNIFF} | FRAMING and isinstance(parent, ast.Subscript | ast.Call | ast.Dict | ast.Tuple):
                yield text, module.place(node)
    for file in repo.files():
        if PROXY.search(file.path) and file.mentions(*names, *(name.lower() for name in names)):
            for number, line in enumerate(file.lines, 1):
                if match := SETS_HEADER.match(line):
                    yield match[1].lower(), Place(file.path, number)
