"""Environment variables as facts: every one that is read, with its default, and what its name says of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.flask.app import NOT_PRODUCTION, Setting, all_settings, only_for_tests, settings
from mingus_gate.repo.python import Function, Module, keyword, string, walk
from mingus_gate.repo.startup import guarded
from mingus_gate.repo.values import ENVIRONS, Value

GETTERS = {"os.getenv", "os.environ.get", "os.environ.pop", "decouple.config"}
LAST = {name.rpartition(".")[2] for name in GETTERS}
READERS = {"envparse.env", "environs.env", "decouple.config"}
SETTINGS_BASES = {"pydantic_settings.BaseSettings", "pydantic.BaseSettings", "pydantic.v1.BaseSettings"}
TRIGGERS = (b"environ", b"getenv", b"decouple", b"envparse", b"BaseSettings")

SIGNING = re.compile(
    r"(?:(?:FLASK|APP|APPLICATION|WTF|CSRF|JWT|SESSION|COOKIE|ACCESS|REFRESH|AUTH|WEB|SERVER|SECURITY|SIGNING|DEFAULT)_)*"
    r"(?:SECRET_KEY|SECRET|SIGNING_KEY|PASSWORD_SALT)|(?:\w+_)?(?:ENCRYPTION|FERNET)_KEY"
)
"""Names of the application's own keys: whoever knows one forges sessions and tokens or reads what is encrypted."""
SECRET = re.compile(r"(?:^|_)(?:PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY|AUTH_KEY|SECRET_KEY)S?(?:_\d+)?$")
NOT_SECRET = re.compile(
    r"(?:^|_)(?:FILE|PATH|DIR|URL|URI|HOST|NAME|USERNAME|HEADER|HEADERS|PREFIX|ALGORITHMS?|ALG|TYPE|ENABLED?|REQUIRED?|LENGTH|LEN|SIZE|MIN|MAX|LIMIT|TTL|AGE"
    r"|EXPIRES?|EXPIRY|EXPIRATION|LIFETIME|TIMEOUT|LEEWAY|ISSUER|AUDIENCE|LOCATION|ROUNDS|HASH|SCHEMES?|ID|ARN|VERSION|COUNT|INTERVAL"
    r"|DAYS|HOURS|MINUTES|SECONDS|DELTA|RESET|LOGIN|POLICY|SCOPES?|FIELD|ATTRIBUTE|ENDPOINT|ROUTE|PUBLIC|SITE|PUBLISHABLE|CHECK|ALLOW|ALLOWED|USE"
    r"|REGION|SALT_LENGTH|COMPLEXITY|STRENGTH|STORAGE|BACKEND|PROVIDER|VALIDITY|DURATION|PERIOD|ROTATION|LABEL|MODE|PLACEHOLDER|MASK|K8S|KUBE)(?:_|$)"
    r"|^(?:VITE|NEXT_PUBLIC|REACT_APP|VUE_APP|EXPO_PUBLIC|NUXT_PUBLIC|PUBLIC|GATSBY)_"
)
ENVIRONMENT = re.compile(
    r"(?:\w+_)?(?:FLASK_ENV|FLASK_CONFIG|APP_ENV|APP_ENVIRONMENT|APP_CONFIG|APP_SETTINGS|CONFIG_ENV|CONFIG_NAME|CONFIG_TYPE|DEPLOY_ENV|DEPLOYMENT_ENV|RUN_ENV|PYTHON_ENV)"
    r"|ENV|ENVIRONMENT|ENV_NAME|STAGE"
)
"""Names of the variable that says which environment this is."""


def names_signing_key(name: str) -> bool:
    return bool(SIGNING.fullmatch(name))


def names_secret(name: str) -> bool:
    """Whether a variable's name says that its value must be kept secret; public keys and settings about secrets do not."""
    return names_signing_key(name) or bool(SECRET.search(name) and not NOT_SECRET.search(name))


@dataclass(frozen=True, eq=False)
class EnvRead:
    """One place that reads an environment variable. `required` is True where its absence ends in an exception."""

    repo: Repo
    name: str
    module: Module
    node: ast.expr
    default: ast.expr | None = None
    required: bool = False

    @property
    def place(self) -> Place:
        return self.module.place(self.node)

    @cached_property
    def value(self) -> Value:
        """What it comes to with its default: that of the call, and of the `or` it stands in."""
        value = Value(env=(self.name,)) | (self.repo.resolve(self.module, self.default) if self.default is not None else Value())
        value = Value(tuple(v for v in value.literals if v is not None), value.env, value.unresolved, value.prefixes)
        node = self.node
        while isinstance(above := self.module.parent(node), ast.BoolOp) and isinstance(above.op, ast.Or):
            if (index := above.values.index(node)) + 1 < len(above.values):
                value = Value(tuple(v for v in value.literals if v), value.env, value.unresolved, value.prefixes)
            for other in above.values[index + 1 :]:
                value = value | self.repo.resolve(self.module, other)
            node = above
        return value


def env_reads(repo: Repo) -> list[EnvRead]:
    """Every read of a variable that the served application makes in production, in path and line order."""
    modules = list(repo.python(*TRIGGERS, served=True))
    found = [read for module in modules for read in _reads(repo, module)]
    wrappers = {function.name: (index, fallback) for module in modules for function, index, fallback in _wrappers(module)}
    if wrappers:
        found += _wrapped(repo, wrappers)
    hidden = {(s.place.path, s.place.line) for s in repo.fact(all_settings)} - {(s.place.path, s.place.line) for s in production_settings(repo)}
    return sorted((r for r in found if _in_production(r, hidden)), key=lambda read: read.place)


