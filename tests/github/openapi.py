"""GitHub's own description of its API, cut to what the gate asks for (cut_openapi.py): checks requests, and makes answers of the right shape."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SPEC: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text("utf-8"))


def complaints(method: str, path: str, query: dict[str, list[str]], body: Any) -> list[str]:
    """What of a request GitHub's description does not know."""
    operation, problem = _operation(method, path)
    if problem:
        return [problem]
    known = {p["name"]: p for p in map(_resolved, operation["parameters"]) if p["in"] == "query"}
    found = [f"{operation['operationId']} has no parameter {name}" for name in query if name not in known]
    for name in query.keys() & known.keys():
        text = query[name][-1]
        value = int(text) if known[name]["schema"]["type"] == "integer" and text.isdecimal() else text
        found += _errors(known[name]["schema"], value)
    wanted = operation.get("requestBody")
    if wanted:
        found += _errors(wanted["content"]["application/json"]["schema"], body)
    return found + ([f"{operation['operationId']} takes no body"] if body and not wanted else [])


def answer_complaints(method: str, path: str, status: int, body: Any) -> list[str]:
    """What of an answer of our own GitHub would not have said."""
    operation, problem = _operation(method, path)
    described = operation.get("responses", {}).get(str(status))
    if problem or described is None:
        return [problem or f"{operation['operationId']} never answers {status}"] if status < 400 else []
    content = _resolved(described).get("content", {}).get("application/json")
    return _errors(content["schema"], body) if content else []


def sample(name: str, **given: Any) -> dict[str, Any]:
    """The smallest object that the component `name` allows, with what is given put in."""
    made: dict[str, Any] = json.loads(json.dumps(_smallest({"$ref": f"#/components/schemas/{name}"})))
    return made | given


def _operation(method: str, path: str) -> tuple[dict[str, Any], str]:
    for template, methods in SPEC["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found = methods.get(method.lower())
            return (found, "") if found else ({}, f"{method} is not described for {template}")
    return {}, f"{path} is not described"


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        node = SPEC["components"][kind][name]
    return node


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": SPEC["components"]})


def _errors(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator(json.dumps(schema)).iter_errors(value)]


def _smallest(schema: dict[str, Any]) -> Any:
    schema = _resolved(schema)
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return None if {"type": "null"} in schema[several] else _smallest(schema[several][0])
    kind = schema.get("type", "object")
    if kind == "object":
        return {name: _smallest(schema["properties"][name]) for name in schema.get("required", ())}
    return {"string": "", "integer": 1, "number": 1, "boolean": False, "array": []}[kind]
