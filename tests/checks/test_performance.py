from tests.tools import Quiet, Reported, Unknown, rule_tests

APP = """
    from flask import Flask

    app = Flask(__name__)

    if __name__ == "__main__":
        app.run()
"""
GUNICORN = {
    "Dockerfile": """
    FROM python:3.12-slim
    COPY . /app
    CMD ["gunicorn", "--workers", "4", "--timeout", "30", "--bind", "0.0.0.0:8000", "wsgi:app"]
    """,
    "wsgi.py": "from flask import Flask\n\napp = Flask(__name__)\n",
}
FLASK_RUN = {
    "Dockerfile": """
    FROM python:3.12-slim
    COPY . /app
    CMD ["flask", "--app", "wsgi", "run", "--host", "0.0.0.0"]
    """,
    "wsgi.py": "from flask import Flask\n\napp = Flask(__name__)\n",
}
ENGINE = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    app.config["SQLALCHEMY_ECHO"] = False
    db = SQLAlchemy(app)
"""
LOCUST = """
    from locust import HttpUser, task

    class Visitor(HttpUser):
        @task
        def home(self):
            self.client.get("/")
"""
CASE_SCRIPT = """
    #!/bin/bash
    server() {
      exec gunicorn -w ${WORKERS:-4} --timeout ${TIMEOUT:-60} app:app
    }
    dev_server() {
      exec flask run --debug
    }
    case "$1" in
      server)
        shift
        server
        ;;
      dev_server)
        dev_server
        ;;
      *)
        exec "$@"
        ;;
    esac
"""

ALL = "Invoice.query.order_by(Invoice.id).all()"
LISTS = """
    from flask import Flask, jsonify
    from models import Invoice, db

    app = Flask(__name__)

    @app.get("/invoices")
    def invoices():
        rows = Invoice.query.order_by(Invoice.id).all()
        return jsonify([i.number for i in rows])
