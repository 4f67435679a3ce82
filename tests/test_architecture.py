"""Imports run one way: no module imports one that stands to its right."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "mingus_gate"
ORDER = (
    "model < redact < repo < waivers < target config < checks < run < score < checklist < reports < loosened < gate < github monitor < cli __main__"
)
RANK = {name: rank for rank, names in enumerate(ORDER.split(" < ")) for name in names.split()}
CHEAP = ("model", "redact", "repo", "checks", "run", "score", "checklist")


def _imports() -> list[tuple[str, str, str]]:
    """(file, its room, the room of ours it imports)."""
    found = []
    for file in ROOT.rglob("*.py"):
        room = file.relative_to(ROOT).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] if isinstance(node, ast.Import) else []
            found += [(str(file.relative_to(ROOT)), room, name.split(".")[1]) for name in names if name.startswith("mingus_gate.")]
            found += [(str(file.relative_to(ROOT)), room, f"hooks {name}") for name in names if name.startswith("mingus_gate_hooks")]
    return found


def test_every_room_has_its_place() -> None:
    rooms = {p.name.removesuffix(".py") for p in ROOT.iterdir() if (p.suffix == ".py" or (p / "__init__.py").exists())}
    assert rooms - {"__init__"} <= RANK.keys()


def test_imports_run_one_way() -> None:
    assert [(file, to) for file, room, to in _imports() if room != "__init__" and RANK.get(to, 99) > RANK[room]] == []


def test_the_hook_path_imports_the_standard_library_only() -> None:
    code = "import sys, mingus_gate.checks, mingus_gate.run, mingus_gate.score, mingus_gate.checklist; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    known = set(sys.stdlib_module_names) | {"mingus_gate", "__main__", "__mp_main__", "_distutils_hack", "__editable___mingus_gate_0_1_0_finder"}
    assert {name.partition(".")[0] for name in loaded} - known == set()
