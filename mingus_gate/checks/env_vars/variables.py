"""Whether the variables that are read are documented, converted and asked for at start."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.checks.env_vars.secrets import listed
from mingus_gate.model import Observation, Rule, Severity, broken, holds
from mingus_gate.repo import Repo
from mingus_gate.repo.env.conversions import conversions
from mingus_gate.repo.env.dotenv import env_files
from mingus_gate.repo.env.given_values import refused_values
from mingus_gate.repo.env.required import needed
from mingus_gate.repo.env.variables import ENVIRONMENT, EnvRead, env_reads, names_secret
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.python import string, walk

DOCUMENTED = Rule(
    "env-vars.documented",
    Severity.WARNING,
    "Every variable the application reads is in the example file",
    "Add a line for each missing name to `.env.example`, `NAME=value`, with a comment above it, and without the value where it is secret.",
    "variables read by the served application, and `.env.example`",
    "Who sets up a new environment learns of a variable from its example file, or from an outage.",
    "https://12factor.net/config",
)
PRODUCTION_DEFAULT = Rule(
    "env-vars.production-default",
    Severity.WARNING,
    "Without a word from the environment, the application runs as production",
    'Default to production: `os.getenv("APP_ENV", "production")`.',
    "`FLASK_ENV`, `APP_ENV`, `FLASK_CONFIG` and the like with a default",
    "The variable that is forgotten is forgotten in production; then cookies, errors and logs are those of a developer's machine.",
    "https://flask.palletsprojects.com/en/stable/config/#development-production",
)
PARSED = Rule(
    "env-vars.parsed",
    Severity.WARNING,
    "Booleans and numbers are converted, not taken as text",
    'Compare words: `os.getenv("MAIL_USE_TLS", "true").lower() in ("1", "true", "yes")`; make numbers by `int(…)`.',
    "booleans and numbers made of environment variables, and what compose files and Kubernetes workloads give them",
    "A variable is always a text, and every text but the empty one is true: who writes `MAIL_USE_TLS=false` switches it on.",
    "https://docs.python.org/3/library/stdtypes.html#truth-value-testing",
)
REQUIRED_AT_START = Rule(
    "env-vars.required-at-start",
    Severity.WARNING,
    "Without its keys the application does not start",
    'Read it so that a missing one ends the start: `SECRET_KEY = os.environ["SECRET_KEY"]`.',
    "secrets read without a fallback",
    "With `os.getenv` a forgotten key is None: the deploy looks healthy, and the first login or signed token fails.",
    "https://docs.python.org/3/library/os.html#os.environ",
)
EXAMPLE_FILE = Rule(
    "env-vars.example-file",
    Severity.INFO,
    "The example file has no duplicate keys and no bad lines",
    "Keep one line for each key, of the form `KEY=value`.",
    "`.env.example` and the like",
    "Of a key given twice the last one wins, silently; a line that does not parse is skipped.",
    "https://saurabh-kumar.com/python-dotenv/",
)

BY_PLATFORM = re.compile(
    r"PATH|HOME|USER|PWD|SHELL|LANG|LC_\w+|TZ|HOSTNAME|PORT|TMPDIR|TEMP|DYNO|CI|WERKZEUG_\w+|FLASK_RUN_\w+|SERVER_SOFTWARE|KUBERNETES_\w+|HEROKU_\w+|RENDER|RENDER_\w+"
    r"|FLY_\w+|RAILWAY_\w+|VERCEL\w*|GITHUB_\w+|K_SERVICE|K_REVISION|GAE_\w+|WEBSITE_\w+|PYTEST_\w+|PYTHON\w*|VIRTUAL_ENV|CONDA_\w+|VCAP_\w+|INVOCATION_ID|NO_COLOR|LOGNAME"
)
"""Given by the system, the platform or a test runner, not by the person who deploys."""
NOT_PRODUCTION = re.compile(r"(dev|develop|development|local|test|testing|debug|staging)(config|configuration|settings)?", re.IGNORECASE)


def documented(repo: Repo) -> Iterator[Observation]:
    reads: dict[str, EnvRead] = {}
    for read in repo.fact(env_reads):
        if not BY_PLATFORM.fullmatch(read.name):
            reads.setdefault(read.name, read)
    examples = [f for f in repo.fact(env_files) if f.kind == "example"]
    if not reads:
        yield from proven_absent(repo, DOCUMENTED.looks_for)
        return
    if not examples:
        first = next(iter(reads.values()))
        yield broken(
            f"{len(reads)} {'variable is' if len(reads) == 1 else 'variables are'} read, and there is no example env file",
            first.place,
            variables=sorted(reads),
        )
        return
    known = {name for f in examples for name in (*(entry.key for entry in f.lines.entries), *f.lines.commented)}
    named = " and ".join(f.file.path for f in examples[:2])
    if missing := sorted(set(reads) - known):
        message = f"{len(missing)} of {len(reads)} variables are not in {named}: {listed(missing)}"
        yield broken(message, examples[0].place(1), missing=missing)
    else:
        yield holds(f"all {len(reads)} variables that are read are in {named}", examples[0].place(1), variables=len(reads))


def production_default(repo: Repo) -> Iterator[Observation]:
    seen = False
    for read in repo.fact(env_reads):
        if not ENVIRONMENT.fullmatch(read.name):
            continue
        texts = [t for t in read.value.literals if isinstance(t, str) and t.strip()]
        bad = next(
            (text for text in texts if NOT_PRODUCTION.fullmatch(text.rpartition(".")[2]) or (text == "default" and _default_is_development(repo))),
            None,
        )
        seen = True
        if bad:
            yield broken(f"{read.name} defaults to {bad!r}", read.place)
        elif texts:
            yield holds(f"{read.name} defaults to {texts[0]!r}", read.place)
        elif _is_not_production(read):
            yield broken(f"anything but production is assumed when {read.name} is not set", read.place)
        else:
            yield holds(f"{read.name} must be given" if read.required else f"{read.name} has no development default", read.place)
    if not seen:
        yield from proven_absent(repo, PRODUCTION_DEFAULT.looks_for)


def _is_not_production(read: EnvRead) -> bool:
    """`os.getenv("APP_ENV") != "production"`: without the variable this is taken for a developer's machine."""
    test = read.module.parent(read.node)
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.NotEq | ast.NotIn):
        return False
    return any(isinstance(n, ast.Constant) and str(n.value).lower().startswith("prod") for n in walk(test.comparators[0]))


