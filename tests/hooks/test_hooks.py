"""Each hook through its real entry, as the manifest names it: what it shows, its exit code, what it imports."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from mingus_gate.checks import CHECKS, RULES
from tests.tools import Files, write

ROOT = Path(__file__).resolve().parent.parent.parent
HOOKS: dict[str, dict[str, str]] = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
OF_FILES = sorted(set(HOOKS) - {"mingus-gate"})

GOOD = {
    "app.py": 'import os\n\nfrom flask import Flask\n\napp = Flask(__name__)\napp.config["SECRET_KEY"] = os.environ["SECRET_KEY"]\n',
    "wsgi.py": "from app import app\n",
    "Procfile": "web: gunicorn wsgi:app --workers 2 --timeout 30\n",
    ".env.example": "SECRET_KEY=\n",
    "compose.yaml": "services:\n  web:\n    image: app\n    environment:\n      SECRET_KEY: ${SECRET_KEY}\n",
    "requirements.txt": "flask==3.1.0\n",
    "pyproject.toml": '[project]\nname = "app"\n[tool.mingus-gate]\nchecklist = "docs/launch.md"\n',
    "docs/launch.md": "- [ ] Pool is bounded <!-- id: database.pool-size rules: database-pooling.pool-size -->\n",
    "migrations/alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": "from alembic import context\n",
    "migrations/versions/0001_users.py": """
        import sqlalchemy as sa
        from alembic import op

        revision = "0001"
        down_revision = None


        def upgrade():
            op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))


        def downgrade():
            op.drop_table("users")
        """,
}
SECOND_HEAD = GOOD["migrations/versions/0001_users.py"].replace('"0001"', '"0002"').replace("None", '"0001"').replace("users", "notes")

BAD: dict[str, tuple[Mapping[str, str], str, str]] = {
    "mingus-env-hygiene": (
        {"app.py": GOOD["app.py"].replace('os.environ["SECRET_KEY"]', '"s3cret"')},
        "app.py",
        r"app\.py:6:\d+: .* \[security-config\.secret-key\]",
    ),
    "mingus-debug-flags": ({"app.py": GOOD["app.py"] + "app.run(debug=True)\n"}, "app.py", r"app\.py:7:\d+: .* \[security-config\.debug\]"),
    "mingus-migration-drift": (
        {"migrations/versions/0002_notes.py": SECOND_HEAD, "migrations/versions/0003_marks.py": SECOND_HEAD.replace('"0002"', '"0003"')},
        "migrations/versions/0003_marks.py",
        r"migrations/versions/0003_marks\.py:\d+:\d+: .* \[migrations\.single-head\]",
    ),
    "mingus-checklist": (
        {"docs/launch.md": "- [ ] Pool is bounded <!-- id: database.pool-size rules: database-pooling.pol-size -->\n"},
        "docs/launch.md",
        r"docs/launch\.md:1:1: no rule `database-pooling\.pol-size`; did you mean `database-pooling\.pool-size`\?; .*",
    ),
}
"""Hook → (files that replace good ones, the committed one, the line that is shown)."""


def git_tree(root: Path, files: Files) -> Path:
    """The files in a git repository, staged."""
    write(root, files)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    return root


def run(hook: str, root: Path, *names: str, entry: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """The hook's entry, run in `root` with the file names that git would hand over."""
    program, *words = shlex.split(entry or HOOKS[hook]["entry"])
    command = [str(Path(sys.executable).parent / program), *words, *names]
    return subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, encoding="utf-8", env={**os.environ, **env})


