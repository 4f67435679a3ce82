"""Facts are found once: of a tree, of a file, of a module; and the files of a tree by the texts they hold."""

from pathlib import Path

import pytest

from mingus_gate.model import Role
from mingus_gate.repo import Repo
from mingus_gate.repo.python import Module
from mingus_gate.repo.tree import File
from tests.tools import write


def test_a_fact_is_found_once_for_each_argument(tmp_path: Path) -> None:
    asked: list[str] = []

    def doubled(_repo: Repo, text: str) -> str:
        asked.append(text)
        return text * 2

    repo = Repo(tmp_path)
    assert [repo.fact(doubled, text) for text in ("a", "b", "a")] == ["aa", "bb", "aa"]
    assert asked == ["a", "b"]


def test_what_a_fact_could_not_parse_counts_for_everybody_who_asks(tmp_path: Path) -> None:
    def modules(repo: Repo, word: bytes) -> list[Module]:
        return list(repo.python(word))

    repo = Repo(write(tmp_path, {"broken.py": "here = (\n"}))
    for _ in range(2):
        repo.blind.clear()
        assert repo.fact(modules, b"here") == []
        assert set(repo.blind) == {"broken.py"}


def test_facts_of_one_file_are_found_once_for_the_base_too(tmp_path: Path) -> None:
    asked: list[str] = []

    def size(file: File) -> int:
        asked.append(file.path)
        return len(file.data)

    def names(module: Module) -> list[str]:
        asked.append(f"{module.path} parsed")
        return [function.name for function in module.functions]

    repo = Repo(write(tmp_path, {"app.py": "def f(): ...\n"}))
    base = Repo(tmp_path, tree=repo.tree.with_files(repo.tree.files))
    repo.share(base)
    for tree in (base, repo):
        [module] = tree.python(b"def")
        assert (module.file.fact(size), module.fact(names)) == (13, ["f"])
    assert asked == ["app.py", "app.py parsed"]


def test_what_only_the_base_holds_is_not_counted_for_the_head(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"app.py": "x = 1\n"}))
    gone = File("gone.py", tmp_path / "gone.py", Role.PRODUCTION)
    gone.data = b"x = 2\n"
    base = Repo(tmp_path, tree=repo.tree.with_files([*repo.tree.files, gone]))
    repo.share(base)
    assert [module.path for module in base.python(b"x")] == ["app.py", "gone.py"]
    assert [module.path for module in repo.python(b"x")] == ["app.py"]
    assert (base.scanned.parsed, repo.scanned.parsed) == (2, 1)


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ((), ["a.py", "b.py", "c.py"]),
        ((b"Flask",), ["a.py", "b.py"]),
        ((b"Flask(",), ["b.py"]),
        ((b"lask", b"Celery"), ["a.py", "b.py", "c.py"]),
        ((b"from celery import",), ["c.py"]),
        ((b"(FlaskForm)",), ["a.py"]),
        (("Grüße".encode(),), ["b.py"]),
        ((b"a\nb",), []),
        ((b"nowhere",), []),
        ((b"#",), ["b.py"]),
        ((b"",), ["a.py", "b.py", "c.py"]),
    ],
)
def test_python_files_are_found_by_any_text_they_hold(tmp_path: Path, mentions: tuple[bytes, ...], expected: list[str]) -> None:
    files = {
        "a.py": "class Login(FlaskForm): ...\n",
        "b.py": "app = Flask(__name__)  # Grüße\n",
        "c.py": "from celery import Celery\n",
        "tests/test_a.py": "Flask(Celery)\n",
    }
    repo = Repo(write(tmp_path, files))
    assert [module.path for module in repo.python(*mentions)] == expected
    assert [module.path for module in repo.python(b"Flask", roles=(Role.TEST,))] == ["tests/test_a.py"]
    assert [module.path for module in repo.python(*mentions)] == expected
