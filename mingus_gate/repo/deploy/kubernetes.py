"""Kubernetes manifests and Helm templates: the objects, their containers and schedules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.deploy.nouns import for_development
from mingus_gate.repo.deploy.yaml_file import Map, documents, scalar


@dataclass(frozen=True, eq=False, slots=True)
class Container:
    """A container of a Deployment, StatefulSet, CronJob …; `told` is its part of the manifest."""

    kind: str
    name: str
    path: str
    told: Map
    schedule: str = ""

    @property
    def place(self) -> Place:
        return self.told.place(self.path)

    @property
    def argv(self) -> tuple[str, ...]:
        """`command` and `args` together."""
        return tuple(scalar(word) for key in ("command", "args") for word in self.told.get(key) or () if isinstance(self.told.get(key), list))

    @property
    def environment(self) -> dict[str, str]:
        return {item.text("name"): item.text("value") for item in self.told.maps("env")}


def objects(repo: Repo) -> list[tuple[str, Map]]:
    """(path, object) of every manifest of the tree that is not for development."""
    found = []
    for file in repo.files(".yml", ".yaml"):
        if file.mentions(b"apiVersion:") and file.mentions(b"kind:") and not for_development(file.path):
            for document in documents(repo, file):
                if document.text("kind") == "List":
                    found += [(file.path, item) for item in document.maps("items")]
                elif document.text("kind"):
                    found.append((file.path, document))
    return found


def containers(repo: Repo) -> list[Container]:
    return [container for path, told in repo.fact(objects) for container in _containers(path, told)]


def _containers(path: str, told: Map) -> Iterator[Container]:
    spec = told.map("spec")
    schedule = spec.text("schedule")
    if "jobTemplate" in spec:
        spec = spec.map("jobTemplate").map("spec")
    pod = spec.map("template").map("spec") if "template" in spec else spec
    for key in ("containers", "initContainers"):
        for container in pod.maps(key):
            yield Container(told.text("kind"), container.text("name") or told.map("metadata").text("name"), path, container, schedule)
