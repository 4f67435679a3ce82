"""Are environment variables complete, documented and free of secrets in the tree?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.conversions import conversions
from mingus_gate.repo.env.dotenv import env_files, ignored_at, is_harmless, secret_entries
from mingus_gate.repo.env.given_values import refused_values
from mingus_gate.repo.env.private_keys import private_keys
from mingus_gate.repo.env.required import needed
from mingus_gate.repo.env.secrets import FOR_TESTS, is_placeholder, search
from mingus_gate.repo.env.variables import ENVIRONMENT, EnvRead, env_reads, names_secret, production_settings
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.signing_keys import signing_keys
from mingus_gate.repo.python import string, walk
from mingus_gate.repo.served import served_paths

TRACKED_ENV_FILE = Rule(
    "env-vars.tracked-env-file",
    Severity.CRITICAL,
    "No env file with secrets is in the tree",
    "Take the file out of the tree and keep it ignored: `git rm --cached .env && echo .env >> .gitignore`; then replace every secret it held.",
    "tracked env files, and a line for `.env` in .gitignore",
    "Everybody with the repository, every fork and every build log has those values, and git keeps them after they are deleted. An env file "
    "whose values are all harmless (FLASK_APP, public keys, empty ones, placeholders) breaks nothing.",
    "https://12factor.net/config",
)
LITERAL_SECRETS = Rule(
    "env-vars.literal-secrets",
    Severity.CRITICAL,
    "No live secret is written in a tracked file",
    'Revoke it at its provider first, then read the new one from the environment, `os.environ["STRIPE_SECRET_KEY"]`; the history keeps the old one.',
    "keys of known providers, private keys and database addresses with a password in every tracked file, and secrets read from the environment",
    "A key in the tree is known to everybody who ever had the repository. Scanners find public ones within minutes.",
    "https://docs.github.com/en/code-security/secret-scanning/introduction/about-secret-scanning",
)
SECRET_DEFAULTS = Rule(
    "env-vars.secret-defaults",
    Severity.WARNING,
    "Passwords, tokens and API keys have no literal in the source",
    'Read it without a fallback: `os.environ["DB_PASSWORD"]`.',
    "variables named password, secret, token or API key, and settings of those names",
    "With the variable missing the application starts with a value that everybody can read, or calls out with one that never worked.",
    "https://12factor.net/config",
)
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

OTHERS_KEY = re.compile(r"_(API_)?(KEY|TOKEN)$")
NO_KEY = re.compile(r"placeholder|dummy|fake|unset|not[ _-]?set|todo|none|n/a|x+|-+", re.IGNORECASE)
"""What nobody takes for a key: with it a call to the service is refused."""

READ_WITH_DEFAULT = re.compile(r"""(?:environ\.get|getenv)\(\s*['"]([A-Z][A-Z0-9_]*)['"]\s*,\s*['"]([^'"\n]{6,120})['"]""")
BY_PLATFORM = re.compile(
    r"PATH|HOME|USER|PWD|SHELL|LANG|LC_\w+|TZ|HOSTNAME|PORT|TMPDIR|TEMP|DYNO|CI|WERKZEUG_\w+|FLASK_RUN_\w+|SERVER_SOFTWARE|KUBERNETES_\w+|HEROKU_\w+|RENDER|RENDER_\w+"
    r"|FLY_\w+|RAILWAY_\w+|VERCEL\w*|GITHUB_\w+|K_SERVICE|K_REVISION|GAE_\w+|WEBSITE_\w+|PYTEST_\w+|PYTHON\w*|VIRTUAL_ENV|CONDA_\w+|VCAP_\w+|INVOCATION_ID|NO_COLOR|LOGNAME"
)
"""Given by the system, the platform or a test runner, not by the person who deploys."""
NOT_PRODUCTION = re.compile(r"(dev|develop|development|local|test|testing|debug|staging)(config|configuration|settings)?", re.IGNORECASE)


def tracked_env_file(repo: Repo) -> Iterator[Observation]:
    ignored = ignored_at(repo)
    judged = False
    for file in repo.fact(env_files):
        if file.kind == "example" or (repo.tree.listing != "git" and ignored):
            continue
        judged = True
        kinds = secret_entries(file)
        if kinds and file.kind == "plain":
            place = file.place(kinds[0][1])
            yield broken(
                f"{file.file.path} holds {len(kinds)} secret {'value' if len(kinds) == 1 else 'values'}: {_list([k for k, _ in kinds])}", place
            )
        elif not kinds:
            yield holds(f"{file.file.path} holds no secret among {len(file.lines.entries)} values", file.place(1))
    if not judged and ignored:
        yield holds("env files are ignored by git, and none is tracked", ignored)


def _list(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def literal_secrets(repo: Repo) -> Iterator[Observation]:
    searched = repo.fact(search)
    elsewhere = {f.file.path for f in repo.fact(env_files) if f.kind == "plain"}  # tracked-env-file reports those
    keys = {key.place for key in repo.fact(private_keys)}  # tls.private-key reports those
    seen = [secret for secret in searched.secrets if secret.place.path not in elsewhere and secret.place not in keys]
    for secret in seen:
        yield broken(f"a {secret.kind} is written here", secret.place, kind=secret.kind)
    read = [r for r in repo.fact(env_reads) if names_secret(r.name)]
    if not seen and read:
        names = len({r.name for r in read})
        come = "variable comes" if names == 1 else "variables come"
        message = f"{names} secret {come} from the environment, and {searched.files} files hold no live secret"
        yield holds(message, read[0].place, files=searched.files, variables=names)


def secret_defaults(repo: Repo) -> Iterator[Observation]:
    own = {(key.place.path, key.place.line) for key in repo.fact(signing_keys)}  # security-config.secret-key reports those
    given: dict[tuple[str, int], Observation] = {}
    for read in repo.fact(env_reads):
        if names_secret(read.name) and (line := (read.place.path, read.place.line)) not in own:
            judged = _judge_default(read.name, read.value.literals, read.value.unresolved, read.place, True)
            stands_in = judged.holds is False and _stands_in(repo, read)
            given.setdefault(line, unclear(f"{read.name} falls back to a placeholder, and {stands_in}", read.place) if stands_in else judged)
    for setting in production_settings(repo):
        if names_secret(setting.key) and (line := (setting.place.path, setting.place.line)) not in own and setting.value.literals:
            given.setdefault(line, _judge_default(setting.key, setting.value.literals, "", setting.place, bool(setting.value.env)))
    for observation in _in_scripts(repo):
        given.setdefault((observation.place.path, observation.place.line) if observation.place else ("", 0), observation)
    if not given:
        yield from proven_absent(repo, SECRET_DEFAULTS.looks_for)
    yield from given.values()


def _stands_in(repo: Repo, read: EnvRead) -> str:
    """What shows that the fallback of another service's key is for a developer's machine; empty where nothing does."""
    if not OTHERS_KEY.search(read.name):
        return ""
    if read.value.literals and all(NO_KEY.fullmatch(str(value)) for value in read.value.literals):
        return "no service takes it"
    beside = {f"{OTHERS_KEY.sub('', read.name)}_{word}" for word in ("HOST", "URL", "API_HOST", "API_URL", "BASE_URL")}
    near = (r.name for r in repo.fact(env_reads) if r.name in beside and r.value.may_be(lambda v: "localhost" in str(v) or "127.0.0.1" in str(v)))
    return next((f"{name} to this machine" for name in near), "")


def _in_scripts(repo: Repo) -> Iterator[Observation]:
    """Fallbacks in what the application does not import, told by text: only those that look like a real secret."""
    served = repo.fact(served_paths)
    for file in repo.files(".py"):
        if file.path not in served and not FOR_TESTS.search(file.path) and file.mentions(b"environ.get(", b"getenv("):
            for match in READ_WITH_DEFAULT.finditer(file.text):
                if names_secret(match[1]) and not is_placeholder(match[2]) and re.search(r"\d", match[2]) and not is_harmless(match[2]):
                    yield broken(f"{match[1]} falls back to a literal", Place(file.path, file.text.count("\n", 0, match.start()) + 1))


def _judge_default(name: str, literals: tuple[object, ...], unresolved: str, place: Place, read: bool) -> Observation:
    texts = [
        v
        for v in literals
        if isinstance(v, str) and v.strip() and not re.fullmatch(r"[\W_]*|none|null|true|false|\d{1,4}|demo_key", v.strip(), re.IGNORECASE)
    ]
    if texts:
        return broken(f"{name} falls back to a literal" if read else f"{name} is a literal in the source", place)
    if unresolved:
        return unclear(f"the fallback of {name} is `{unresolved}`", place)
    return holds(f"{name} has no literal fallback", place)


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
        message = f"{len(missing)} of {len(reads)} variables are not in {named}: {_list(missing)}"
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


CHECK = Check(
    "env-vars",
    "Environment variables",
    "Are environment variables complete, documented and free of secrets in the tree?",
    weight=3,
    static={
        TRACKED_ENV_FILE: tracked_env_file,
        LITERAL_SECRETS: literal_secrets,
        SECRET_DEFAULTS: secret_defaults,
        DOCUMENTED: documented,
        PRODUCTION_DEFAULT: production_default,
        PARSED: parsed,
        REQUIRED_AT_START: required_at_start,
        EXAMPLE_FILE: example_file,
    },
)