@pytest.mark.parametrize("hook", OF_FILES)
def test_a_good_tree_is_quiet(tmp_path: Path, hook: str) -> None:
    done = run(hook, git_tree(tmp_path, GOOD), *GOOD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("hook", OF_FILES)
def test_what_is_bad_in_a_committed_file_is_shown_with_its_place_and_rule(tmp_path: Path, hook: str) -> None:
    files, committed, expected = BAD[hook]
    done = run(hook, git_tree(tmp_path, {**GOOD, **files}), committed)
    assert done.returncode == 1, done
    assert re.search(rf"^{expected}$", done.stdout, re.MULTILINE), done.stdout
    assert all(re.match(r"\S+:\d+:\d+: |  fix: ", line) for line in done.stdout.splitlines())
    assert "s3cret" not in done.stdout


@pytest.mark.parametrize("hook", [hook for hook in OF_FILES if hook != "mingus-checklist"])
def test_what_is_bad_in_other_files_is_counted_not_shown(tmp_path: Path, hook: str) -> None:
    done = run(hook, git_tree(tmp_path, {**GOOD, **BAD[hook][0]}), "wsgi.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"[12] more in files that are not part of this commit; `mingus-gate check` shows them\n", done.stderr)


@pytest.mark.parametrize("hook", OF_FILES)
def test_without_file_names_all_is_shown(tmp_path: Path, hook: str) -> None:
    files, _, expected = BAD[hook]
    done = run(hook, git_tree(tmp_path, {**GOOD, **files}))
    assert done.returncode == 1
    assert re.search(rf"^{expected}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("hook", OF_FILES)
def test_a_hook_that_looked_at_nothing_says_so_in_one_line(tmp_path: Path, hook: str) -> None:
    git_tree(tmp_path, {"notes.txt": "nothing here\n"})
    write(tmp_path, {"untracked.py": "import flask\n"})
    for name in ("notes.txt", "untracked.py"):
        done = run(hook, tmp_path, name)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("looked at nothing: ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("hook", OF_FILES)
def test_a_hook_loads_nothing_but_the_standard_library_and_the_gate(tmp_path: Path, hook: str) -> None:
    started = {"_distutils_hack", "_virtualenv", "sitecustomize", "usercustomize", "org"}  # by Python itself; `copy` asks for Jython's org
    known = {*sys.stdlib_module_names, *started, "mingus_gate", "mingus_gate_hooks"}
    app = ROOT / "examples" / "ledger"
    example = {path.relative_to(app).as_posix(): path.read_bytes() for path in app.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    for files in ({**GOOD, **BAD[hook][0]}, example):
        root = git_tree(tmp_path / str(len(files)), files)
        done = run(hook, root, PYTHONPROFILEIMPORTTIME="1")
        loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
        assert {"argparse", "mingus_gate"} <= loaded
        assert {name for name in loaded - known if not name.startswith("__editable__")} == {"imported package"}


@pytest.mark.parametrize("hook", OF_FILES)
def test_wrong_usage_and_wrong_settings_are_2(tmp_path: Path, hook: str) -> None:
    git_tree(tmp_path, {**GOOD, "pyproject.toml": "[tool.mingus-gate]\nexclude = 'docs'\n"})
    assert run(hook, tmp_path, "--no-such-option").returncode == 2
    done = run(hook, tmp_path, "app.py")
    assert done.returncode == 2
    assert "pyproject.toml:2: [tool.mingus-gate] exclude" in done.stderr
    write(tmp_path, {"pyproject.toml": "not TOML"})
    assert "pyproject.toml: not valid TOML" in run(hook, tmp_path, "app.py").stderr


def test_a_rule_that_does_not_exist_is_2_and_names_the_nearest(tmp_path: Path) -> None:
    done = run("", git_tree(tmp_path, GOOD), entry="mingus-hook-files --rules=env-vars,security-config.debg app.py")
    assert done.returncode == 2
    assert "no rule or check `security-config.debg`; did you mean `security-config.debug`?" in done.stderr


def test_a_configured_checklist_that_is_not_there_is_2(tmp_path: Path) -> None:
    done = run("mingus-checklist", git_tree(tmp_path, {**GOOD, "pyproject.toml": "[tool.mingus-gate]\nchecklist = 'docs/lunch.md'\n"}))
    assert done.returncode == 2
    assert "no file `docs/lunch.md` in the tree; did you mean `docs/launch.md`?" in done.stderr


def test_a_fault_of_ours_is_3_with_version_and_where_to_report_it(tmp_path: Path) -> None:
    code = "import sys, mingus_gate_hooks.files as f; f.read_settings = lambda _: 1 / 0; sys.exit(f.main(['--rules=tls', 'app.py']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=git_tree(tmp_path, GOOD), check=False, capture_output=True, text=True)
    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stderr
    assert re.search(r"fault of mingus-gate \d+\.\d+.*Python 3\.\d+.*https://", done.stderr)


def test_settings_of_the_team_hold_for_hooks(tmp_path: Path) -> None:
    bad = {**GOOD, "app.py": GOOD["app.py"] + "app.run(debug=True)\n"}
    for setting in ('disable = ["security-config.debug"]', 'disable = ["security-config"]', 'exclude = ["app.py"]'):
        root = git_tree(tmp_path / str(len(setting)), {**bad, "pyproject.toml": f"[tool.mingus-gate]\n{setting}\n"})
        assert "security-config.debug" not in run("mingus-debug-flags", root).stdout


def waiver(rule: str, expires: str, more: str = "") -> str:
    return f'[tool.mingus-gate]\n[[tool.mingus-gate.waivers]]\nrule = "{rule}"\nowner = "ana"\nreason = "a demo"\nexpires = {expires}\n{more}'


DEBUG = "security-config.debug"
ON = GOOD["app.py"] + "app.run(debug=True)"
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": f"{ON}  # mingus: accept {DEBUG} -- only on laptops\n"},
        {"app.py": ON, "pyproject.toml": waiver(DEBUG, '"never"')},
        {"app.py": ON, "pyproject.toml": waiver(DEBUG, str(datetime.now(UTC).date() + 60 * DAY), 'path = "app.py"\n')},
        {"app.py": ON, "pyproject.toml": waiver(DEBUG, '"never"') + waiver("tls.hst", "3").partition("\n")[2]},  # of a check that is not asked
    ],
)
def test_what_is_waived_does_not_stop_a_commit(tmp_path: Path, files: dict[str, str]) -> None:
    done = run("mingus-debug-flags", git_tree(tmp_path, {**GOOD, **files}), "app.py", PYTHONPROFILEIMPORTTIME="1")
    told = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert (done.returncode, done.stdout, told) == (0, "", [])
    assert "pydantic" not in done.stderr


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"app.py": f"{ON}  # mingus: accept {DEBUG}\n"}, "app.py:7:22: waiver does not waive: write `mingus: accept RULE -- reason`"),
        ({"app.py": f"{ON}  # mingus: accept {DEBUG[:-1]} -- x\n"}, f"app.py:7:22: waiver does not waive: no rule `{DEBUG[:-1]}`; did you mean"),
        ({"app.py": f"{ON}  # mingus: accept security.debug -- x\n"}, "app.py:7:22: waiver does not waive: no rule `security.debug`"),
        ({"app.py": ON, "pyproject.toml": waiver(DEBUG, "2026-01-31")}, "pyproject.toml:2:1: waiver does not waive: ended on 2026-01-31"),
        ({"app.py": ON, "pyproject.toml": waiver(DEBUG, "3")}, "pyproject.toml:2:1: waiver does not waive: `expires` is not a date"),
    ],
)
def test_a_waiver_that_is_not_right_does_not_and_is_named(tmp_path: Path, files: dict[str, str], says: str) -> None:
    done = run("mingus-debug-flags", git_tree(tmp_path, {**GOOD, **files}), "app.py")
    assert done.returncode == 1
    assert f"[{DEBUG}]" in done.stdout
    assert says in done.stderr


