import pytest

from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

BARE = """
    from flask import Flask

    app = Flask(__name__)
"""
FROM_ENVIRONMENT = """
    import os
    from flask import Flask

    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
"""
WITH_FALLBACK = """
    import os
    from flask import Flask

    app = Flask(__name__)
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "change-me")
"""
RUN_WITH_DEBUG = """
    from flask import Flask

    app = Flask(__name__)

    if __name__ == "__main__":
        app.run(debug=True)
"""
COOKIES = """
    from flask import Flask, session

    app = Flask(__name__)
    app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
"""
NO_COOKIE_FLAGS = """
    from flask import Flask, session

    app = Flask(__name__)
"""
NAMED_ORIGINS = """
    from flask import Flask
    from flask_cors import CORS

    app = Flask(__name__)
    CORS(app, origins=["https://app.example.com"], supports_credentials=True)
"""
EVERY_ORIGIN = """
    from flask import Flask
    from flask_cors import CORS

    app = Flask(__name__)
    CORS(app, supports_credentials=True)
"""
PUBLIC = """
    from flask import Flask
    from flask_cors import CORS

    app = Flask(__name__)
    CORS(app)
"""
REFLECTED = """
    from flask import Flask, request

    app = Flask(__name__)

    @app.after_request
    def allow(response):
        origin = request.headers.get("Origin")
        {condition}
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
        return response
"""
PROTECTED = """
    from flask import Flask
    from flask_wtf import CSRFProtect

    app = Flask(__name__)
    CSRFProtect(app)
"""
PLAIN_FORM = '<form method="post"><input name="amount"><button>Pay</button></form>\n'
TOKEN_FORM = '<form method="post"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}"></form>\n'
HEADERS = """
    from flask import Flask

    app = Flask(__name__)

    @app.after_request
    def secure(response):
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        return response
"""

