"""Hostile trees: listed or skipped with a reason, never outside the root, never a crash, never a wait."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingus_gate.checks import CHECKS
from mingus_gate.model import Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import MAX_BYTES, Tree, role_of
from mingus_gate.run import assess
from tests.tools import write

APP = "from flask import Flask\napp = Flask(__name__)\n"
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], check=True, capture_output=True)


def test_a_package_for_vendors_is_no_foreign_code() -> None:
    assert role_of("shop/vendor/views.py") is Role.PRODUCTION
    assert role_of("shop/vendor/requests/models.py") is role_of("vendor/six.py") is Role.VENDORED


def shown(root: Path) -> tuple[list[str], dict[str, str]]:
    """The paths listed below `root`, and those skipped with the reason."""
    tree = Tree(root)
    return [file.path for file in tree], {unread.path: unread.reason for unread in tree.skipped}


@pytest.fixture(params=["git", "file system"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with an application, tracked by git or not in git at all; `track(root)` follows."""
    folder = write(tmp_path / "root", {"app.py": APP})
    if request.param == "git":
        git(folder, "init", "-q")
    return folder


def track(root: Path) -> None:
    if (root / ".git").exists():
        git(root, "add", "-Af")


# -- names -------------------------------------------------------------------------------------------------------

NASTY = [
    "new\nline.py",
    "<img src=x onerror=alert(1)>.py",
    "::error::x.py",
    "a\x1b[31mred.py",
    "-rf.py",
    "ünïcode.py",
    "sp ace.py",
    "rtl\u202egnp.py",
    "back\\nslash.py",
]


def test_any_name_is_listed_printable_and_read(root: Path) -> None:
    for number, name in enumerate(NASTY):
        (root / name).write_text(f"x = {number}\n")
    track(root)
    files = list(Tree(root))
    assert len(files) == len(NASTY) + 1
    assert all(file.path.isprintable() for file in files)
    assert {file.text for file in files} == {APP, *(f"x = {n}\n" for n in range(len(NASTY)))}


def test_names_that_are_not_utf_8_are_told_apart(root: Path) -> None:
    for name in (b"a\xff.py", b"a\xfe.py", b"a\\xff.py"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"x = 1\n")
    track(root)
    paths = [file.path for file in Tree(root)]
    assert len(set(paths)) == 4
    assert "".join(paths).encode()
    repo = Repo(root)
    assert len({id(module) for module in repo.python()}) == 4


@settings(deadline=None, max_examples=60)
@given(st.sets(st.binary(min_size=1, max_size=20).filter(lambda b: not set(b) & {0, 47} and b not in (b".", b"..", b".git")), min_size=1, max_size=5))
def test_every_name_a_file_system_takes_is_listed_once(names: set[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"")
        paths = [file.path for file in Tree(Path(folder))]
        assert len(paths) == len(set(paths)) == len(names)
        assert all(path.isprintable() and role_of(path) in Role for path in paths)


# -- what is not read --------------------------------------------------------------------------------------------


def test_links_are_not_followed(root: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.py": "KEY = 1\n"})
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "out").symlink_to(outside)
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "dangling.py").symlink_to("nowhere.py")
    track(root)
    listed, skipped = shown(root)
    assert listed == ["app.py"]
    assert skipped == dict.fromkeys(["loop", "self", "out", "out.py", "dangling.py"], "symbolic link")


