"""Whether secrets stay out of the tree: in env files, as literals and as fallbacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.dotenv import env_files, ignored_at, is_harmless, secret_entries
from mingus_gate.repo.env.private_keys import private_keys
from mingus_gate.repo.env.secrets import FOR_TESTS, is_placeholder, search
from mingus_gate.repo.env.variables import EnvRead, env_reads, names_secret, production_settings
from mingus_gate.repo.flask.app import proven_absent
from mingus_gate.repo.flask.signing_keys import signing_keys
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

OTHERS_KEY = re.compile(r"_(API_)?(KEY|TOKEN)$")
NO_KEY = re.compile(r"placeholder|dummy|fake|unset|not[ _-]?set|todo|none|n/a|x+|-+", re.IGNORECASE)
"""What nobody takes for a key: with it a call to the service is refused."""
READ_WITH_DEFAULT = re.compile(r"""(?:environ\.get|getenv)\(\s*['"]([A-Z][A-Z0-9_]*)['"]\s*,\s*['"]([^'"\n]{6,120})['"]""")


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
                f"{file.file.path} holds {len(kinds)} secret {'value' if len(kinds) == 1 else 'values'}: {listed([k for k, _ in kinds])}", place
            )
        elif not kinds:
            yield holds(f"{file.file.path} holds no secret among {len(file.lines.entries)} values", file.place(1))
    if not judged and ignored:
        yield holds("env files are ignored by git, and none is tracked", ignored)


def listed(names: list[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
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


RULES = {
    TRACKED_ENV_FILE: tracked_env_file,
    LITERAL_SECRETS: literal_secrets,
    SECRET_DEFAULTS: secret_defaults,
}