def production_settings(repo: Repo) -> list[Setting]:
    return settings(repo, *{s.key for s in repo.fact(all_settings)})


def _in_production(read: EnvRead, hidden: set[tuple[str, int]]) -> bool:
    """Not in a development class or file, not in a base class that production overrides, not below `__main__`."""
    folder, _, name = read.module.path.rpartition("/")
    if for_development(folder) or NOT_PRODUCTION.fullmatch(name.removesuffix(".py").replace("_", "")):
        return False
    if guarded(read.module, read.node) or only_for_tests(read.module, read.node):
        return False
    for node in read.module.ancestors(read.node):
        if isinstance(node, ast.ClassDef) and NOT_PRODUCTION.fullmatch(node.name):
            return False
        if isinstance(node, ast.stmt) and (read.module.path, node.lineno) in hidden:
            return False
    return True


def _reads(repo: Repo, module: Module) -> Iterator[EnvRead]:
    for call, name in _getters(module):
        if variable := string(call.args[0]):
            default = keyword(call, "default") or (call.args[1] if len(call.args) > 1 else None)
            yield EnvRead(repo, variable, module, call, default, default is None and name not in ("os.getenv", "os.environ.get"))
    for node in module.nodes(ast.Subscript):
        if isinstance(node.ctx, ast.Load) and module.name(node.value) == "os.environ" and (variable := string(node.slice)):
            yield EnvRead(repo, variable, module, node, required=True)
    for owner in module.nodes(ast.ClassDef):
        if any(module.name(base) in SETTINGS_BASES for base in owner.bases):
            yield from _fields(repo, module, owner)


def _getters(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """The calls that read a variable, and what they call."""
    readers = {name for name, nodes in module.constants.items() if any(module.name(node) in ENVIRONS for node in nodes)}
    readers |= {name for name, source in module.imports.items() if source in READERS}
    for call in module.nodes(ast.Call):
        func = call.func
        owner = func.value if isinstance(func, ast.Attribute) else func
        known = isinstance(owner, ast.Name) and owner.id in readers and getattr(func, "attr", "") not in ("read_env", "prefixed")
        last = func.attr if isinstance(func, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
        if call.args and (known or ((last in LAST or last in module.imports) and module.name(func) in GETTERS)):
            yield call, module.name(func)


def _fields(repo: Repo, module: Module, owner: ast.ClassDef) -> Iterator[EnvRead]:
    """The fields of a pydantic settings class; each reads the variable of its upper-cased name after the prefix."""
    prefix = next((string(word.value) or "" for word in walk(owner) if isinstance(word, ast.keyword) and word.arg == "env_prefix"), "")
    for field in owner.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id != "model_config":
            yield EnvRead(repo, f"{prefix}{field.target.id}".upper(), module, field.target, field.value, field.value is None)


def _wrappers(module: Module) -> Iterator[tuple[Function, int, int]]:
    """Functions that read the variable which one of their own parameters names: its index, and the default's or -1."""
    reads: list[tuple[ast.expr, ast.expr]] = [(call, call.args[0]) for call, _ in _getters(module)]
    reads += [(node, node.slice) for node in module.nodes(ast.Subscript) if module.name(node.value) == "os.environ"]
    for node, argument in reads:
        function = module.function_around(node)
        if isinstance(argument, ast.Name) and function and re.search(r"env|secret|require", function.name, re.IGNORECASE):
            names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
            if argument.id in names:
                yield function, names.index(argument.id), next((i for i, n in enumerate(names) if re.search(r"default|fallback", n)), -1)


def _wrapped(repo: Repo, wrappers: dict[str, tuple[int, int]]) -> Iterator[EnvRead]:
    """Calls of such functions that name a variable: `get_env("X")`, `bool_env("X", False)`."""
    for module, call in repo.calls(*wrappers, *(f"*.{name}" for name in wrappers), served=True):
        index, fallback = wrappers[module.name(call.func).rpartition(".")[2]]
        variable = string(call.args[index]) if len(call.args) > index else None
        if variable and re.fullmatch(r"[A-Z][A-Z0-9_]+", variable):
            default = keyword(call, "default", "fallback") or (call.args[fallback] if len(call.args) > fallback >= 0 else None)
            yield EnvRead(repo, variable, module, call, default)


def value_of(repo: Repo, setting: Setting) -> Value:
    """What a setting comes to, also where it hands a variable to a function that cannot be seen through: `to_bool(os.getenv("X"))`."""
    if setting.value.unresolved and not setting.value.literals and (read := repo.fact(_handed_on).get(setting.node)):
        return read.value
    return setting.value


def _handed_on(repo: Repo) -> dict[ast.expr, EnvRead]:
    """Settings' expressions that are a read of a variable, or calls around one."""
    unresolved = {s.node for s in repo.fact(all_settings) if s.value.unresolved}
    found: dict[ast.expr, EnvRead] = {}
    for read in repo.fact(env_reads):
        node: ast.AST | None = read.node
        while isinstance(node, ast.Call | ast.Subscript | ast.keyword):
            if isinstance(node, ast.expr) and node in unresolved:
                found.setdefault(node, read)
            node = read.module.parent(node)
    return found