def test_a_folder_replaced_by_a_link_out_of_the_tree_is_not_read(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"app.py": APP, "pkg/mod.py": "x = 1\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    (root / "pkg").rename(tmp_path / "elsewhere")
    (root / "pkg").symlink_to(tmp_path / "elsewhere")
    listed, skipped = shown(root)
    assert listed == ["app.py"]
    assert "outside the tree" in skipped["pkg/mod.py"]


def test_what_is_no_regular_file_is_not_opened(root: Path) -> None:
    track(root)
    os.mkfifo(root / "pipe.py")
    if (root / ".git").exists():  # git lists no pipes; one may take the place of a tracked file
        (root / "app.py").unlink()
        os.mkfifo(root / "app.py")
    began = time.monotonic()
    assert "not a regular file" in shown(root)[1].values()
    assert time.monotonic() - began < 5


def test_a_huge_file_is_skipped_with_its_reason(root: Path) -> None:
    with (root / "huge.py").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    (root / "large.py").write_bytes(b"#" * (MAX_BYTES - 1) + b"\n")
    track(root)
    listed, skipped = shown(root)
    assert listed == ["app.py", "large.py"]
    assert skipped == {"huge.py": "larger than 5 MB"}


def _as_nobody(root: Path) -> tuple[list[str], dict[str, str]]:
    """`shown(root)` asked by a user who is not root; root may read everything."""
    if os.getuid() != 0:
        return shown(root)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        os.write(writing, json.dumps(shown(root)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        listed, skipped = json.load(answer)
    os.waitpid(child, 0)
    return listed, skipped


def test_what_may_not_be_read_is_listed_as_such() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        write(folder, {"app.py": APP, "locked.py": APP, "closed/mod.py": APP})
        folder.chmod(0o755)
        (folder / "locked.py").chmod(0)
        (folder / "closed").chmod(0)
        assert _as_nobody(folder) == (["app.py"], {"closed": "no permission to read", "locked.py": "no permission to read"})
    finally:
        (folder / "closed").chmod(0o755)
        shutil.rmtree(folder)


def test_folders_deeper_than_python_recurses_are_walked(tmp_path: Path) -> None:
    depth = 1500
    there = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=there)
        below = os.open("d", os.O_RDONLY, dir_fd=there)
        os.close(there)
        there = below
    os.close(os.open("deep.py", os.O_CREAT | os.O_WRONLY, dir_fd=there))
    os.close(there)
    assert [file.path for file in Tree(tmp_path)] == ["d/" * depth + "deep.py"]
    assert Repo(tmp_path).scanned.files == 1
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


# -- git ---------------------------------------------------------------------------------------------------------


def test_git_decides_what_belongs_to_the_tree(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": APP, "left.py": APP, ".gitignore": "left.py\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    (root / "gone.py").write_text("")
    git(root, "add", "gone.py")
    (root / "gone.py").unlink()
    assert shown(root) == ([".gitignore", "app.py"], {})
    assert Tree(root).listing == "git"


def test_a_folder_of_a_repository_is_listed_from_there(tmp_path: Path) -> None:
    root = write(tmp_path, {"backend/app.py": APP, "other.py": APP})
    git(root, "init", "-q")
    git(root, "add", "-A")
    assert shown(root / "backend") == (["app.py"], {})


def test_git_with_nothing_tracked_falls_back_to_the_file_system(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": APP})
    git(root, "init", "-q")
    assert Tree(root).listing == "file system"
    assert shown(root) == (["app.py"], {})


def test_without_git_the_file_system_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"app.py": APP, ".venv/pyvenv.cfg": "", ".venv/lib/x.py": "", "__pycache__/app.pyc": ""})
    monkeypatch.setenv("PATH", "/nowhere")
    assert Tree(tmp_path).listing == "file system"
    assert shown(tmp_path) == (["app.py"], {})


@ROOT_ONLY
def test_a_repository_of_somebody_else_is_still_listed_by_git(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": APP, "left.py": APP})
    git(root, "init", "-q")
    git(root, "add", "app.py")
    for path in [root, root / ".git"]:
        os.chown(path, 65534, 65534)
    assert Tree(root).listing == "git"
    assert shown(root) == (["app.py"], {})


def test_a_submodule_is_named_and_not_entered(tmp_path: Path) -> None:
    inner = write(tmp_path / "inner", {"lib.py": "x = 1\n"})
    git(inner, "init", "-q")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "x")
    root = write(tmp_path / "root", {"app.py": APP})
    git(root, "init", "-q")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "lib")
    git(root, "add", "-A")
    listed, skipped = shown(root)
    assert listed == [".gitmodules", "app.py"]
    assert skipped == {"lib": "submodule"}


def test_nothing_configured_in_the_tree_is_run(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"app.py": APP})
    git(root, "init", "-q")
    git(root, "add", "-A")
    witness = tmp_path / "ran"
    hook = root / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n")
    hook.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "filter.x.clean", "core.sshCommand", "core.editor", "alias.ls-files"):
        git(root, "config", key, str(hook))
    assert "app.py" in shown(root)[0]
    assert not witness.exists()


