"""What the served application can import, told by its import lines."""

from pathlib import Path

from mingus_gate.repo import Repo
from mingus_gate.repo.served import served_paths
from tests.tools import Files, write

APP = "from flask import Flask\napp = Flask(__name__)\n"


def served(root: Path, files: Files) -> set[str]:
    return served_paths(Repo(write(root, files)))


def test_a_file_that_adds_routes_to_an_imported_application(tmp_path: Path) -> None:
    main = "from shop import app\n\n@app.route('/')\ndef index():\n    return 'ok'\n"
    assert "main.py" in served(tmp_path, {"shop.py": APP, "main.py": main})


def test_a_job_that_asks_for_an_application(tmp_path: Path) -> None:
    factory = "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n"
    job = "from shop import create_app\n\ndef run():\n    with create_app().app_context():\n        pass\n"
    assert served(tmp_path, {"shop.py": factory, "load.py": job}) == {"shop.py"}


def test_an_application_made_by_a_factory_for_the_server(tmp_path: Path) -> None:
    factory = "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n"
    start = "from shop import create_app\nimport views\napplication = create_app()\n"
    assert "views.py" in served(tmp_path, {"shop.py": factory, "start.py": start, "views.py": ""})


def test_a_factory_that_is_given_the_application(tmp_path: Path) -> None:
    factory = "from flask import Flask\ndef create_app(app):\n    return app\n"
    start = "import views\nfrom shop import ShopFlask, create_app\napplication = ShopFlask('shop')\ncreate_app(application)\n"
    assert "views.py" in served(tmp_path, {"shop.py": factory, "start.py": start, "views.py": ""})
