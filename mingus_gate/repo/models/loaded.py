"""Which modules are ever imported: a model in one that nothing imports is declared on no metadata."""

from __future__ import annotations

import re

from mingus_gate.repo import Repo
from mingus_gate.repo.served import reachable, served_paths

STARTS = re.compile(rb"__main__|\bFlask\(|\bcreate_app\(|@\w+\.cli\b|click|flask_script|\bfrom alembic|\bimport alembic")
"""What a file says that is run by itself; one that is not sure counts as run."""
MODEL = re.compile(rb"Column\(|mapped_column|__tablename__")


def loaded(repo: Repo, path: str) -> bool:
    """Whether the file at `path` is imported by anything that runs. Asked of the few models that seem to have drifted."""
    return path in repo.fact(_loaded) and not _mistaken(repo, path)


def _loaded(repo: Repo) -> set[str]:
    """Everything reachable from what runs: the served application, scripts, env.py, and files of the top folder."""
    starts = [f for f in repo.files(".py") if not MODEL.search(f.data) and ("/" not in f.path or STARTS.search(f.data))]
    return repo.fact(served_paths) | reachable(repo, starts)


def _mistaken(repo: Repo, path: str) -> bool:
    """Whether it was only reached by the name of a package: `import stripe` means no `models/stripe.py` of a package `models`."""
    folder, _, name = path.removesuffix(".py").rpartition("/")
    if name == "__init__" or repo.file(f"{folder}/__init__.py") is None:
        return False
    word = re.escape(name.encode())
    package = re.compile(rb"^[ \t]*(?:from|import)[ \t]+%b\b[^\n]*" % word, re.MULTILINE)
    meant = re.compile(rb"^[ \t]*from[ \t][^\n]*[ \t.(]%b\b|\w\.%b\b" % (word, word), re.MULTILINE)
    others = [f for f in repo.files(".py") if f.path != path and f.mentions(name.encode())]
    if not any(package.search(f.data) for f in others):
        return False
    return not any(meant.search(package.sub(b"", f.data)) or f.path.startswith(f"{folder}/") for f in others)
