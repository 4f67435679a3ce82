import pytest

from mingus_gate.model import Kind
from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

APP = """
    from flask import Flask, jsonify

    app = Flask(__name__)

    @app.get("/")
    def index():
        return "hello"
"""
HANDLED = (
    APP
    + """
    @app.errorhandler(404)
    def not_found(error):
        return jsonify(error="not found"), 404

    @app.errorhandler(500)
    def failed(error):
        app.logger.error("failed", exc_info=error)
        return jsonify(error="internal error"), 500
"""
)
CATCH_ALL = (
    APP
    + """
    from werkzeug.exceptions import HTTPException

    @app.errorhandler(Exception)
    def failed(error):
        if isinstance(error, HTTPException):
            return error
        app.logger.exception("failed")
        return jsonify(error="internal error"), 500
"""
)
ALL_500 = CATCH_ALL.replace("if isinstance(error, HTTPException):\n            return error\n        ", "")
OWN_WORDS = """
    from flask import Flask, jsonify

    app = Flask(__name__)

    @app.get("/orders")
    def orders():
        try:
            return jsonify(load())
        except Exception as error:
            app.logger.exception("orders could not be read: %s", error)
            return jsonify(error="internal error"), 500
"""
ITS_TEXT = OWN_WORDS.replace('jsonify(error="internal error")', "jsonify(error=str(error))")
CALL = """
    import requests
    from flask import Flask

    app = Flask(__name__)

    @app.get("/rates")
    def rates():
        return requests.get("https://rates.example.com", timeout=(3, 10)).json()
"""
NO_TIMEOUT = CALL.replace(", timeout=(3, 10)", "")
LOGGED = """
    from flask import Flask

    app = Flask(__name__)

    @app.get("/")
    def index():
        try:
            count()
        except Exception:
            app.logger.exception("not counted")
        return "hello"
"""
SILENT = LOGGED.replace('app.logger.exception("not counted")', "pass")


def told(words: str) -> str:
    """A view that answers `words` where anything fails."""
    return OWN_WORDS.replace('jsonify(error="internal error")', words)


