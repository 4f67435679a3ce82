"""Any bytes are a module or a file that is named as not parsed; names and lines are those Python sees."""

import ast
import tempfile
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingus_gate.model import Role
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module, NotParsedError, source_of
from mingus_gate.repo.tree import File
from tests.tools import write

PIECES = [
    b"x",
    b" = ",
    b"1",
    b"\n",
    b"def f(",
    b"):\n",
    b"    ",
    b"\t",
    b"'",
    b'"""',
    b"\\",
    b"{",
    b"(",
    b"[",
    b"]",
    b")",
    b"#",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
]
PIECES += [
    b"# coding: latin-1\n",
    b"# coding: utf-16\n",
    b"# coding: undefined\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x0c",
    b"\r",
    b"\r\n",
    b"f'{",
    b"}'",
    b"lambda x: ",
]
PIECES += [
    b"import a.b as c\n",
    b"from .. import *\n",
    b"class A(B):\n    ",
    b"'\\ud800'",
    "\u2028".encode(),
    b"match x:\n  case 1: ",
    b"async ",
    b"await ",
]


def _file(data: bytes, path: str = "app.py") -> File:
    """A file that was read already."""
    file = File(path, Path("/nowhere") / path, Role.PRODUCTION)
    file.__dict__["data"] = data
    return file


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    file = _file(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the tree's own SyntaxWarnings must not reach anybody
        try:
            module = Module(file)
        except NotParsedError as error:
            refused = error.line, str(error)
        else:
            refused = 0, ""
    if refused[1]:
        assert refused[0] >= 1
        return
    str(module.imports), str(module.constants), module.functions, module.named, module.changed
    for node in module.nodes(ast.Constant, ast.Name, ast.Call, ast.Attribute, ast.BinOp):
        source_of(node).encode()
        module.name(node).encode()
        assert all(isinstance(above, ast.AST) for above in module.ancestors(node))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a = 1", "'''b\x0c\u2028c'''", "d = 'e\x1c\x85'", "# \x0b", "", "\x0c"]), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_lines_are_counted_as_python_counts_them(statements: list[str], end: str) -> None:
    file = _file(end.join([*statements, "wanted = 1"]).encode())
    module = Module(file)
    place = module.place(module.constants["wanted"][0])
    assert file.lines[place.line - 1] == "wanted = 1"
    assert place.line == len(file.lines)


REFUSED = {
    "not Python": b"def (:\n",
    "for Python 2": b"print 'hello'\n",
    "NUL bytes": b"x = 1\0\n",
    "a wrong encoding": b"# coding: utf-8\nx = '\xe9'\n",
    "an unknown encoding": b"# coding: nonsense-" + b"x" * 300 + b"\n",
    "an encoding that is none": b"# coding: hex\nx = 1\n",
    "deep parentheses": b"x = " + b"(" * 200_000,
    "deep operators": b"x = " + b"-" * 200_000 + b"1",
    "a long sum": b"x = 1" + b" + 1" * 200_000,
    "a long chain": b"x = a" + b".b()" * 100_000,
    "many elif": b"if a:\n pass\n" + b"elif a:\n pass\n" * 5_000,
    "deep lambdas": b"x = " + b"lambda: " * 5_000 + b"1",
    "deeper than anybody writes": b"x = " + b"[" * 100 + b"-" * 50 + b"1" + b"]" * 100,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_parsed_is_refused_soon_and_makes_rules_blind(data: bytes) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), {"app.py": data, "good.py": b"x = 1\n"}))
        assert [m.path for m in repo.python()] == ["good.py"]
        assert list(repo.blind) == ["app.py"]
        assert [u.path for u in repo.scanned.not_parsed] == ["app.py"]
        assert 0 < len(repo.scanned.not_parsed[0].reason) < 200
    assert time.monotonic() - began < 5


def test_what_is_parsed_can_be_written_again() -> None:
    nested = "x = " + "f(" * 55 + "1" + ")" * 55
    module = Module(_file(nested.encode()))
    assert ast.unparse(module.constants["x"][0])
    assert len(source_of(module.constants["x"][0])) <= 60


def test_encodings_that_python_reads_are_read() -> None:
    latin = Module(_file("# coding: latin-1\nname = 'Müller'\n".encode("latin-1")))
    marked = Module(_file("name = 'Müller'\n".encode("utf-8-sig")))
    wide = Module(_file("name = 'Müller'\n".encode("utf-16")))
    assert [ast.literal_eval(m.constants["name"][0]) for m in (latin, marked, wide)] == ["Müller"] * 3


def test_a_utf_16_file_is_found_by_what_it_mentions() -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(write(Path(folder), {"app.py": "import stripe\n".encode("utf-16")}))
        assert [m.path for m in repo.python(b"stripe")] == ["app.py"]


def test_a_lone_surrogate_in_a_text_can_be_printed() -> None:
    module = Module(_file(b"path = '/\\ud800'\n"))
    ast.literal_eval(module.constants["path"][0]).encode()


IMPORTS = {
    "import a.b": {"a": "a"},
    "import a.b as c": {"c": "a.b"},
    "from a import b as c": {"c": "a.b"},
    "from . import b": {"b": "pkg.b"},
    "from .b import c": {"c": "pkg.b.c"},
    "from .. import b": {"b": "b"},
    "from ..... import b": {"b": "b"},
}


@pytest.mark.parametrize(("source", "expected"), IMPORTS.items(), ids=IMPORTS.keys())
def test_imports_stand_for_dotted_names(source: str, expected: dict[str, str]) -> None:
    assert Module(_file(source.encode(), "pkg/app.py")).imports == expected


def test_the_source_of_an_expression_shows_names_but_no_text() -> None:
    call = ast.parse("connect(HOST, 'hunter2', f'pw-{x}', b'hunter2', os.environ['DATABASE_URL'])", mode="eval").body
    shown = source_of(call, limit=200)
    assert "hunter2" not in shown
    assert "pw-" not in shown
    assert "DATABASE_URL" in shown
