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
from mingus_gate.repo.served import CONFIG_NAME, served_paths
from mingus_gate.repo.values import Value

NOT_PRODUCTION = re.compile(
    r"(dev|develop|development|debug|test|tests|testing|local|ci|e2e|sandbox|staging|stage)(config|configuration|settings)?", re.IGNORECASE
)
PRODUCTION = re.compile(r"(prod|production|live|heroku|docker|deploy)\w*", re.IGNORECASE)
FOR_TESTS = re.compile(r"(?<![a-z])(test|debug|dev(?![a-z])|development|local(?!e)|stag(e|ing)(?![a-z])|stg)|__main__", re.IGNORECASE)
SHARED = re.compile(r"(default|base|common|shared|__init__|global|config|settings)(_?(config|settings))?", re.IGNORECASE)
FOR_PRODUCTION = re.compile(r"(?<![a-z])(is_?)?prod(uction)?(?![a-z])", re.IGNORECASE)
UNLESS_PRODUCTION = re.compile(r"(not\s+[\w.\[\]'\"]*|!=\s*['\"]|not in\s.*)prod", re.IGNORECASE)
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
    own = {node.name for module in repo.python(b"(Flask)") for node in module.nodes(ast.ClassDef) if any(module.name(b) in names for b in node.bases)}
    names |= own
    found = []
    for module in repo.python(b"Flask(", b"FlaskApp(", b"quart", b"connexion", b"flask_openapi3", *(f"{name}(".encode() for name in own)):
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
    modules = list(repo.python(b"onfig", b"ettings", b"secret_key", b"SECRET_KEY", b"CONFIG", b"CELERY", b"SQLALCHEMY", served=True))
    named = (f for f in repo.files(".py") if CONFIG_NAME.search(f.path) and f.path in repo.fact(served_paths))
    modules += [module for file in named if (module := repo.module(file)) and module not in modules]
    for module in modules:
        found += _assigned(repo, module)
        found += _called(repo, module)
        found += _classes(repo, module)
        found += _config_module(repo, module)
    return sorted(found, key=lambda setting: setting.place)


def settings(repo: Repo, *keys: str) -> list[Setting]:
    """What production gives `keys`: test and development classes left out, and a base class or shared file where the production one overrides it."""
    chosen = [s for s in repo.fact(all_settings) if s.key in keys and not _set_for_tests(s)]
    bases = repo.fact(_class_bases)
    production = [s for s in chosen if PRODUCTION.match(s.owner)]
    hidden = {(s.key, base) for s in production for base in _ancestors(s.owner, bases)}
    beside = {(s.key, _folder(s)) for s in chosen if not s.owner and PRODUCTION.fullmatch(_stem(s))}
    shared = {s for s in chosen if not s.owner and SHARED.fullmatch(_stem(s)) and (s.key, _folder(s)) in beside}
    return [s for s in chosen if (s.key, s.owner) not in hidden and s not in shared]


def _folder(setting: Setting) -> str:
    return setting.place.path.rpartition("/")[0]


def _stem(setting: Setting) -> str:
    return setting.place.path.rpartition("/")[2].removesuffix(".py")


def _set_for_tests(setting: Setting) -> bool:
    return bool(NOT_PRODUCTION.fullmatch(setting.owner) or (setting.owner == "" and NOT_PRODUCTION.fullmatch(_stem(setting).replace("_", ""))))


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


def only_for_tests(module: Module, node: ast.AST) -> bool:
    """Whether a statement runs only below `if testing`, `if app.debug`, `if __name__ == "__main__"`, or the `else` of `if production`."""
    child = node
    for above in module.ancestors(node):
        if isinstance(above, ast.If) and child is not above.test:
            test = ast.unparse(above.test)
            here = any(child is statement for statement in above.body)
            negated = bool(re.search(r"\bnot\b|!=", test))
            if FOR_TESTS.search(test) and here and not negated:
                return True
            if FOR_PRODUCTION.search(test) and here is bool(UNLESS_PRODUCTION.search(test)):
                return True
        child = above
    return False


def _assigned(repo: Repo, module: Module) -> Iterator[Setting]:
    """`app.config["KEY"] = …`, `app.config.setdefault("KEY", …)`, `app.secret_key = …`."""
    for target, value in module.assignments():
        if isinstance(target, ast.Subscript) and _is_config(module, target.value):
            key = string(target.slice)
        elif isinstance(target, ast.Attribute) and target.attr in ("secret_key", "debug", "permanent_session_lifetime"):
            key = target.attr.upper() if module.name(target.value).rpartition(".")[2] in ("app", "application", "flask_app") else None
        else:
            continue
        if key and not only_for_tests(module, target):
            yield Setting(repo, module, key, value, module.place(target))


def _called(repo: Repo, module: Module) -> Iterator[Setting]:
    """`app.config.update(KEY=…)`, `.from_mapping(…)`, `.setdefault("KEY", …)`."""
    for call in module.nodes(ast.Call):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("update", "from_mapping", "setdefault")
            and _is_config(module, call.func.value)
        ) and not only_for_tests(module, call):
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
        owner = module.enclosing(target, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
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
                if not only_for_tests(module, statement):
                    yield Setting(repo, module, key, value, module.place(statement))
