"""Compose files: their services, those for development left out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import Service, for_development
from mingus_gate.repo.deploy.shell import words
from mingus_gate.repo.deploy.yaml_file import Map, documents, scalar
from mingus_gate.repo.tree import File

NAME = re.compile(r"(^|/)((docker[-_]?)?(compose|stack)([._-][^/]*)?|[^/]*[._-](docker[-_]?)?compose)\.ya?ml$")
FOR_PRODUCTION = re.compile(r"[._-]prod(uction)?\b|(^|/)prod(uction)?/", re.IGNORECASE)
MOCK = re.compile(r"mock|localstack|dynamodb-local|mailhog|mailcatcher|maildev|mailpit|fake", re.IGNORECASE)
DEVELOPMENT_HEADER = re.compile(
    r"\b(is|only|meant|used|setup|stack)\b[^.]*\b(development|local dev|locally|testing|test suite)\b|\bdevelopment (only|setup)\b", re.IGNORECASE
)


def services(repo: Repo) -> list[Service]:
    """The services of every compose file that is not for development or tests."""
    found = [service for file in repo.files(".yml", ".yaml") if is_compose(file) for service in _services(repo, file)]
    final = {(s.place.path.rpartition("/")[0], s.name): s.place.path for s in found if FOR_PRODUCTION.search(s.place.path)}
    return [_overridden(service, final.get((service.place.path.rpartition("/")[0], service.name), "")) for service in found]


def _overridden(service: Service, by: str) -> Service:
    """The service of a base file that a file for production beside it gives again is for development."""
    return service if not by or FOR_PRODUCTION.search(service.place.path) else replace(service, development=service.development or by)


def is_compose(file: File) -> bool:
    return bool(NAME.search(file.path)) and not for_development(file.path) and not _says_development(file)


def _says_development(file: File) -> bool:
    """Whether the comment at the top says that the file is for development."""
    comment = []
    for line in file.lines[:20]:
        if line.strip() and not line.startswith("#"):
            break
        comment.append(line.strip("# =*-"))
    sentences = re.split(r"(?<=[.!])\s|\n", re.sub(r"[*_`]", "", " ".join(comment)))
    return any(DEVELOPMENT_HEADER.search(s) and "production" not in s.lower() for s in sentences)


def _services(repo: Repo, file: File) -> Iterator[Service]:
    for document in documents(repo, file):
        table = document.map("services")
        mock = next((f"{name} beside it" for name in table if MOCK.search(table.map(name).text("image"))), "")
        for name, told in table.items():
            if isinstance(told, Map) and not _for_development(name, told):
                service = _service(repo, file, name, told, table.place(file.path, name))
                yield replace(service, development=_development(repo, file, service) or mock)


def _development(repo: Repo, file: File, service: Service) -> str:
    """What shows that people develop with the service, or ""."""
    for name, value in service.environment.items():
        if (name in ("FLASK_ENV", "APP_ENV", "ENV") and value.startswith("dev")) or (
            name in ("FLASK_DEBUG", "DEBUG") and value.lower() in ("1", "true", "on")
        ):
            return f"{name}={value}"
    for volume in service.volumes:
        source = volume.partition(":")[0]
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), source)).lstrip(".")
        if source.startswith(".") and any(f.path.startswith(f"{folder}/" if folder else "") for f in repo.files(".py")):
            return f"{volume} mounts the source"
    return next((f"env_file {name}" for name in service.env_files if for_development(name)), "")


def _for_development(name: str, told: Map) -> bool:
    profiles = told.get("profiles")
    target = told.map("build").text("target")
    only = isinstance(profiles, list) and bool(profiles) and all(for_development(scalar(p)) for p in profiles)
    return for_development(name) or for_development(target) or for_development(_dockerfile(told)) or only


def _service(repo: Repo, file: File, name: str, told: Map, place: Place) -> Service:
    environment, places = _environment(file, told)
    for key in told:
        places.setdefault(key, told.place(file.path, key))
    if "test" in told.map("healthcheck"):
        places["healthcheck"] = told.map("healthcheck").place(file.path, "test")
    replicas = told.map("deploy").get("replicas")
    return Service(
        name,
        place,
        told.text("image"),
        _built_from(repo, file, told),
        told.map("build").text("target"),
        tuple(_ports(told.get("ports"))),
        environment,
        tuple(_texts(told.get("env_file"), "path")),
        _argv(told.get("command")),
        _argv(told.get("entrypoint")),
        tuple(_volumes(told.get("volumes"))),
        _healthcheck(told.map("healthcheck")),
        replicas if isinstance(replicas, int) and not isinstance(replicas, bool) else 1,
        places,
    )


def _environment(file: File, told: Map) -> tuple[dict[str, str], dict[str, Place]]:
    given, values, places = told.get("environment"), {}, {}
    if isinstance(given, Map):
        for key, value in given.items():
            values[key] = scalar(value)
            places[f"environment.{key}"] = given.place(file.path, key)
    elif isinstance(given, list):
        for item, line in zip(given, getattr(given, "lines", []), strict=False):
            key, _, value = scalar(item).partition("=")
            values[key] = value
            places[f"environment.{key}"] = Place(file.path, line)
    return values, places


def _dockerfile(told: Map) -> str:
    return told.map("build").text("dockerfile")


def _built_from(repo: Repo, file: File, told: Map) -> str:
    """The Dockerfile's path in the tree, or ""."""
    build = told.get("build")
    context = build if isinstance(build, str) else told.map("build").text("context") or "."
    if build is None:
        return ""
    folder = file.path.rpartition("/")[0]
    path = posixpath.normpath(posixpath.join(folder, context, _dockerfile(told) or "Dockerfile"))
    return path if repo.file(path) else ""


def _ports(given: Any) -> Iterator[str]:
    for item in given if isinstance(given, list) else []:
        if isinstance(item, Map):
            host = f"{item.text('host_ip')}:" if item.text("host_ip") else ""
            yield f"{host}{item.text('published')}:{item.text('target')}" if item.text("published") else item.text("target")
        else:
            yield scalar(item)


def _volumes(given: Any) -> Iterator[str]:
    for item in given if isinstance(given, list) else []:
        yield f"{item.text('source')}:{item.text('target')}" if isinstance(item, Map) else scalar(item)


def _texts(given: Any, key: str) -> Iterator[str]:
    for item in given if isinstance(given, list) else [given]:
        if text := item.text(key) if isinstance(item, Map) else scalar(item):
            yield text


def _argv(given: Any) -> tuple[str, ...]:
    """A command in either form: words. Compose splits a text into words itself, no shell does."""
    if isinstance(given, list):
        return tuple(scalar(word) for word in given)
    return words(given.replace("$$", "$")) if isinstance(given, str) else ()


def _healthcheck(told: Map) -> tuple[str, ...]:
    test = told.get("test")
    if told.get("disable") is True:
        return ()
    argv = tuple(scalar(word) for word in test) if isinstance(test, list) else words(test) if isinstance(test, str) else ()
    return () if argv[:1] == ("NONE",) else argv[1:] if argv[:1] in (("CMD",), ("CMD-SHELL",)) else argv
