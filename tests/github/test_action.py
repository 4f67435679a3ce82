"""The Action as GitHub runs it: action.yml under `act`, on a pull request, against a GitHub on this machine.

act runs the job on this machine and in its environment, so that is a small one: git, a shell, and the Python below the
tests' own environment, which holds none of our packages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from mingus_gate.github.inputs import ARGUMENTS
from tests.github.server import JOB, READ_ONLY, GitHub

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BIN = Path(sys.executable).parent

WORKFLOW = """
on: pull_request
permissions:
  contents: read
  pull-requests: write
env:
  PYTHONPATH: .
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v7
      - uses: mingus/gate@v1
        id: gate
        with: {inputs}
      - if: always()
        env:
          OUTPUTS: ${{{{ toJSON(steps.gate.outputs) }}}}
        run: |
          echo "outputs $(echo $OUTPUTS)"
          git status --short
"""

OWNED = 'raise SystemExit("a file of the checkout was imported")\n'
HOSTILE = {
    **dict.fromkeys(("json.py", "sitecustomize.py", "usercustomize.py", "pip.py", "mingus_gate/__init__.py", "my app/pydantic.py"), OWNED),
    "uv.toml": '[[index]]\nurl = "http://127.0.0.1:9/"\ndefault = true\n',
    "pyproject.toml": '[project]\nname = "shop"\nrequires-python = "<3"\n[tool.uv]\noffline = true\n',
    ".python-version": "2.7\n",
    "pip.conf": "[global]\nindex-url = http://127.0.0.1:9/\n",
}


@dataclass
class Run:
    """How a job ended, and what its steps wrote."""

    result: str
    lines: list[str]
    summaries: list[str]

    @property
    def outputs(self) -> dict[str, str]:
        """As a later step reads them."""
        line = next(line for line in self.lines if line.startswith("outputs "))
        found: dict[str, str] = json.loads(line.removeprefix("outputs "))
        return found


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What GitHub downloads of an action: the tracked files without their history."""
    folder = tmp_path_factory.mktemp("action")
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the example application in a folder with a space, and files that wait to be imported."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "examples/ledger", folder / "my app", ignore=shutil.ignore_patterns("__pycache__", ".env"))
    for name, text in HOSTILE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *arguments: str, text: str = "") -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t.example")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, input=text, text=True, check=True, capture_output=True).stdout.strip()


def with_fault(folder: Path, name: str) -> None:
    patch = (ROOT / f"examples/faults/{name}.patch").read_text().partition("\n\n")[2]
    git(folder, "apply", "--directory=my app", text=patch)


PULL = {"pull_request": {"number": 7, "head": {"sha": "f00ba12", "repo": {"full_name": "acme/shop"}}}}


NEXT = "the commit that act will make"
OBEYED = "  ❗  "
"""What act puts before a command that the runner takes."""


def act(
    tmp_path: Path,
    shipped: Path,
    checkout: Path,
    github: GitHub,
    workflow: str,
    *,
    token: str = JOB,
    uv: bool = True,
    event: str = "pull_request",
    payload: Any = None,
) -> Run:
    """Pushes what stands in the checkout (to pull request 7, if not told otherwise) and runs its workflow."""
    (checkout / ".github/workflows").mkdir(parents=True, exist_ok=True)
    (checkout / ".github/workflows/gate.yml").write_text(workflow)
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "push")
    for pull in github.pulls:
        if pull["head"]["sha"] == NEXT:
            pull["head"]["sha"] = git(checkout, "rev-parse", "HEAD")
    (tmp_path / "event.json").write_text(json.dumps(PULL if payload is None else payload))
    command = [f"{BIN}/act", event, "-C", f"{checkout}", "-W", ".github/workflows/gate.yml", "-e", f"{tmp_path}/event.json", "--json"]
    command += ["-P", "ubuntu-latest=-self-hosted", "--pull=false", "--insecure-secrets", "--no-cache-server"]
    command += ["--local-repository", f"mingus/gate@v1={shipped}", "-s", f"GITHUB_TOKEN={token}", "--env", "GITHUB_REPOSITORY=acme/shop"]
    command += ["--env", f"GITHUB_API_URL={github.api}", "--env", f"GITHUB_GRAPHQL_URL={github.graphql}"]
    ended = subprocess.run(command, check=False, env=small_environment(tmp_path, uv=uv), capture_output=True, text=True, timeout=300)
    events = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert any("jobResult" in event for event in events), ended.stdout + ended.stderr
    return Run(
        result=next(event["jobResult"] for event in events if "jobResult" in event),
        lines=[event["msg"].rstrip("\n") for event in events if event.get("raw_output") or event.get("command")],
        summaries=[event["content"] for event in events if event.get("command") == "summary" and len(event["stepID"]) > 1],
    )


