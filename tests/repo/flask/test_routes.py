"""The route table: paths with every prefix, methods, views and what is wrapped around them."""

import tempfile
from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.flask.routes import Route, app_place, routes
from tests.tools import Files, write

FLASK = "from flask import Flask, Blueprint\napp = Flask(__name__)\n"


def table(files: Files) -> list[Route]:
    with tempfile.TemporaryDirectory() as folder:
        return Repo(write(Path(folder), files)).fact(routes)


def shown(files: Files) -> list[str]:
    """Each route as "METHODS /path view"."""
    return [f"{','.join(route.methods)} {route.path} {route.name}" for route in table(files)]


PATHS: list[tuple[str, Files, list[str]]] = [
    ("a decorator", FLASK + "@app.route('/a', methods=['GET', 'POST'])\ndef a(): pass\n", ["GET,POST /a a"]),
    ("a decorator named like a method", FLASK + "@app.post('/a')\ndef a(): pass\n", ["POST /a a"]),
    ("two decorators", FLASK + "@app.route('/a')\n@app.route('/b')\ndef a(): pass\n", ["GET /a a", "GET /b a"]),
    ("called as a function", FLASK + "def a(): pass\napp.route('/a')(a)\n", ["GET /a a"]),
    ("add_url_rule", FLASK + "def a(): pass\napp.add_url_rule('/a', view_func=a, methods=('PUT',))\n", ["PUT /a a"]),
    ("add_url_rule by position", FLASK + "def a(): pass\napp.add_url_rule('/a', 'a', a)\n", ["GET /a a"]),
    ("a lambda", FLASK + "app.add_url_rule('/a', 'a', lambda: '')\n", ["GET /a /a"]),
    ("a path from a constant", FLASK + "BASE = '/v1'\n@app.route(BASE + '/a')\ndef a(): pass\n", ["GET /v1/a a"]),
    ("a path handed to a helper", FLASK + "@app.route(scoped('/a'))\ndef a(): pass\n", ["GET /a a"]),
    ("methods from a constant", FLASK + "M = ['POST']\n@app.route('/a', methods=M)\ndef a(): pass\n", ["POST /a a"]),
    (
        "a factory",
        "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    @app.get('/a')\n    def a(): pass\n    return app\n",
        ["GET /a a"],
    ),
    ("not a route", FLASK + "import requests\nx = requests.get('/a')\n@cache.get('key')\ndef a(): pass\n", []),
    (
        "a blueprint's own prefix",
        FLASK + "bp = Blueprint('b', __name__, url_prefix='/b')\n@bp.route('/a')\ndef a(): pass\napp.register_blueprint(bp)\n",
        ["GET /b/a a"],
    ),
    (
        "the prefix given when registering wins",
        FLASK + "bp = Blueprint('b', __name__, url_prefix='/b')\n@bp.route('/a')\ndef a(): pass\napp.register_blueprint(bp, url_prefix='/c')\n",
        ["GET /c/a a"],
    ),
    (
        "registered twice",
        FLASK
        + "bp = Blueprint('b', __name__)\n@bp.route('/a')\ndef a(): pass\n"
        + "app.register_blueprint(bp, url_prefix='/v1')\napp.register_blueprint(bp, url_prefix='/v2', name='two')\n",
        ["GET /v1/a a", "GET /v2/a a"],
    ),
    (
        "nested blueprints",
        FLASK
        + "api = Blueprint('api', __name__, url_prefix='/api')\nbp = Blueprint('b', __name__, url_prefix='/b')\n"
        + "@bp.route('/a')\ndef a(): pass\napi.register_blueprint(bp)\napp.register_blueprint(api)\n",
        ["GET /api/b/a a"],
    ),
    (
        "a blueprint that is never registered",
        FLASK + "bp = Blueprint('b', __name__)\n@bp.route('/a')\ndef a(): pass\n@app.route('/b')\ndef b(): pass\n",
        ["GET /b b"],
    ),
    (
        "registered in a loop",
        FLASK
        + "one = Blueprint('o', __name__)\ntwo = Blueprint('t', __name__)\n@one.route('/a')\ndef a(): pass\n@two.route('/b')\ndef b(): pass\n"
        + "for bp, prefix in [(one, '/one'), (two, '/two')]:\n    app.register_blueprint(bp, url_prefix=prefix)\n",
        ["GET /one/a a", "GET /two/b b"],
    ),
    (
        "made by a function",
        FLASK
        + "def make():\n    bp = Blueprint('b', __name__)\n    @bp.route('/a')\n    def a(): pass\n    return bp\n"
        + "app.register_blueprint(make(), url_prefix='/b')\n",
        ["GET /b/a a"],
    ),
    (
        "two files with a blueprint of the same name, imported through packages",
        {
            "shop/__init__.py": "from flask import Flask\nfrom shop.one import bp as one_bp\nfrom .two import bp\n"
            "app = Flask(__name__)\napp.register_blueprint(one_bp, url_prefix='/one')\napp.register_blueprint(bp, url_prefix='/two')\n",
            "shop/one/__init__.py": "from flask import Blueprint\nbp = Blueprint('one', __name__)\nfrom shop.one import views\n",
            "shop/one/views.py": "from shop.one import bp\n@bp.route('/a')\ndef a(): pass\n",
            "shop/two.py": "from flask import Blueprint\nbp = Blueprint('two', __name__)\n@bp.route('/b')\ndef b(): pass\n",
        },
        ["GET /one/a a", "GET /two/b b"],
    ),
    (
        "views in another file",
        {
            "app.py": FLASK + "from views import a, things\napp.add_url_rule('/a', view_func=a)\napp.add_url_rule('/b', view_func=things.b)\n",
            "views/__init__.py": "from .pages import a\nfrom . import things\n",
            "views/pages.py": "def a(): pass\n",
            "views/things.py": "def b(): pass\n",
        },
        ["GET /a a", "GET /b b"],
    ),
    (
        "a method view",
        FLASK
        + "from flask.views import MethodView\nclass A(MethodView):\n    def get(self): pass\n    def delete(self): pass\n"
        + "app.add_url_rule('/a', view_func=A.as_view('a'))\n",
        ["GET,DELETE /a A"],
    ),
    (
        "a view class held in a name, and wrapped",
        FLASK
        + "class A:\n    methods = ['POST']\n    def dispatch_request(self): pass\nview = login_required(A.as_view('a'))\n"
        + "app.add_url_rule('/a', view_func=view)\n",
        ["POST /a A"],
    ),
    (
        "methods of a base class",
        FLASK + "class Base:\n    def post(self): pass\nclass A(Base):\n    pass\napp.add_url_rule('/a', view_func=A.as_view('a'))\n",
        ["POST /a A"],
    ),
    (
        "Flask-RESTful on a blueprint",
        FLASK
        + "from flask_restful import Api, Resource\nbp = Blueprint('b', __name__)\napi = Api(bp, prefix='/v1')\n"
        + "class A(Resource):\n    def get(self): pass\napi.add_resource(A, '/a', '/a/<int:id>', endpoint='a')\n"
        + "app.register_blueprint(bp, url_prefix='/api')\n",
        ["GET /api/v1/a A", "GET /api/v1/a/<int:id> A"],
    ),
    (
        "RESTX namespaces",
        FLASK
        + "from flask_restx import Api, Namespace, Resource\napi = Api(app, prefix='/api')\nns = Namespace('users')\n"
        + "other = api.namespace('x', path='/things')\n"
        + "@ns.route('/', '/<int:id>')\nclass A(Resource):\n    def get(self): pass\n"
        + "@other.route('/b')\nclass B(Resource):\n    def post(self): pass\n"
        + "api.add_namespace(ns, '/people')\n",
        ["GET /api/people/ A", "GET /api/people/<int:id> A", "POST /api/things/b B"],
    ),
    (
        "smorest",
        FLASK
        + "from flask_smorest import Api, Blueprint as Blp\napi = Api(app)\nblp = Blp('pets', __name__, url_prefix='/pets')\n"
        + "@blp.route('/')\nclass Pets:\n    def get(self): pass\n    def post(self): pass\napi.register_blueprint(blp)\n",
        ["GET,POST /pets/ Pets"],
    ),
    (
        "Flask-REST-JSONAPI",
        FLASK + "from flask_rest_jsonapi import Api\napi = Api(app)\nclass A:\n    def get(self): pass\napi.route(A, 'a', '/a', '/as/<id>')\n",
        ["GET /a A", "GET /as/<id> A"],
    ),
    (
        "a helper that registers views",
        FLASK + "class A:\n    def get(self): pass\nregister_view(app, routes=['/a', '/b'], view_func=A.as_view('a'))\n",
        ["GET /a A", "GET /b A"],
    ),
    ("a script that nothing imports", {"app.py": FLASK, "scripts/mock.py": "@server.route('/a')\ndef a(): pass\n"}, []),
]


