import pytest

from tests.tools import Quiet, Reported, Unknown, ask, rule_tests

FLASK = "from flask import Flask, jsonify\napp = Flask(__name__)\n"
HEALTH = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import text

    app = Flask(__name__)
    db = SQLAlchemy(app)

    @app.get("/health")
    def health():
        return {"status": "ok"}

    @app.get("/readyz")
    def ready():
        db.session.execute(text("SELECT 1"))
        return {"database": "connected"}
"""
LIES = HEALTH.replace('db.session.execute(text("SELECT 1"))\n        ', "")
LIVENESS = HEALTH.partition('    @app.get("/readyz")')[0]
NO_HEALTH = (
    HEALTH.replace("/health", "/orders").replace("/readyz", "/customers").replace("def health", "def orders").replace("def ready", "def customers")
)
LOGIN = LIVENESS.replace("    def health", "    @login_required\n    def health")
LIMITED = """
    from flask import Flask
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    app = Flask(__name__)
    limiter = Limiter(get_remote_address, app=app, default_limits=["10 per minute"])

    @app.get("/health")
    @limiter.exempt
    def health():
        return {"status": "ok"}
"""
DOCKERFILE = """
    FROM python:3.12
    COPY . .
    RUN pip install -r requirements.txt
    HEALTHCHECK --interval=30s --timeout=3s \\
        CMD curl -f http://localhost:8000/health || exit 1
    CMD ["gunicorn", "-b", "0.0.0.0:8000", "app:app"]
"""
PROBED = {"app.py": LIVENESS, "Dockerfile": DOCKERFILE}


def answering(body: str, path: str = "/health") -> str:
    """A health route of an application with a database."""
    return LIVENESS.replace('return {"status": "ok"}', body).replace("/health", path)


def behind(helper: str) -> dict[str, str]:
    """A health route that hands on what a function in another file says."""
    return {"app.py": "    import checks\n" + answering("return checks.state()"), "checks.py": helper}


LIVES = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import text

    app = Flask(__name__)
    db = SQLAlchemy(app)

    @app.get("/livez")
    def live():
        return {"status": "ok"}

    @app.get("/readyz")
    def ready():
        db.session.execute(text("SELECT 1"))
        return {"database": "connected"}
"""
LIVENESS_PROBE = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          containers:
            - name: web
              image: web
              command: [gunicorn, "app:app"]
              livenessProbe:
                httpGet: {path: /readyz, port: 8000}
