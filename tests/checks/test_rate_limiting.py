import pytest

from mingus_gate.model import Kind
from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

LIMITED = """
    import os
    from flask import Flask, request
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    app = Flask(__name__)
    limiter = Limiter(get_remote_address, app=app, default_limits=["200 per hour"], storage_uri=os.environ["REDIS_URL"])

    @app.route("/login", methods=["POST"])
    @limiter.limit("5 per minute")
    def login():
        return check(request.form["password"])
"""
UNLIMITED = """
    from flask import Flask, request

    app = Flask(__name__)

    @app.route("/login", methods=["POST"])
    def login():
        return check(request.form["password"])
"""
IN_MEMORY = LIMITED.replace(', storage_uri=os.environ["REDIS_URL"]', "")
NO_DEFAULT = LIMITED.replace(', default_limits=["200 per hour"]', "")
NO_DECORATOR = NO_DEFAULT.replace('@limiter.limit("5 per minute")\n    ', "")
SECOND_FILE = {
    "app.py": """
        from flask import Flask
        from extensions import limiter
        from auth import bp

        def create_app():
            app = Flask(__name__)
            app.config["RATELIMIT_STORAGE_URI"] = "redis://cache:6379/1"
            app.config.from_object("config.Config")
            limiter.init_app(app)
            app.register_blueprint(bp)
            return app
        """,
    "extensions.py": """
        from flask_limiter import Limiter
        from flask_limiter.util import get_remote_address

        limiter = Limiter(key_func=get_remote_address)
        """,
    "auth.py": """
        from flask import Blueprint, request
        from extensions import limiter

        bp = Blueprint("auth", __name__, url_prefix="/auth")

        @bp.post("/login")
        @limiter.limit("5/minute")
        def login():
            return request.json["password"]
        """,
}
OWN = """
    from flask import Flask, abort, request
    from redis import Redis

    app = Flask(__name__)
    redis = Redis()

    @app.before_request
    def rate_limit():
        hits = redis.incr(request.remote_addr)
        if hits > 100:
            abort(429)

    @app.post("/login")
    def login():
        return request.form["password"]
"""
OWN_IN_MEMORY = OWN.replace("redis = Redis()", "hits = {}").replace(
    "hits = redis.incr(request.remote_addr)\n        if hits > 100:",
    "hits[request.remote_addr] = hits.get(request.remote_addr, 0) + 1\n        if hits[request.remote_addr] > 100:",
)
PLACEHOLDER = """
    from flask import Flask, jsonify, request

    app = Flask(__name__)

    def check_rate_limit(address):
        # to be done with Redis
        return True

    @app.post("/login")
    def login():
        if not check_rate_limit(request.remote_addr):
            return jsonify(error="too many"), 429
        return request.form["password"]
"""
NGINX = """
    http {
        limit_req_zone $binary_remote_addr zone=all:10m rate=10r/s;
        server {
            location / {
                limit_req zone=all burst=20;
                proxy_pass http://app;
            }
        }
    }
"""
NO_ROUTE = "from flask import Flask\napp = Flask(__name__)\n"
PAGES = NO_ROUTE + "@app.get('/')\ndef index(): return 'hello'\n"

