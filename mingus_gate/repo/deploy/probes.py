"""Health probes of deploy files: which address they ask, and which application answers there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy import services
from mingus_gate.repo.deploy.dockerfile import Dockerfile, dockerfiles
from mingus_gate.repo.deploy.kubernetes import containers
from mingus_gate.repo.deploy.servers import servers
from mingus_gate.repo.flask.health_routes import health_extensions, health_routes, path_words
from mingus_gate.repo.flask.routes import Route, routes
from mingus_gate.repo.served import reachable

ADDRESS = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\$\{?\w+\}?|[\w-]+)(?::[\w${}:-]+)?(/[^\s'\"|;)\]?#]*)?")
ENTRY = re.compile(r"^([A-Za-z_][\w.]*):[A-Za-z_]\w*(\(.*\))?$")
LIVE = re.compile(r"_*(live|livez|liveness|is_?alive|alive)_*")
READY = re.compile(r"_*(ready|readiness|readyz)_*")
PROXIES = re.compile(rb"nginx|caddy|haproxy|traefik|apache", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe over HTTP. `entry` is the `module:app` that its container starts, `paths` the files which that one imports.

    `sure` is False where the address may belong to another program.
    """

    kind: str
    path: str
    place: Place
    entry: str = ""
    paths: frozenset[str] = frozenset()
    sure: bool = True


def probes(repo: Repo) -> list[Probe]:
    """The HTTP probes of containers that start a Python server of the tree."""
    return [*_images(repo), *_services(repo), *_kubernetes(repo)]


def reached_by(repo: Repo, probe: Probe) -> list[Route]:
    """The routes that a probe may reach."""
    path = probe.path.rstrip("/") or "/"
    return [
        route
        for route in repo.fact(routes)
        if "GET" in route.methods and (not probe.paths or route.module.path in probe.paths) and _fits(route, path)
    ]


def answered_by(repo: Repo, probe: Probe) -> str:
    """The view or extension that a probe reaches, or empty; `*name` for one that takes every address."""
    path = probe.path.rstrip("/") or "/"
    fitting = reached_by(repo, probe)
    own = [route.name for route in fitting if not re.search(r"<path:\w+>$", route.path)]
    own += [extension.name.rstrip(",") for extension in repo.fact(health_extensions) if path in extension.paths]
    return own[0] if own else f"*{fitting[0].name}" if fitting else ""


def liveness_routes(repo: Repo) -> list[tuple[Route, str]]:
    """The routes an orchestrator restarts by, each with words for why it is one: what a livenessProbe asks, or how it is named."""
    found: dict[Route, str] = {}
    for probe in repo.fact(probes):
        if probe.kind.startswith("livenessProbe"):
            meant = [route for route in reached_by(repo, probe) if "<path:" not in route.path]
            if probe.paths or len({route.module.path for route in meant}) == 1:  # else they are of several applications
                found |= dict.fromkeys(meant, f" (the {probe.kind})")
    ends = {route: path_words(route)[-1] for route in repo.fact(health_routes)}
    ready = any(READY.fullmatch(word) for word in ends.values())
    for route, word in ends.items():
        if LIVE.fullmatch(word) or (ready and word == "healthz"):
            found.setdefault(route, "")
    return sorted(found.items(), key=lambda pair: pair[0].place)


def _fits(route: Route, path: str) -> bool:
    rule = re.escape(route.path.rstrip("/") or "/")
    pattern = re.sub(r"<(path:)?[^>]*>", lambda m: ".+" if m[1] else "[^/]+", rule.replace(r"\-", "-"))
    return bool(re.fullmatch(pattern, path)) or (not route.whole and path.endswith(route.path.rstrip("/")))


def _images(repo: Repo) -> Iterator[Probe]:
    for image in repo.fact(dockerfiles):
        stage = image.stage()
        check = stage.last("HEALTHCHECK") if stage and not image.development else None
        if check is not None and _is_python(image):
            yield from _asked(repo, "HEALTHCHECK", check.text, check.place, image.file.path, not PROXIES.search(image.file.data))


def _services(repo: Repo) -> Iterator[Probe]:
    images = {image.file.path: image for image in repo.fact(dockerfiles)}
    for service in repo.fact(services):
        image = images.get(service.build)
        if service.healthcheck and image is not None and _is_python(image):
            place = service.places.get("healthcheck", service.place)
            sure = not PROXIES.search(image.file.data)
            yield from _asked(repo, f"healthcheck of {service.name}", " ".join(service.healthcheck), place, image.file.path, sure, service.name)


def _kubernetes(repo: Repo) -> Iterator[Probe]:
    for container in repo.fact(containers):
        for name in ("livenessProbe", "readinessProbe", "startupProbe"):
            asked = container.told.map(name).map("httpGet")
            if path := asked.text("path"):
                ours = bool(re.search(r"gunicorn|flask|uwsgi|waitress|python", " ".join(container.argv)))
                probe = Probe(f"{name} of {container.name}", path.partition("?")[0], asked.place(container.path, "path"), sure=ours)
                if ours or answered_by(repo, probe):
                    yield probe


def _asked(repo: Repo, kind: str, text: str, place: Place, image: str, sure: bool, service: str = "") -> Iterator[Probe]:
    entry, paths = _entry(repo, image, service)
    for match in ADDRESS.finditer(text):
        yield Probe(kind, match[1] or "/", place, entry, paths, sure)


def _entry(repo: Repo, image: str, service: str) -> tuple[str, frozenset[str]]:
    """The `module:app` that a container starts, and the files it imports; empty where it is not one, or one of several."""
    commands = [server.command for server in repo.fact(servers) if server.command]
    own = [c for c in commands if service and c.service == service] or [c for c in commands if c.place.path == image]
    found = {match[0]: match[1] for command in own for word in command.argv if (match := ENTRY.match(word))}
    if len(found) != 1:
        return "", frozenset()
    entry, module = next(iter(found.items()))
    file = repo.python_file(module.split("."))
    return (entry, frozenset(reachable(repo, [file]))) if file else ("", frozenset())


def _is_python(image: Dockerfile) -> bool:
    return image.file.mentions(
        b"gunicorn", b"flask", b"uwsgi", b"waitress", b"python", b"hypercorn", b"uvicorn", b"pip install", b"uv sync", b"poetry"
    )
