"""The wheel holds every package and every data file: a renamed folder is easily forgotten."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RENAMED = {"hooks": "mingus_gate_hooks", "checklist": "mingus_gate_checklist"}


def test_pyproject_lists_every_package() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    folders = [p.parent.relative_to(ROOT) for top in ("mingus_gate", *RENAMED) for p in (ROOT / top).rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join((RENAMED.get(f.parts[0], f.parts[0]), *f.parts[1:])) for f in folders)


def test_every_data_file_is_shipped() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    for top, package in {"mingus_gate": "mingus_gate", **RENAMED}.items():
        data = [p for p in (ROOT / top).rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
        for file in data:
            assert any(file.relative_to(ROOT / top).match(pattern) for pattern in shipped.get(package, [])), file
