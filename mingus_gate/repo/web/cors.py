"""Cross-origin answers as facts: what flask-cors and hand-written headers allow."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests, settings
from mingus_gate.repo.flask.configured import configured
from mingus_gate.repo.python import Module, keyword, source_of, string
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.cors_by_hand import written_policies
from mingus_gate.repo.web.cors_policy import Policy, is_true

MAX_STEPS = 6


def policies(repo: Repo) -> list[Policy]:
    """Every cross-origin policy of the served application, in path and line order."""
    found = [*_flask_cors(repo), *written_policies(repo)]
    return sorted(found, key=lambda policy: policy.place)


def _flask_cors(repo: Repo) -> Iterator[Policy]:
    for module, call in repo.calls("flask_cors.CORS", "flask_cors.cross_origin", served=True):
        if only_for_tests(module, call):
            continue
        if module.name(call.func).endswith(".CORS") and not call.args and keyword(call, "app") is None:
            for other, later in _later(repo, module, call):
                yield from _switched(repo, other, later, {**_given(module, call), **_given(other, later)})
        else:
            yield from _switched(repo, module, call, _given(module, call))


def _switched(repo: Repo, module: Module, call: ast.Call, given: Mapping[str, tuple[Module, ast.expr]]) -> Iterator[Policy]:
    switch = _switch(repo, module, call)
    yield from (replace(policy, switch=switch) for policy in _policies(repo, module, call, given))


def _switch(repo: Repo, module: Module, call: ast.Call) -> str:
    """The setting or variable whose `if` stands around the call, where nothing in the tree turns it on."""
    tests = (above.test for above in module.ancestors(call) if isinstance(above, ast.If))
    read = (test for test in tests if _configured(module, test) or module.name(test) in ("os.environ.get", "os.getenv"))
    return next((source_of(test) for test in read if not configured(repo, module, test).may_be(bool)), "")


def _later(repo: Repo, module: Module, call: ast.Call) -> Iterator[tuple[Module, ast.Call]]:
    """Of `cors = CORS()`, the calls of `cors.init_app`."""
    parent = module.parent(call)
    names = {target.id for target in parent.targets if isinstance(target, ast.Name)} if isinstance(parent, ast.Assign) else set()
    for other, later in repo.calls("*.init_app", served=True):
        if other.name(later.func).split(".")[-2:-1] in [[name] for name in names]:
            yield other, later


@dataclass(frozen=True, slots=True)
class Origins:
    """What an expression for origins may hold."""

    texts: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    unresolved: str = ""

    def __or__(self, other: Origins) -> Origins:
        return Origins(self.texts + other.texts, self.env + other.env, self.unresolved or other.unresolved)


def _given(module: Module, call: ast.Call) -> dict[str, tuple[Module, ast.expr]]:
    return {word.arg or "**": (module, word.value) for word in call.keywords}


def _policies(repo: Repo, module: Module, call: ast.Call, given: Mapping[str, tuple[Module, ast.expr]]) -> Iterator[Policy]:
    place = module.place(call)
    general = _origins_of(repo, given.get("origins"), "CORS_ORIGINS")
    credentials = _truth(repo, given.get("supports_credentials"), "CORS_SUPPORTS_CREDENTIALS")
    if "**" in given:
        hidden = source_of(given["**"][1])
        yield Policy(
            place, general.texts if "origins" in given else (), general.env, hidden, credentials if "supports_credentials" in given else None
        )
        return
    resources = _resources(*given["resources"]) if "resources" in given else []
    for where, options in resources:
        origins = _origins(repo, where, options["origins"]) if "origins" in options else general
        own = _truth(repo, (where, options["supports_credentials"]), "") if "supports_credentials" in options else credentials
        yield Policy(where.place(options.get("origins", call)), origins.texts, origins.env, origins.unresolved, own)
    if not resources:
        yield Policy(place, general.texts, general.env, general.unresolved, credentials)


def _resources(module: Module, node: ast.expr) -> list[tuple[Module, dict[str, ast.expr]]]:
    """The options of each resource of `{r"/api/*": {"origins": …}}`; a list of patterns has none of its own."""
    if isinstance(node, ast.Name) and len(module.constants.get(node.id, [])) == 1:
        node = module.constants[node.id][0]
    if not isinstance(node, ast.Dict):
        return []
    return [
        (module, {text: item for key, item in zip(value.keys, value.values, strict=True) if (text := string(key))})
        for value in node.values
        if isinstance(value, ast.Dict)
    ]


def _origins_of(repo: Repo, given: tuple[Module, ast.expr] | None, setting: str) -> Origins:
    if given is not None:
        return _origins(repo, *given)
    if values := settings(repo, setting):
        return _origins(repo, values[-1].module, values[-1].node)
    return Origins(("*",))


def _origins(repo: Repo, module: Module, node: ast.expr, steps: int = MAX_STEPS) -> Origins:
    """The texts in a string, a list, a comprehension over one, or what splits, strips or compiles one."""
    parts = _parts(module, node)
    if parts is None and steps:
        steps -= 1
        if key := _configured(module, node):
            return _from_settings(repo, key, node, steps)
        parts = _assigned_to(module, node)[:8] or None if isinstance(node, ast.Name) else None
    if parts is None:
        return _plain(repo.resolve(module, node))
    found = Origins()
    for part in parts:
        found = found | _origins(repo, module, part, steps)
    return _split(found)


def _parts(module: Module, node: ast.expr) -> list[ast.expr] | None:
    """The expressions whose texts are those of `node`; None where it is not made of others."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            return [item.value if isinstance(item, ast.Starred) else item for item in node.elts]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return [node.generators[0].iter]
        case ast.Call(func=ast.Attribute(attr="split" | "strip" | "rstrip" | "lstrip" | "lower", value=value)):
            return [value]
        case ast.Call(args=[*_, last]) if module.name(node.func) in ("list", "set", "tuple", "re.compile", "str", "filter", "map"):
            return [last]
        case ast.BinOp(op=ast.Add(), left=left, right=right) if not isinstance(left, ast.Constant):
            return [left, right]
        case ast.IfExp():
            return [node.body, node.orelse]
    return None