def test_a_waiver_that_soon_ends_is_told(tmp_path: Path) -> None:
    files = {**GOOD, "app.py": ON, "pyproject.toml": waiver(DEBUG, str(datetime.now(UTC).date() + 5 * DAY))}
    done = run("mingus-debug-flags", git_tree(tmp_path, files), "app.py")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(rf"pyproject\.toml:2:1: waiver ends in [45] days \[{DEBUG}\]\n", done.stderr)


def test_waivers_of_another_shape_are_2(tmp_path: Path) -> None:
    done = run("mingus-debug-flags", git_tree(tmp_path, {**GOOD, "pyproject.toml": "[tool.mingus-gate]\nwaivers = 3\n"}), "app.py")
    assert done.returncode == 2
    assert "pyproject.toml:2: [tool.mingus-gate] waivers: must be an array of tables" in done.stderr


def test_a_committed_file_that_does_not_parse_is_named(tmp_path: Path) -> None:
    root = git_tree(tmp_path, {**GOOD, "app.py": GOOD["app.py"] + "def broken(:\n"})
    done = run("mingus-debug-flags", root, "app.py")
    assert done.returncode == 0
    assert re.fullmatch(r"app\.py:7:1: not judged: it could not be parsed \(SyntaxError: .*\)\n", done.stderr)


def test_what_is_staged_is_judged_also_before_the_first_commit(tmp_path: Path) -> None:
    root = git_tree(tmp_path, GOOD)
    write(root, BAD["mingus-env-hygiene"][0])
    assert run("mingus-env-hygiene", root, "app.py").returncode == 0
    git_tree(root, {})
    assert run("mingus-env-hygiene", root, "./app.py").returncode == 1
    assert run("mingus-env-hygiene", root, str(root / "app.py")).returncode == 1
    write(root, GOOD)
    assert run("mingus-env-hygiene", root, "app.py").returncode == 1
    (root / "app.py").unlink()
    assert run("mingus-env-hygiene", root, "app.py").returncode == 1


