"""What deploy files say, in the words the rules use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mingus_gate.model import Place

NEWLINE = re.compile(r"\r\n|\r|\n")
DEVELOPMENT = {
    *("dev", "develop", "development", "local", "override", "test", "tests", "testing", "ci", "e2e", "cypress", "debug", "devcontainer"),
    *("sandbox", "demo", "example", "playground", "vagrant", "molecule", "codespaces", "gitpod"),
}
"""A deploy file, folder, service or stage with one of these words in its name is no production entry."""
MAX_TEXT = 200_000
"""Characters of a deploy file that are read: nobody writes a longer one by hand."""


def lines(text: str) -> list[str]:
    """The lines of a deploy file up to MAX_TEXT, counted as editors do."""
    return NEWLINE.split(text[:MAX_TEXT])


def for_development(name: str) -> bool:
    """Whether a path or a name says that it is for development or tests: `docker-compose.dev.yml`, `.ci/Dockerfile`."""
    return any(word in DEVELOPMENT for word in re.split(r"[^a-z0-9]+", name.lower()))


@dataclass(frozen=True, slots=True)
class Command:
    """One command that production starts.

    `kind` is dockerfile, compose, procfile, systemd, supervisor, k8s, platform (app.yaml, render.yaml, fly.toml …),
    workflow (a step of a workflow that deploys) or script (a line of a shell script).
    `text` is the command as written, its lines joined. `argv` are its words without wrappers (exec, env, poetry run …);
    a shell variable stands as its value or default where that is known. `service` is the compose service, process
    type, unit or container. `env` is the environment that the same file gives it. `entry` is False for a script that
    no deploy file starts: it may well start nothing in production.
    """

    kind: str
    text: str
    argv: tuple[str, ...]
    place: Place
    service: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    entry: bool = True

    @property
    def program(self) -> str:
        """The program's name without its folder; of `python -m x`, `x`."""
        return self.argv[0].rpartition("/")[2] if self.argv else ""

    def flag(self, *names: str) -> str | None:
        """The value of the first of `names` given: `--workers 4`, `--workers=4`, `-w 4`, `-w4`; "" for one without a value."""
        for index, word in enumerate(self.argv[1:], 1):
            for name in names:
                if word == name:
                    following = self.argv[index + 1] if index + 1 < len(self.argv) else ""
                    return "" if re.match(r"--?[A-Za-z]", following) else following
                if name.startswith("--") and word.startswith(f"{name}="):
                    return word.partition("=")[2]
                if not name.startswith("--") and word.startswith(name) and not word.startswith("--") and len(word) > len(name):
                    return word[len(name) :].lstrip("=")
        return None


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a compose file that is for production. Ports, volumes and healthcheck are texts as written.

    `environment` holds what the file gives (an entry without a value is ""); `places` tells where each key of the
    service, and each `environment.NAME`, stands. `healthcheck` is the words of its test, () where there is none.
    """

    name: str
    place: Place
    image: str = ""
    build: str = ""
    """The path of the Dockerfile it is built from, in the tree, or ""."""
    target: str = ""
    ports: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    replicas: int = 1
    places: Mapping[str, Place] = field(default_factory=dict)
    development: str = ""
    """What shows that people develop with it (the source mounted, FLASK_ENV=development, a mock beside it), or ""."""