def _default_is_development(repo: Repo) -> bool:
    """Whether a table of configurations has a development class under "default"."""
    for module in repo.python(b"'default'", b'"default"', served=True):
        for table in module.nodes(ast.Dict):
            for key, value in zip(table.keys, table.values, strict=True):
                if string(key) == "default" and NOT_PRODUCTION.fullmatch(module.name(value).rpartition(".")[2]):
                    return True
    return False


def parsed(repo: Repo) -> Iterator[Observation]:
    for found in repo.fact(conversions):
        if found.wrong:
            yield broken(f"{found.name}: {found.wrong}", found.place)
        else:
            yield holds(f"{found.name} is converted {found.how}", found.place)
    yield from (broken(f"{given.name}: {given.why}", given.place) for given in repo.fact(refused_values))
    if not repo.fact(env_reads):
        yield from proven_absent(repo, PARSED.looks_for)


def required_at_start(repo: Repo) -> Iterator[Observation]:
    for variable in repo.fact(needed):
        if variable.noticed == variable.place:
            yield holds(f"{variable.name} must be given", variable.place)
        elif variable.noticed:
            yield holds(f"{variable.name} is checked at {variable.noticed}", variable.noticed)
        else:
            yield broken(f"without {variable.name} the application starts, and its key is empty", variable.place)
    if not any(names_secret(read.name) for read in repo.fact(env_reads)):
        yield from proven_absent(repo, REQUIRED_AT_START.looks_for)


def example_file(repo: Repo) -> Iterator[Observation]:
    for file in repo.fact(env_files):
        if file.kind != "example":
            continue
        first: dict[str, int] = {}
        faults = [*((line, f"line {line} is {why}") for line, why in file.lines.bad)]
        for entry in file.lines.entries:
            if entry.key in first:
                faults.append((entry.line, f"{entry.key} is given twice, first in line {first[entry.key]}"))
            first.setdefault(entry.key, entry.line)
        for line, message in sorted(faults):
            yield broken(message, file.place(line))
        if not faults and first:
            yield holds(f"{len(first)} keys, each given once", file.place(1), keys=len(first))


RULES = {
    DOCUMENTED: documented,
    PRODUCTION_DEFAULT: production_default,
    PARSED: parsed,
    REQUIRED_AT_START: required_at_start,
    EXAMPLE_FILE: example_file,
}
