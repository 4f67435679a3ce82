"""Load tests and performance budgets in the tree, told by what they import or configure."""

from __future__ import annotations

import re

from mingus_gate.model import Role
from mingus_gate.repo import Repo
from mingus_gate.repo.tree import File

ROLES = (Role.PRODUCTION, Role.TEST, Role.EXAMPLE, Role.DOCUMENTATION)


def load_tests(repo: Repo) -> list[tuple[File, str]]:
    """Each (file, kind of test), in path order."""
    return [(file, tool) for file in repo.files(roles=ROLES) if (tool := _kind(file))]


def _kind(file: File) -> str:
    """What kind of load test a file is, or ""."""
    name, path = file.name.lower(), file.path.lower()
    if name.endswith(".py"):
        if file.mentions(b"import locust", b"from locust"):
            return "Locust test"
        called = file.mentions(b"(benchmark)", b"benchmark(", b"benchmark.pedantic") and file.role is Role.TEST
        return "pytest-benchmark test" if called and re.search(rb"def test_\w+\([^)]*\bbenchmark\b", file.data) else ""
    if name.endswith((".js", ".ts", ".mjs")):
        return "k6 test" if file.mentions(b"'k6/", b'"k6/', b"from 'k6'", b'from "k6"') else "Gatling test" if file.mentions(b"@gatling.io/") else ""
    if name.endswith((".yml", ".yaml")):
        return "Artillery test" if file.mentions(b"arrivalRate", b"arrivalCount", b"rampTo") and file.mentions(b"scenarios") else ""
    if name.endswith((".scala", ".java", ".kt")):
        return "Gatling test" if file.mentions(b"io.gatling.") else ""
    if name.endswith(".jmx"):
        return "JMeter test"
    return "Lighthouse budget" if re.search(r"(^|/)(\.?lighthouserc\.\w+|budgets?\.json)$", path) and file.mentions(b"budget", b"assert") else ""