def test_a_work_tree_configured_elsewhere_shows_nothing_of_it(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.py": "KEY = 1\n"})
    root = write(tmp_path / "root", {"app.py": APP})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "config", "core.worktree", str(outside))
    assert shown(root)[0] == ["app.py"]


def test_the_environment_of_a_git_hook_does_not_name_another_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write(tmp_path / "other", {"other.py": APP})
    root = write(tmp_path / "root", {"app.py": APP})
    for folder in (other, root):
        git(folder, "init", "-q")
        git(folder, "add", "-A")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert shown(root) == (["app.py"], {})


# -- content -----------------------------------------------------------------------------------------------------

CONTENT = {
    "Latin-1": b"# M\xfcller\n",
    "UTF-16 with BOM": "# Müller\n".encode("utf-16"),
    "UTF-16 cut short": b"\xff\xfe#",
    "UTF-32 with BOM": "# x\n".encode("utf-32"),
    "NUL bytes": b"x\0y\n",
    "only NUL": b"\0" * 100_000,
    "one line of a megabyte": b"x" * 1_000_000,
    "a path without end": b"a/" * 100_000,
    "a name without end": b"a." * 100_000,
    "imports that never close": b"from a import (\n" * 50_000,
    "empty lines": b"\n" * 100_000,
    "brackets": b"[" * 100_000,
    "empty": b"",
}


@pytest.mark.parametrize("data", CONTENT.values(), ids=CONTENT.keys())
def test_any_content_has_text_lines_and_an_answer_of_every_rule(data: bytes, tmp_path: Path) -> None:
    names = (
        "app.py",
        "config.yml",
        "Dockerfile",
        ".env",
        "requirements.txt",
        "pyproject.toml",
        "nginx.conf",
        "Procfile",
        "alembic.ini",
        "index.html",
        "docker-compose.yml",
    )
    write(tmp_path, dict.fromkeys(names, data) | {"wsgi.py": APP.encode()})
    repo = Repo(tmp_path)
    for file in repo.files():
        assert len("\n".join(file.lines).encode()) <= 4 * max(len(data), 60)
    crashed = {r.rule.code: r.reason for results in assess(CHECKS, repo).values() for r in results if "could not finish" in r.reason}
    assert crashed == {}


def test_carriage_returns_form_feeds_and_separators_count_as_in_an_editor(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes("a\r\nb\rc\nd\x0ce\u2028f\n".encode())
    assert next(iter(Tree(tmp_path))).lines == ["a", "b", "c", "d\x0ce\u2028f"]


ROLES = {
    "app/models.py": Role.PRODUCTION,
    "app/contest.py": Role.PRODUCTION,
    "tests/test_app.py": Role.TEST,
    "conftest.py": Role.TEST,
    "frontend/node_modules/x/index.js": Role.VENDORED,
    "examples/app.py": Role.EXAMPLE,
    ".env.example": Role.EXAMPLE,
    "README.md": Role.DOCUMENTATION,
    "package-lock.json": Role.GENERATED,
    "a" * 4000 + ".py": Role.PRODUCTION,
}


@pytest.mark.parametrize(("path", "role"), ROLES.items())
def test_the_path_tells_what_a_file_is_for(path: str, role: Role) -> None:
    assert role_of(path) is role