ROLLED_BACK = """
    from flask import Flask, jsonify
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy.exc import IntegrityError
    from models import Note

    app = Flask(__name__)
    db = SQLAlchemy(app)

    @app.post("/notes")
    def note():
        try:
            db.session.add(Note())
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
        return jsonify(note=db.session.get(Note, 1))
"""
QUIET: Quiet = {
    "error-handling.server-error-page": [
        ("a handler for 500", HANDLED),
        ("a handler for Exception", CATCH_ALL),
        ("registered with a function", APP + "\n    def failed(e): return 'sorry', 500\n    app.register_error_handler(500, failed)\n"),
        ("in a loop", APP + "\n    for code in (404, 500):\n        app.register_error_handler(code, page)\n"),
        ("in a loop over a table", APP + "\n    for code, page in [(404, 'a'), (500, 'b')]:\n        app.register_error_handler(code, show(page))\n"),
        ("for every HTTP error", APP + "\n    @app.errorhandler(HTTPException)\n    def failed(e): return 'sorry', e.code\n"),
        (
            "from a blueprint",
            APP + "\n    errors = Blueprint('e', __name__)\n    @errors.app_errorhandler(500)\n    def failed(e): ...\n",
        ),
        (
            "by its name",
            APP
            + "\n    from http import HTTPStatus\n    @app.errorhandler(HTTPStatus.INTERNAL_SERVER_ERROR)\n    def failed(e): return 'sorry', 500\n",
        ),
        ("smorest does it", APP + "\n    from flask_smorest import Api\n    api = Api(app)\n"),
        (
            "RESTX does it for its resources",
            APP.partition("@app")[0] + "from flask_restx import Api\n    api = Api(app)\n    @api.route('/a')\n    class A: ...\n",
        ),
    ],
    "error-handling.not-found-page": [
        ("a handler for 404", HANDLED),
        ("a handler for everything", CATCH_ALL),
        ("a catch-all route", APP + "\n    @app.get('/<path:path>')\n    def page(path): return 'hello'\n"),
    ],
    "error-handling.exception-text": [
        ("words of its own", OWN_WORDS),
        ("no broad handler", APP),
        ("the text of an exception that was expected", told("jsonify(error=str(error))").replace("except Exception", "except ValueError")),
        ("only while debugging", told("jsonify(error=str(error) if app.debug else 'internal error')")),
        (
            "only below a test for debugging",
            OWN_WORDS.replace("return jsonify(error", "if app.debug:\n                return str(error), 500\n            return jsonify(error"),
        ),
        ("HTTP errors by their description", told("jsonify(error=error.description)")),
        ("only the name of its type", told("jsonify(error=type(error).__name__)")),
        ("looked at, not told", told("jsonify(error='exists' if 'duplicate' in str(error) else 'internal error')")),
        (
            "a route for those who run it",
            OWN_WORDS.replace('"/orders"', '"/admin/orders"')
            .replace("    def orders", "    @login_required\n    def orders")
            .replace('"internal error"', "str(error)"),
        ),
        ("500 answered with the text that Flask wrote", HANDLED.replace('error="internal error"', "error=str(error)")),
        ("a script", {"app.py": OWN_WORDS, "scripts/run.py": "def main():\n    try: x()\n    except Exception as e: return str(e)\n"}),
    ],
    "error-handling.http-exceptions-kept": [
        ("told apart", CATCH_ALL),
        ("none for everything", HANDLED),
        ("its own code handed on", ALL_500.replace('"internal error"), 500', '"internal error"), getattr(error, "code", 500)')),
        ("HTTP errors have a handler", ALL_500 + "\n    @app.errorhandler(HTTPException)\n    def http(e): return e\n"),
        ("raised on", APP + "\n    @app.errorhandler(Exception)\n    def failed(e):\n        count(e)\n        raise e\n"),
    ],
    "error-handling.outbound-timeouts": [
        ("given", CALL),
        ("from the configuration", CALL.replace("(3, 10)", "app.config['TIMEOUT']")),
        (
            "a download when the file is run by hand",
            CALL
            + """
    def fetch(url):
        return requests.get(url).content

    if __name__ == "__main__":
        print(len(fetch("https://cdn.example.com/app.css")))
""",
        ),
        (
            "and another file has a longer name",
            {
                "app.py": CALL
                + "\n    def fetch(url):\n        return requests.get(url).content\n\n    if __name__ == '__main__':\n        fetch('https://x')\n",
                "parts.py": "def prefetch(url):\n    return url\n",
            },
        ),
        ("httpx has one by itself", NO_TIMEOUT.replace("requests", "httpx")),
        (
            "in the keywords handed over",
            NO_TIMEOUT.replace("    app = ", "    options = {'timeout': 5}\n    app = ").replace('.com"', '.com", **options'),
        ),
        ("urlopen with one", "import urllib.request\nfrom flask import Flask\napp = Flask(__name__)\nurllib.request.urlopen('https://x', None, 5)\n"),
        (
            "a httpx client with one",
            "import httpx\nfrom flask import Flask\napp = Flask(__name__)\nwith httpx.Client(timeout=3) as client:\n    client.get('https://x')\n",
        ),
        ("nobody is called", APP),
        ("what is not a call to a server", APP + "\n    import requests\n    cache.get('x'); request.args.get('y'); requests.utils.quote('z')\n"),
        ("a script", {"app.py": CALL, "scripts/run.py": "import requests\nrequests.get('https://x')\n"}),
    ],
    "error-handling.swallowed-exceptions": [
        ("logged", LOGGED),
        (
            "an expected exception beside a logged one",
            SILENT.replace("except Exception", "except KeyError") + LOGGED.replace('"/"', '"/b"').replace("index", "b"),
        ),
        ("an expected exception alone", SILENT.replace("except Exception", "except KeyError")),
        ("closing", LOGGED + "\n    try:\n        connection.close()\n    except Exception:\n        pass\n"),
        ("an import that may be missing", LOGGED + "\n    try:\n        import uvloop\n    except Exception:\n        pass\n"),
    ],
    "error-handling.rollback": [
        ("rolled back", ROLLED_BACK),
        ("raised on", ROLLED_BACK.replace("db.session.rollback()", "raise")),
        ("by a helper in finally", ROLLED_BACK.replace("        return", "        finally:\n            db.session.remove()\n        return")),
        ("the request ends", ROLLED_BACK.replace("db.session.rollback()", 'return "taken", 409')),
        ("nothing follows", ROLLED_BACK.replace("db.session.rollback()", "pass").replace("note=db.session.get(Note, 1)", "")),
        ("another exception", ROLLED_BACK.replace("db.session.rollback()", "pass").replace("IntegrityError", "KeyError")),
        (
            "used in another function",
            ROLLED_BACK.replace("db.session.rollback()", "pass").replace("jsonify(note=db.session.get(Note, 1))", "lambda: db.session.get(Note, 1)"),
        ),
    ],
}
REPORTED: Reported = {
    "error-handling.server-error-page": [
        ("no handler", APP, "app.py:4"),
        ("only for an error of its own", APP + "\n    @app.errorhandler(Missing)\n    def m(e): return 'no', 404\n", "app.py:4"),
    ],
    "error-handling.not-found-page": [("no handler", APP, "app.py:4")],
    "error-handling.exception-text": [
        ("str of it", ITS_TEXT, "app.py:12"),
        ("in an f-string", told("f'failed: {error}'"), "app.py:12"),
        ("the traceback", told("traceback.format_exc()"), "app.py:12"),
        (
            "through a name",
            OWN_WORDS.replace("return jsonify(error=", "message = repr(error)\n            return jsonify(error=message, old="),
            "app.py:13",
        ),
        (
            "answered after the handler",
            OWN_WORDS.replace('return jsonify(error="internal error"), 500', 'result = {"error": str(error)}\n        return jsonify(result)'),
            "app.py:13",
        ),
        ("flashed", OWN_WORDS.replace('return jsonify(error="internal error"), 500', "flash(f'failed: {error}')"), "app.py:12"),
        ("aborted with", OWN_WORDS.replace('return jsonify(error="internal error"), 500', "abort(500, str(error))"), "app.py:12"),
        ("the database's own words", ITS_TEXT.replace("except Exception", "except SQLAlchemyError"), "app.py:12"),
        ("by the handler for everything", CATCH_ALL.replace('"internal error"', "str(error)"), "app.py:17"),
        (
            "by a class",
            APP + "\n    @app.route('/a')\n    class A:\n        def get(self):\n            try: x()\n            except: return format_exc()\n",
            "app.py:14",
        ),
    ],
    "error-handling.http-exceptions-kept": [
        ("everything is 500", ALL_500, "app.py:13"),
        (
            "only 404 is told apart",
            ALL_500.replace('app.logger.exception("failed")', 'if error.code == 404:\n            return "no", 404'),
            "app.py:13",
        ),
    ],
    "error-handling.outbound-timeouts": [
        ("none", NO_TIMEOUT, "app.py:9"),
        ("None", CALL.replace("(3, 10)", "None"), "app.py:9"),
        (
            "a session",
            NO_TIMEOUT.replace("requests.get", "session.get").replace("    app = ", "    session = requests.Session()\n    app = "),
            "app.py:10",
        ),
        ("imported by name", NO_TIMEOUT.replace("import requests", "from requests import get").replace("requests.get", "get"), "app.py:9"),
        ("httpx told to wait for ever", CALL.replace("requests", "httpx").replace("(3, 10)", "None"), "app.py:9"),
        ("urlopen", "from urllib.request import urlopen\nfrom flask import Flask\napp = Flask(__name__)\nurlopen('https://x')\n", "app.py:4"),
    ],
    "error-handling.swallowed-exceptions": [
        ("passed over", SILENT, "app.py:10"),
        ("bare", SILENT.replace("except Exception", "except"), "app.py:10"),
    ],
    "error-handling.rollback": [
        ("used again without", ROLLED_BACK.replace("db.session.rollback()", 'app.logger.warning("taken")'), "app.py:15"),
        (
            "the next turn of a loop",
            ROLLED_BACK.replace("        try", "        for one in (1, 2):\n          try")
            .replace("        except", "          except")
            .replace("db.session.rollback()", "continue")
            .replace("note=db.session.get(Note, 1)", ""),
            "app.py:16",
        ),
    ],
}
UNKNOWN: Unknown = {
    "error-handling.server-error-page": [
        ("no application", "x = 1\n", "looked for"),
        (
            "registered for what cannot be told",
            APP + "\n    for code in codes():\n        app.register_error_handler(code, page)\n",
            "could not be told",
        ),
        ("a file does not parse", {"app.py": APP + "\n    import errors\n", "errors.py": "@app.errorhandler(500\n"}, "could not be parsed"),
    ],
    "error-handling.http-exceptions-kept": [
        ("another function answers", APP + "\n    @app.errorhandler(Exception)\n    def failed(e):\n        return answer(e)\n", "could not be told"),
    ],
    "error-handling.outbound-timeouts": [
        ("keywords that cannot be seen", NO_TIMEOUT.replace('.com"', '.com", **options()'), "options()"),
        (
            "an adapter",
            NO_TIMEOUT.replace("requests.get", "session.get").replace(
                "    app = ", "    session = requests.Session()\n    session.mount('https://', A())\n    app = "
            ),
            "adapter",
        ),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


def test_the_share_of_calls_with_a_timeout_is_the_value() -> None:
    files = CALL + "\n    @app.get('/b')\n    def b():\n        return requests.post('https://rates.example.com').text\n"
    assert ask("error-handling.outbound-timeouts", files).value == 0.5


@pytest.mark.parametrize("code", ["exception-text", "swallowed-exceptions", "http-exceptions-kept"])
def test_nothing_is_said_without_routes(code: str) -> None:
    assert ask(f"error-handling.{code}", "from flask import Flask\napp = Flask(__name__)\n").kind is Kind.UNKNOWN
