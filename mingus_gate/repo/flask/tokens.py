"""JSON Web Tokens as facts: where served code checks them, and where it makes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import only_for_tests, settings
from mingus_gate.repo.python import Module, keyword, source_of, string, unpacks, walk
from mingus_gate.repo.requirements import required

DECODES = ("jwt.decode", "jose.jwt.decode", "authlib.jose.jwt.decode", "jwt.api_jwt.decode")
ENCODES = ("jwt.encode", "jose.jwt.encode", "authlib.jose.jwt.encode")
EXTENSIONS = ("flask_jwt_extended.JWTManager", "flask_jwt_extended.jwt_manager.JWTManager")
TAKEN = re.compile(r"request\.(headers|cookies|args|form|json|values|get_json|authorization)")
WHO = {"sub", "user", "user_id", "userid", "uid", "id", "username", "email", "identity", "public_id"}
LONGEST = 30 * 86400
"""Seconds. A token that cannot be called back and lives longer than a month is as good as one that never ends."""


@dataclass(frozen=True, slots=True)
class Token:
    """A place that checks a token or makes one. `good` is None where `said` names what stopped us."""

    place: Place
    good: bool | None
    said: str


def checked_tokens(repo: Repo) -> list[Token]:
    """How each token that is read is checked, in path and line order."""
    found = [Token(module.place(call), True, "flask-jwt-extended checks every token") for module, call in repo.calls(*EXTENSIONS, served=True)]
    found += [
        Token(setting.place, False, f'{setting.key} allows "none": a token without a signature is believed')
        for setting in (settings(repo, "JWT_ALGORITHM", "JWT_DECODE_ALGORITHMS") if found else [])
        if any(_is_none(v) for v in _flat(setting.value.literals))
    ]
    for module, call in repo.calls(*DECODES, served=True):
        if not only_for_tests(module, call) and _of_library(module, call):
            found.append(_checked(repo, module, call))
    return sorted(found, key=lambda token: token.place)


def _of_library(module: Module, call: ast.Call) -> bool:
    """Whether `jwt` is an import, and no object of the file's own."""
    return ast.unparse(call.func).partition(".")[0] in module.imports


def _checked(repo: Repo, module: Module, call: ast.Call) -> Token:
    place, name = module.place(call), module.name(call.func)
    if _unverified(repo, module, call):
        if _taken(module, call):
            return Token(place, False, "a token of the request is read without checking its signature, and nothing else in this function checks it")
        return Token(place, None, "a token is read without checking its signature; whether it was checked before could not be told")
    options, given = keyword(call, "options"), keyword(call, "algorithms") or (call.args[2] if len(call.args) > 2 else None)
    if name.startswith("authlib."):
        return Token(place, True, "authlib checks the signature")
    if given is None:
        if unpacks(call):
            return Token(place, None, "the algorithms may be in the options that are unpacked here")
        if name.startswith("jose.") or _old(repo):
            return Token(place, False, "no `algorithms` are named: the token chooses how it is checked")
        return Token(place, None, "no `algorithms` are named, and which PyJWT is installed could not be told")
    value = repo.resolve(module, given)
    if any(_is_none(v) for v in _flat(value.literals)):
        return Token(place, False, 'the algorithm "none" is allowed: a token without a signature is believed')
    if options is not None and "verify_signature" in ast.unparse(options) and not _says(options, True):
        return Token(place, None, f"whether the signature is checked is `{source_of(options)}`")
    if re.search(r"\['alg'\]|get\('alg'\)|get_unverified_header", ast.unparse(given)):
        return Token(place, None, "the algorithm is taken from the token itself")
    return Token(place, True, "the signature is checked with named algorithms")


def _unverified(repo: Repo, module: Module, call: ast.Call) -> bool:
    options = keyword(call, "options")
    if isinstance(options, ast.Name):
        held = repo.resolve(module, options).literal
        flag = held.get("verify_signature") if isinstance(held, dict) else None
        if flag is not None and flag.literal is False:
            return True
    off = keyword(call, "verify")
    return (options is not None and _says(options, False)) or (isinstance(off, ast.Constant) and off.value is False)


def _says(options: ast.expr, wanted: bool) -> bool:
    """Whether a dictionary's literal says `"verify_signature": wanted`."""
    if isinstance(options, ast.Call):
        return any(w.arg == "verify_signature" and isinstance(w.value, ast.Constant) and w.value.value is wanted for w in options.keywords)
    pairs = zip(options.keys, options.values, strict=True) if isinstance(options, ast.Dict) else ()
    return any(string(key) == "verify_signature" and isinstance(value, ast.Constant) and value.value is wanted for key, value in pairs)


