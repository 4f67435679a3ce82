from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.histories import histories, misplaced
from mingus_gate.repo.migrations.history import History
from mingus_gate.repo.migrations.script_locations import script_locations
from tests.tools import Files, write

ENV = {"migrations/env.py": "from alembic import context\n"}


def history(root: Path, files: Files) -> History:
    (found,) = Repo(write(root, files)).fact(histories)
    return found


def chain(*ids: str) -> dict[str, str]:
    parents = (None, *ids)
    return {f"migrations/versions/{id_}.py": f"revision = {id_!r}\ndown_revision = {parent!r}\n" for parent, id_ in zip(parents, ids, strict=False)}


def test_revisions_come_with_parents_labels_and_functions(tmp_path: Path) -> None:
    text = "revision = 'b'\ndown_revision = ('a', 'x')\nbranch_labels = ['shop']\ndepends_on = 'c'\n\ndef upgrade():\n    pass\n"
    found = history(tmp_path, ENV | {"migrations/versions/b.py": text})
    (revision,) = found.revisions
    assert (revision.id, revision.down, revision.labels, revision.depends_on) == ("b", ("a", "x"), ("shop",), ("c",))
    assert revision.merges
    assert revision.upgrade
    assert revision.upgrade.lineno == 6
    assert revision.downgrade is None


def test_parents_come_before_children(tmp_path: Path) -> None:
    found = history(tmp_path, ENV | chain("c", "a", "b"))
    assert [r.id for r in found.ordered] == ["c", "a", "b"]
    assert [r.id for r in found.newest(2)] == ["b", "a"]
    assert found.line_of(found.heads[0]) == ["b", "a", "c"]


def test_what_it_depends_on_comes_first_and_does_not_hide_a_head(tmp_path: Path) -> None:
    files = {"migrations/versions/x.py": "revision = 'x'\ndepends_on = 'a'\n"}
    found = history(tmp_path, ENV | chain("a") | files)
    assert [r.id for r in found.ordered] == ["a", "x"]
    assert {r.id for r in found.heads} == {"a", "x"}


def test_a_circle_is_found_and_what_follows_it_is_not_part_of_it(tmp_path: Path) -> None:
    files = {f"migrations/versions/{a}.py": f"revision = {a!r}\ndown_revision = {b!r}\n" for a, b in ("ab", "bc", "ca", "da")}
    found = history(tmp_path, ENV | files)
    assert {r.id for r in found.cycle} == {"a", "b", "c"}
    assert found.ordered == ()


def test_a_circle_through_a_dependency(tmp_path: Path) -> None:
    files = {"migrations/versions/x.py": "revision = 'x9'\ndown_revision = 'b'\n", "migrations/versions/a.py": "revision = 'a'\ndepends_on = 'x'\n"}
    found = history(tmp_path, ENV | chain("a", "b") | files)
    assert {r.id for r in found.cycle} == {"a", "b", "x9"}


def test_three_thousand_revisions(tmp_path: Path) -> None:
    found = history(tmp_path, ENV | chain(*(f"r{n}" for n in range(3000))))
    assert [r.id for r in found.heads] == ["r2999"]
    assert len(found.ordered) == len(found.line_of(found.heads[0])) == 3000
    assert found.cycle == ()


def test_a_folder_of_revisions_without_env_is_a_history_of_its_own(tmp_path: Path) -> None:
    found = history(tmp_path, {"app/steps/a.py": "revision = 'a'\ndown_revision = None\n"})
    assert found.bare
    assert found.name == "app/steps"


def test_a_revision_elsewhere_that_follows_a_known_one_is_misplaced(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, ENV | chain("a") | {"old/b.py": "revision = 'b'\ndown_revision = 'a'\n"}))
    assert [r.path for r in repo.fact(misplaced)] == ["old/b.py"]
    assert len(repo.fact(histories)) == 1


def test_locations_of_all_kinds(tmp_path: Path) -> None:
    env = "from alembic import context\n"
    repo = Repo(
        write(
            tmp_path,
            {
                "alembic.ini": """
                [alembic]
                script_location = main:steps
                [logs]
                script_location = %(here)s/logs
                version_locations = %(here)s/logs/a:%(here)s/logs/b
                version_path_separator = os
                """,
                "main/steps/env.py": env,
                "logs/env.py": env,
                "web/migrations/env.py": env,
                "web/migrations/alembic.ini": "[alembic]\nversion_locations = migrations/versions\n",
                "web/app.py": "from flask_migrate import Migrate\n",
                "tests/migrations/env.py": env,
                "other/env.py": "HOME = '/'\n",
            },
        )
    )
    found = {location.folder: (location.versions, location.command) for location in repo.fact(script_locations)}
    assert found == {
        "main/steps": (("main/steps/versions",), "alembic"),
        "logs": (("logs/a", "logs/b"), "alembic -n logs"),
        "web/migrations": (("web/migrations/migrations/versions",), "flask db"),
    }


def test_broken_configuration_is_no_crash(tmp_path: Path) -> None:
    files = {"alembic.ini": "script_location = migrations\n[alembic\n", "pyproject.toml": "[tool.alembic\n"}
    assert history(tmp_path, ENV | chain("a") | files).name == "migrations"


def test_files_that_do_not_parse_are_kept_apart(tmp_path: Path) -> None:
    found = history(tmp_path, ENV | chain("a") | {"migrations/versions/b.py": "revision = (\n", "migrations/versions/c.py": "import os\n"})
    assert [u.path for u in found.unread] == ["migrations/versions/b.py"]
    assert [m.path for m in found.strangers] == []
    assert [r.id for r in found.revisions] == ["a", "c"]