"""
INVOICE = """
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()

    class Invoice(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        number = db.Column(db.String(20))
        created_at = db.Column(db.DateTime)
"""

QUIET: Quiet = {
    "performance.production-server": [
        ("gunicorn in the image", GUNICORN),
        (
            "the development server is for the development compose file only",
            {**GUNICORN, "docker-compose.dev.yml": "services:\n  web:\n    build: .\n    command: flask run\n"},
        ),
        (
            "a stage for development stands beside the one for production",
            {
                "Dockerfile": """
                FROM python:3.12 AS base
                FROM base AS production
                CMD gunicorn -w 4 app:app
                FROM base AS development
                CMD flask run --debug
                """,
                "app.py": APP,
            },
        ),
        (
            "the entry point's argument chooses the function that starts gunicorn",
            {
                "Dockerfile": 'FROM python:3.12\nENTRYPOINT ["/app/bin/docker-entrypoint"]\nCMD ["server"]\n',
                "bin/docker-entrypoint": CASE_SCRIPT,
                "app.py": APP,
            },
        ),
        (
            "the entry point runs what it is given",
            {
                "Dockerfile": 'FROM python:3.12\nENTRYPOINT ["/entrypoint.sh"]\nCMD ["gunicorn", "app:app"]\n',
                "docker/entrypoint.sh": '#!/bin/sh\nset -e\nflask db upgrade\nexec "$@"\n',
                "app.py": APP,
            },
        ),
        (
            "a branch of the script is for development",
            {
                "Procfile": "web: bash start.sh\n",
                "start.sh": """
                if [ "$APP_CONFIG" = "config.DevelopmentConfig" ]; then
                    python manage.py runserver
                else
                    gunicorn app:app -w 2
                fi
                """,
                "manage.py": "from flask.cli import FlaskGroup\ncli = FlaskGroup()\ncli()\n",
                "app.py": APP,
            },
        ),
        (
            "the script starts waitress",
            {
                "Procfile": "web: python serve.py\n",
                "serve.py": "from waitress import serve\nfrom app import app\nserve(app, port=8000)\n",
                "app.py": APP,
            },
        ),
        ("supervisor starts it", {"deploy/supervisor.conf": "[program:web]\ncommand=/srv/venv/bin/gunicorn -w 4 app:app\n", "app.py": APP}),
        (
            "a service of systemd over several lines",
            {"deploy/web.service": "[Service]\nExecStart=/srv/venv/bin/uwsgi \\\n  --ini uwsgi.ini\n", "app.py": APP},
        ),
        (
            "people develop with the base file, another one is for production",
            {
                "docker-compose.yml": "services:\n  web:\n    image: app\n    command: flask run\n",
                "docker-compose.prod.yml": "services:\n  web:\n    image: app\n    command: gunicorn -w 4 app:app\n",
                "app.py": APP,
            },
        ),
        (
            "a worker of the same image starts no server",
            {**GUNICORN, "compose.yaml": "services:\n  worker:\n    build: .\n    command: celery -A wsgi worker\n"},
        ),
        ("Apache serves it", {"app.wsgi": "from app import app as application\n", "app.py": APP}),
        (
            "a script for bots has app.run too",
            {
                "Procfile": "web: gunicorn app:app\nbot: python bot.py\n",
                "bot.py": "from discord import Client\napp = Client()\napp.run()\n",
                "app.py": APP,
            },
        ),
    ],
    "performance.workers": [
        ("stated", GUNICORN),
        (
            "stated in gunicorn's configuration",
            {
                "Procfile": "web: gunicorn app:app\n",
                "gunicorn.conf.py": 'import os\nworkers = int(os.environ.get("WEB_CONCURRENCY", 3))\n',
                "app.py": APP,
            },
        ),
        (
            "over several lines of supervisor, from a variable",
            {"supervisord.conf": "[program:web]\ncommand=gunicorn\n    app:app\n    -w %(ENV_WORKERS)s\n", "app.py": APP},
        ),
        ("one asynchronous worker", {"Procfile": "web: gunicorn -w 1 -k gevent app:app\n", "app.py": APP}),
        ("one worker of several threads", {"Procfile": "web: gunicorn -w 1 --threads 8 app:app\n", "app.py": APP}),
        (
            "in the environment of the service",
            {
                "compose.yaml": "services:\n  web:\n    image: app\n    command: gunicorn app:app\n    environment:\n      WEB_CONCURRENCY: 4\n",
                "app.py": APP,
            },
        ),
        (
            "in uWSGI's own file",
            {"Dockerfile": "FROM python:3\nCMD uwsgi --ini uwsgi.ini\n", "uwsgi.ini": "[uwsgi]\nprocesses = 4\n", "app.py": APP},
        ),
        ("in GUNICORN_CMD_ARGS", {"Dockerfile": 'FROM python:3\nENV GUNICORN_CMD_ARGS="--workers=4"\nCMD gunicorn app:app\n', "app.py": APP}),
    ],
    "performance.server-timeout": [
        ("stated", GUNICORN),
        (
            "stated in a configuration named by its module",
            {
                "Procfile": "web: gunicorn -c python:config.gunicorn app:app\n",
                "config/gunicorn.py": 'import os\ntimeout = int(os.getenv("WEB_TIMEOUT", "60"))\n',
                "app.py": APP,
            },
        ),
    ],
    "performance.query-echo": [
        ("off", ENGINE),
        (
            "recorded for a log of slow ones",
            {
                "app.py": ENGINE.replace("SQLALCHEMY_ECHO", "SQLALCHEMY_RECORD_QUERIES").replace("False", "True") + "    import slow\n",
                "slow.py": """
                from flask_sqlalchemy.record_queries import get_recorded_queries
                from app import app

                @app.after_request
                def slow(response):
                    for query in get_recorded_queries():
                        if query.duration > 0.5:
                            app.logger.warning("slow query: %s", query.statement)
                    return response
                """,
            },
        ),
        ("left at its default, which is off", ENGINE.replace('app.config["SQLALCHEMY_ECHO"] = False', "")),
        (
            "on for development only",
            {
                "app.py": 'from flask import Flask\napp = Flask(__name__)\napp.config.from_object("config.ProductionConfig")\n',
                "config.py": """
                class Config:
                    SQLALCHEMY_ECHO = False

                class DevelopmentConfig(Config):
                    SQLALCHEMY_ECHO = True

                class ProductionConfig(Config):
                    pass
                """,
            },
        ),
        (
            "on only when a variable says so",
            ENGINE.replace("= False", '= os.environ.get("SQL_ECHO", "false").lower() == "true"').replace(
                "from flask import", "import os\n    from flask import", 1
            ),
        ),
    ],
    "performance.bounded-lists": [
        ("a page", {"app.py": LISTS.replace(ALL, "db.paginate(db.select(Invoice).order_by(Invoice.id), per_page=50)"), "models.py": INVOICE}),
        ("limited", {"app.py": LISTS.replace(ALL, "Invoice.query.order_by(Invoice.id).limit(50).all()"), "models.py": INVOICE}),
        ("no database", "from flask import Flask\napp = Flask(__name__)\n"),
    ],
    "performance.toolbar": [
        (
            "the toolbar runs only in debug mode",
            """
            from flask import Flask
            from flask_debugtoolbar import DebugToolbarExtension

            app = Flask(__name__)
            toolbar = DebugToolbarExtension(app)
            """,
        ),
        (
            "the profiler is asked for",
            """
            from flask import Flask
            from werkzeug.middleware.profiler import ProfilerMiddleware

            app = Flask(__name__)
            if app.config.get("PROFILE"):
                app.wsgi_app = ProfilerMiddleware(app.wsgi_app)
            """,
        ),
        ("none installed", APP),
    ],
    "performance.load-test": [
        (
            "a Locust file",
            {
                "app.py": APP,
                "locustfile.py": LOCUST,
            },
        ),
        (
            "a k6 script among the tests",
            {"app.py": APP, "tests/load/home.js": "import http from 'k6/http';\nexport default function () { http.get('/'); }\n"},
        ),
    ],
}
REPORTED: Reported = {
    "performance.production-server": [
        ("the image starts the development server", FLASK_RUN, "Dockerfile:4"),
        (
            "python runs a file that ends in app.run()",
            {"Dockerfile": "FROM python:3.12\nWORKDIR /srv\nCMD python3 -u app.py\n", "app.py": APP},
            "Dockerfile:3",
        ),
        ("a Procfile, even where the image starts gunicorn", {**GUNICORN, "Procfile": "web: flask run -p $PORT\n"}, "Procfile:1"),
        (
            "a script that the image starts",
            {
                "Dockerfile": 'FROM python:3.12\nENTRYPOINT ["./boot.sh"]\n',
                "boot.sh": "#!/bin/sh\nflask db upgrade\nexec flask run -h 0.0.0.0\n",
                "app.py": APP,
            },
            "boot.sh:3",
        ),
        (
            "Flask-Script's server",
            {
                "Dockerfile": "FROM python:3\nCMD python manage.py runserver\n",
                "manage.py": "from flask_script import Manager\nfrom app import app\nManager(app).run()\n",
                "app.py": APP,
            },
            "Dockerfile:2",
        ),
        (
            "a container of Kubernetes",
            {
                "k8s/web.yaml": """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  template:
                    spec:
                      containers:
                        - name: web
                          image: app
                          command: ["flask", "run"]
                """,
                "app.py": APP,
            },
            "k8s/web.yaml:11",
        ),
        (
            "a module run with -m",
            {"Dockerfile": "FROM python:3\nCMD python -m shop\n", "shop/__init__.py": "", "shop/__main__.py": APP},
            "Dockerfile:2",
        ),
    ],
    "performance.workers": [
        ("gunicorn is left at one worker", {"Dockerfile": "FROM python:3.12\nCMD gunicorn --bind :8000 wsgi:app\n", "wsgi.py": APP}, "Dockerfile:2"),
        ("one sync worker is asked for", {"Procfile": "web: gunicorn -w 1 app:app\n", "app.py": APP}, "Procfile:1"),
        (
            "the variable's default in the script is one",
            {
                "Dockerfile": "FROM python:3\nENTRYPOINT ./run.sh\n",
                "run.sh": "#!/bin/sh\nWORKERS=${WORKERS:-1}\nexec gunicorn app:app \\\n  --workers $WORKERS\n",
                "app.py": APP,
            },
            "run.sh:3",
        ),
    ],
    "performance.server-timeout": [
        ("no timeout stated", {"Dockerfile": "FROM python:3.12\nCMD gunicorn --workers 4 wsgi:app\n", "wsgi.py": APP}, "Dockerfile:2"),
        ("0 is for ever", {"Procfile": "web: gunicorn --timeout 0 app:app\n", "app.py": APP}, "Procfile:1"),
        ("uWSGI's harakiri is off", {"Procfile": "web: uwsgi --http :8000 -p 4 -w app:app\n", "app.py": APP}, "Procfile:1"),
    ],
    "performance.query-echo": [
        ("echo is on", ENGINE.replace("False", "True"), "app.py:6"),
        (
            "queries are recorded",
            ENGINE.replace("SQLALCHEMY_ECHO", "SQLALCHEMY_RECORD_QUERIES").replace("False", "True"),
            "app.py:6",
        ),
        ("an engine echoes", "from sqlalchemy import create_engine\nengine = create_engine('postgresql://db/app', echo=True)\n", "app.py:2"),
    ],
    "performance.bounded-lists": [
        ("every row", {"app.py": LISTS, "models.py": INVOICE}, "app.py:9"),
        ("by select", {"app.py": LISTS.replace(ALL, "db.session.execute(db.select(Invoice)).scalars().all()"), "models.py": INVOICE}, "app.py:9"),
        (
            "built up row by row",
            {
                "app.py": LISTS.replace(
                    "return jsonify([i.number for i in rows])",
                    "numbers = []\n        for row in rows:\n            numbers.append(row.number)\n        return jsonify(numbers)",
                ),
                "models.py": INVOICE,
            },
            "app.py:9",
        ),
    ],
    "performance.toolbar": [
        (
            "every request is profiled",
            """
            from flask import Flask
            from werkzeug.middleware.profiler import ProfilerMiddleware

            app = Flask(__name__)
            app.wsgi_app = ProfilerMiddleware(app.wsgi_app)
            """,
            "app.py:6",
        ),
        (
            "the toolbar is on whatever debug says",
            """
            from flask import Flask
            from flask_debugtoolbar import DebugToolbarExtension

            app = Flask(__name__)
            app.config["DEBUG_TB_ENABLED"] = True
            toolbar = DebugToolbarExtension(app)
            """,
            "app.py:6",
        ),
    ],
    "performance.load-test": [("none", APP, "")],
}
UNKNOWN: Unknown = {
    "performance.bounded-lists": [
        (
            "the rows of one customer",
            {"app.py": LISTS.replace(ALL, "Invoice.query.filter_by(customer=1).all()"), "models.py": INVOICE},
            "looked for",
        ),
        ("a part of them", {"app.py": LISTS.replace(ALL, f"{ALL}[:50]"), "models.py": INVOICE}, "looked for"),
        ("how many there are", {"app.py": LISTS.replace(ALL, f"range(len({ALL}))"), "models.py": INVOICE}, "looked for"),
        ("a table kept by hand", {"app.py": LISTS.replace("Invoice", "Currency"), "models.py": INVOICE.replace("Invoice", "Currency")}, "looked for"),
        ("an export", {"app.py": LISTS.replace('"/invoices"', '"/invoices/export"'), "models.py": INVOICE}, "looked for"),
    ],
    "performance.production-server": [
        ("no deploy file", APP, "looked for"),
        ("the image and the Procfile disagree", {**FLASK_RUN, "Procfile": "web: gunicorn wsgi:app\n"}, "which one is deployed"),
        ("a compose file that does not parse", {"compose.yaml": "services:\n  web: [\n", "app.py": APP}, "could not be parsed"),
        ("a script nobody starts", {"start.sh": "#!/bin/sh\nflask run\n", "app.py": APP}, "looked for"),
        (
            "the service mounts the source",
            {"compose.yaml": "services:\n  web:\n    image: app\n    command: flask run\n    volumes: ['.:/app']\n", "app.py": APP},
            "looked for",
        ),
        (
            "a mock stands beside it",
            {"compose.yaml": "services:\n  web:\n    command: flask run\n  pay:\n    image: stripemock/stripe-mock\n", "app.py": APP},
            "looked for",
        ),
        (
            "the compose file says that it is for development",
            {"compose.yaml": "# This file is for local development only.\nservices:\n  web:\n    command: flask run\n", "app.py": APP},
            "looked for",
        ),
    ],
    "performance.workers": [
        ("Heroku may set them", {"Procfile": "web: gunicorn app:app\n", "app.py": APP}, "WEB_CONCURRENCY"),
        (
            "a configuration outside the tree",
            {"Dockerfile": "FROM python:3\nCMD gunicorn -c /etc/gunicorn.py app:app\n", "app.py": APP},
            "/etc/gunicorn.py",
        ),
    ],
    "performance.query-echo": [("a variable decides", ENGINE.replace("False", "verbose()"), "verbose()")],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
