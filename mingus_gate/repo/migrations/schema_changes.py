"""Who changes the schema: `create_all` when the application starts, and the deploy scripts that run the migrations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.app import App, apps
from mingus_gate.repo.models.metadatas import metadatas
from mingus_gate.repo.python import Module, source_of
from mingus_gate.repo.served import served_paths
from mingus_gate.repo.startup import Scope, running

SCRIPT = re.compile(
    r"(init|create|setup|seed|reset|populate|migrate|drop)\w*(db|database|table|schema|data)|(^|/)(manage|shell|seeds?|cli|commands?)(\.py|/)",
    re.IGNORECASE,
)
NOT_PRODUCTION = re.compile(r"test|debug|dev|local|sqlite|memory|cli", re.IGNORECASE)
CHOSEN = re.compile(r"environ|getenv|config|settings", re.IGNORECASE)
UPGRADES = re.compile(r"^(?!\s*(?:#|echo\b)).*?\b(?:(?:db|database)\s+upgrade\b|alembic(?:-\d)?\b[^#\n]*\supgrade\s)", re.MULTILINE)
DEPLOY_FILE = re.compile(
    r"(^|/)([Dd]ockerfile[^/]*|Procfile|app\.json|[^/]*(compose|deploy|render|fly|release)[^/]*\.(ya?ml|toml)|[^/]*\.(service|postinst)"
    r"|[^/]*(entry-?point|boot|start|run|deploy|release|upgrade|migrate|prod|serve|web|launch)[^/]*\.sh|(bin|scripts)/(\w*[_-])?(start|run|boot|deploy|release|migrate))$"
)
FOR_DEVELOPMENT = re.compile(r"(^|/)(\.github|\.circleci|ci|dev|local)/|(^|[._/-])(dev|develop|development|local|tests?|ci|lint)([._-]|$)")


def created_at_start(repo: Repo) -> list[tuple[Place, str]]:
    """Each `create_all` that runs when the served application starts, and the setting it asks first, if any."""
    calls = [(module, call) for module, call in repo.calls("*.create_all", served=True) if not SCRIPT.search(module.path)]
    if not calls:
        return []
    started = running(repo, _started(repo))
    found = []
    for module, call in calls:
        tests = [source_of(above.test) for above in module.ancestors(call) if isinstance(above, ast.If | ast.IfExp)]
        written = [ast.unparse(above.test) for above in module.ancestors(call) if isinstance(above, ast.If)]
        if started.runs(module, call) and not any(NOT_PRODUCTION.search(test) for test in written):
            found.append((module.place(call), next((t for t, w in zip(tests, written, strict=False) if CHOSEN.search(w)), "")))
    return found


def applications(repo: Repo) -> list[App]:
    """The applications that are served; a script's own application is none."""
    served = repo.fact(served_paths)
    return [app for app in repo.fact(apps) if app.module.path in served and not SCRIPT.search(app.module.path)]


def _started(repo: Repo) -> Iterator[tuple[Module, Scope]]:
    """The bodies that make an application which answers requests."""
    for app in repo.fact(applications):
        if app.module.file.mentions(b"route(", b"register_blueprint", b"def create_app", b"add_resource", b"init_app"):
            yield app.module, app.module.function_around(app.call) or app.module.tree


def upgrades(repo: Repo) -> list[tuple[str, Place]]:
    """The deploy scripts that run the migrations, and the calls that do it from code."""
    found = []
    for file in repo.files():
        if DEPLOY_FILE.search(file.path) and not FOR_DEVELOPMENT.search(file.path) and file.mentions(b"upgrade"):
            line = next((n for n, text in enumerate(file.lines, 1) if UPGRADES.search(text)), 0)
            found += [(f"{file.name} runs the migrations", Place(file.path, line))] if line else []
    calls = repo.calls("flask_migrate.upgrade", "alembic.command.upgrade", served=True)
    return found + [("code runs the migrations", module.place(call)) for module, call in calls]


def models(repo: Repo) -> list[Place]:
    """Where the served application declares its tables, in path and line order."""
    served = repo.fact(served_paths)
    tables = [table for metadata in repo.fact(metadatas) for table in metadata.schema.tables.values()]
    return sorted({table.place for table in tables if table.place and table.place.path in served})
