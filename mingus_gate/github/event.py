"""What GitHub tells a job of why it runs: environment and event file → Event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PULL_REQUEST, PUSH, WORKFLOW_RUN = "pull_request", "push", "workflow_run"


@dataclass(frozen=True, slots=True)
class Event:
    """One run of a job. What GitHub does not tell is empty; `pull` is the number of the pull request judged, or None."""

    name: str = ""
    repository: str = ""
    """owner/name"""

    sha: str = ""
    """The commit checked out; for a pull request GitHub merges it with its base first."""

    head: str = ""
    """The commit people see: the tip of the pull request's branch, else `sha`."""

    base: str = ""
    """What to compare with: the commit that the pull request or the merge queue's group is to be merged into, or that a push
    went on from; empty where there is none."""

    pull: int | None = None
    fork: bool = False
    """The pull request comes from another repository: its token may read and not write."""

    api: str = ""
    graphql: str = ""
    server: str = ""
    run: str = ""
    """Address of the run's page, which shows the job summary."""


def read_event(environ: Mapping[str, str]) -> Event:
    """The event of the run that `environ` describes. An event file that is missing or not JSON is an empty one."""
    payload = _payload(environ.get("GITHUB_EVENT_PATH", ""))
    name, repository, sha = (environ.get(f"GITHUB_{key}", "") for key in ("EVENT_NAME", "REPOSITORY", "SHA"))
    server = (environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    run = environ.get("GITHUB_RUN_ID", "")
    # pull_request_target and workflow_run judge the base's code: they have no pull request to report on
    pull = _mapping(payload, "pull_request") if name == PULL_REQUEST else {}
    head = _mapping(pull, "head")
    bases = {
        PULL_REQUEST: _mapping(pull, "base").get("sha"),
        PUSH: str(payload.get("before") or "").strip("0") and payload.get("before"),  # noughts: the branch is new
        "merge_group": _mapping(payload, "merge_group").get("base_sha"),
    }
    number = pull.get("number")
    return Event(
        name=name,
        repository=repository,
        sha=sha,
        head=str(head.get("sha") or sha),
        base=str(bases.get(name) or ""),
        pull=number if isinstance(number, int) else None,
        fork=bool(pull) and str(_mapping(head, "repo").get("full_name", "")).lower() != repository.lower(),
        api=(environ.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/"),
        graphql=environ.get("GITHUB_GRAPHQL_URL") or "https://api.github.com/graphql",
        server=server,
        run=f"{server}/{repository}/actions/runs/{run}" if run and repository else "",
    )


@dataclass(frozen=True, slots=True)
class Run:
    """The run of another workflow that started this one. GitHub says all this, and nothing that ran there can change it."""

    head: str
    """The tip of the branch it ran for."""

    repository: str
    """owner/name of that branch's repository; empty where it was deleted."""

    conclusion: str
    page: str


def read_run(environ: Mapping[str, str]) -> Run | None:
    """The run that started the one that `environ` describes; None for any event but workflow_run."""
    run = _mapping(_payload(environ.get("GITHUB_EVENT_PATH", "")), "workflow_run")
    if environ.get("GITHUB_EVENT_NAME") != WORKFLOW_RUN or not run:
        return None
    repository = str(_mapping(run, "head_repository").get("full_name") or "")
    return Run(str(run.get("head_sha") or ""), repository, str(run.get("conclusion") or ""), str(run.get("html_url") or ""))


def of_pull(event: Event, pull: Mapping[str, Any]) -> Event:
    """The event of a push whose commit is the tip of the pull request that GitHub's API describes."""
    number, base = pull.get("number"), _mapping(dict(pull), "base")
    return replace(event, pull=number if isinstance(number, int) else None, base=str(base.get("sha") or event.base))


def _payload(path: str) -> dict[str, Any]:
    try:
        payload = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _mapping(payload: dict[str, Any], key: str) -> dict[str, Any]:
    found = payload.get(key)
    return found if isinstance(found, dict) else {}
