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

LOGIN = """
    from flask import Flask, current_app, g, redirect, request, session
    from flask_login import login_user
    from models import find

    app = Flask(__name__)

    @app.post("/login")
    def login():
        form = request.form
        user = find(form["email"])
        if not user.check_password(form["password"]):
            return redirect("/login")
        login_user(user)
        return redirect("/")

"""
VALIDATES = """
    @app.get("/data")
    def data():
        return valid_token(request.args.get('token'))

    def valid_token(token):
        if token == "test-token":
            return True
        return token == session["token"]
"""
ADMIN = """
    @app.get("/admin")
    def admin():
        auth = request.authorization
        if auth.username != "boss" or auth.password != "open sesame":
            return "", 401
"""
SIGNED_IN_ELSEWHERE = """
    @app.get("/callback")
    def callback():
        email = oauth.google.authorize_access_token()["userinfo"]["email"]
        if email == "admin@example.com":
            session["is_admin"] = True
        return redirect("/")
"""
TEST_HEADER = """
    @app.before_request
    def before():
        g.user = None

    def load():
        if request.headers.get("X-Test-User"):
            g.user = request.headers["X-Test-User"]

    app.before_request(load)
"""
CHECKED_TOKEN = """
    import jwt
    from flask import Flask, current_app, request

    app = Flask(__name__)

    def who():
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = current_app.config["JWT_SECRET_KEY"]
        return jwt.decode(token, key, algorithms=["HS256"])["sub"]
"""
UNCHECKED_TOKEN = CHECKED_TOKEN.replace('algorithms=["HS256"]', 'options={"verify_signature": False}')
MADE_TOKEN = """
    import jwt
    from flask import Flask

    app = Flask(__name__)

    def token(user_id):
        payload = {"sub": user_id}
        return jwt.encode(payload, app.config["JWT_SECRET_KEY"], algorithm="HS256")
"""
EXTENDED = """
    from datetime import timedelta

    from flask import Flask
    from flask_jwt_extended import JWTManager

    app = Flask(__name__)
    jwt = JWTManager(app)
"""
ADDRESS = """
    from flask import Flask, request

    app = Flask(__name__)

    @app.get("/")
    def home():
        return request.remote_addr
"""
NGINX = "server { listen 80; location / { proxy_pass http://app; } }\n"
BEHIND = {"app.py": ADDRESS, "nginx.conf": NGINX}
COUNTED = {
    "app.py": ADDRESS.replace("import Flask, request", "import Flask, request\n    from werkzeug.middleware.proxy_fix import ProxyFix").replace(
        "app = Flask(__name__)", "app = Flask(__name__)\n    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)"
    ),
    "nginx.conf": NGINX,
}
POSTS = """
    from flask import Flask

    app = Flask(__name__)

    @app.post("/notes")
    def note():
        return {}
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
        (
            "a form of a bought page that no view answers",
            {
                "app.py": PROTECTED.replace("CSRFProtect(app)", "")
                + "\n    from flask import render_template\n\n    @app.get('/<page>')\n    def show(page):\n"
                + "        return render_template('pages/' + page)\n",
                "templates/pages/contact.html": '<form method="post" id="contact"><input name="mail"></form>\n',
                "templates/pay.html": TOKEN_FORM,
            },
        ),
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
    "security-config.back-door": [
        ("the stored password", LOGIN),
        ("only in tests", LOGIN + TEST_HEADER.replace("if request", 'if current_app.config["TESTING"] and request')),
        (
            "below a switch for tests",
            LOGIN + TEST_HEADER.replace("        if request", "        if not current_app.testing:\n            return None\n        if request"),
        ),
        ("a placeholder is refused", LOGIN + VALIDATES.replace("return True", "return False")),
        ("a parser of tokens", LOGIN + VALIDATES.replace("valid_token", "is_keyword").replace("test-token", "lambda")),
        ("the kind of a token", LOGIN + VALIDATES.replace("test-token", "Bearer")),
        ("what the configuration says", LOGIN + VALIDATES.replace('"test-token"', 'current_app.config["API_TOKEN"]')),
        ("a function nobody calls", LOGIN + VALIDATES.replace("valid_token(request.args.get('token'))", "{}")),
        (
            "a role after the password",
            LOGIN.replace(
                "        login_user(user)\n",
                '        if form["email"] == "admin@example.com":\n            session["admin"] = True\n        login_user(user)\n',
            ),
        ),
        (
            "a parameter that skips a list",
            LOGIN + '    @app.get("/list")\n    def list_check_auth():\n        if request.args.get("skip"):\n            return True\n',
        ),
        ("who signed in elsewhere", BARE + SIGNED_IN_ELSEWHERE),
        ("no credentials at all", BARE),
    ],
    "security-config.jwt-verified": [
        ("a named algorithm", CHECKED_TOKEN),
        ("flask-jwt-extended", EXTENDED),
        ("looked at before it is checked", CHECKED_TOKEN.replace("        return", "        jwt.get_unverified_header(token)\n        return")),
        (
            "an object of its own named jwt",
            BARE + "    class Box:\n        def decode(self, text): return text\n    jwt = Box()\n    jwt.decode('x')\n",
        ),
        ("no tokens", BARE),
    ],
    "security-config.jwt": [
        ("fifteen minutes", EXTENDED.replace("jwt = ", 'app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(minutes=15)\n    jwt = ')),
        ("the default", EXTENDED),
        ("exp in the payload", MADE_TOKEN.replace('"sub": user_id', '"sub": user_id, "exp": 1')),
        ("exp set later", MADE_TOKEN.replace("        return", '        payload["exp"] = 1\n        return')),
        (
            "a token for another service",
            MADE_TOKEN.replace('"sub"', '"iss"')
            + "    app.config['JWT_ACCESS_TOKEN_EXPIRES'] = 900\n    from flask_jwt_extended import JWTManager\n    JWTManager(app)\n",
        ),
        ("no tokens", BARE),
    ],
    "security-config.proxies-counted": [
        ("counted", COUNTED),
        ("no proxy in the tree", ADDRESS),
        ("nobody asks for the address", BEHIND | {"app.py": BARE}),
        ("uwsgi hands the address on", {"app.py": ADDRESS, "nginx.conf": NGINX.replace("proxy_pass http://app", "uwsgi_pass app")}),
        ("the last entry", {"app.py": ADDRESS.replace("request.remote_addr", "request.headers['X-Forwarded-For'].split(',')[-1]")}),
    ],
    "security-config.request-size": [
        ("a bound", POSTS + '    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024\n'),
        ("nginx bounds it", {"app.py": POSTS, "nginx.conf": NGINX.replace("location", "client_max_body_size 8m; location")}),
        ("nginx by default", {"app.py": POSTS, "nginx.conf": NGINX}),
        (
            "in a part that nginx includes",
            {
                "app.py": POSTS,
                "proxy/default.conf": "server {\n  location / {\n    include shop_proxy.conf;\n  }\n}\n",
                "proxy/shop_proxy.conf": "proxy_set_header Host $host;\nproxy_pass http://shop;\n",
            },
        ),
        (
            "in a template of nginx's configuration",
            {"app.py": POSTS, "conf/nginx.conf.jnj": "http {\n  client_max_body_size 5M;\n  {{ servers }}\n}\n"},
        ),
        (
            "ingress-nginx by default",
            {
                "app.py": POSTS,
                "k8s/web.yaml": 'kind: Ingress\nmetadata:\n  annotations:\n    kubernetes.io/ingress.class: "nginx"\n',
            },
        ),
        (
            "mod_wsgi-express by default",
            {"app.py": POSTS, "Dockerfile": 'FROM python:3.13\nCMD ["mod_wsgi-express", "start-server", "--processes", "2", "shop.wsgi"]\n'},
        ),
        ("nobody posts", POSTS.replace("post", "get")),
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
    "security-config.back-door": [
        ("a token for tests", LOGIN + VALIDATES, "app.py:23"),
        ("a test header", LOGIN + TEST_HEADER, "app.py:23"),
        (
            "the name and password of somebody",
            LOGIN.replace(
                "        user = find",
                '        if form["email"] == "boss@shop.net" and form["password"] == "open sesame":\n            login_user(1)\n        user = find',
            ),
            "app.py:11",
        ),
        (
            "basic authentication",
            LOGIN
            + '    def check_auth(username, password):\n        return username == "boss" and password == "open sesame"\n    check_auth(1, 2)\n',
            "app.py:18",
        ),
        ("who is nobody else is refused", LOGIN + ADMIN, "app.py:21"),
        (
            "a test user without a password",
            LOGIN.replace("        user = find", '        if form["email"] == "test@example.com":\n            login_user(1)\n        user = find'),
            "app.py:11",
        ),
        (
            "tests return earlier",
            LOGIN + VALIDATES.replace("        if token", "        if current_app.testing:\n            return True\n        if token"),
            "app.py:25",
        ),
    ],
    "security-config.jwt-verified": [
        ("nobody checks it", UNCHECKED_TOKEN, "app.py:10"),
        ("the algorithm none", CHECKED_TOKEN.replace('["HS256"]', '["HS256", "none"]'), "app.py:10"),
        ("jose takes any", CHECKED_TOKEN.replace("import jwt", "from jose import jwt").replace(', algorithms=["HS256"]', ""), "app.py:10"),
        ("PyJWT 1 takes any", {"app.py": CHECKED_TOKEN.replace(', algorithms=["HS256"]', ""), "requirements.txt": "PyJWT==1.7.1\n"}, "app.py:10"),
        ("set to none", EXTENDED.replace("jwt = ", 'app.config["JWT_ALGORITHM"] = "none"\n    jwt = '), "app.py:8"),
    ],
    "security-config.jwt": [
        ("for ever", EXTENDED.replace("jwt = ", 'app.config["JWT_ACCESS_TOKEN_EXPIRES"] = False\n    jwt = '), "app.py:8"),
        ("no exp", MADE_TOKEN, "app.py:9"),
        ("a year", EXTENDED.replace("jwt = ", 'app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(days=365)\n    jwt = '), "app.py:8"),
        (
            "one token for ever",
            EXTENDED + "    from flask_jwt_extended import create_access_token\n    create_access_token(1, expires_delta=False)\n",
            "app.py:10",
        ),
    ],
    "security-config.proxies-counted": [
        ("nobody counts", BEHIND, "app.py:8"),
        (
            "the first entry is believed",
            ADDRESS.replace("request.remote_addr", "request.headers.get('X-Forwarded-For', '').split(',')[0]"),
            "app.py:8",
        ),
        ("the first of access_route", ADDRESS.replace("remote_addr", "access_route[0]"), "app.py:8"),
        ("Heroku", {"app.py": ADDRESS, "Procfile": "web: gunicorn app:app\n"}, "app.py:8"),
    ],
    "security-config.request-size": [
        ("no bound", POSTS, "app.py:4"),
        ("nginx lifts it", {"app.py": POSTS, "nginx.conf": NGINX.replace("location", "client_max_body_size 0; location")}, "nginx.conf:1"),
        ("None", POSTS + '    app.config["MAX_CONTENT_LENGTH"] = None\n', "app.py:9"),
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
        (
            "once a setting switches it on",
            EVERY_ORIGIN.replace("    CORS(app, ", "    app.config.setdefault('SHARED', False)\n    if app.config['SHARED']:\n        CORS(app, "),
            "is on",
        ),
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
    "security-config.jwt-verified": [
        (
            "a token of another server",
            BARE + "    import jwt\n    def ends(token):\n        return jwt.decode(token, options={'verify_signature': False})['exp']\n",
            "could not be told",
        ),
        ("PyJWT of some version", CHECKED_TOKEN.replace(', algorithms=["HS256"]', ""), "no `algorithms`"),
    ],
    "security-config.request-size": [
        ("the documents put nginx in front", {"app.py": POSTS, "docs/install.md": f"# Install\n\n```\n{NGINX}```\n"}, "docs/install.md"),
        ("nginx of the virtual machine", {"app.py": POSTS, "vagrant/dev/nginx.conf": NGINX}, "vagrant/dev/nginx.conf"),
    ],
    "security-config.proxies-counted": [
        ("another header", BEHIND | {"app.py": ADDRESS + "        return request.headers['X-Real-IP']\n"}, "also read from a header"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize("files", [WITH_FALLBACK, WITH_FALLBACK.replace('"change-me"', "os.urandom(16)")])
def test_no_key_in_the_message(files: str) -> None:
    assert "change-me" not in str(ask("security-config.secret-key", files))


def test_a_random_key_has_its_own_message() -> None:
    result = ask("security-config.secret-key", WITH_FALLBACK.replace('"change-me"', "os.urandom(16)"))
    assert "every process" in result.message
