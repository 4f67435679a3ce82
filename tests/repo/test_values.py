"""What `resolve` calls complete holds what Python comes to, and no expression makes it hang or crash."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mingus_gate.repo import Repo
from mingus_gate.repo.values import Value
from tests.tools import write

NAMES = st.sampled_from("abcd")
LITERALS = st.one_of(
    st.integers(-9, 9).map("({})".format),
    st.sampled_from(["''", "'x'", "'Yes'", "' 7 '", "'true'", "None", "True", "False", "(2.5)", "b'x'"]),
    st.sampled_from(["os.getenv('UNSET', 'x')", "int(os.getenv('UNSET', '5'))", "os.environ.get('UNSET', 'true').lower() == 'true'"]),
)


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "or", "and", "==", "in"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(st.sampled_from(["int({})", "str({})", "bool({})", "float({})", "not {}", "-{}", "f'<{{ {} }}>'", "f'{{ {} !r:>5}}'"]), inner).map(
            lambda t: t[0].format(t[1].replace("'", '"')) if t[0].startswith("f'") else f"({t[0].format(t[1])})"
        ),
        st.tuples(inner, st.sampled_from([".lower()", ".strip()", ".replace('x', 'yy')", ".upper()", ".title()"])).map("".join),
        st.tuples(inner, inner).map(lambda t: f"{{'k': {t[0]}, 'l': {t[1]}}}['k']"),
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    )


EXPRESSIONS = st.recursive(st.one_of(LITERALS, NAMES), _more, max_leaves=8)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(" = ".join),
    st.tuples(NAMES, EXPRESSIONS).map(" += ".join),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"for {t[0]} in [1, {t[1]}]: pass"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}, {t[1]} = 1, {t[2]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"if {t[1]}: {t[0]} = {t[1]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}.append({t[1]})"),
)


def _resolved(source: str, name: str = "answer") -> Value:
    """What the last assignment to `name` in a file of this source can come to."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), {"app.py": source.encode()}))
        module = next(repo.python())
        return repo.resolve(module, [value for target, value in module.assignments() if getattr(target, "id", "") == name][-1])


def _plain(literal: Any) -> list[Any]:
    """Every Python value a literal stands for; lists hold Values."""
    if not isinstance(literal, list):
        return [literal]
    choices: list[list[Any]] = [[]]
    for item in literal:
        choices = [[*chosen, one] for chosen in choices for each in item.literals for one in _plain(each)][:500]
    return list(choices)


def _runs_to(source: str) -> Any:
    names: dict[str, Any] = {"os": os}
    exec(source, names)
    return names["answer"]


@settings(deadline=None, max_examples=150)
@given(st.lists(STATEMENTS, max_size=5), EXPRESSIONS, st.booleans())
def test_a_complete_answer_holds_what_python_comes_to(statements: list[str], answer: str, in_function: bool) -> None:
    lines = [*statements, f"answer = {answer}"]
    source = "\n".join(lines)
    if in_function:
        source = "global_a = 1\ndef run():\n    " + "\n    ".join(lines) + "\n    return answer\nanswer = run()"
    with patch.dict(os.environ, clear=False):
        os.environ.pop("UNSET", None)
        try:
            truth = _runs_to(source)
        except (TypeError, ValueError, AttributeError, NameError, LookupError, ArithmeticError, SyntaxError):
            assume(False)
    value = _resolved(source.removesuffix("answer = run()") if in_function else source)
    if not value.unresolved and isinstance(truth, str | int | float | bool | None):
        known = [(type(v), v) for literal in value.literals for v in _plain(literal)]
        assert (type(truth), truth) in known, (source, value)


UNSOUND = {
    "augmented": "a = 1\na += 1\nanswer = a",
    "a loop variable": "a = 1\nfor a in range(3): pass\nanswer = a",
    "unpacked": "a = 1\na, b = f()\nanswer = a",
    "set by a function": "a = 1\ndef f():\n    global a\n    a = 2\nanswer = a",
    "a key added": "a = {}\na['pool_size'] = 5\nanswer = a",
    "an item appended": "a = []\na.append(5)\nanswer = a",
    "a lambda's parameter": "a = 1\nanswer = f(lambda a: a)",
    "star arguments": "a = [1]\ndef f(*a):\n    answer = a",
    "a comprehension's variable": "a = 1\ndef f(xs):\n    return [(answer := a) for a in xs]\ndef g(a):\n    answer = a",
    "a name of the function around": "a = 1\ndef f():\n    a = g()\n    def h():\n        answer = a",
    "a parameter named like a file of the tree": "def f(app):\n    answer = app.config",
    "int of another base": "answer = int('10', base=16)",
    "nine assignments": "\n".join(f"a = {n}" for n in range(9)) + "\nanswer = a",
}


@pytest.mark.parametrize("source", UNSOUND.values(), ids=UNSOUND.keys())
def test_what_cannot_be_told_is_not_called_fixed(source: str) -> None:
    assert _resolved(source).unresolved


HOSTILE = {
    "itself, many times": "a = 1\n" + "a = a + a + a\n" * 50 + "answer = a",
    "doubled, in steps": "\n".join(f"{y} = {x} + {x} + {x} + {x}\n" * 7 for x, y in zip("abcdefghijk", "bcdefghijkl", strict=True)) + "\nanswer = l",
    "a cycle": "a = b\nb = a\nanswer = a",
    "a cycle of classes": "class A:\n    X = B.X\nclass B:\n    X = A.X\nanswer = A.X",
    "a long text": "answer = 'x' * 10 ** 9 + 'x' * 1000000000",
    "a long list": "answer = [1] * 1000000000",
    "a text that grows": "answer = 'a'" + ".replace('a', 'aaaaaaaaaa')" * 50,
    "a text that grows at once": "answer = '" + "a" * 9000 + "'.replace('a', '" + "b" * 100_000 + "')",
    "a number that grows": "answer = " + " * ".join(["0x" + "f" * 10_000] * 90),
    "a number too long to print": "answer = f'{0x" + "f" * 10_000 + "}'",
    "a number too large for float": "answer = float(0x" + "f" * 2000 + ")",
    "too many days": "import datetime\nanswer = datetime.timedelta(microseconds=0x" + "f" * 2000 + ")",
    "infinite": "answer = int(1e999)",
    "deep": "answer = " + "1 + " * 110 + "1",
    "deep calls": "answer = " + "str(" * 80 + "a" + ")" * 80,
    "deep, in steps": "\n".join(f"a{n + 1} = {f'a{n} + ' * 100}1" for n in range(12)) + "\nanswer = a12",
    "many names": "\n".join(f"a = b{n} or c{n}" for n in range(2000)) + "\nanswer = a",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_expression_ends_soon(source: str) -> None:
    began = time.monotonic()
    value = _resolved(source)
    assert time.monotonic() - began < 5
    assert all(len(str(v)) <= 10_000 for v in value.literals if isinstance(v, str))


def test_a_name_is_followed_through_a_package_that_exports_it_again() -> None:
    files = {
        "app.py": "from settings import LIMIT\nanswer = LIMIT\n",
        "settings/__init__.py": "from .base import LIMIT\n",
        "settings/base.py": "LIMIT = 7\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), files))
        module = next(m for m in repo.python() if m.path == "app.py")
        assert repo.resolve(module, module.constants["answer"][0]).literal == 7


def test_the_reason_shows_no_literal() -> None:
    assert "hunter2" not in _resolved("answer = connect('hunter2', NAME)").unresolved