def _taken(module: Module, call: ast.Call) -> bool:
    """Whether the token comes from the request, and no other check of a token stands in the function or around it."""
    function = module.function_around(call)
    if function is None:
        return False
    whole = module.function_around(function) or function
    others = [
        c for c in walk(whole) if isinstance(c, ast.Call) and c is not call and re.search(r"decode|verif|valid|check|introspect", module.name(c.func))
    ]
    return bool(TAKEN.search(ast.unparse(function))) and not [c for c in others if not _decodes_bytes(module, c)]


def _decodes_bytes(module: Module, call: ast.Call) -> bool:
    """`header.decode("utf-8")`: no check of a token."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "decode"
        and module.name(call.func) not in DECODES
        and "jwt" not in module.name(call.func)
    )


def _old(repo: Repo) -> bool:
    """Whether PyJWT is pinned below 2, which takes any algorithm."""
    found = required(repo, "pyjwt")
    return bool(found and re.search(r"(==|~=|<=?)\s*v?1\.|<\s*2", str(getattr(found, "specifier", ""))))


def _flat(values: tuple[object, ...]) -> list[object]:
    return [literal for value in values for literal in (_of_list(value) if isinstance(value, list) else [value])]


def _of_list(values: list[object]) -> list[object]:
    return [literal for item in values for literal in getattr(item, "literals", ())]


def _is_none(value: object) -> bool:
    return isinstance(value, str) and value.lower() == "none"


def made_tokens(repo: Repo) -> list[Token]:
    """How long each token lives that lets somebody in, in path and line order."""
    found = list(_of_extension(repo))
    for module, call in repo.calls(*ENCODES, served=True):
        number = 1 if module.name(call.func).startswith("authlib.") else 0
        payload = keyword(call, "payload", "claims") or (call.args[number] if len(call.args) > number else None)
        if (
            payload is not None
            and _of_library(module, call)
            and not only_for_tests(module, call)
            and (ends := _ends(module, call, payload)) is not None
        ):
            found.append(Token(module.place(call), ends, "the token carries `exp`" if ends else "the token has no `exp`: it is good for ever"))
    return sorted(found, key=lambda token: token.place)


def _of_extension(repo: Repo) -> Iterator[Token]:
    made = list(repo.calls(*EXTENSIONS, served=True))
    given = settings(repo, "JWT_ACCESS_TOKEN_EXPIRES") if made else []
    for setting in given:
        value = setting.value
        numbers = [v for v in value.literals if isinstance(v, int | float) and not isinstance(v, bool)]
        if value.may_be(lambda v: v is False):
            yield Token(setting.place, False, "JWT_ACCESS_TOKEN_EXPIRES is False: access tokens are good for ever")
        elif any(number > LONGEST for number in numbers):
            yield Token(setting.place, False, f"access tokens live {round(max(numbers) / 86400)} days")
        elif value.unresolved:
            yield Token(setting.place, None, f"JWT_ACCESS_TOKEN_EXPIRES is `{value.unresolved}`")
        else:
            shown = f"{round(max(numbers) / 60)} minutes" if numbers else " or ".join(value.env)
            yield Token(setting.place, True, f"access tokens live {shown}")
    for module, call in made[:1] if not given else []:
        yield Token(module.place(call), True, "JWT_ACCESS_TOKEN_EXPIRES is left at the default, 15 minutes")
    for module, call in repo.calls("flask_jwt_extended.create_access_token", served=True):
        delta = keyword(call, "expires_delta")
        if isinstance(delta, ast.Constant) and delta.value is False:
            yield Token(module.place(call), False, "this access token is good for ever (`expires_delta=False`)")


def _ends(module: Module, call: ast.Call, payload: ast.expr) -> bool | None:
    """Whether claims carry `exp`; None where they say of nobody who it is, or could not all be seen."""
    function = module.function_around(call)
    literal = payload
    if isinstance(payload, ast.Name) and function:
        given = [v for t, v in module.assignments() if isinstance(t, ast.Name) and t.id == payload.id and module.function_around(t) is function]
        literal = given[0] if len(given) == 1 else payload
        text = ast.unparse(function)
        if re.search(rf"\b{payload.id}\[['\"]exp['\"]\]|\b{payload.id}\.(update|setdefault)\(|\b{payload.id} \|=", text):
            return True if "exp" in text else None
    if not isinstance(literal, ast.Dict) or any(key is None or string(key) is None for key in literal.keys):
        return None
    keys = {string(key) for key in literal.keys}
    return True if "exp" in keys else (False if keys & WHO else None)
