"""What of Stripe reaches browsers, and what browsers' CSRF protection does to Stripe's webhooks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.secrets import is_placeholder
from mingus_gate.repo.flask.app import settings
from mingus_gate.repo.flask.blueprints import mounts
from mingus_gate.repo.flask.forms import PROTECTIONS
from mingus_gate.repo.flask.routes import Route
from mingus_gate.repo.python import Module, string, walk
from mingus_gate.repo.tree import File

ANSWERS = ("render_template", "render_template_string", "jsonify", "make_response", "json_response")
SECRET_NAME = re.compile(
    r"stripe\w*(secret_?key|_sk|private_key|(webhook|endpoint|signing)_secret)$|^stripe_secret$|^stripe_sk(_\w+)?$", re.IGNORECASE
)
PUBLIC_NAME = re.compile(r"publishable|public_?key|(^|_)pk(_|$)", re.IGNORECASE)
CLIENT = (".html", ".htm", ".jinja", ".jinja2", ".j2", ".js", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".mjs")
CLIENT_PATH = re.compile(r"(^|/)(static|templates?|frontend|public|client|assets|components|pages)/|\.(html?|jinja2?|j2|vue|jsx|tsx|svelte)$")
TEST_KEY = re.compile(r"(?<![A-Za-z0-9_])(sk|rk)_test_[A-Za-z0-9]{16,}")
"""Live ones are reported by env-vars.literal-secrets, wherever they stand."""
BUNDLED = re.compile(
    r"(?:process\.env|import\.meta\.env)\.(?:REACT_APP|NEXT_PUBLIC|VITE|VUE_APP|EXPO_PUBLIC|GATSBY|PUBLIC)_\w*STRIPE\w*(?:SECRET(?:_KEY)?|_SK)\b"
)
PRINTED = re.compile(r"\{\{[^}]*\bconfig(?:\.|\[['\"]|\.get\(['\"])\w*STRIPE\w*SECRET\w*[^}]*\}\}")
PUBLIC = re.compile(r"\bloadStripe\(|\bStripe\(\s*['\"{]|\bpk_(?:live|test)_\w|publishable_?key", re.IGNORECASE)
MOST_PLACES = 3


def handed_out(repo: Repo) -> Iterator[tuple[str, Place]]:
    """Where a secret of Stripe's is sent to browsers: what is seen, and the place."""
    for module in repo.python(b"stripe", b"STRIPE", served=True):
        for call in module.nodes(ast.Call):
            if module.name(call.func).rpartition(".")[2] in ANSWERS:
                for name, value in _entries(call):
                    if secret := _secret(module, value):
                        yield f"`{secret}` is handed to the browser as {name}", module.place(value)
    for file in _client_files(repo):
        for pattern, what in (
            (TEST_KEY, "a secret test key of Stripe"),
            (BUNDLED, "a secret that is built into the script"),
            (PRINTED, "a secret printed by the template"),
        ):
            for match in pattern.finditer(file.text):
                if pattern is not TEST_KEY or not is_placeholder(match[0][8:]):
                    yield f"{what} is in {file.name}", _place(file, match.start())


def public_keys(repo: Repo) -> list[tuple[str, Place]]:
    """Where browsers are given what they may have: the publishable key."""
    found = []
    for module in repo.python(b"stripe", b"STRIPE", served=True):
        for call in module.nodes(ast.Call):
            if module.name(call.func).rpartition(".")[2] in ANSWERS:
                found += [
                    ("the publishable key is handed to the browser", module.place(v))
                    for n, v in _entries(call)
                    if PUBLIC_NAME.search(n) or PUBLIC_NAME.search(_last(v))
                ]
    for file in _client_files(repo):
        if match := PUBLIC.search(file.text):
            found.append((f"{file.name} uses the publishable key", _place(file, match.start())))
    return found[:MOST_PLACES]


def _client_files(repo: Repo) -> Iterator[File]:
    for file in repo.files(*CLIENT):
        if CLIENT_PATH.search(file.path) and not file.binary and file.mentions(b"stripe", b"Stripe", b"STRIPE", b"_test_"):
            yield file


def _place(file: File, start: int) -> Place:
    return Place(file.path, file.text.count("\n", 0, start) + 1)