@pytest.mark.parametrize(("files", "expected"), [pytest.param(f, e, id=t) for t, f, e in PATHS])
def test_paths(files: Files, expected: list[str]) -> None:
    assert sorted(shown(files)) == sorted(expected)


def test_the_place_is_that_of_the_view() -> None:
    files = {"app.py": FLASK + "from views import a\napp.add_url_rule('/a', view_func=a)\n", "views.py": "\n\ndef a(): pass\n"}
    assert [str(route.place) for route in table(files)] == ["views.py:3"]


def test_a_prefix_that_cannot_be_told_is_left_out_and_said() -> None:
    files = FLASK + "bp = Blueprint('b', __name__)\n@bp.route('/a')\ndef a(): pass\napp.register_blueprint(bp, url_prefix=prefix())\n"
    [route] = table(files)
    assert (route.path, route.whole) == ("/a", False)


def test_nothing_is_called_unregistered_where_a_registration_cannot_be_told() -> None:
    files = FLASK + "bp = Blueprint('b', __name__)\n@bp.route('/a')\ndef a(): pass\nfor one in find():\n    app.register_blueprint(one)\n"
    [route] = table(files)
    assert (route.path, route.whole) == ("/a", False)


BASE = "class Base:\n    decorators = [login_required]\n"
ON_BLUEPRINT = "@bp.route('/a')\ndef a(): pass\napp.register_blueprint(bp)\n"