def _from_settings(repo: Repo, key: str, node: ast.expr, steps: int) -> Origins:
    given = settings(repo, key)
    return _origins(repo, given[-1].module, given[-1].node, steps) if given else Origins(unresolved=source_of(node))


def _configured(module: Module, node: ast.expr) -> str:
    """The key of `app.config["KEY"]` and `app.config.get("KEY")`."""
    if isinstance(node, ast.Subscript) and module.name(node.value).endswith(".config"):
        return string(node.slice) or ""
    if isinstance(node, ast.Call) and module.name(node.func).endswith(".config.get") and node.args:
        return string(node.args[0]) or ""
    return ""


def _assigned_to(module: Module, node: ast.Name) -> list[ast.expr]:
    """What production assigns to a name in the function around it, else at module level."""
    function = module.function_around(node)
    local = [
        value
        for target, value in module.assignments()
        if isinstance(target, ast.Name) and target.id == node.id and module.function_around(target) is function and not only_for_tests(module, target)
    ]
    return local or [v for v in module.constants.get(node.id, []) if not only_for_tests(module, v)]


def _plain(value: Value) -> Origins:
    texts = list(value.texts)
    for literal in value.literals:
        if isinstance(literal, list):
            texts += [text for item in literal if isinstance(item, Value) for text in item.texts]
    return _split(Origins(tuple(texts), value.env, value.unresolved))


def _split(origins: Origins) -> Origins:
    texts = tuple(part.strip() for text in origins.texts for part in text.split(",") if part.strip())
    return Origins(texts, origins.env, origins.unresolved)


def _truth(repo: Repo, given: tuple[Module, ast.expr] | None, setting: str) -> bool | None:
    if given is not None:
        return is_true(repo.resolve(*given))
    values = settings(repo, setting) if setting else []
    return is_true(values[-1].value) if values else False
