"""Cuts what the gate asks for out of GitHub's OpenAPI description (npm package @octokit/openapi, MIT) into openapi.json.

npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
python tests/github/cut_openapi.py package/generated/api.github.com.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WANTED = {
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ("patch", "delete"),
    "/repos/{owner}/{repo}/commits/{commit_sha}/pulls": ("get",),
    "/repos/{owner}/{repo}/pulls": ("get",),
}
KEPT = ("operationId", "parameters", "requestBody", "responses")
TEXTS = ("description", "summary", "title", "tags")
LEFT_OUT = ("examples", "example", "externalDocs")


def main(source: str) -> None:
    spec = json.loads(Path(source).read_text("utf-8"))
    paths = {path: {m: strip({k: v for k, v in spec["paths"][path][m].items() if k in KEPT}) for m in methods} for path, methods in WANTED.items()}
    components: dict[str, dict[str, Any]] = {}
    waiting = list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = strip(spec["components"][kind][name])
            waiting += references(components[kind][name])
    cut = {
        "openapi": spec["openapi"],
        "info": {k: spec["info"][k] for k in ("title", "version", "license")},
        "paths": paths,
        "components": components,
    }
    Path(__file__).with_name("openapi.json").write_text(json.dumps(cut, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")


def strip(node: Any) -> Any:
    """Without texts for people; `nullable`, which JSON Schema does not know, becomes a second type."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {k: strip(v) for k, v in node.items() if not (k in TEXTS and not isinstance(v, dict)) and k not in LEFT_OUT and not k.startswith("x-")}
    if kept.pop("nullable", False) is True:
        kept = {"anyOf": [kept, {"type": "null"}]}
    return kept


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


if __name__ == "__main__":
    main(sys.argv[1])