EXEMPT = """
    from flask import Flask
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    app = Flask(__name__)
    limiter = Limiter(get_remote_address, app=app)

    @app.route("/health")
    @limiter.exempt
    def health():
        return {"status": "ok"}
"""
EXEMPT_BLUEPRINT = """
    from flask import Blueprint, Flask
    from flask_limiter import Limiter

    app = Flask(__name__)
    limiter = Limiter(app=app)
    pages = Blueprint("pages", __name__)

    @pages.get("/health")
    def health():
        return {}

    app.register_blueprint(pages)
    limiter.exempt(pages)
"""
QUIET: Quiet = {
    "rate-limiting.installed": [
        ("Flask-Limiter bound to the application", LIMITED),
        ("bound in a factory", SECOND_FILE),
        ("a limiter of its own before every request", OWN),
        ("nginx limits", {"app.py": UNLIMITED, "deploy/nginx.conf": NGINX}),
        (
            "an ingress limits",
            {"app.py": UNLIMITED, "k8s/ingress.yaml": 'metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/limit-rps: "5"\n'},
        ),
        ("nothing to guess at", PAGES),
        ("a login that only redirects", NO_ROUTE + "@app.route('/login', methods=['GET', 'POST'])\ndef login(): return oauth.authorize_redirect()\n"),
        ("a page behind a login", NO_ROUTE + "@app.post('/register')\n@login_required\ndef register(): return request.json['token']\n"),
        ("a webhook", NO_ROUTE + "@app.post('/payments/webhook')\ndef payment(): return request.json['amount']\n"),
        (
            "a blueprint that is not registered",
            UNLIMITED.replace("@app.route", "bp = Blueprint('b', __name__)\n    @bp.route") + "\n    @app.get('/')\n    def index(): ...",
        ),
    ],
    "rate-limiting.shared-storage": [
        ("from the environment", LIMITED),
        ("in the configuration", SECOND_FILE),
        ("a function that gives the Redis address", LIMITED.replace('os.environ["REDIS_URL"]', "redis_url(1)")),
        ("memory in the test configuration", {**SECOND_FILE, "config.py": "class TestingConfig:\n    RATELIMIT_STORAGE_URI = 'memory://'\n"}),
        (
            "a fallback that the compose file replaces",
            {
                "app.py": LIMITED.replace('os.environ["REDIS_URL"]', 'os.environ.get("LIMITS_URL", "memory://")'),
                "docker-compose.yml": "services:\n  web:\n    environment:\n      LIMITS_URL: redis://redis:6379/1\n",
            },
        ),
        ("a limiter of its own in Redis", OWN),
        ("no limiter", UNLIMITED),
        ("a limiter that no application gets", UNLIMITED + "\n    from flask_limiter import Limiter\n    limiter = Limiter(key_func=who)\n"),
    ],
    "rate-limiting.auth-routes": [
        ("a decorator", LIMITED),
        ("the default limit", LIMITED.replace('@limiter.limit("5 per minute")\n    ', "")),
        ("the default limit of the configuration", NO_DECORATOR + '\n    app.config["RATELIMIT_DEFAULT"] = "100 per hour"\n'),
        (
            "a limit on the blueprint",
            {
                **SECOND_FILE,
                "auth.py": SECOND_FILE["auth.py"].replace('@limiter.limit("5/minute")\n        ', "") + "\n        limiter.limit('5/minute')(bp)\n",
            },
        ),
        ("nginx", {"app.py": UNLIMITED, "deploy/nginx.conf": NGINX}),
        ("a limit asked for in the view", OWN.replace("    @app.before_request\n", "").replace('return request.form["password"]', "rate_limit()")),
        ("failed logins are counted", UNLIMITED.replace("return check(", "user.failed_login_count += 1\n        return check(")),
        ("reset by a secret link", NO_ROUTE + "@app.post('/reset_password/<token>')\ndef reset_password(token): return request.form['password']\n"),
        ("registration for an event", NO_ROUTE + "@app.post('/events/<int:id>/register')\ndef register(id): return request.form['email']\n"),
        ("no such route", PAGES),
    ],
    "rate-limiting.counts": [
        ("a limiter of its own in Redis", OWN),
        ("no limiter of its own", LIMITED),
        (
            "a handler that only words the answer",
            LIMITED + "\n    @app.errorhandler(429)\n    def too_many(e):\n        return 'rate limit exceeded', 429\n",
        ),
        (
            "another server's 429 is passed on",
            LIMITED + "\n    def ask():\n        if answer.status_code == 429:\n            return 'rate limit', 429\n",
        ),
    ],
    "rate-limiting.default-limit": [
        ("in the constructor", LIMITED),
        ("in the configuration", {**SECOND_FILE, "config.py": "class Config:\n    RATELIMIT_DEFAULT = '100/hour'\n"}),
        ("before every request", OWN),
        ("nginx", {"app.py": UNLIMITED, "deploy/nginx.conf": NGINX}),
        ("pages that nobody guesses at", PAGES),
    ],
    "rate-limiting.client-address": [
        ("get_remote_address", LIMITED),
        ("the account, else the address", LIMITED.replace("get_remote_address, app", "lambda: current_user.id or get_remote_address(), app")),
        ("no limiter", UNLIMITED),
        (
            "proxies counted",
            LIMITED + "\n    from werkzeug.middleware.proxy_fix import ProxyFix\n    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)\n",
        ),
        ("a log line reads the header", LIMITED + "\n    def log(): print(request.headers.get('X-Forwarded-For'))\n"),
    ],
    "rate-limiting.exemptions": [
        ("the health check", EXEMPT),
        ("a webhook", EXEMPT.replace("/health", "/stripe/webhook").replace("def health", "def stripe_webhook")),
        ("a blueprint of health routes", EXEMPT_BLUEPRINT),
        ("nothing is exempt", EXEMPT.replace("    @limiter.exempt\n", "")),
        ("exempt from CSRF", EXEMPT.replace("@limiter", "@csrf").replace("/health", "/login")),
    ],
}
REPORTED: Reported = {
    "rate-limiting.installed": [
        ("no limiter", UNLIMITED, "app.py:4"),
        (
            "a limiter that no application gets",
            UNLIMITED + "\n    from flask_limiter import Limiter\n    limiter = Limiter(key_func=who)\n",
            "app.py:11",
        ),
        ("switched off", LIMITED + "\n    app.config['RATELIMIT_ENABLED'] = False\n", "app.py:15"),
        ("a payment", NO_ROUTE + "@app.post('/checkout')\ndef checkout(): return stripe.Charge.create(amount=1)\n", "app.py:2"),
        (
            "a limit that nginx has in a comment",
            {"app.py": UNLIMITED, "deploy/nginx.conf": NGINX.replace("limit_req zone", "# limit_req zone")},
            "app.py:4",
        ),
    ],
    "rate-limiting.shared-storage": [
        ("no storage named", IN_MEMORY, "app.py:8"),
        ("memory", LIMITED.replace('os.environ["REDIS_URL"]', '"memory://"'), "app.py:8"),
        ("memory when a variable is missing", LIMITED.replace('os.environ["REDIS_URL"]', 'os.environ.get("LIMITS_URL", "memory://")'), "app.py:8"),
        ("in the configuration", {**SECOND_FILE, "app.py": SECOND_FILE["app.py"].replace("redis://cache:6379/1", "memory://")}, "app.py:8"),
        ("a dictionary", OWN_IN_MEMORY, "app.py:9"),
    ],
    "rate-limiting.auth-routes": [
        ("no limit", NO_DECORATOR, "app.py:11"),
        ("exempt", LIMITED.replace('limiter.limit("5 per minute")', "limiter.exempt"), "app.py:12"),
        ("a placeholder", PLACEHOLDER, "app.py:11"),
        (
            "a class",
            NO_ROUTE
            + "class Login:\n    def post(self): return request.json['password']\napp.add_url_rule('/login', view_func=Login.as_view('login'))\n",
            "app.py:3",
        ),
    ],
    "rate-limiting.counts": [("always true", PLACEHOLDER, "app.py:6")],
    "rate-limiting.default-limit": [("decorators only", NO_DEFAULT, "app.py:8"), ("no limiter", UNLIMITED, "app.py:4")],
    "rate-limiting.client-address": [
        (
            "the header by hand",
            LIMITED.replace("get_remote_address, app", "key_func=client, app").replace(
                "app = Flask(__name__)",
                'app = Flask(__name__)\n    def client():\n        return request.headers.get("X-Forwarded-For", "").split(",")[0]',
            ),
            "app.py:10",
        ),
        ("get_ipaddr", LIMITED.replace("get_remote_address", "get_ipaddr"), "app.py:8"),
        ("a limiter of its own", OWN.replace("request.remote_addr", "request.headers['X-Forwarded-For']"), "app.py:9"),
    ],
    "rate-limiting.exemptions": [
        ("the login", EXEMPT.replace("/health", "/login").replace("def health", "def login"), "app.py:11"),
        ("a whole blueprint", EXEMPT_BLUEPRINT.replace("/health", "/orders").replace("def health", "def orders"), "app.py:14"),
    ],
}
UNKNOWN: Unknown = {
    "rate-limiting.installed": [
        ("no application", "def login(): ...\n", "looked for"),
        ("no routes", NO_ROUTE, "looked for"),
        ("failed logins are counted", UNLIMITED.replace("return check(", "user.failed_login_count += 1\n        return check("), "failed_login"),
        ("a decorator that cannot be followed", UNLIMITED.replace("    def login", "    @throttle\n    def login"), "throttle"),
        ("a view does not parse", {"app.py": UNLIMITED + "\n    import views\n", "views.py": "@app.route(\n"}, "could not be parsed"),
    ],
    "rate-limiting.shared-storage": [
        ("a function", LIMITED.replace('os.environ["REDIS_URL"]', "storage()"), "storage()"),
        (
            "only the example file names it",
            {
                "app.py": LIMITED.replace('os.environ["REDIS_URL"]', 'os.environ.get("LIMITS_URL", "memory://")'),
                ".env.example": "LIMITS_URL=redis://localhost\n",
            },
            ".env.example:1",
        ),
        (
            "a template of the configuration names it",
            {"app.py": IN_MEMORY, "app.cfg.template": "RATELIMIT_STORAGE_URI = '{{ redis }}'\n"},
            "app.cfg.template:1",
        ),
        ("a cache", OWN.replace("redis.incr(", "cache.get("), "cache"),
    ],
    "rate-limiting.auth-routes": [("whether a hook lets it through", OWN, "/login")],
    "rate-limiting.client-address": [("a key function elsewhere", LIMITED.replace("get_remote_address, app", "key_func=who, app"), "who")],
    "rate-limiting.exemptions": [
        ("a view that was not found", EXEMPT.replace("@limiter.exempt", "# ") + "    limiter.exempt(views())\n", "could not be told")
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize(("workers", "said"), [(1, True), (4, False)])
def test_one_worker_is_no_excuse_but_is_said(workers: int, said: bool) -> None:
    files = {"app.py": IN_MEMORY, "Procfile": f"web: gunicorn --workers {workers} app:app\n"}
    result = ask("rate-limiting.shared-storage", files)
    assert ("one worker" in result.message) is said


def test_the_share_of_limited_routes_is_the_value() -> None:
    files = NO_DEFAULT + '\n    @app.post("/register")\n    def register():\n        return request.form["password"]\n'
    assert ask("rate-limiting.auth-routes", files).value == 0.5


def test_a_real_limit_in_place_of_a_placeholder_is_evidence() -> None:
    assert ask("rate-limiting.counts", LIMITED).kind is Kind.PASS
    assert ask("rate-limiting.counts", UNLIMITED).kind is Kind.NOT_APPLICABLE
