"""Back doors as facts: where served code lets somebody in for a value that stands in the source, and where it compares with what is stored."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests
from mingus_gate.repo.python import Function, Module, string, walk

SECRET = re.compile(r"(^|_)(token|password|passwd|pwd|passphrase|secret|api_?key|otp|pin)$", re.IGNORECASE)
USER = re.compile(r"(^|_)(email|user|user_?name|login)$", re.IGNORECASE)
SWITCH = re.compile(
    r"^(x[-_])?(bypass|back_?door|skip|no|disable)[-_]?(auth\w*|login|csrf|captcha|otp|2fa|mfa|security)?$|^x[-_](test|bypass|mock|fake)([-_]\w+)*$",
    re.IGNORECASE,
)
"""How the headers and parameters are named that ask to be let in; bare `skip` and `no` only page through lists."""
DECIDES = re.compile(
    r"valid|verif|authent|authori[sz]|csrf|log_?in|sign_?in|check_\w*(token|password|key|secret|credential|auth)|requires?_|is_allowed"
)
FOR_TESTS = re.compile(
    r"test(ing)?_?mode|[Tt]esting\b|TESTING|\.debug\b|DEBUG|FLASK_ENV|APP_ENV|ENVIRONMENT|environ|getenv|is_(dev|test|debug|local)|config|settings"
)
LETS_IN = re.compile(r"(^|\.)(login_user|do_login|create_access_token|create_token|generate_token|issue_token|confirm_login)$|^jwt\.encode$")
IDENTITY = re.compile(r"(user|logged|auth|admin|role|is_)", re.IGNORECASE)
STORED = re.compile(r"(^|\.)(check_password_hash|check_password|verify_password|checkpw|compare_digest|safe_str_cmp|pwd_context\.verify|ph\.verify)$")
NO_SECRET = re.compile(r"true|false|null|none|undefined|nan|bearer|basic|token|password|secret|required|invalid|expired|\*+|\W*", re.IGNORECASE)
TYPED = re.compile(r"\brequest\.(form|json|get_json|args|values)\b|\bform\.\w+\.data\b")
TEST_USER = re.compile(r"^(test\w*|admin\w*|root|master|superuser|dev\w*|backdoor)(@[\w.-]+)?$|@(test|example)\.\w+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Gate:
    """A place that decides who gets in. `opens` says for what value of the source it opens; empty where it compares with what is stored."""

    name: str
    place: Place
    opens: str = ""


def gates(repo: Repo) -> list[Gate]:
    """Every such place of served code, in path and line order."""
    found: list[Gate] = []
    words = (b"request", b"token", b"password", b"login", b"csrf", b"check_password", b"compare_digest", b"checkpw")
    for module in repo.python(*words, served=True):
        names = {call: module.name(call.func) for call in module.nodes(ast.Call)}
        found += [Gate(name.rpartition(".")[2], module.place(call)) for call, name in names.items() if STORED.search(name)]
        for node in module.nodes(ast.If):
            function = module.function_around(node)
            if function and (opens := _opens(repo, module, function, node)) and _runs(repo, module, function, node):
                found.append(Gate(function.name, module.place(node.test), opens))
        for answer in module.nodes(ast.Return):
            function = module.function_around(answer)
            if function and isinstance(answer.value, ast.BoolOp) and isinstance(answer.value.op, ast.And):
                opens = _pair(repo, module, answer.value.values, ast.Eq)
                if opens and DECIDES.search(function.name) and _runs(repo, module, function, answer):
                    found.append(Gate(function.name, module.place(answer), opens))
    return sorted(found, key=lambda gate: gate.place)


def _opens(repo: Repo, module: Module, function: Function, node: ast.If) -> str:
    """What of the source an `if` lets somebody in for, in words; else empty."""
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    alone = not isinstance(node.test, ast.BoolOp)
    either = alone or (isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or))
    if not alone and either and (pair := _pair(repo, module, tests, ast.NotEq)) and _refuses(node.body):
        return pair
    if not _lets_in(module, function, node.body):
        return ""
    if not either and (pair := _pair(repo, module, tests, ast.Eq)):
        return pair
    for test in tests if either else []:
        if name := _compared(repo, module, test, SECRET, ast.Eq):
            return f"a `{name}` that stands in the source"
    named = _compared(repo, module, node.test, USER, ast.Eq, TEST_USER) if alone and TYPED.search(ast.unparse(function)) else ""
    if named and not _checks_before(module, function, node):
        return f"a `{named}` that stands in the source, without a password"
    switches = [name for test in tests for name in _switches(test)]
    if switches and either and not _checks_before(module, function, node):
        return f"whoever sends `{switches[0]}`"
    return ""


def _pair(repo: Repo, module: Module, tests: list[ast.expr], operator: type[ast.cmpop]) -> str:
    """A user's name and a password that are both compared with literals, the whole of the test."""
    users = [name for test in tests if (name := _compared(repo, module, test, USER, operator))]
    secrets = [name for test in tests if (name := _compared(repo, module, test, SECRET, operator))]
    return f"a `{users[0]}` and a `{secrets[0]}` that stand in the source" if users and secrets and len(tests) == 2 else ""