def _entries(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The names and values that an answer is made of: keywords, and the entries of dictionaries."""
    yield from ((k.arg, k.value) for k in call.keywords if k.arg)
    for argument in call.args:
        for table in (n for n in walk(argument) if isinstance(n, ast.Dict)):
            yield from ((string(key) or "an entry", value) for key, value in zip(table.keys, table.values, strict=True) if key)


def _secret(module: Module, node: ast.expr) -> str:
    """The name of the secret that an expression is; nothing where it is only compared, measured or masked."""
    if isinstance(node, ast.BoolOp):
        return next((found for part in node.values if (found := _secret(module, part))), "")
    if isinstance(node, ast.IfExp):
        return _secret(module, node.body) or _secret(module, node.orelse)
    if module.name(node) == "stripe.api_key" and isinstance(node, ast.Attribute):
        return "stripe.api_key"
    name = _last(node)
    if name.lower() in ("secret_key", "secret") and isinstance(node, ast.Subscript) and "stripe" in ast.unparse(node.value).lower():
        return f"{ast.unparse(node.value)}[…]"
    if isinstance(node, ast.Attribute) and not name.isupper():  # a row of settings that an administrator edits
        return ""
    return name if SECRET_NAME.search(name) and not PUBLIC_NAME.search(name) else ""


def _last(node: ast.expr) -> str:
    """The name that says what an expression is: of `app.config["X"]`, `os.getenv("X")` and `settings.X`, X."""
    if isinstance(node, ast.Subscript):
        return string(node.slice) or ""
    if isinstance(node, ast.Call):
        reads = isinstance(node.func, ast.Attribute | ast.Name) and re.search(r"(^|\.)(get|getenv)$", ast.unparse(node.func))
        return (string(node.args[0]) or "") if reads and node.args else ""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class Exemptions:
    """What is exempt from CSRF protection. `unclear` is an exemption of something that could not be told."""

    everything: Place | None
    names: dict[str, Place]
    """Views by the last part of their name, blueprints by their key where that could be told."""
    unclear: str = ""

    def of(self, route: Route) -> Place | None:
        if any(re.search(r"(csrf|surf|xsrf)\w*\.exempt", name) for name in route.decorators):
            return route.place
        return self.everything or next((self.names[name] for name in (route.name, route.mount or route.owner) if name in self.names), None)


def protections(repo: Repo) -> str:
    """The extension that refuses every request without a token, and where; empty where there is none."""
    found = [f"{module.name(call.func).rpartition('.')[2]} at {module.place(call)}" for module, call in repo.calls(*PROTECTIONS, served=True)]
    return found[0] if found else ""


def exemptions(repo: Repo) -> Exemptions:
    off = [s for s in settings(repo, "WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT") if s.value.literal is False]
    names: dict[str, Place] = {}
    unclear = ""
    for module, call in repo.calls("*.exempt", served=True):
        if not call.args or not re.search(r"csrf|surf|xsrf", module.name(call.func), re.IGNORECASE):
            continue
        told = _exempted(repo, module, call.args[0])
        for name in told:
            names.setdefault(name, module.place(call))
        unclear = unclear or ("" if told else ast.unparse(call))
    return Exemptions(off[0].place if off else None, names, unclear)


def _exempted(repo: Repo, module: Module, node: ast.expr) -> list[str]:
    """The blueprints that `csrf.exempt(…)` is given, else the last parts of the names, also in a loop over them."""
    if text := string(node):
        return [text.rpartition(".")[2]]
    if isinstance(node, ast.Name):
        for above in module.ancestors(node):
            if isinstance(above, ast.For) and isinstance(above.target, ast.Name) and above.target.id == node.id:
                items = above.iter.elts if isinstance(above.iter, ast.List | ast.Tuple | ast.Set) else []
                return [name for item in items for name in _exempted(repo, module, item)]
    if isinstance(node, ast.Subscript) and "view_functions" in ast.unparse(node.value):
        return [(string(node.slice) or "").rpartition(".")[2]]
    if not isinstance(node, ast.Name | ast.Attribute):
        return []
    return [repo.fact(mounts).key(module, node) or ast.unparse(node).rpartition(".")[2]]
