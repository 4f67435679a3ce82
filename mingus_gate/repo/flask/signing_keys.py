"""The application's own keys as facts: where production takes what it signs and encrypts with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import env_reads, names_signing_key, production_settings, value_of
from mingus_gate.repo.flask.app import NOT_PRODUCTION
from mingus_gate.repo.python import Module, string, walk
from mingus_gate.repo.values import Value

JWT_CALLS = ("jwt.encode", "jwt.decode", "jose.jwt.encode", "jose.jwt.decode")
EXITS = ("sys.exit", "exit", "quit", "os._exit", "abort")

RANDOM = re.compile(r"token_hex|token_urlsafe|token_bytes|urandom|uuid[14]|generate_key|randbytes|random\.choice|choices\(")
STORED = re.compile(r"\bopen\(|read_text|read_bytes|get_secret|getsecret|get_parameter|access_secret_version|vault", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Key:
    """One place that gives the application a signing or encryption key. `name` is the setting's or the variable's."""

    name: str
    value: Value
    module: Module
    place: Place

    @property
    def made_up(self) -> bool:
        """Whether every process makes a new one."""
        return bool(RANDOM.search(self.value.unresolved))

    @property
    def stored(self) -> bool:
        """Whether it is read from a file or a secret store."""
        return bool(STORED.search(self.value.unresolved))


def signing_keys(repo: Repo) -> list[Key]:
    """Where production takes its own keys from: configuration, variables read beside it, constants and JWT calls. One for each line."""
    found = {
        (s.place.path, s.place.line): Key(s.key, value_of(repo, s), s.module, s.place) for s in production_settings(repo) if names_signing_key(s.key)
    }
    for read in repo.fact(env_reads):
        line = (read.place.path, read.place.line)
        if names_signing_key(read.name):
            found.setdefault(line, Key(read.name, read.value, read.module, read.place))
    for key in _literal_keys(repo):
        found.setdefault((key.place.path, key.place.line), key)
    return sorted(found.values(), key=lambda key: key.place)


def _literal_keys(repo: Repo) -> Iterator[Key]:
    """Keys written down beside the configuration: `JWT_SECRET = "…"` in a module, `jwt.encode(claims, "…")`."""
    for module in repo.python(b"SECRET_KEY", b"JWT_SECRET", b"ENCRYPTION_KEY", b"SECRET =", b"jwt.encode", b"jwt.decode", served=True):
        for name, nodes in module.constants.items():
            for node in nodes if names_signing_key(name) else ():
                if (
                    (text := string(node))
                    and text.upper() != name
                    and not NOT_PRODUCTION.fullmatch(module.path.rpartition("/")[2].removesuffix(".py"))
                ):
                    yield Key(name, Value((text,)), module, module.place(node))
        for call in module.nodes(ast.Call):
            text = string(call.args[1]) if len(call.args) > 1 and module.name(call.func) in JWT_CALLS else None
            if text:
                yield Key("the JWT key", Value((text,)), module, module.place(call))


def refused_at(repo: Repo, key: Key, texts: list[str | bytes]) -> Place | None:
    """Where the start is refused with the fallback: a condition on its text, or on the variable being given, that raises; or an `assert` of it."""
    names = key.value.env or (key.name,)
    words = [text if isinstance(text, bytes) else text.encode() for text in texts] + [name.encode() for name in names]
    for module in repo.python(*words, served=True):
        for claim in module.nodes(ast.Assert):
            if not isinstance(claim.test, ast.UnaryOp) and _asks_environment(module, claim.test, names):
                return module.place(claim)
        for test in module.nodes(ast.If):
            ends = any(isinstance(n, ast.Raise) or (isinstance(n, ast.Expr) and module.name(n.value) in EXITS) for n in test.body)
            if ends and (_names_text(module, test.test, texts) or _asks_environment(module, test.test, key.value.env)):
                return module.place(test)
    return None


def _names_text(module: Module, test: ast.expr, texts: list[str | bytes]) -> bool:
    """Whether a condition compares with one of `texts`, itself or in a list of them."""
    for node in walk(test):
        named = module.constants.get(node.id, []) if isinstance(node, ast.Name) else []
        if any(isinstance(n, ast.Constant) and n.value in texts for each in (node, *named) for n in walk(each)):
            return True
    return False


def _asks_environment(module: Module, test: ast.expr, names: tuple[str, ...]) -> bool:
    for node in walk(test):
        if (
            isinstance(node, ast.Call)
            and module.name(node.func) in ("os.getenv", "os.environ.get")
            and string(node.args[0] if node.args else None) in names
        ):
            return True
        if isinstance(node, ast.Compare) and string(node.left) in names and module.name(node.comparators[0]) == "os.environ":
            return True
    return False
