"""`mingus-gate ci`, what the Action runs: inputs and event → the gate → summary, comment, outputs, annotations → the verdict's exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from mingus_gate.config import ConfigError
from mingus_gate.gate import examine
from mingus_gate.github.annotations import MOST, annotate, command, fenced
from mingus_gate.github.client import ApiError, Client
from mingus_gate.github.comment import compose, publish
from mingus_gate.github.event import PUSH, Event, of_pull, read_event
from mingus_gate.github.history import deepen
from mingus_gate.github.inputs import Inputs, read_inputs
from mingus_gate.github.retell import retell
from mingus_gate.github.summary import SUMMARY_BOUND, write_outputs, write_summary
from mingus_gate.model import Report
from mingus_gate.repo.git import folder_in
from mingus_gate.reports.json import render_json
from mingus_gate.reports.links import Links
from mingus_gate.reports.markdown import one_line, render_markdown
from mingus_gate.reports.sarif import render_sarif
from mingus_gate.reports.text import render_text

PASSES, BLOCKS, USAGE = 0, 1, 2
FORK = "no comment: the token of a pull request from a fork may not write; the job summary has the report"


def run(arguments: argparse.Namespace) -> int:
    """Judges, tells everybody, and returns the verdict's exit code, whatever came of the telling."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a file's name may be in no encoding
    try:
        inputs = read_inputs(vars(arguments), os.environ)
        if inputs.comment_from:
            report, event, notes = retell(inputs, inputs.comment_from, os.environ)
            tell(report, inputs, event, os.environ, retold=notes)
            return PASSES
        event = _found_pull(read_event(os.environ), inputs)
        base = inputs.base or event.base
        if base:
            deepen(inputs.path, base, server=event.server, token=inputs.token)
        live = os.environ if inputs.live else None
        report = examine(inputs.path, inputs.config, base=base, settings=inputs.settings, live=live)
    except ConfigError as error:
        for line in str(error).splitlines():
            print(command("error", line, title="mingus-gate"))
        return USAGE
    tell(report, inputs, event, os.environ)
    return BLOCKS if report.score.verdict == "blocked" else PASSES


def _found_pull(event: Event, inputs: Inputs) -> Event:
    """A push's event with the open pull request whose tip it is, if there is one and a comment is wanted."""
    if event.name != PUSH or inputs.comment == "never" or not inputs.token:
        return event
    try:
        pulls = list(Client(event.api, event.graphql, inputs.token).get_all(f"/repos/{event.repository}/commits/{event.sha}/pulls"))
    except ApiError as error:
        print(command("warning", f"the pull request of this push was not found: {error}. The verdict stands.", title="mingus-gate"))
        return event
    mine = (p for p in pulls if p.get("state") == "open" and (p.get("head") or {}).get("sha") == event.sha)
    return of_pull(event, next(mine, {}))


def tell(report: Report, inputs: Inputs, event: Event, environ: Mapping[str, str], *, retold: Sequence[str] | None = None) -> None:
    """Writes log, report file, summary, comment, outputs and annotations. What fails becomes a warning and stops none of the others.

    `retold` are notes on a report that another run made: the lines it names are not this run's to mark.
    """
    folder = folder_in(inputs.path)
    links = Links(tree=f"{event.server}/{event.repository}/blob/{event.head}/{quote(folder)}" if event.head else "", commit=event.head)
    troubles = []

    def attempt(what: str, act: Callable[[], str | None]) -> str:
        try:
            return act() or ""
        except (ApiError, OSError) as error:
            trouble = f"{what}: {error}"
        except Exception as error:  # noqa: BLE001  (a fault in telling the verdict must not change it)
            trouble = f"{what}: {type(error).__name__}, a fault of mingus-gate; please report it"
        troubles.append(trouble)
        print(command("warning", f"{trouble}. The verdict stands.", title="mingus-gate"))
        return ""

    def annotated() -> None:
        marks = annotate(report, folder, room=MOST - len(troubles)) if retold is None else ()
        print(*marks, one_line(report), sep="\n")

    attempt("the report was not printed", lambda: print(fenced(render_text(report)), flush=True))
    page = partial(render_markdown, report, links, name=inputs.name, limit=SUMMARY_BOUND, notes=retold or ())
    attempt("the job summary was not written", lambda: write_summary(environ, page()))
    file = attempt("the report file was not written", lambda: _write(inputs.report_file, render_json(report)))
    sarif = attempt("the SARIF file was not written", lambda: _write(inputs.sarif_file, render_sarif(report)) if inputs.sarif_file else "")
    comment = attempt("no comment was written", lambda: _comment(report, inputs, event, replace(links, report=event.run), retold or ()))
    outputs = {**_outputs(report), "report-file": file, "sarif-file": sarif, "comment-url": comment}
    attempt("the outputs were not set", lambda: write_outputs(environ, outputs))
    attempt("the lines were not annotated", annotated)


def _comment(report: Report, inputs: Inputs, event: Event, links: Links, notes: Sequence[str]) -> str:
    """Writes the comment where there is a pull request, and returns its address."""
    if inputs.comment == "never" or event.pull is None:
        return ""
    if not inputs.token:
        raise ApiError(0, "there is no token; leave the input `github-token` at its default")
    text = compose(report, links, inputs.key, inputs.name, notes)
    try:
        return publish(Client(event.api, event.graphql, inputs.token), event, text, inputs.comment)
    except ApiError as error:
        if not (event.fork and error.status == 403):
            raise
        # expected on every run for a fork: no warning
        print(command("notice", FORK, title="mingus-gate"))
        return ""


def _outputs(report: Report) -> dict[str, str]:
    score = report.score
    return {
        "score": "" if score.value is None else f"{score.value:g}",
        "grade": score.grade,
        "verdict": score.verdict,
        "coverage": f"{score.coverage:g}",
        "critical-count": str(len(report.critical)),
    }


def _write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return str(file.resolve())