def small_environment(tmp_path: Path, *, uv: bool) -> dict[str, str]:
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    wanted = {"python3": sys._base_executable, "uv": str(BIN / "uv")} if uv else {"python3": sys._base_executable}  # type: ignore[attr-defined]
    for name, target in wanted.items():
        if not (tools / name).exists():
            (tools / name).symlink_to(target)
    registries = {k: v for k, v in os.environ.items() if re.match(r"PIP_|UV_|SSL_|REQUESTS_CA|[a-z]+_proxy$", k, re.IGNORECASE)}
    caches = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR") or str(Path("~/.cache/uv").expanduser())}
    return {**registries, **caches, "PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def workflow(**inputs: str) -> str:
    return WORKFLOW.format(inputs=json.dumps(inputs))


def test_a_first_push_is_blocked_and_the_second_mends_it(tmp_path: Path, shipped: Path, checkout: Path, github: GitHub) -> None:
    """One comment, created and then updated; the job fails and then passes; nothing of the checkout is imported or changed.

    The first time the runner has pip only, the second time uv.
    """
    with_fault(checkout, "memory-limiter")
    first = act(tmp_path, shipped, checkout, github, workflow(path="my app"), uv=False)
    assert first.result == "failure"
    assert [c["edits"] for c in github.comments] == [0]
    assert "rate-limiting.shared-storage" in github.comments[0]["body"].partition("<details>")[0]
    assert "https://github.com/acme/shop/blob/f00ba12/my%20app/ledger/config.py#L" in github.comments[0]["body"]
    assert first.outputs.keys() == ACTION["outputs"].keys()
    assert first.outputs["verdict"] == "blocked"
    assert first.outputs["comment-url"] == github.comments[0]["html_url"]
    assert json.loads(Path(first.outputs["report-file"]).read_text())["blocking"] == ["rate-limiting.shared-storage"]
    assert len(first.summaries) == 1
    assert first.summaries[0].startswith("### 🔴 Blocked")
    assert first.lines[-1].startswith("outputs "), "git status has found something"

    git(checkout, "apply", "-R", "--directory=my app", text=(ROOT / "examples/faults/memory-limiter.patch").read_text().partition("\n\n")[2])
    second = act(tmp_path, shipped, checkout, github, workflow(path="my app"), uv=True)
    assert second.result == "success"
    assert [(c["id"], c["edits"]) for c in github.comments] == [(1001, 1)]
    assert "Blocked" not in github.comments[0]["body"]
    assert second.outputs["critical-count"] == "0"


def test_a_comment_that_cannot_be_written_keeps_the_verdict(tmp_path: Path, shipped: Path, checkout: Path, github: GitHub) -> None:
    passes = act(tmp_path, shipped, checkout, github, workflow(path="my app"), token=READ_ONLY)
    assert passes.result == "success"
    with_fault(checkout, "memory-limiter")
    blocks = act(tmp_path, shipped, checkout, github, workflow(path="my app"), token=READ_ONLY)
    assert blocks.result == "failure"
    assert blocks.outputs["verdict"] == "blocked"
    assert blocks.outputs["comment-url"] == ""
    assert any("permissions: pull-requests: write" in line for line in blocks.lines)
    assert not github.comments


def test_gates_that_run_at_the_same_time_keep_comments_of_their_own(tmp_path: Path, shipped: Path, checkout: Path, github: GitHub) -> None:
    matrix = workflow(path="my app", key="${{ matrix.key }}").replace("runs-on:", "strategy: {matrix: {key: [one, two]}}\n    runs-on:")
    assert act(tmp_path, shipped, checkout, github, matrix).result == "success"
    assert {c["body"].partition("\n")[0] for c in github.comments} == {f"<!-- mingus-gate:v1 key={key} -->" for key in ("one", "two")}
    assert len(github.comments) == 2


def bootstrap(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "action/run.sh")],
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("echo 3.10", "mingus-gate needs Python 3.11 or newer, and {python} is 3.10; add actions/setup-python"),
        ("echo 2.7", "is 2.7"),
        ("exit 1", "{python} does not run"),
        (None, "there is no {python} on this runner; add actions/setup-python"),
    ],
)
def test_a_python_that_will_not_do_is_named(tmp_path: Path, says: str | None, words: str) -> None:
    python = tmp_path / "old python"
    if says:
        python.write_text(f"#!/bin/sh\n{says}\n")
        python.chmod(0o755)
    ended = bootstrap(tmp_path, INPUT_PYTHON=str(python))
    assert ended.returncode == 2
    assert ended.stdout.startswith("::error title=mingus-gate::")
    assert words.format(python=python) in ended.stdout


