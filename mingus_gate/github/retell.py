"""`comment-from`: what the report of an untrusted run says, told on its pull request by a run whose token may write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mingus_gate.config import ConfigError
from mingus_gate.github.annotations import command
from mingus_gate.github.client import ApiError, Client
from mingus_gate.github.event import Event, Run, read_event, read_run
from mingus_gate.github.inputs import Inputs
from mingus_gate.model import Report
from mingus_gate.reports.read import ReportError, Reread, read_report

ENDINGS = {"success": False, "failure": True}
"""How a run ends, and whether its gate blocks then."""


def retell(inputs: Inputs, file: Path, environ: Mapping[str, str]) -> tuple[Report, Event, tuple[str, ...]]:
    """The report in `file`, the event with the pull request whose run made it, and what to say of it. Raises ConfigError."""
    run = read_run(environ)
    if run is None:
        started = environ.get("GITHUB_EVENT_NAME") or "nothing"
        raise ConfigError(f"comment-from: belongs in a workflow `on: workflow_run`, and this run was started by {started}; see docs/action.md")
    try:
        reread = read_report(file, inputs.config)
    except ReportError as error:
        raise ConfigError(f"comment-from: {file}: {error}") from None
    event = replace(read_event(environ), head=run.head, run=run.page)
    return reread.report, replace(event, pull=_pull(event, run, inputs)), tuple(_notes(reread, run, event))


def _pull(event: Event, run: Run, inputs: Inputs) -> int | None:
    """The number of the open pull request whose tip the run judged. The report is not asked: it could name any other."""
    if inputs.comment == "never":
        return None
    if not inputs.token:
        print(command("warning", "no comment was written: there is no token; leave the input `github-token` at its default", title="mingus-gate"))
        return None
    try:
        for pull in Client(event.api, event.graphql, inputs.token).get_all(f"/repos/{event.repository}/pulls"):
            head = pull.get("head") or {}
            repository = str((head.get("repo") or {}).get("full_name") or "")
            if head.get("sha") == run.head and repository and repository.lower() == run.repository.lower():
                return int(pull["number"])
    except ApiError as error:
        print(command("warning", f"no comment was written: the pull request was not found: {error}", title="mingus-gate"))
        return None
    text = f"no comment: no open pull request has the commit {run.head[:7]} of {run.repository or 'a deleted repository'} as its tip"
    print(command("notice", text, title="mingus-gate"))
    return None


def _notes(reread: Reread, run: Run, event: Event) -> Iterator[str]:
    """What a reader should know of a report that came from elsewhere."""
    blocked = reread.report.score.verdict == "blocked"
    if run.conclusion not in ENDINGS:
        yield f"⚠️ The run that made this report ended as {run.conclusion or 'nobody knows'}."
    elif blocked and not ENDINGS[run.conclusion]:
        yield "⚠️ These results block, but the run that made them ended as success: its check is not to be relied on. Read its workflow."
    elif not blocked and ENDINGS[run.conclusion]:
        yield "⚠️ These results do not block, but the run that made them ended as failure: see its log."
    if reread.left_out:
        yield f"⚠️ {reread.left_out} {'result is' if reread.left_out == 1 else 'results are'} left out: of rules that this version does not know."
    if run.repository.lower() != event.repository.lower():
        yield f"Made by a run of {run.repository or 'a deleted repository'}, which decides itself what it reports."
