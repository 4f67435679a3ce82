"""Flask as facts: applications, configuration keys and where production takes them from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Observation, Place, absent
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, string
from mingus_gate.repo.values import Value

NOT_PRODUCTION = re.compile(
    r"(dev|develop|development|debug|test|tests|testing|local|ci|e2e|sandbox|staging|stage)(config|configuration|settings)?", re.IGNORECASE
)
PRODUCTION = re.compile(r"(prod|production|live|heroku|docker|deploy)\w*", re.IGNORECASE)
CONFIG_CLASS = re.compile(r"(config|configuration|settings)$|^(config|settings|prod|dev|test|base)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class App:
    """A `Flask(...)` call: where, and the name it is bound to (empty where it is bound to none)."""

    module: Module
    call: ast.Call
    name: str

    @property
    def place(self) -> Place:
        return self.module.place(self.call)


@dataclass(frozen=True, eq=False)
class Setting:
    """One place where a configuration key is given a value. `owner` is the class, or "" for `app.config`."""

    repo: Repo
    module: Module
    key: str
    node: ast.expr
    """The expression it is given."""
    place: Place
    owner: str = ""

    @cached_property
    def value(self) -> Value:
        return self.repo.resolve(self.module, self.node)


def apps(repo: Repo) -> list[App]:
    """Every Flask application made in production code, also through a subclass or APIFlask and the like."""
    names = {"flask.Flask", "quart.Quart", "apiflask.APIFlask", "connexion.FlaskApp", "flask_openapi3.OpenAPI", "connexion.App"}
    names |= {
        node.name for module in repo.python(b"(Flask)") for node in module.nodes(ast.ClassDef) if any(module.name(b) in names for b in node.bases)
    }
    found = []
    for module in repo.python(*(name.rpartition(".")[2].encode() for name in names)):
        for call in module.nodes(ast.Call):
            dotted = module.name(call.func)
            if dotted in names or (dotted.rpartition(".")[2] in names and "." in dotted):
                found.append(App(module, call, _bound_name(module, call)))
    return found


def proven_absent(repo: Repo, looked_for: str) -> Iterator[Observation]:
    """The proof that a rule does not apply. Not finding a thing proves something only where an application was found."""
    if repo.fact(apps):
        yield absent(f"not used here: looked for {looked_for}")


def _bound_name(module: Module, call: ast.Call) -> str:
    parent = module.parent(call)
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0].id
    return ""


def all_settings(repo: Repo) -> list[Setting]:
    """Every place that gives a configuration key a value, of whatever environment, in path and line order."""
    found: list[Setting] = []
    for module in repo.python(b"config", b"Config", b"settings", b"Settings", b"secret_key", served=True):
        found += _assigned(repo, module)
        found += _called(repo, module)
        found += _classes(repo, module)
        found += _config_module(repo, module)
    return sorted(found, key=lambda setting: setting.place)


def settings(repo: Repo, *keys: str) -> list[Setting]:
    """What production gives `keys`: test and development classes left out, and a base class where the production class overrides it."""
    chosen = [s for s in repo.fact(all_settings) if s.key in keys and not _set_for_tests(s)]
    bases = repo.fact(_class_bases)
    production = [s for s in chosen if PRODUCTION.match(s.owner)]
    hidden = {(s.key, base) for s in production for base in _ancestors(s.owner, bases)}
    return [s for s in chosen if (s.key, s.owner) not in hidden]


def _set_for_tests(setting: Setting) -> bool:
    stem = setting.place.path.rpartition("/")[2].removesuffix(".py")
    return bool(NOT_PRODUCTION.fullmatch(setting.owner) or (setting.owner == "" and NOT_PRODUCTION.fullmatch(stem.replace("_", ""))))


def _class_bases(repo: Repo) -> dict[str, list[str]]:
    return {
        node.name: [module.name(base).rpartition(".")[2] for base in node.bases]
        for module in repo.python(b"Config", b"Settings", b"config", b"settings", served=True)
        for node in module.nodes(ast.ClassDef)
        if CONFIG_CLASS.search(node.name)
    }


def _ancestors(name: str, bases: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(bases.get(name, []))
    while waiting:
        base = waiting.pop()
        if base not in found:
            found.add(base)
            waiting += bases.get(base, [])
    return found


def _is_config(module: Module, node: ast.AST) -> bool:
    """`app.config`, `current_app.config`, `self.app.config`; not a model's or a parser's `config`."""
    if not (isinstance(node, ast.Attribute) and node.attr == "config"):
        return False
    owner = module.name(node.value).rpartition(".")[2]
    return owner in {"app", "current_app", "application", "server", "flask_app", "_app", "api", "webapp"} or owner.endswith("_app")


def _test_only(module: Module, node: ast.AST) -> bool:
    """Whether a statement runs only below `if testing`, `if app.debug`, or `if __name__ == "__main__"`."""
    return any(
        isinstance(above, ast.If)
        and re.search(r"\b(not\s+)?\w*(test|debug|development|local|__main__)\w*", ast.unparse(above.test), re.IGNORECASE)
        and not re.search(r"\bnot\b|!=", ast.unparse(above.test))
        and any(node is inner or node in ast.walk(inner) for inner in above.body)
        for above in module.ancestors(node)
    )


def _assigned(repo: Repo, module: Module) -> Iterator[Setting]:
    """`app.config["KEY"] = …`, `app.config.setdefault("KEY", …)`, `app.secret_key = …`."""
    for target, value in module.assignments():
        if isinstance(target, ast.Subscript) and _is_config(module, target.value):
            key = string(target.slice)
        elif isinstance(target, ast.Attribute) and target.attr in ("secret_key", "debug", "permanent_session_lifetime"):
            key = target.attr.upper() if module.name(target.value).rpartition(".")[2] in ("app", "application", "flask_app") else None
        else:
            continue
        if key and not _test_only(module, target):
            yield Setting(repo, module, key, value, module.place(target))


def _called(repo: Repo, module: Module) -> Iterator[Setting]:
    """`app.config.update(KEY=…)`, `.from_mapping(…)`, `.setdefault("KEY", …)`."""
    for call in module.nodes(ast.Call):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("update", "from_mapping", "setdefault")
            and _is_config(module, call.func.value)
        ):
            if not _test_only(module, call):
                yield from (Setting(repo, module, key, value, module.place(at)) for key, value, at in _given(call))


def _given(call: ast.Call) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """The keys and values a call hands to the configuration, and where each stands."""
    yield from ((word.arg, word.value, word) for word in call.keywords if word.arg)
    if len(call.args) == 2 and (key := string(call.args[0])):
        yield key, call.args[1], call
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            for key_node, value in zip(argument.keys, argument.values, strict=True):
                if key := string(key_node):
                    yield key, value, key_node or value


def _classes(repo: Repo, module: Module) -> Iterator[Setting]:
    """Upper-case attributes of classes named like configuration."""
    for target, value in module.assignments():
        owner = module.parent(module.parent(target) or target)
        if isinstance(target, ast.Name) and target.id.isupper() and isinstance(owner, ast.ClassDef) and CONFIG_CLASS.search(owner.name):
            yield Setting(repo, module, target.id, value, module.place(target), owner.name)


def _config_module(repo: Repo, module: Module) -> Iterator[Setting]:
    """Upper-case names of `config.py`, `settings.py`, `config/production.py`, read by `from_object` or `from_pyfile`."""
    folder, _, name = module.path.removesuffix(".py").rpartition("/")
    if not re.search(r"config|settings", name, re.IGNORECASE) and folder.rpartition("/")[2] not in ("config", "settings", "configs"):
        return
    for key, values in module.constants.items():
        if key.isupper():
            for value in values:
                statement = module.parent(value) or value
                if not _test_only(module, statement):
                    yield Setting(repo, module, key, value, module.place(statement))
