"""How booleans and numbers are made of the texts that environment variables are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.env.dotenv import env_files
from mingus_gate.repo.env.variables import EnvRead, env_reads
from mingus_gate.repo.flask.app import all_settings
from mingus_gate.repo.python import Module, keyword, string, walk

PLAIN = ("os.getenv", "os.environ.get")
WORDS = {"1", "0", "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "enabled", "disabled", "none", ""}
FALSE = {"0", "false", "no", "off", "n", "f"}
FLAG = re.compile(
    r"(\w+_)?(DEBUG|TESTING|ENABLED|DISABLED|USE_TLS|USE_SSL|COOKIE_SECURE)|(\w+_)?(ENABLE|DISABLE|USE|IS|ALLOW|SKIP|FORCE|MOCK)_\w+", re.IGNORECASE
)
"""Names of what is on or off."""
FLASK_FLAG = re.compile(
    r"DEBUG|TESTING|(SESSION|REMEMBER)_COOKIE_(SECURE|HTTPONLY)|SESSION_PERMANENT|MAIL_(USE_TLS|USE_SSL|DEBUG|SUPPRESS_SEND)|WTF_CSRF_ENABLED"
    r"|SQLALCHEMY_(ECHO|TRACK_MODIFICATIONS|RECORD_QUERIES)|RATELIMIT_ENABLED|PROPAGATE_EXCEPTIONS|JWT_COOKIE_SECURE|TEMPLATES_AUTO_RELOAD"
)
FLASK_NUMBER = re.compile(r"MAX_CONTENT_LENGTH|MAX_FORM_MEMORY_SIZE|PERMANENT_SESSION_LIFETIME|SEND_FILE_MAX_AGE_DEFAULT|SQLALCHEMY_POOL_\w+")
CONVERTS = re.compile(r"(^|[._])(int|float|decimal|strtobool|literal_eval|loads|timedelta)$|bool|truthy|flag|parse", re.IGNORECASE)
NUMBERS = (ast.Mult, ast.Div, ast.FloorDiv, ast.Sub, ast.Pow)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One boolean or number made of a variable. `wrong` says why it comes out wrong, or is empty."""

    name: str
    place: Place
    how: str
    wrong: str = ""


def conversions(repo: Repo) -> list[Conversion]:
    """Every conversion of a variable that can be told from the place where it is read."""
    given = {e.key for file in repo.fact(env_files) for e in file.lines.entries if e.value.strip().lower() in FALSE}
    return [found for read in repo.fact(env_reads) for found in _judged(repo, read, read.name in given)]


def _judged(repo: Repo, read: EnvRead, given_false: bool) -> Iterator[Conversion]:
    if not isinstance(read.node, ast.Subscript) and read.module.name(read.node) not in PLAIN:
        if how := _by_library(read):
            yield Conversion(read.name, read.place, how)
        return
    node, changed = _outermost(read)
    how, wrong = _used(repo, read, node, read.module.parent(node), given_false)
    if how and not (wrong and changed and "bool()" not in how):
        yield Conversion(read.name, read.place, how, wrong)


def _by_library(read: EnvRead) -> str:
    """How environs, decouple, pydantic or a function of the tree converts it."""
    above = read.module.parent(read.node)
    if isinstance(above, ast.AnnAssign) and above.target is read.node:
        word = re.search(r"\b(bool|int|float)\b", ast.unparse(above.annotation))
        return f"as {word[1]} by its annotation" if word else ""
    if isinstance(read.node, ast.Call):
        last = read.module.name(read.node.func).rpartition(".")[2]
        if (cast := keyword(read.node, "cast")) is not None:
            return f"by cast={read.module.name(cast)}" if read.module.name(cast) else ""
        return f"by {last}()" if re.search(r"(^|_)(bool|int|float|flag)", last) else ""
    return ""


def _outermost(read: EnvRead) -> tuple[ast.expr, bool]:
    """The expression around the read that is still its text, and whether `.lower()` and the like stand in it."""
    node, changed, module = read.node, False, read.module
    while True:
        above = module.parent(node)
        if isinstance(above, ast.Attribute) and above.attr in ("lower", "upper", "strip", "casefold", "title", "capitalize"):
            call = module.parent(above)
            if not isinstance(call, ast.Call):
                return node, changed
            node, changed = call, True
        elif (
            isinstance(above, ast.BoolOp) and isinstance(above.op, ast.Or) and above.values[0] is node and isinstance(above.values[-1], ast.Constant)
        ):
            node = above
        else:
            return node, changed


def _used(repo: Repo, read: EnvRead, node: ast.expr, above: ast.AST | None, given_false: bool) -> tuple[str, str]:
    """How the text is used, and what is wrong with it."""
    module = read.module
    match above:
        case ast.Call() if node in above.args:
            return _called(module, read, above, given_false)
        case ast.Compare() if above.left is node and len(above.ops) == 1:
            return _compared(above.ops[0], above.comparators[0], given_false)
        case ast.BinOp() if isinstance(above.op, NUMBERS) and _number(above.right if above.left is node else above.left):
            return "in arithmetic", "a text in arithmetic ends in an error or is repeated"
        case ast.If() | ast.While() | ast.IfExp() if above.test is node:
            return _asked(read, given_false)
        case ast.UnaryOp() if isinstance(above.op, ast.Not):
            return _asked(read, given_false)
        case ast.Assign() | ast.AnnAssign() | ast.Dict() | ast.keyword():
            return _kept(repo, read, node)
    return "", ""