def test_packages_that_cannot_be_installed_are_no_verdict(tmp_path: Path) -> None:
    ended = bootstrap(tmp_path, INPUT_PYTHON=sys._base_executable, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="0", PIP_CONFIG_FILE="/dev/null")  # type: ignore[attr-defined]
    assert ended.returncode == 3
    assert "could not be installed" in ended.stdout


def test_pip_is_tried_where_uv_fails(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").write_text("#!/bin/sh\necho 'uv knows no proxy' >&2\nexit 2\n")
    (tools / "uv").chmod(0o755)
    broken = {"PATH": f"{tools}:/usr/bin:/bin", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null"}
    ended = bootstrap(tmp_path, INPUT_PYTHON=sys._base_executable, **broken)  # type: ignore[attr-defined]
    assert "uv knows no proxy" in ended.stderr
    assert "Could not find a version" in ended.stderr, "pip was not asked"
    assert ended.returncode == 3


def test_every_input_reaches_the_command_and_no_expression_a_shell() -> None:
    (step,) = ACTION["runs"]["steps"]
    assert step["run"] == 'bash "$GITHUB_ACTION_PATH/action/run.sh"'
    assert step["env"] == {f"INPUT_{name.replace('-', '_').upper()}": f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
    assert ACTION["inputs"].keys() == {*ARGUMENTS, "github-token", "python"}


def test_every_input_and_output_is_documented() -> None:
    page = (ROOT / "docs/action.md").read_text()
    assert [name for name in [*ACTION["inputs"], *ACTION["outputs"]] if f"| `{name}` |" not in page] == []


def test_the_lock_holds_what_the_command_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = requirements(project["dependencies"])
    wanted = requirements((ROOT / "action/requirements.in").read_text().splitlines())
    assert wanted.items() <= needed.items()
    live = requirements((ROOT / "action/live.in").read_text().splitlines())
    assert needed.keys() - wanted.keys() <= live.keys(), "only the live checks need these"
    for name in live:
        assert re.search(rf"^{re.escape(name.partition('[')[0])}==", (ROOT / "action/live.txt").read_text(), re.MULTILINE)
    lock = (ROOT / "action/requirements.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    for name, specifier in wanted.items():
        assert pins[name] in Requirement(f"{name}{specifier}").specifier
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE)[1:])


def requirements(lines: list[str]) -> Mapping[str, str]:
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {r.name: str(r.specifier) for r in found}


def test_every_package_the_command_imports_is_copied() -> None:
    setuptools: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    script = (ROOT / "action/run.sh").read_text()
    for package in {name.partition(".")[0] for name in setuptools["packages"]} - {"mingus_gate_hooks"}:  # nothing imports it
        assert f'cp -R "$source_tree/{setuptools["package-dir"].get(package, package)}" "$own/{package}"' in script