QUIET: Quiet = {
    "security-config.secret-key": [
        ("from the environment", FROM_ENVIRONMENT),
        ("no key is used", BARE),
        (
            "a literal in the test configuration",
            {
                "app.py": FROM_ENVIRONMENT,
                "config.py": """
                import os
                class Config:
                    SECRET_KEY = os.environ["SECRET_KEY"]

                class TestingConfig(Config):
                    SECRET_KEY = "test"
                """,
            },
        ),
        (
            "production asserts that the variable is given",
            {
                "app.py": BARE + "    app.config.from_object('config.ProductionConfig')\n",
                "config.py": """
                import os
                class Config:
                    if os.environ.get("SECRET_KEY"):
                        SECRET_KEY = os.environ.get("SECRET_KEY")
                    else:
                        SECRET_KEY = "not-set"

                class ProductionConfig(Config):
                    @classmethod
                    def init_app(cls, app):
                        assert os.environ.get("SECRET_KEY"), "set SECRET_KEY"
                """,
            },
        ),
        (
            "production overrides the base class",
            {
                "app.py": BARE + "    app.config.from_object('config.ProductionConfig')\n",
                "config.py": """
                import os
                class Config:
                    SECRET_KEY = "dev"

                class ProductionConfig(Config):
                    SECRET_KEY = os.environ["SECRET_KEY"]
                """,
            },
        ),
        (
            "the start is refused with the fallback",
            """
            import os
            from flask import Flask

            app = Flask(__name__)
            app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "dev-only")
            if os.environ.get("APP_ENV") == "production" and app.config["SECRET_KEY"] == "dev-only":
                raise RuntimeError("SECRET_KEY is not set")
            """,
        ),
        (
            "the start is refused without the variable",
            {
                "app.py": BARE + "    app.config.from_object('config.Config')\n",
                "config.py": """
                import os
                if "SECRET_KEY" not in os.environ:
                    raise RuntimeError("SECRET_KEY is not set")
                class Config:
                    SECRET_KEY = os.getenv("SECRET_KEY", "x")
                """,
            },
        ),
        (
            "read from a mounted file",
            """
            from pathlib import Path
            from flask import Flask

            app = Flask(__name__)
            app.secret_key = Path("/run/secrets/key").read_text()
            """,
        ),
        (
            "made up on a developer's machine only",
            """
            import os, secrets
            from flask import Flask

            app = Flask(__name__)
            app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY")
            if app.config["PRODUCTION"]:
                pass
            else:
                app.config["SECRET_KEY"] = secrets.token_hex()
            """,
        ),
        (
            "another tool's script",
            {"app.py": FROM_ENVIRONMENT, "scripts/report.py": "import os\nSECRET_KEY = os.getenv('SECRET_KEY', 'report')\n"},
        ),
        (
            "a helper reads it",
            {
                "app.py": FROM_ENVIRONMENT.replace('os.environ["SECRET_KEY"]', 'str_env("APP_SECRET_KEY")').replace(
                    "import os", "from env import str_env"
                ),
                "env.py": "import os\n\ndef str_env(name, default=None):\n    return os.environ.get(name, default)\n",
            },
        ),
    ],
    "security-config.debug": [
        (
            "off, and a WSGI server in front",
            {
                "app.py": """
                from flask import Flask

                app = Flask(__name__)
                app.config["DEBUG"] = False
                """,
                "Procfile": "web: gunicorn app:app\n",
            },
        ),
        ("on only when the file itself is run", {"app.py": RUN_WITH_DEBUG, "Procfile": "web: gunicorn app:app\n"}),
        (
            "on in development",
            {
                "app.py": BARE,
                "Procfile": "web: gunicorn app:app\n",
                "config.py": "class Config:\n    DEBUG = False\n\nclass DevelopmentConfig(Config):\n    DEBUG = True\n",
            },
        ),
        (
            "on where the deployment says dev",
            """
            from os import getenv
            from flask import Flask

            app = Flask(__name__)
            app.config["DEBUG"] = False
            if getenv("DEPLOYMENT") in ("dev", "stg"):
                app.config["DEBUG"] = True
            """,
        ),
        (
            "a development image, stage, compose file and branch",
            {
                "app.py": RUN_WITH_DEBUG,
                "Dockerfile": "FROM python AS dev\nENV FLASK_DEBUG=1\nFROM python AS prod\nENTRYPOINT ./entrypoint.sh\n",
                "Dockerfile.dev": "FROM python\nENV FLASK_DEBUG=1\nCMD python app.py\n",
                "docker-compose.yml": "services:\n  web:\n    command: python app.py\n    environment:\n      FLASK_DEBUG: 1\n",
                "entrypoint.sh": 'if [ "$1" = dev ]; then\n  flask run --debug\nfi\nexec gunicorn app:app\n',
            },
        ),
        (
            "an image whose first comment says that it is for development",
            {
                "app.py": BARE,
                "Dockerfile": "FROM python:3.12\n\n# This image is meant for development; deploy/Dockerfile is what we ship.\nENV FLASK_DEBUG=1\n",
                "deploy/Dockerfile": 'FROM python:3.12\nCMD ["gunicorn", "app:app"]\n',
            },
        ),
        (
            "a function that is called below __main__",
            {
                "app.py": BARE,
                "Procfile": "web: gunicorn app:app\n",
                "server.py": """
                from app import app

                def local():
                    app.debug = True
                    app.run(debug=True)

                if __name__ == "__main__":
                    local()
                """,
            },
        ),
        (
            "converted by a helper",
            {
                "app.py": """
                from flask import Flask
                from env import bool_env

                app = Flask(__name__)
                app.config["DEBUG"] = bool_env("DEBUG", False)
                """,
                "env.py": "import os\ndef bool_env(name, default):\n    return parse(os.environ.get(name, default))\n",
            },
        ),
    ],
    "security-config.session-cookies": [
        ("all three", COOKIES),
        ("an API without sessions", BARE),
        (
            "secure in production",
            COOKIES.replace("from flask", "import os\n    from flask", 1).replace("SECURE=True", 'SECURE=os.getenv("FLASK_ENV") == "production"'),
        ),
        (
            "Talisman sets them",
            """
            from flask import Flask, session
            from flask_talisman import Talisman

            app = Flask(__name__)
            Talisman(app)
            """,
        ),
    ],
    "security-config.cors": [
        ("named origins", NAMED_ORIGINS),
        ("no CORS", BARE),
        ("every origin without credentials", PUBLIC),
        ("a public resource beside", NAMED_ORIGINS + '    CORS(app, resources={r"/public/*": {"origins": "*"}})\n'),
        (
            "from the environment, split and stripped",
            """
            import os
            from flask import Flask
            from flask_cors import CORS

            app = Flask(__name__)
            raw = os.environ.get("CORS_ORIGINS", "https://app.example.com,https://www.example.com")
            CORS(app, origins=[part.strip() for part in raw.split(",")], supports_credentials=True)
            """,
        ),
        (
            "from the configuration",
            {
                "app.py": """
                from flask import Flask
                from flask_cors import CORS

                app = Flask(__name__)
                app.config.from_object("settings")
                CORS(app, origins=app.config.get("ORIGINS", "*"), supports_credentials=True)
                """,
                "settings.py": 'ORIGINS = ["https://app.example.com"]\n',
            },
        ),
        (
            "a header that is logged",
            NAMED_ORIGINS
            + """
    @app.after_request
    def log(response):
        print({"Access-Control-Allow-Origin": response.headers.get("Access-Control-Allow-Origin")})
        return response
""",
        ),
        ("a checked origin is repeated", REFLECTED.format(condition='if origin in {"https://app.example.com"}:')),
        (
            "every origin in development",
            EVERY_ORIGIN.replace("    CORS(app,", "    if app.debug:\n        CORS(app,") + "    CORS(app, origins='https://a.example.com')\n",
        ),
    ],
    "security-config.cors-origins": [("named origins", NAMED_ORIGINS), ("no CORS", BARE)],
    "security-config.csrf": [
        ("CSRFProtect", {"app.py": PROTECTED, "templates/pay.html": PLAIN_FORM}),
        ("each form carries a token", {"app.py": BARE, "templates/pay.html": TOKEN_FORM}),
        ("a form that searches", {"app.py": BARE, "templates/find.html": '<form action="/find"><input name="q"></form>\n'}),
        ("a form of another site", {"app.py": BARE, "templates/list.html": '<form method="post" action="https://list.example.com/join"></form>\n'}),
        (
            "a check of its own before every request",
            {
                "app.py": """
                from flask import Flask, abort, request, session

                app = Flask(__name__)

                @app.before_request
                def csrf():
                    if request.method == "POST" and request.form.get("nonce") != session["nonce"]:
                        abort(403)
                """,
                "templates/pay.html": PLAIN_FORM,
            },
        ),
        ("off in tests", {"app.py": PROTECTED, "config.py": "class TestingConfig:\n    WTF_CSRF_ENABLED = False\n"}),
    ],
    "security-config.headers": [
        ("set after every request", HEADERS),
        ("Talisman", BARE + "    from flask_talisman import Talisman\n    Talisman(app)\n"),
        (
            "nginx sends them",
            {
                "app.py": BARE,
                "deploy/nginx.conf": "server {\n  add_header X-Content-Type-Options nosniff;\n  add_header X-Frame-Options DENY;\n}\n",
            },
        ),
    ],
}
REPORTED: Reported = {
    "security-config.secret-key": [
        ("a literal fallback", WITH_FALLBACK, "app.py:6"),
        ("a literal", "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'dev'\n", "app.py:3"),
        ("the tutorial's", "from flask import Flask\napp = Flask(__name__)\napp.config.from_mapping(\n    SECRET_KEY='dev',\n)\n", "app.py:4"),
        ("a fallback after or", WITH_FALLBACK.replace('get("SECRET_KEY", "change-me")', 'get("SECRET_KEY") or "change-me"'), "app.py:6"),
        ("random at each start", WITH_FALLBACK.replace('"change-me"', "os.urandom(16)"), "app.py:6"),
        (
            "a guard that the fallback passes",
            WITH_FALLBACK + '    if not app.config["SECRET_KEY"]:\n        raise RuntimeError("SECRET_KEY is not set")\n',
            "app.py:6",
        ),
        (
            "beside the configuration",
            {
                "app.py": "from flask import Flask\nimport tokens\napp = Flask(__name__)\n",
                "tokens.py": "import os\n\nJWT_SECRET_KEY = os.getenv('JWT_SECRET_KEY', 'jwt')\n",
            },
            "tokens.py:3",
        ),
        (
            "in the call that signs",
            BARE + "\n    import jwt\n\n    def sign(claims):\n        return jwt.encode(claims, 'signs', algorithm='HS256')\n",
            "app.py:9",
        ),
        (
            "an environs default",
            BARE + "    from environs import Env\n    env = Env()\n    app.config['SECRET_KEY'] = env.str('SECRET_KEY', 'dev')\n",
            "app.py:7",
        ),
        (
            "a field of pydantic settings",
            {
                "app.py": "from flask import Flask\nfrom settings import Settings\napp = Flask(__name__)\n",
                "settings.py": "from pydantic_settings import BaseSettings\n\nclass Settings(BaseSettings):\n    secret_key: str = 'dev'\n",
            },
            "settings.py:4",
        ),
    ],
    "security-config.debug": [
        (
            "on when a variable is missing",
            """
            import os
            from flask import Flask

            app = Flask(__name__)
            app.config["DEBUG"] = os.getenv("FLASK_DEBUG", "1") == "1"
            """,
            "app.py:6",
        ),
        ("the image runs the file", {"app.py": RUN_WITH_DEBUG, "Dockerfile": 'FROM python\nCMD ["python", "app.py"]\n'}, "app.py:7"),
        ("a Procfile runs the module", {"src/app.py": RUN_WITH_DEBUG, "Procfile": "web: python -m src.app\n"}, "src/app.py:7"),
        (
            "a unit runs the file",
            {"app.py": RUN_WITH_DEBUG, "deploy/web.service": "[Service]\nExecStart=/srv/venv/bin/python /srv/app/app.py\n"},
            "app.py:7",
        ),
        ("importing the file starts it", {"app.py": BARE + "    app.run(debug=True)\n", "Procfile": "web: gunicorn app:app\n"}, "app.py:5"),
        ("the image sets it", {"app.py": BARE, "Dockerfile": "FROM python\nENV FLASK_DEBUG=1\nCMD gunicorn app:app\n"}, "Dockerfile:2"),
        ("flask run --debug", {"app.py": BARE, "Procfile": "web: flask run --debug --host 0.0.0.0\n"}, "Procfile:1"),
        (
            "the entry point sets it",
            {
                "app.py": BARE,
                "Dockerfile": 'FROM python\nENTRYPOINT ["./entrypoint.sh"]\n',
                "entrypoint.sh": "#!/bin/sh\nexport FLASK_DEBUG=1\nexec gunicorn app:app\n",
            },
            "entrypoint.sh:2",
        ),
        (
            "on in the base that production keeps",
            {"app.py": BARE + "    import config\n", "config.py": "class Config:\n    DEBUG = True\n\nclass ProductionConfig(Config):\n    X = 1\n"},
            "config.py:2",
        ),
    ],
    "security-config.session-cookies": [
        ("none set", NO_COOKIE_FLAGS, "app.py:4"),
        ("not secure", COOKIES.replace("SECURE=True", "SECURE=False"), "app.py:5"),
        ("open to scripts", COOKIES.replace("SECURE=True", "SECURE=True, SESSION_COOKIE_HTTPONLY=False"), "app.py:5"),
        ("sent by other sites", COOKIES.replace('"Lax"', '"None"'), "app.py:5"),
        (
            "off by default",
            COOKIES.replace("from", "import os\n    from", 1).replace("SECURE=True", 'SECURE=os.getenv("SECURE_COOKIES", "0") == "1"'),
            "app.py:6",
        ),
    ],
    "security-config.cors": [
        ("every origin with credentials", EVERY_ORIGIN, "app.py:6"),
        ("a pattern that is every origin", NAMED_ORIGINS.replace('"https://app.example.com"', 'r"https?://.*"'), "app.py:6"),
        (
            "for a resource",
            EVERY_ORIGIN.replace("CORS(app, ", 'CORS(app, resources={r"/api/*": {"origins": "*"}}, '),
            "app.py:6",
        ),
        (
            "in init_app",
            EVERY_ORIGIN.replace("CORS(app, supports_credentials=True)", "cors = CORS()\n    cors.init_app(app, supports_credentials=True)"),
            "app.py:7",
        ),
        (
            "when a variable is missing",
            NAMED_ORIGINS.replace("from", "import os\n    from", 1).replace('["https://app.example.com"]', 'os.getenv("ORIGINS", "*").split(",")'),
            "app.py:7",
        ),
        ("whatever origin asks is repeated", REFLECTED.format(condition="if origin:"), "app.py:10"),
        ("by its settings", PUBLIC.replace("CORS(app)", "app.config['CORS_SUPPORTS_CREDENTIALS'] = True\n    CORS(app)"), "app.py:7"),
    ],
    "security-config.cors-origins": [("every origin", PUBLIC, "app.py:6")],
    "security-config.csrf": [
        ("a form without a token", {"app.py": BARE, "templates/pay.html": PLAIN_FORM}, "templates/pay.html:1"),
        ("switched off", PROTECTED + "    app.config['WTF_CSRF_ENABLED'] = False\n", "app.py:7"),
    ],
    "security-config.headers": [
        ("none", BARE, "app.py:4"),
        ("only one of them", HEADERS.replace('        response.headers["X-Frame-Options"] = "DENY"\n', ""), "app.py:8"),
        (
            "nginx hides one",
            {"app.py": BARE, "nginx.conf": "add_header X-Frame-Options DENY;\nproxy_hide_header X-Content-Type-Options;\n"},
            "nginx.conf:1",
        ),
    ],
}
UNKNOWN: Unknown = {
    "security-config.secret-key": [
        ("a function gives it", "from flask import Flask\nfrom keys import load\napp = Flask(__name__)\napp.secret_key = load()\n", "load()"),
        ("an empty tree", {"app.py": ""}, "looked for"),
    ],
    "security-config.debug": [("nothing tells what production starts", RUN_WITH_DEBUG, "no deploy file")],
    "security-config.session-cookies": [
        (
            "a template gives them",
            {"app.py": COOKIES.replace("SESSION_COOKIE_SECURE=True, ", ""), "conf/app.cfg.j2": "SESSION_COOKIE_SECURE = {{ https }}\n"},
            "conf/app.cfg.j2:1",
        ),
        (
            "a file does not parse",
            {"app.py": NO_COOKIE_FLAGS + "    import config\n", "config.py": "SESSION_COOKIE_SECURE = (\n"},
            "could not be parsed",
        ),
    ],
    "security-config.cors": [
        ("options that cannot be seen", EVERY_ORIGIN.replace("CORS(app, supports_credentials=True)", "CORS(app, **options())"), "options()"),
        ("origins that cannot be seen", NAMED_ORIGINS.replace('["https://app.example.com"]', "origins()"), "origins()"),
    ],
    "security-config.csrf": [
        (
            "a check of its own on some routes",
            {"app.py": BARE + "\n    def validate_csrf_token(token):\n        return token == 1\n", "templates/pay.html": PLAIN_FORM},
            "what the check at app.py:6 covers",
        ),
        (
            "the protecting file does not parse",
            {"app.py": BARE + "    import ext\n", "ext.py": "from flask_wtf import CSRFProtect (\n", "templates/pay.html": PLAIN_FORM},
            "could not be parsed",
        ),
        ("Django's templates", {"manage.py": "", "templates/pay.html": PLAIN_FORM}, "looked for"),
    ],
    "security-config.headers": [("an empty tree", {"app.py": ""}, "looked for")],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize("files", [WITH_FALLBACK, WITH_FALLBACK.replace('"change-me"', "os.urandom(16)")])
def test_no_key_in_the_message(files: str) -> None:
    assert "change-me" not in str(ask("security-config.secret-key", files))


def test_a_random_key_has_its_own_message() -> None:
    result = ask("security-config.secret-key", WITH_FALLBACK.replace('"change-me"', "os.urandom(16)"))
    assert "every process" in result.message
