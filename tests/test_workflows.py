"""Our own workflows and those we tell people to copy: valid, pinned, with the permissions they need and no others."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PAGES = ("README.md", "docs/action.md", "docs/hooks.md", "docs/live.md", "CONTRIBUTING.md")
FENCE = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INPUTS = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]

AROUND_STEPS = """\
name: Example
on: pull_request
permissions: {}
jobs:
  gate:
    name: Example
    runs-on: ubuntu-latest
    steps:
"""


def blocks(page: str) -> list[str]:
    return [dedent(text) for text in FENCE.findall((ROOT / page).read_text())]


def as_workflows(page: str) -> Iterator[str]:
    """The page's workflows as GitHub would get them; a list of steps gets a job around it."""
    for text in blocks(page):
        whole = AROUND_STEPS + indent(text, "      ") if isinstance(yaml.safe_load(text), list) else text
        if "jobs:" in whole:
            yield whole.replace("<commit>", "0123456789abcdef0123456789abcdef01234567")


def uses(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from (step for step in [job, *job.get("steps", ())] if "uses" in step)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_parses(page: str) -> None:
    assert all(yaml.safe_load(text) for text in blocks(page))


def test_what_the_page_tells_people_to_copy_is_right(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    texts = list(as_workflows("docs/action.md"))
    assert len(texts) >= 9
    for number, text in enumerate(texts):
        (folder / f"{number}.yml").write_text(text)
        for step in uses(yaml.safe_load(text)):
            assert re.search(r"@[0-9a-f]{40}$", step["uses"]) or step["uses"].startswith("./"), text
            if step["uses"].startswith("mingus-gate/mingus-gate@"):
                assert step.get("with", {}).keys() <= INPUTS.keys(), text
    schema = [f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, folder.iterdir())]
    for command in (schema, [f"{BIN}/zizmor", "--offline", "--no-progress", str(tmp_path)]):
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.stem))
def test_our_own_are_pinned_and_start_with_no_permission(file: Path) -> None:
    text = file.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert all(job.get("permissions") for job in workflow["jobs"].values())
    assert "pull_request_target" not in text
    for line in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) or line.startswith("./ #"), line