GUARDS = [
    ("a decorator", "@app.route('/a')\n@login_required\ndef a(): pass\n", "login_required"),
    ("with arguments", "@app.route('/a')\n@permission_required('x')\ndef a(): pass\n", "permission_required"),
    ("csrf is no login", "@app.route('/a')\n@require_csrf\ndef a(): pass\n", ""),
    ("around the view", "def a(): pass\napp.add_url_rule('/a', view_func=require_auth(a))\n", "require_auth"),
    (
        "on a class",
        "class A:\n    decorators = [login_required]\n    def get(self): pass\napp.add_url_rule('/a', view_func=A.as_view('a'))\n",
        "login_required",
    ),
    ("on a method", "class A:\n    @jwt_required()\n    def get(self): pass\napp.add_url_rule('/a', view_func=A.as_view('a'))\n", "jwt_required"),
    (
        "on a base class",
        BASE + "class A(Base):\n    def get(self): pass\napp.add_url_rule('/a', view_func=A.as_view('a'))\n",
        "login_required",
    ),
    (
        "taken off by a subclass",
        BASE + "class A(Base):\n    decorators = []\n    def get(self): pass\n" + "app.add_url_rule('/a', view_func=A.as_view('a'))\n",
        "",
    ),
    (
        "before every request of its blueprint",
        "bp = Blueprint('b', __name__)\nbp.before_request(require_admin_auth)\n" + ON_BLUEPRINT,
        "require_admin_auth",
    ),
    (
        "a hook that lets everybody in",
        "bp = Blueprint('b', __name__)\nbp.before_request(requires_no_auth)\n" + ON_BLUEPRINT,
        "",
    ),
    (
        "a view that says it is open",
        "bp = Blueprint('b', __name__)\n@bp.before_request\ndef require_login(): pass\n" + ON_BLUEPRINT.replace("\ndef", "\n@allow_anonymous\ndef"),
        "",
    ),
]


@pytest.mark.parametrize(("code", "guard"), [pytest.param(c, g, id=t) for t, c, g in GUARDS])
def test_guard(code: str, guard: str) -> None:
    [route] = table(FLASK + code)
    assert route.guard == guard


def test_missing_things_are_pointed_to_the_application_with_the_routes(tmp_path: Path) -> None:
    files = {"worker.py": "from flask import Flask\napp = Flask('worker')\n", "wsgi.py": "\n" + FLASK + "@app.route('/')\ndef a(): pass\n"}
    assert str(app_place(Repo(write(tmp_path, files)))) == "wsgi.py:3"


def test_nobody_is_pointed_to_where_a_file_could_not_be_read(tmp_path: Path) -> None:
    repo = Repo(write(tmp_path, {"app.py": FLASK + "import views\n", "views.py": "@app.route('/'\n"}))
    repo.fact(routes)
    assert app_place(repo) is None