"""
QUIET: Quiet = {
    "health-endpoints.exists": [
        ("a route", HEALTH),
        *(
            (f"named {path}", FLASK + f"@app.get('{path}')\ndef it(): return 'ok'\n")
            for path in ("/healthz", "/_health", "/api/v1/health", "/livez", "/ping", "/_status", "/up/", "/flask-health-check")
        ),
        ("health of one part, by the view's name", FLASK + "@app.get('/orders/health')\ndef health_check(): return 'ok'\n"),
        ("below a tenant", FLASK + "@app.get('/<org_slug>/health')\ndef health(org_slug): return 'ok'\n"),
        (
            "open to everybody on a blueprint that asks for a login",
            "from flask import Blueprint\n"
            + FLASK
            + "bp = Blueprint('b', __name__)\n@bp.before_request\ndef require_login(): ...\n"
            + "@bp.get('/ping')\n@allow_anonymous\ndef ping(): return ''\napp.register_blueprint(bp)\n",
        ),
        (
            "flask-healthz",
            FLASK + "from flask_healthz import healthz\napp.register_blueprint(healthz, url_prefix='/healthz')\n@app.get('/')\ndef index(): ...\n",
        ),
        ("py-healthcheck", FLASK + "from healthcheck import HealthCheck\nhealth = HealthCheck(app, '/check')\n@app.get('/')\ndef index(): ...\n"),
        (
            "a middleware",
            FLASK
            + "@app.get('/')\ndef index(): ...\ndef call(environ, start):\n    if environ['PATH_INFO'] == '/healthz':\n        return [b'ok']\n",
        ),
        ("dockerflow", FLASK + "from dockerflow.flask import Dockerflow\nDockerflow(app)\n@app.get('/')\ndef index(): ...\n"),
        (
            "its own monitor",
            FLASK + "from mingus_gate.monitor import create_health_routes\ncreate_health_routes(app)\n@app.get('/')\ndef index(): ...\n",
        ),
    ],
    "health-endpoints.honest": [
        ("asks before it answers", HEALTH),
        ("a plain liveness route", LIVENESS),
        (
            "a plain liveness route with a time and a version",
            answering("return {'status': 'healthy', 'at': datetime.now().isoformat(), 'version': '1'}"),
        ),
        ("the answer depends on the question", answering("ok = db.session.execute('SELECT 1')\n        return {'database': 'up' if ok else 'down'}")),
        ("asked in a helper of another file", behind("from db import engine\ndef state():\n    engine.connect()\n    return {'database': 'ok'}\n")),
        (
            "asked two calls deep",
            behind("def state():\n    probe()\n    return {'database': 'ok'}\ndef probe():\n    begin()\ndef begin():\n    psycopg.connect('')\n"),
        ),
        (
            "asked by a method",
            behind(
                "class Checks:\n    def state(self):\n        self.probe()\n        return {'redis': 'ok'}\n"
                "    def probe(self):\n        self.r.ping()\n"
                "monitor = Checks()\ndef state():\n    return monitor.state()\n"
            ),
        ),
        (
            "asked by a function that is handed on",
            answering("return {'database': 'ok', 'seconds': measure(ask)}") + "\n    def ask(): db.session.execute('SELECT 1')\n",
        ),
        ("bad news", answering("return {'database': 'unknown'}")),
        ("a flag of the configuration", answering("return {'cache': True, 'queue': 'rq'}")),
        ("ready without anything to ask", FLASK + "@app.get('/ready')\ndef ready(): return 'ok'\n"),
        ("databases may be Redis", "import redis\n" + FLASK + "@app.get('/up/databases')\ndef databases():\n    redis.ping()\n    return ''\n"),
        ("a status of orders", FLASK + "@app.get('/orders/status')\ndef status(): return {'database': 'ok'}\n"),
    ],
    "health-endpoints.readiness": [
        ("asks the database", HEALTH),
        ("nothing to ask", FLASK + "@app.get('/health')\ndef health(): return 'ok'\n"),
        ("Redis", answering("Redis.from_url(url).ping()\n        return 'ok'")),
        (
            "py-healthcheck with a check",
            HEALTH.partition("    @app.get")[0]
            + "    from healthcheck import HealthCheck\n    health = HealthCheck(app, '/check')\n    health.add_check(ask)\n"
            + "    @app.get('/')\n    def index(): ...\n",
        ),
    ],
    "health-endpoints.open": [
        ("no login", HEALTH),
        ("details behind a login", HEALTH.replace('    @app.get("/readyz")', '    @app.get("/readyz")\n    @login_required')),
        (
            "a hook that lets it through",
            LIVENESS + "\n    @app.before_request\n    def gate():\n        if request.path != '/health' and not current_user: abort(401)\n",
        ),
        ("a hook that asks for no login", LIVENESS + "\n    @app.before_request\n    def start():\n        g.start = time.time()\n"),
    ],
    "health-endpoints.unlimited": [
        ("exempt", LIMITED),
        ("exempt by a call", LIMITED.replace("    @limiter.exempt\n", "") + "\n    limiter.exempt(health)\n"),
        ("no default limit", LIMITED.replace("    @limiter.exempt\n", "").replace(', default_limits=["10 per minute"]', "")),
        ("no limiter", LIVENESS),
        ("another application's limiter", {"app.py": LIMITED, "other.py": FLASK + "@app.get('/health')\ndef health(): return 'ok'\n"}),
    ],
    "health-endpoints.probes-match": [
        ("the route exists", PROBED),
        ("with a slash", {**PROBED, "app.py": LIVENESS.replace("/health", "/health/")}),
        ("no probe", {**PROBED, "Dockerfile": DOCKERFILE.replace("HEALTHCHECK", "# HEALTHCHECK").replace("    CMD curl", "    # CMD curl")}),
        ("another program", {**PROBED, "Dockerfile": "FROM nginx\nHEALTHCHECK CMD curl -f http://localhost/status\n"}),
        ("for development", {"app.py": LIVENESS, "Dockerfile.dev": DOCKERFILE.replace("/health", "/nothing")}),
        (
            "with Python",
            {
                **PROBED,
                "Dockerfile": DOCKERFILE.replace(
                    "curl -f http://localhost:8000/health", "python -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8000/health\")'"
                ),
            },
        ),
        (
            "of a compose service",
            {
                **PROBED,
                "docker-compose.yml": "services:\n  web:\n    build: .\n    healthcheck:\n      test: [CMD, curl, -f, 'http://localhost:8000/health']\n",
            },
        ),
        (
            "of Kubernetes",
            {
                "app.py": LIVENESS,
                "k8s/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n"
                "      - name: web\n        command: [gunicorn, 'app:app']\n        livenessProbe:\n          httpGet: {path: /health, port: 8000}\n",
            },
        ),
        (
            "a blueprint whose prefix cannot be told",
            {
                **PROBED,
                "Dockerfile": DOCKERFILE.replace("/health", "/api/1/health"),
                "app.py": "from flask import Blueprint\n"
                + FLASK
                + "bp = Blueprint('b', __name__)\n@bp.get('/health')\ndef health(): return ''\napp.register_blueprint(bp, url_prefix=prefix())\n",
            },
        ),
    ],
    "health-endpoints.liveness": [
        ("two routes", LIVES),
        ("only a readiness route asks", LIVES.replace("/livez", "/health")),
        ("/healthz without a readiness route", LIVES.replace("/livez", "/healthz").replace("/readyz", "/orders")),
    ],
}
REPORTED: Reported = {
    "health-endpoints.exists": [
        ("no route", NO_HEALTH, "app.py:6"),
        ("health of something else", FLASK + "@app.get('/pets/<int:id>/health')\ndef pet(id): return {'weight': 3}\n", "app.py:2"),
        ("a page of orders in transit", FLASK + "@app.get('/live')\ndef live():\n    return render_template('live.html')\n", "app.py:2"),
        ("only POST", FLASK + "@app.post('/health')\ndef health(): return ''\n", "app.py:2"),
    ],
    "health-endpoints.honest": [
        ("a constant", LIES, "app.py:15"),
        ("deep in the answer", answering("return jsonify({'status': 'ok', 'services': {'database': 'connected', 'mail': 'active'}})"), "app.py:11"),
        ("as a keyword", answering("return jsonify(redis='up')"), "app.py:11"),
        ("through a name", answering("db_status = 'connected'\n        return jsonify(db=db_status)"), "app.py:12"),
        ("put in later", answering("answer = {}\n        answer['db_status'] = 'ok'\n        return answer"), "app.py:12"),
        ("by a helper", behind("def state():\n    return {'database': 'ok'}\n"), "checks.py:2"),
        ("the database is asked, Redis is not", HEALTH.replace('{"database": "connected"}', '{"database": "connected", "redis": "up"}'), "app.py:16"),
        ("ready, and asks nothing", answering("return 'ready'", "/ready"), "app.py:10"),
        (
            "beside what is harmless",
            answering("app.logger.info('asked')\n        return {'database': 'ok', 'load': psutil.cpu_percent()}"),
            "app.py:12",
        ),
    ],
    "health-endpoints.readiness": [("a constant only", LIVENESS, "app.py:10"), ("no health route", NO_HEALTH, "app.py:6")],
    "health-endpoints.open": [("behind a login", LOGIN, "app.py:11")],
    "health-endpoints.unlimited": [
        ("under the default limit", LIMITED.replace("    @limiter.exempt\n", ""), "app.py:10"),
        (
            "another function of that name is exempt",
            {
                "app.py": LIMITED.replace("    @limiter.exempt\n", "") + "\n    import partner\n    limiter.exempt(partner.health)\n",
                "partner.py": "def health():\n    return 'ok'\n",
            },
            "app.py:10",
        ),
    ],
    "health-endpoints.probes-match": [
        ("no such route", {**PROBED, "app.py": LIVENESS.replace("/health", "/healthz")}, "Dockerfile:5"),
        (
            "a route of another application than the one started",
            {"app.py": FLASK + "@app.get('/')\ndef index(): ...\n", "other.py": LIVENESS, "Dockerfile": DOCKERFILE},
            "Dockerfile:5",
        ),
        (
            "of a compose service",
            {
                **PROBED,
                "docker-compose.yml": "services:\n  web:\n    build: .\n    healthcheck:\n      test: [CMD, curl, -f, 'http://localhost:8000/alive']\n",
            },
            "docker-compose.yml:5",
        ),
    ],
    "health-endpoints.liveness": [
        (
            "it asks the database",
            LIVES.replace('return {"status": "ok"}', 'db.session.execute(text("SELECT 1"))\n        return {"status": "ok"}'),
            "app.py:10",
        ),
        (
            "/healthz beside a readiness route",
            LIVES.replace("/readyz", "/ready")
            .replace("/livez", "/healthz")
            .replace('return {"status": "ok"}', 'db.session.execute(text("SELECT 1"))\n        return {}'),
            "app.py:10",
        ),
        ("what the orchestrator asks", {"app.py": LIVES, "k8s.yaml": LIVENESS_PROBE}, "app.py:14"),
    ],
}
UNKNOWN: Unknown = {
    "health-endpoints.exists": [
        ("no application", "x = 1\n", "looked for"),
        ("no routes", FLASK, "looked for"),
        ("a view does not parse", {"app.py": NO_HEALTH + "\n    import views\n", "views.py": "@app.route('/health'\n"}, "could not be parsed"),
    ],
    "health-endpoints.honest": [
        ("a function that cannot be followed", answering("monitor.refresh()\n        return {'database': 'ok'}"), "monitor.refresh"),
        ("ready, by a function that cannot be followed", answering("return state()", "/ready"), "state"),
    ],
    "health-endpoints.readiness": [
        ("a function that cannot be followed", answering("return state()"), "state"),
        (
            "flask-healthz",
            HEALTH.partition("    @app.get")[0]
            + "    from flask_healthz import healthz\n    app.register_blueprint(healthz)\n    @app.get('/')\n    def index(): ...\n",
            "flask-healthz",
        ),
    ],
    "health-endpoints.open": [
        (
            "a hook that asks for a login",
            LIVENESS + "\n    @app.before_request\n    def gate():\n        if not current_user: abort(401)\n",
            "lets /health through",
        )
    ],
    "health-endpoints.probes-match": [
        ("a catch-all answers", {**PROBED, "app.py": FLASK + "@app.get('/<path:path>')\ndef page(path): ...\n"}, "every address"),
        (
            "a proxy in the same container",
            {**PROBED, "Dockerfile": DOCKERFILE.replace("pip", "apt install nginx; pip").replace("/health", "/alive")},
            "could not be told",
        ),
    ],
    "health-endpoints.liveness": [
        (
            "what it calls is not in the tree",
            LIVES.replace('return {"status": "ok"}', "return elsewhere()").replace("import text", "import text\n    from other import elsewhere"),
            "elsewhere",
        ),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize("path", ["/api/orders/status", "/users/<int:id>/ping", "/up/to/date"])
def test_words_that_say_nothing_by_themselves_are_not_health(path: str) -> None:
    result = ask("health-endpoints.exists", FLASK + f"@app.get('{path}')\ndef it(**_): return 'ok'\n")
    assert "no route, of 1, answers" in result.message