def test_the_index_that_a_commit_names_is_judged(tmp_path: Path) -> None:
    """`git commit app.py` with other things staged: the hook is given an index of its own."""
    root = git_tree(tmp_path / "tree", GOOD)
    (tmp_path / "index").write_bytes((root / ".git/index").read_bytes())
    git_tree(root, BAD["mingus-env-hygiene"][0])
    assert run("mingus-env-hygiene", root, "app.py", GIT_INDEX_FILE=str(tmp_path / "index")).returncode == 0
    assert run("mingus-env-hygiene", root, "app.py").returncode == 1


def test_a_checklist_is_known_by_its_configured_path_its_name_or_its_ids(tmp_path: Path) -> None:
    text = "- [ ] no id\n"
    root = git_tree(
        tmp_path,
        {
            "todo.md": text,
            "ops/production_deployment_checklist.md": text,
            "ops/mine.md": "- [x] one <!-- id: a.b -->\n" + text,
            "README.md": "```\n- [ ] one <!-- id: a.b -->\n```\n- [ ] two\n",
        },
    )
    done = run("mingus-checklist", root)
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == ["ops/mine.md:2:1", "ops/production_deployment_checklist.md:1:1"]
    write(root, {"pyproject.toml": "[tool.mingus-gate]\nchecklist = 'todo.md'\n"})
    assert run("mingus-checklist", root).stdout.startswith("todo.md:1:1: item without an id")
    done = run("mingus-checklist", root, "ops/mine.md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "looked at nothing: `todo.md` is not among the 1 files given\n")


def test_the_gate_before_a_push_blocks_on_a_critical_issue(tmp_path: Path) -> None:
    bad = run("mingus-gate", git_tree(tmp_path, {**GOOD, "app.py": GOOD["app.py"].replace('os.environ["SECRET_KEY"]', '"s3cret"')}))
    assert bad.returncode == 1, bad
    assert "security-config.secret-key" in bad.stdout


# -- the manifest ----------------------------------------------------------------------------------------------------


def test_the_ids_are_for_ever() -> None:
    assert list(HOOKS) == ["mingus-env-hygiene", "mingus-debug-flags", "mingus-migration-drift", "mingus-checklist", "mingus-gate"]


def test_the_manifest_is_valid() -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")], check=True)


def test_every_rule_that_an_entry_names_exists() -> None:
    named = {name for hook in HOOKS.values() for names in re.findall(r"--rules=(\S+)", hook["entry"]) for name in names.split(",")}
    assert named - set(RULES) - {check.id for check in CHECKS} == set()


def test_every_hook_is_documented() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    for id_ in HOOKS:
        assert f"## {id_}\n" in page
    for names in (names for hook in HOOKS.values() for names in re.findall(r"--rules=(\S+)", hook["entry"])):
        assert all(f"`{name}`" in page for name in names.split(","))


@pytest.mark.parametrize(
    ("hook", "taken", "left"),
    [
        ("mingus-env-hygiene", ["app.py", ".env", "docs/setup.docx", "deep/compose.yaml", "LICENSE"], []),
        (
            "mingus-debug-flags",
            [
                *("app.py", "a/config.py", "app.pyw", ".env", ".env.production", "prod.env", ".flaskenv", "env", "Dockerfile", "Dockerfile.prod"),
                *("docker/web.Dockerfile", "compose.yml", "k8s/app.yaml", "Procfile", "Procfile.web", "run.sh", "app.service", "supervisord.conf"),
                *("config.json", "pyproject.toml", "tox.ini", "Makefile"),
            ],
            ["logo.png", "README.md", "app.py.orig", "index.html", "environment", "data.csv"],
        ),
        (
            "mingus-migration-drift",
            ["models.py", "migrations/versions/0001_a.py", "alembic.ini", "backend/alembic.ini"],
            ["README.md", "myalembic.ini", "setup.cfg", "x.pyc"],
        ),
        ("mingus-checklist", ["docs/launch.md", "LIST.markdown"], ["launch.txt", "md", "app.py"]),
    ],
)
def test_which_committed_files_start_a_hook(hook: str, taken: list[str], left: list[str]) -> None:
    pattern = re.compile(HOOKS[hook].get("files", ""))
    assert [path for path in taken if not pattern.search(path)] == []
    assert [path for path in left if pattern.search(path)] == []


def test_a_hook_is_one_process_that_judges_the_whole_tree() -> None:
    assert all(hook["require_serial"] for hook in HOOKS.values())
    assert HOOKS["mingus-gate"]["always_run"]
    assert not HOOKS["mingus-gate"]["pass_filenames"]
    assert "pre-commit" not in HOOKS["mingus-gate"]["stages"]
