"""Which files the served application and its workers can import: found by reading import lines, nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mingus_gate.repo.tree import File

if TYPE_CHECKING:
    from mingus_gate.repo import Repo

ENTRY = re.compile(rb"\b(Flask|Celery|APIFlask|Quart|FlaskApp)\(|\bdef create_app\(|^(\w+[ \t]*=[ \t]*)?[\w.]*\bcreate_app\(", re.MULTILINE)
"""What makes an application. A script that asks `create_app()` for one inside a function serves nothing."""
ENTRY_WORDS = (b"Flask(", b"Celery(", b"Quart(", b"FlaskApp(", b"create_app(")
"""One of these stands where ENTRY does: the pattern takes a millisecond a file, these take none."""
TAKES_APP = re.compile(rb"^from[ \t]+[.\w]+[ \t]+import[ \t][^\n]*\b(app|application)\b", re.MULTILINE)
ADDS_ROUTES = re.compile(rb"^@?(app|application)\.(route|get|post|register_blueprint)\(", re.MULTILINE)
"""A file that adds routes to an application it imports. Who imports the file may stand outside of the tree."""
ENTRY_NAMES = ("wsgi.py", "asgi.py", "gunicorn.conf.py", "gunicorn_config.py", "celeryconfig.py", "celery_app.py")
SCRIPT = re.compile(r"(^|/)(scripts?|tools?|bin|migrations|alembic|seeds?)/|(^|/)(setup|manage|fabfile|tasks_local)\.py$")
IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<base>[.\w]+)[ \t]+import[ \t]+(?P<names>\((?:[^()#]++|#[^\n]*+)*+\)|[^\n#]*)|import[ \t]+(?P<plain>[\w., \t]+))",
    re.MULTILINE,
)
DOTTED_TEXT = re.compile(rb"['\"]([A-Za-z_]\w*(?:\.\w+)+)(?::\w+)?['\"]")
FILE_TEXT = re.compile(rb"['\"]([\w./-]+\.py)['\"]")
LOADS_CONFIG = re.compile(rb"\.from_object\(|\.from_pyfile\(|\.from_envvar\(|import_string\(")
CONFIG_NAME = re.compile(r"(config|configuration|settings)(_\w+)?\.py$|(^|/)(config|settings)/[^/]+\.py$")
LOADS_FOLDER = re.compile(rb"pkgutil\.(iter_modules|walk_packages)|import_module\(|find_modules\(|autodiscover_tasks|register_blueprints|glob\(")


def served_paths(repo: Repo) -> set[str]:
    """Paths of the Python files reachable by imports from where a Flask or Celery application is made.

    Names in text count as imports ("app.tasks.mail" in a Celery `include`), and a file that loads a folder's modules
    by itself makes the whole folder reachable. Where no application is found, every production file counts.
    """
    waiting = [
        f for f in repo.files(".py") if f.name in ENTRY_NAMES or (f.mentions(b"Flask", b"Celery", b"app") and not SCRIPT.search(f.path) and _entry(f))
    ]
    return reachable(repo, waiting) if waiting else {file.path for file in repo.files(".py")}


def _entry(file: File) -> bool:
    if file.mentions(*ENTRY_WORDS) and ENTRY.search(file.data):
        return True
    taken = {match[1] for match in TAKES_APP.finditer(file.data)}
    return bool(taken) and any(match[1] in taken for match in ADDS_ROUTES.finditer(file.data))


def reachable(repo: Repo, files: list[File]) -> set[str]:
    """Paths of `files` and of every Python file of the tree that they import, directly or not."""
    known = repo.fact(_known_imports)
    waiting = list(files)
    reached: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file.path not in reached:
            reached.add(file.path)
            if file.path not in known:
                known[file.path] = list(_imported(repo, file))
            waiting += known[file.path]
    return reached


def _known_imports(_repo: Repo) -> dict[str, list[File]]:
    """What each file imports, filled in as files are asked for."""
    return {}


def _imported(repo: Repo, file: File) -> Iterator[File]:
    for parts in file.fact(_names):
        for length in range(1, len(parts) + 1):
            if found := repo.python_file(parts[:length]):
                yield found
    folder = file.path.rpartition("/")[0]
    for path in file.fact(_named_files):
        yield from (found for at in (folder, "") if (found := repo.file(f"{at}/{path}".lstrip("/"))))
    if file.fact(_loads_config):
        yield from (other for other in repo.files(".py") if CONFIG_NAME.search(other.path))
    if file.fact(_loads_folder):
        yield from (other for other in repo.files(".py") if folder and other.path.startswith(f"{folder}/"))


def _named_files(file: File) -> list[str]:
    return [match[1].decode() for match in FILE_TEXT.finditer(file.data)]


def _loads_config(file: File) -> bool:
    return LOADS_CONFIG.search(file.data) is not None


def _loads_folder(file: File) -> bool:
    return LOADS_FOLDER.search(file.data) is not None


def _names(file: File) -> list[list[str]]:
    """The import names in a file, in parts."""
    return list(_find_names(file))


def _find_names(file: File) -> Iterator[list[str]]:
    package = file.path.split("/")[:-1]
    for match in IMPORT.finditer(file.data):
        if plain := match["plain"]:
            yield from (name.split(b" as ")[0].strip().decode("utf-8", "replace").split(".") for name in plain.split(b","))
            continue
        base = match["base"].decode("utf-8", "replace")
        dots = len(base) - len(base.lstrip("."))
        start = (package[: len(package) - dots + 1] if dots else []) + [part for part in base.lstrip(".").split(".") if part]
        yield start
        for name in re.findall(rb"\w+", match["names"]):
            yield [*start, name.decode()]
    for match in DOTTED_TEXT.finditer(file.data):
        yield match[1].decode().split(".")
