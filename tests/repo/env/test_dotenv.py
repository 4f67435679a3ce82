from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.env.dotenv import Entry, env_files, ignored_at, parse
from tests.tools import write


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("export KEY=value", "value"),
        ("  KEY = value ", "value"),
        ("KEY=value # comment", "value"),
        ("KEY=a#b", "a#b"),
        ("KEY=# comment", ""),
        ("KEY=   # comment", ""),
        ("KEY=", ""),
        ("KEY", ""),
        ("KEY='a # b'  # comment", "a # b"),
        ('KEY="a \\" b"', 'a \\" b'),
        ("KEY=a=b", "a=b"),
        ("KEY=http://x/?a=1", "http://x/?a=1"),
    ],
)
def test_values(line: str, value: str) -> None:
    lines = parse(line)
    assert lines.entries == (Entry("KEY", value, 1),)
    assert not lines.bad


def test_a_quoted_value_spans_lines() -> None:
    lines = parse('A="one\ntwo\nthree"\nB=1\n')
    assert lines.entries == (Entry("A", "one\ntwo\nthree", 1), Entry("B", "1", 4))


def test_a_quote_left_open_does_not_swallow_the_rest() -> None:
    lines = parse("A='one\nB=1\n" + "C=2\n" * 300)
    assert [bad[0] for bad in lines.bad] == [1]
    assert lines.entries[0] == Entry("B", "1", 2)


def test_bad_lines_and_comments() -> None:
    lines = parse("# KEY=1\n#OTHER = 2\n# just words\n\nnot a line\n=x\n")
    assert lines.commented == {"KEY", "OTHER"}
    assert [line for line, _ in lines.bad] == [5, 6]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".env", "plain"),
        (".env.production", "plain"),
        (".env.local", "plain"),
        ("deploy/prod.env", "plain"),
        (".envrc", "plain"),
        (".env.example", "example"),
        ("env.example", "example"),
        ("example.env", "example"),
        (".env.sample.production", "example"),
        (".env.template", "example"),
        (".env.dist", "example"),
        (".env.prod.j2", "example"),
        (".env.test", "test"),
        (".env.ci", "test"),
        (".flaskenv", "test"),
        ("config/development/app.env", "test"),
        ("tests/e2e/.env", "test"),
        ("tests/.env.example", "test"),
        ("migrations/env.py", ""),
        (".env.vault", ""),
        (".env.md", ""),
        ("environment", ""),
        ("src/env.d.ts", ""),
        ("node_modules/x/.env", ""),
    ],
)
def test_kinds(path: str, kind: str, tmp_path: Path) -> None:
    found = env_files(Repo(write(tmp_path, {path: "A=1\n"})))
    assert [file.kind for file in found] == ([kind] if kind else [])


@pytest.mark.parametrize(("line", "ignores"), [(".env", True), (".env*", True), ("*.env", True), ("/.env", True), ("env/", False), ("!.env", False)])
def test_gitignore(line: str, ignores: bool, tmp_path: Path) -> None:
    place = ignored_at(Repo(write(tmp_path, {".gitignore": f"*.pyc\n{line}\n"})))
    assert (place is not None and place.line == 2) == ignores