def _compared(
    repo: Repo, module: Module, test: ast.expr, named: re.Pattern[str], operator: type[ast.cmpop], wanted: re.Pattern[str] | None = None
) -> str:
    """The name of what a test compares with a literal text that could be a secret."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], operator)):
        return ""
    for one, other in ((test.left, test.comparators[0]), (test.comparators[0], test.left)):
        name, text = _called(one), string(other)
        if text is None and isinstance(other, ast.Name | ast.Attribute):
            value = repo.resolve(module, other)
            text = value.literal if value.fixed and isinstance(value.literal, str) else None
        if name and named.search(name) and text and len(text) > 2 and not NO_SECRET.fullmatch(text) and (wanted is None or wanted.search(text)):
            return name
    return ""


def _called(node: ast.expr) -> str:
    """What a value is called: a name, an attribute, `form["password"]`, `args.get("token")`, `form.password.data`."""
    if isinstance(node, ast.Subscript):
        return string(node.slice) or ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return (string(node.args[0]) or "") if node.func.attr == "get" and node.args else _called(node.func.value)
    if isinstance(node, ast.Attribute):
        return _called(node.value) if node.attr == "data" else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _switches(test: ast.expr) -> Iterator[str]:
    """Headers and parameters of the request named like a back door, read in a test that is not negated."""
    if isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and not isinstance(test.ops[0], ast.Eq)):
        return
    if isinstance(test, ast.Compare) and string(test.comparators[0]) is None:
        return  # compared with something that is not in the source
    for node in walk(test):
        given = node.slice if isinstance(node, ast.Subscript) else node.args[0] if isinstance(node, ast.Call) and node.args else None
        name = string(given) if given is not None else None
        read = re.match(r"(flask\.)?request\.(headers|args|form|values|json|cookies|get_json\(\))\b", ast.unparse(node)) if name else None
        if name and read and SWITCH.match(name) and name.lower() not in ("skip", "no", "disable"):
            yield name


def _lets_in(module: Module, function: Function, body: list[ast.stmt]) -> bool:
    """Whether statements log somebody in, or say yes in a function that decides."""
    for node in (inner for statement in body for inner in walk(statement)):
        if isinstance(node, ast.Call) and LETS_IN.search(module.name(node.func)):
            return True
        if isinstance(node, ast.Assign) and any(_is_identity(target) for target in node.targets) and not _empty(node.value):
            return True
    last = body[-1]
    if not isinstance(last, ast.Return):
        return False
    around = [f.name for f in (function, module.function_around(function)) if f]
    runs_view = isinstance(last.value, ast.Call) and re.fullmatch(
        r"(f|fn|func|function|view|view_func|wrapped)\(\*args, \*\*kwargs\)", ast.unparse(last.value)
    )
    yes = isinstance(last.value, ast.Constant) and last.value.value is True
    return bool(runs_view or (yes and any(DECIDES.search(name.lower()) for name in around)))


def _is_identity(target: ast.expr) -> bool:
    """`session["user_id"] = …`, `g.user = …`."""
    if isinstance(target, ast.Subscript):
        return ast.unparse(target.value) in ("session", "flask.session") and bool(IDENTITY.search(string(target.slice) or ""))
    return isinstance(target, ast.Attribute) and ast.unparse(target.value) == "g" and bool(IDENTITY.search(target.attr))


def _empty(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not value.value


def _refuses(body: list[ast.stmt]) -> bool:
    text = "\n".join(map(ast.unparse, body))
    return bool(re.search(r"\b40[13]\b|return False|authenticate\(\)|[Uu]nauthori[sz]ed", text)) and isinstance(
        body[-1], ast.Return | ast.Raise | ast.Expr
    )


def _checks_before(module: Module, function: Function, node: ast.If) -> bool:
    """Whether the function asks for a password elsewhere: then a name or a header alone does not open."""
    asked = re.compile(
        r"check_password|verify|checkpw|compare_digest|authenticate|validate_password|has_password|login_required|is_authenticated|oauth|access_token|userinfo|user_info|saml|ldap|openid|oidc",
        re.IGNORECASE,
    )
    before = [n for n in walk(function) if isinstance(n, ast.Call | ast.Attribute) and getattr(n, "lineno", 0) <= node.lineno]
    return any(asked.search(module.name(n)) for n in before)


def _runs(repo: Repo, module: Module, function: Function, node: ast.stmt) -> bool:
    """Whether production reaches it: no switch for tests around it, before it or around its calls, and the function is used."""
    own = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    if only_for_tests(module, node) or FOR_TESTS.search(own) or any(FOR_TESTS.search(ast.unparse(test)) for test in _asked_before(module, node)):
        return False
    if re.search(r"fake|mock|stub|dummy", " ".join(c.name for c in module.ancestors(node) if isinstance(c, ast.ClassDef)), re.IGNORECASE):
        return False
    calls = [call for call in module.nodes(ast.Call) if module.name(call.func).rpartition(".")[2] == function.name]
    if calls and all(only_for_tests(module, call) or any(FOR_TESTS.search(ast.unparse(t)) for t in _asked_before(module, call)) for call in calls):
        return False
    if function.decorator_list or module.function_around(function):
        return True
    mention = re.compile(rb"\b" + function.name.encode() + rb"\b")
    return sum(len(mention.findall(file.data)) for file in repo.files(".py") if file.mentions(function.name.encode())) > 1


def _asked_before(module: Module, node: ast.AST) -> Iterator[ast.expr]:
    """The tests that decide whether `node` is reached: of the `if`s around it, and of those before it that leave the function."""
    child = node
    for above in module.ancestors(node):
        if isinstance(above, ast.If) and child is not above.test:
            yield above.test
        for block in (getattr(above, "body", []), getattr(above, "orelse", [])):
            if isinstance(block, list) and child in block:
                before = [s for s in block[: block.index(child)] if isinstance(s, ast.If)]
                yield from (s.test for s in before if _unless(s.test) and isinstance(s.body[-1], ast.Return | ast.Raise | ast.Expr))
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) and module.function_around(above) is None:
            return
        child = above


def _unless(test: ast.expr) -> bool:
    return bool(re.search(r"\bnot\b|!=", ast.unparse(test)))
