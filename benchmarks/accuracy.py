"""How often each static rule held, was broken or could not be told, on trees of your own choosing.

    python benchmarks/accuracy.py PATH…                            a Markdown table by rule
    python benchmarks/accuracy.py PATH… --findings                 every broken observation, for a person to read
    python benchmarks/accuracy.py PATH… --findings --least critical

Whether a finding is right only a person can tell, at the place, with the source open: docs/accuracy.md is what came of it.
A tree is judged as it stands, with default settings: its own [tool.mingus-gate] could switch off what is to be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mingus_gate.checks import CHECKS
from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.model import Kind, Observation, Report, Result, Rule, Severity

STATIC = tuple(rule for check in CHECKS for rule in check.static)
"""The rules that read source; a live rule has nothing to ask here."""

KINDS = (Kind.PASS, Kind.FAIL, Kind.UNKNOWN, Kind.NOT_APPLICABLE)

Reports = Mapping[str, Report]
"""By the tree's name."""


def judged(paths: Sequence[Path]) -> dict[str, Report]:
    """Each tree's report; says on standard error where it is, for a large tree takes a minute."""
    reports = {}
    for path in paths:
        print(f"reading {path}", file=sys.stderr)
        reports[path.resolve().name] = examine(path, Config())
    return reports


def results(report: Report) -> Iterator[Result]:
    """What the static rules came to."""
    return (result for result in report.results if result.source == "static")


def broken(result: Result) -> list[Observation]:
    """What the rule calls wrong. One failed result may hold many."""
    return [o for o in result.observations if o.holds is False] if result.kind is Kind.FAIL else []


def table(reports: Reports) -> str:
    """One line a rule: in how many trees it came to what, and how many broken observations there were in all."""
    kinds: dict[Rule, Counter[Kind]] = defaultdict(Counter)
    found: Counter[Rule] = Counter()
    for report in reports.values():
        for result in results(report):
            kinds[result.rule][result.kind] += 1
            found[result.rule] += len(broken(result))
    head = ["rule", "severity", *(kind.value for kind in KINDS), "broken places"]
    rows = [[f"`{r.code}`", r.severity.word, *(str(kinds[r][kind]) for kind in KINDS), str(found[r])] for r in STATIC]
    lines = [head, ["---", "---", *["--:"] * (len(head) - 2)], *rows, _sums(kinds, found)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sums(kinds: Mapping[Rule, Counter[Kind]], found: Counter[Rule]) -> list[str]:
    return ["all", "", *(str(sum(counter[kind] for counter in kinds.values())) for kind in KINDS), str(found.total())]


def trees(reports: Reports) -> str:
    """One line a tree: its size, and what the gate said."""
    lines = [["tree", "commit", "files", "parsed", "verdict", "score", "coverage"], ["---", "---", "--:", "--:", "---", "--:", "--:"]]
    for name, report in reports.items():
        score = report.score
        value = "-" if score.value is None else f"{score.value:.0f}"
        size = [str(report.scanned.files), str(report.scanned.parsed)]
        lines.append([name, report.commit[:9], *size, score.verdict, value, f"{score.coverage:.0%}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def findings(reports: Reports, least: Severity) -> Iterator[str]:
    """`tree path:line rule message` for each broken observation, the gravest first. Messages hold no secret's value."""
    chosen = [(name, result) for name, report in reports.items() for result in results(report) if result.rule.severity >= least]
    for name, result in sorted(chosen, key=lambda pair: (-pair[1].rule.severity, pair[1].rule.code)):
        for seen in broken(result):
            yield f"{name} {seen.place or '-'} {result.rule.code} {seen.message}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--findings", action="store_true", help="list every broken observation instead of the table")
    parser.add_argument("--least", choices=[s.word for s in Severity], default="info", help="with --findings: leave out what matters less")
    arguments = parser.parse_args()
    reports = judged(arguments.paths)
    if arguments.findings:
        print(*findings(reports, Severity[arguments.least.upper()]), sep="\n")
    else:
        print(trees(reports), table(reports), sep="\n\n")


if __name__ == "__main__":
    main()
