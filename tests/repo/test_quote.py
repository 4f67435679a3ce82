"""A line that anybody may see holds no text that could be a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.quote import WIDEST, quote
from tests.tools import write

CANARY = "hunter2Canary"


def shown(root: Path, text: str, line: int = 1, name: str = "app.py") -> str:
    return quote(Repo(write(root, {name: text})), Place(name, line))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("limiter = Limiter(app, storage_uri='memory://')", "limiter = Limiter(app, storage_uri='memory://')"),
        ("    ", ""),
        ("engine = create_engine(url,   pool_size=20)  # see the wiki", "engine = create_engine(url, pool_size=20)"),
        ("@app.route('/login', methods=['POST'])\ndef f(): pass", "@app.route('/login', methods=['POST'])"),
        ("CORS(app, origins='*')", "CORS(app, origins='*')"),
        ("url = os.environ['REDIS_URL']", "url = os.environ['REDIS_URL']"),
        (f"connect('app', '{CANARY}')", 'connect("…", "…")'),
        (f"connect(b'{CANARY}', r'{CANARY}')", 'connect("…", "…")'),
        (f"connect(f'{{a}}{CANARY}{{b!r:>{{width}}}}')", 'connect("…")'),
        (f"connect('x' '{CANARY}')", 'connect("…")'),
        (f"connect('postgresql://app:{CANARY}@db/shop')", 'connect("…")'),
        (f"connect('https://hooks.example/{CANARY}')", 'connect("…")'),
        (f"connect(1)  # {CANARY}", "connect(1)"),
        (f"connect('#', '{CANARY}')  # {CANARY}", 'connect("…", "…")'),
        ("connect(123456789012)", 'connect("…")'),
        ("é = 'ü'; connect('ö')", 'é = "…"; connect("…")'),
        ("password = '/abc'", ""),
        ("app.config['SECRET_KEY'] = 'ABC'", ""),
        ("def broken(:", ""),
    ],
)
def test_texts_are_blanked_but_for_harmless_ones(tmp_path: Path, line: str, what: str) -> None:
    assert shown(tmp_path, line) == what


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_text_over_several_lines_is_blanked_on_each(tmp_path: Path, line: int) -> None:
    assert CANARY not in shown(tmp_path, f'call("""{CANARY}\n{CANARY} = {CANARY}\n{CANARY}""", 1)\n', line)


def test_a_line_of_nothing_but_texts_tells_nothing(tmp_path: Path) -> None:
    assert shown(tmp_path, "x = {\n    'a b': 'c d',\n}\n", 2) == ""


@pytest.mark.parametrize("name", ["app.yaml", ".env", "Dockerfile", "setup.cfg"])
def test_only_python_is_shown(tmp_path: Path, name: str) -> None:
    assert shown(tmp_path, "command: flask run\n", name=name) == ""


@pytest.mark.parametrize("place", [Place("gone.py", 1), Place("app.py", 0), Place("app.py", 9)])
def test_what_is_not_there_is_not_shown(tmp_path: Path, place: Place) -> None:
    assert quote(Repo(write(tmp_path, "x = 1\n")), place) == ""


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    assert len(shown(tmp_path, f"call({'a, ' * 200}a)")) <= WIDEST


@given(
    st.from_regex(r"[a-z][a-z0-9_!?/-]{8,20}", fullmatch=True), st.sampled_from(["'{}'", '"{}"', "'''{}'''", "f'{}'", "b'{}'", "1  # {}", "1, '{}'"])
)
def test_no_text_gets_through(tmp_path_factory: pytest.TempPathFactory, text: str, form: str) -> None:
    assert text not in shown(tmp_path_factory.mktemp("tree"), f"call(x, {form.format(text)}\n)")


def test_findings_carry_their_line_but_never_those_of_rules_about_secrets(tmp_path: Path) -> None:
    app = """
    from flask import Flask
    from flask_limiter import Limiter
    app = Flask(__name__)
    app.secret_key = "a-literal-in-the-code"
    limiter = Limiter(app=app, storage_uri="memory://")
    """
    found = {r.rule.code: r.observations for r in examine(write(tmp_path, app), Config()).results}
    assert found["rate-limiting.shared-storage"][0].code == 'limiter = Limiter(app=app, storage_uri="memory://")'
    assert {o.code for o in found["security-config.secret-key"]} == {""}