def _called(module: Module, read: EnvRead, call: ast.Call, given_false: bool) -> tuple[str, str]:
    name, default = module.name(call.func), _default(read)
    if name == "bool" and "bool" not in module.named:
        if given_false or FLAG.fullmatch(read.name) or isinstance(default, bool) or (isinstance(default, str) and default.lower() in WORDS - {""}):
            return "by bool()", 'bool() is True of every text but the empty one, also of "false"'
        return "", ""  # it asks whether there is a value
    return (f"by {name.rpartition('.')[2]}()", "") if CONVERTS.search(name) else ("", "")


def _compared(operator: ast.cmpop, other: ast.expr, given_false: bool) -> tuple[str, str]:
    values = [n.value for n in (other.elts if isinstance(other, ast.List | ast.Tuple | ast.Set) else [other]) if isinstance(n, ast.Constant)]
    if isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) and _number(other):
        return "compared with a number", "a text cannot be compared with a number"
    if isinstance(operator, ast.Is | ast.IsNot):
        presence = values == [None] and given_false
        return ("by `is None`", 'the value "false" counts as given') if presence else ("", "")
    if values and all(isinstance(v, bool | int | float) for v in values) and isinstance(operator, ast.Eq | ast.NotEq):
        return f"compared with {values[0]!r}", f"a text never equals {values[0]!r}"
    if (
        values
        and isinstance(other, ast.Constant | ast.List | ast.Tuple | ast.Set)
        and all(str(v).lower() in WORDS for v in values)
        and values != [""]
    ):
        return "by comparing words", ""
    return "", ""


def _asked(read: EnvRead, given_false: bool) -> tuple[str, str]:
    """`if os.getenv("X"):` asks whether there is a value; wrong for what is on or off."""
    default = _default(read)
    if given_false:
        return "by `if`", 'an env file sets it to a word for "no", and every text but the empty one is true'
    if isinstance(default, bool) or (isinstance(default, str) and default.lower() in FALSE):
        return "by `if`", 'every text but the empty one is true, also "false"'
    return "", ""


def _kept(repo: Repo, read: EnvRead, node: ast.expr) -> tuple[str, str]:
    """A setting that is given the text as it is."""
    setting = next((s for s in repo.fact(all_settings) if s.node is node), None)
    if (
        setting is None
        or repo.fact(_loads_all)
        or not (isinstance(read.node, ast.Call) or FLASK_FLAG.fullmatch(setting.key) or FLASK_NUMBER.fullmatch(setting.key))
    ):
        return "", ""
    flag = FLASK_FLAG.fullmatch(setting.key) or isinstance(_default(read), bool)
    if not (flag or FLASK_NUMBER.fullmatch(setting.key)) or _converted_later(repo, setting.key):
        return "", ""
    if flag:
        return "not at all", f'{setting.key} gets the text as it is, and "false" is true'
    return "not at all", f"{setting.key} gets a text where a number is needed"


def _loads_all(repo: Repo) -> bool:
    """Whether code goes through the variables by computed names, and may convert each."""
    for module in repo.python(b"environ", b"from_prefixed_env", served=True):
        if any(module.name(call.func).endswith("from_prefixed_env") for call in module.nodes(ast.Call)):
            return True
        loops: tuple[ast.For | ast.comprehension, ...] = (*module.nodes(ast.For), *module.nodes(ast.comprehension))
        if any(module.name(n) == "os.environ" for loop in loops for n in walk(loop.iter)):
            return True
        for node in module.nodes(ast.Subscript):
            function = module.function_around(node)
            given = {a.arg for a in function.args.args} if function else set()
            if isinstance(node.slice, ast.Name) and node.slice.id not in given and module.name(node.value) == "os.environ":
                return True
    return False


def _converted_later(repo: Repo, key: str) -> bool:
    """Whether something in the tree converts the setting where it is used."""
    for module in repo.python(key.encode()):
        for node in (*module.nodes(ast.Name), *module.nodes(ast.Attribute), *module.nodes(ast.Subscript), *module.nodes(ast.Call)):
            if key not in (getattr(node, "id", ""), getattr(node, "attr", ""), _key_of(node)) or isinstance(getattr(node, "ctx", None), ast.Store):
                continue
            above = module.parent(node)
            text_method = isinstance(above, ast.Attribute) and above.attr in ("lower", "upper", "strip")
            if text_method or isinstance(above, ast.Compare) or (isinstance(above, ast.Call) and CONVERTS.search(module.name(above.func))):
                return True
            if isinstance(above, ast.Call) and module.name(above.func) == "str":
                return True
    return False


def _key_of(node: ast.AST) -> str | None:
    """The key of `config["KEY"]` and `config.get("KEY")`."""
    if isinstance(node, ast.Subscript):
        return string(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        return string(node.args[0])
    return None


def _default(read: EnvRead) -> object:
    return read.default.value if isinstance(read.default, ast.Constant) else None


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
