from tests.tools import Quiet, Reported, Unknown, rule_tests

NOTHING = """
    from flask import Flask

    app = Flask(__name__)
"""
SENTRY = """
    import os

    import sentry_sdk
    from flask import Flask

    sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], traces_sample_rate=0.05)
    app = Flask(__name__)
"""
PROMETHEUS = """
    from flask import Flask
    from prometheus_flask_exporter.multiprocess import GunicornPrometheusMetrics

    app = Flask(__name__)
    metrics = GunicornPrometheusMetrics(app)
"""
INFO = """
    import logging
    import os

    from flask import Flask

    logging.basicConfig(level=os.getenv("LOG_LEVEL", "INFO"))
    app = Flask(__name__)
"""
LOGIN = """
    import logging

    from flask import Flask, request

    app = Flask(__name__)
    log = logging.getLogger(__name__)


    @app.post("/login")
    def login():
        user = check(request.form["email"], request.form["password"])
        log.info("login of %s", user.id)
        return ""
"""
REQUEST_ID = """
    import uuid

    from flask import Flask, g, request

    app = Flask(__name__)


    @app.before_request
    def follow():
        g.request_id = request.headers.get("X-Request-ID") or uuid.uuid4().hex
"""


def logs(line: str, before: str = "") -> str:
    """An application whose login view runs that line."""
    return (
        "import os, json, logging\nfrom flask import Flask, request, current_app\nimport settings\n"
        "app = Flask(__name__)\nlog = logging.getLogger(__name__)\n"
        f"{before}\n@app.post('/login')\ndef login(password, token, api_key, user):\n    {line}\n    return ''\n"
    )


def app(line: str) -> str:
    return f"import logging, os\nfrom flask import Flask\napp = Flask(__name__)\n{line}\n"


ALERTS = "groups:\n  - name: web\n    rules:\n      - alert: ManyErrors\n        expr: rate(errors[5m]) > 1\n"

QUIET: Quiet = {
    "monitoring.error-tracker": [
        ("Sentry", SENTRY),
        ("Raygun", app("from raygun4py.middleware import flask as raygun\nraygun.Provider(app, app.config['RAYGUN_KEY']).attach()")),
        (
            "mails of errors",
            app("app.logger.addHandler(logging.handlers.SMTPHandler('h', 'a', 'b', 'c'))").replace(
                "import logging", "import logging.handlers, logging"
            ),
        ),
        ("an agent around the process", {"app.py": NOTHING, "Procfile": "web: newrelic-admin run-program gunicorn app:app\n"}),
    ],
    "monitoring.metrics": [
        ("Prometheus", PROMETHEUS),
        ("StatsD", app("import statsd\nstatsd.StatsClient()")),
        ("a route of its own", app("@app.get('/metrics')\ndef metrics():\n    return ''")),
        ("gunicorn sends them", {"app.py": NOTHING, "gunicorn.conf.py": "statsd_host = 'localhost:8125'\n"}),
    ],
    "monitoring.log-level": [
        ("INFO unless told otherwise", INFO),
        ("DEBUG while developing", app("app.logger.setLevel(logging.INFO)\nif app.debug:\n    app.logger.setLevel(logging.DEBUG)")),
        ("by the environment", app("logging.basicConfig(level=logging.DEBUG if app.debug else logging.INFO)")),
        ("by name", app("logging.basicConfig(level=getattr(logging, os.environ.get('LOG_LEVEL', 'INFO').upper()))")),
        (
            "a handler that takes what its logger lets through",
            app("app.logger.setLevel('INFO')\nhandler = logging.StreamHandler()\nhandler.setLevel(logging.DEBUG)"),
        ),
        ("when run by hand", app("app.logger.setLevel('INFO')\nif __name__ == '__main__':\n    logging.basicConfig(level=logging.DEBUG)")),
        ("not while developing", app("if not app.debug and not app.testing:\n    app.logger.setLevel(logging.INFO)")),
        (
            "a log of its own that is switched on",
            """
            import logging
            from flask import Flask

            app = Flask(__name__)
            app.logger.setLevel("INFO")

            def watch():
                if not app.config["DB_LOG"]:
                    return
                logging.getLogger("_db").setLevel("DEBUG")
            """,
        ),
        ("when asked", app("app.logger.setLevel('INFO')\ndef setup(verbose):\n    if verbose:\n        logging.getLogger().setLevel(logging.DEBUG)")),
        (
            "of a command",
            app("app.logger.setLevel('INFO')\n@app.cli.command()\ndef load():\n    app.logger.setLevel(logging.DEBUG)"),
        ),
        ("gunicorn's level taken over", app("logging.basicConfig(level='WARNING')\napp.logger.setLevel(logging.getLogger('gunicorn.error').level)")),
        (
            "the production class overrides",
            {
                "app.py": NOTHING + "    app.config.from_object('config.ProductionConfig')\n    import logs\n",
                "config.py": "class Config:\n    LOG_LEVEL = 'DEBUG'\nclass ProductionConfig(Config):\n    LOG_LEVEL = 'INFO'\n",
                "logs.py": "from app import app\napp.logger.setLevel(app.config['LOG_LEVEL'])\n",
            },
        ),
        (
            "a setting that only a command reads",
            {
                "app.py": NOTHING + "    app.config.from_object('config')\n    import fill\n    app.logger.setLevel('INFO')\n",
                "config.py": "LOGGING_LEVEL = 'DEBUG'\n",
                "fill.py": "import logging\nfrom app import app\nif __name__ == '__main__':\n"
                "    logging.basicConfig(level=app.config['LOGGING_LEVEL'])\n",
            },
        ),
        ("dictConfig", app("import logging.config\nlogging.config.dictConfig({'root': {'level': 'INFO'}, 'handlers': {'h': {'level': 'DEBUG'}}})")),
    ],
    "monitoring.structured-logs": [
        (
            "JSON lines",
            """
            import logging

            from flask import Flask
            from pythonjsonlogger.json import JsonFormatter

            app = Flask(__name__)
            handler = logging.StreamHandler()
            handler.setFormatter(JsonFormatter())
            """,
        ),
        ("structlog", app("import structlog\nstructlog.configure()")),
        (
            "a formatter of its own",
            app("import json\nclass Lines(logging.Formatter):\n    def format(self, record):\n        return json.dumps(record.__dict__)"),
        ),
    ],
    "monitoring.no-secret-in-log": [
        ("the id of who logs in", LOGIN),
        ("whether there is one", logs("log.info('key given: %s', bool(api_key))")),
        ("how long it is", logs("log.info(f'{len(password)} characters')")),
        ("what it begins with", logs("log.info(api_key[:4])")),
        ("a comparison", logs("log.info('%s', 'password' in request.form)")),
        ("one of two words", logs("log.info('password %s', 'given' if password else 'missing')")),
        ("masked", logs("password = mask(password)\n    log.info(password)")),
        ("a name of the same sound", logs("log.info('%s %s %s', user.token_count, user.has_password, settings.PASSWORD_MIN_LENGTH)")),
        ("names of missing variables", logs("for api_key in missing:\n        log.error('%s is missing', api_key)")),
        ("an error about it", logs("log.info(errors['password'])")),
        ("the name of a reason", logs("log.info(Reason.BAD_PASSWORD)")),
        ("one harmless header", logs("log.info(request.headers.get('User-Agent'))")),
        ("while debugging", logs("if app.debug:\n        log.info(password)\n    log.info('done')")),
        ("a command's answer", logs("log.info('x')") + "@app.cli.command()\ndef create():\n    print(f'password: {password}')\n"),
        ("a script", {"app.py": LOGIN, "scripts/create.py": "password = 'x'\nprint(password)\n"}),
    ],
    "monitoring.no-likely-secret-in-log": [
        ("the id of who logs in", LOGIN),
        ("a row of a table", logs("token = find()\n    log.info('%s revoked by %s', token, token.user_id)")),
        ("a row that was deleted", logs("token = find()\n    db.session.delete(token)\n    log.info('%s revoked', token)")),
        ("a page's token", logs("log.info(next_token)")),
        ("one field of the body", logs("log.info(request.form['email'])")),
        ("below the level of production", logs("log.debug(request.data)\n    log.info('done')")),
    ],
    "monitoring.request-ids": [
        ("taken or made", REQUEST_ID),
        ("sent back", app("@app.after_request\ndef add(r):\n    r.headers['X-Request-ID'] = new_id()\n    return r")),
        ("by an extension", app("from flask_log_request_id import RequestID\nRequestID(app)")),
    ],
    "monitoring.tracing-sample": [
        ("a share", SENTRY),
        ("no Sentry", NOTHING),
        ("none", app("import sentry_sdk\nsentry_sdk.init()")),
        ("by the environment", app("import sentry_sdk\nsentry_sdk.init(traces_sample_rate=float(os.getenv('RATE', '0.1')))")),
        ("everything only elsewhere", app("import sentry_sdk\nsentry_sdk.init(traces_sample_rate=1.0 if STAGING else 0.1)")),
    ],
    "monitoring.alert-rules": [
        ("rules for Prometheus", {"app.py": PROMETHEUS, "ops/alerts.yml": ALERTS}),
        ("Terraform", {"app.py": NOTHING, "infra/main.tf": 'resource "aws_cloudwatch_metric_alarm" "errors" {\n}\n'}),
    ],
}
REPORTED: Reported = {
    "monitoring.error-tracker": [
        ("none", NOTHING, "app.py:4"),
        ("required and never set up", {"app.py": NOTHING, "requirements.txt": "flask\nsentry-sdk[flask]==2.0\n"}, "requirements.txt:2"),
        ("only in tests", app("import sentry_sdk\nif app.testing:\n    sentry_sdk.init()"), "app.py:3"),
    ],
    "monitoring.metrics": [
        ("none", NOTHING, "app.py:4"),
        ("counted, never exposed", app("from prometheus_client import Counter\nrequests = Counter('requests', 'x')"), "app.py:5"),
    ],
    "monitoring.log-level": [
        ("DEBUG", INFO.replace('os.getenv("LOG_LEVEL", "INFO")', "logging.DEBUG"), "app.py:7"),
        ("DEBUG by default", app("logging.basicConfig(level=os.getenv('LOG_LEVEL', 'debug'))"), "app.py:4"),
        ("by name", app("LEVEL = os.getenv('LEVEL', 'DEBUG')\nlogging.basicConfig(level=getattr(logging, LEVEL, logging.INFO))"), "app.py:5"),
        ("the application's logger", app("app.logger.setLevel(logging.DEBUG)"), "app.py:4"),
        ("a number", app("logging.getLogger().setLevel(10)"), "app.py:4"),
        ("dictConfig", app("import logging.config\nlogging.config.dictConfig({'root': {'level': 'DEBUG'}})"), "app.py:5"),
        (
            "a logger in a dictionary of its own",
            app("from logging.config import dictConfig\nLOGS = {'loggers': {'app': {'level': 'DEBUG'}}}\ndictConfig(LOGS)"),
            "app.py:5",
        ),
        ("gunicorn", {"app.py": NOTHING, "gunicorn.conf.py": "loglevel = 'debug'\n"}, "gunicorn.conf.py:1"),
        ("a default of the configuration", app("app.logger.setLevel(app.config.get('LOG_LEVEL', 'DEBUG'))"), "app.py:4"),
    ],
    "monitoring.structured-logs": [
        (
            "plain lines",
            """
            import logging

            from flask import Flask

            logging.basicConfig(format="%(asctime)s %(message)s")
            app = Flask(__name__)
            """,
            "app.py:6",
        )
    ],
    "monitoring.no-secret-in-log": [
        (
            "the password",
            LOGIN.replace('log.info("login of %s", user.id)', """log.info("login of %s with %s", user.id, request.form["password"])"""),
            "app.py:13",
        ),
        ("in an f-string", logs("log.warning(f'bad {password}')"), "app.py:9"),
        ("formatted", logs("log.warning('bad {}'.format(api_key))"), "app.py:9"),
        ("by %", logs("log.warning('bad %s' % (password,))"), "app.py:9"),
        ("printed", logs("print('password', password)"), "app.py:9"),
        ("of the settings", logs("log.info(settings.STRIPE_API_KEY)"), "app.py:9"),
        ("of a form", logs("log.info(form.password.data)"), "app.py:9"),
        ("of the environment", logs("log.info(os.environ['DB_PASSWORD'])"), "app.py:9"),
        ("the whole environment", logs("log.info(dict(os.environ))"), "app.py:9"),
        ("all headers", logs("log.info('headers: %s', request.headers)"), "app.py:9"),
        ("the header that signs in", logs("log.info(request.headers.get('Authorization'))"), "app.py:9"),
        ("the whole configuration", logs("log.info(current_app.config)"), "app.py:9"),
        ("in the extras", logs("log.info('x', extra={'key': api_key})"), "app.py:9"),
        ("a payment's client secret", logs("print(f'intent {client_secret}')"), "app.py:9"),
    ],
    "monitoring.no-likely-secret-in-log": [
        (
            "the whole form",
            LOGIN.replace('log.info("login of %s", user.id)', 'log.info("form: %s", request.form)'),
            "app.py:13",
        ),
        ("the body through a variable", logs("data = request.get_json()\n    log.info(f'got {data}')"), "app.py:10"),
        ("a token", logs("log.info('bad token %s', token)"), "app.py:9"),
        ("headers, below the level of production", logs("log.debug(request.headers)"), "app.py:9"),
        ("a user's password, perhaps a hash", logs("log.info(user.password)"), "app.py:9"),
    ],
    "monitoring.request-ids": [("none", NOTHING, "app.py:4")],
    "monitoring.tracing-sample": [
        ("every request", SENTRY.replace("0.05", "1.0"), "app.py:7"),
        ("unless told otherwise", app("import sentry_sdk\nsentry_sdk.init(traces_sample_rate=float(os.getenv('RATE', '1.0')))"), "app.py:5"),
        ("every profile", app("import sentry_sdk\nsentry_sdk.init(traces_sample_rate=0.1, profiles_sample_rate=1.0)"), "app.py:5"),
    ],
    "monitoring.alert-rules": [
        ("metrics without a rule", PROMETHEUS, "app.py:6"),
        (
            "Prometheus without a rule",
            {"app.py": NOTHING, "ops/prometheus.yml": "global: {}\nscrape_configs:\n  - job_name: web\n"},
            "ops/prometheus.yml:2",
        ),
    ],
}
UNKNOWN: Unknown = {
    "monitoring.error-tracker": [
        ("no application", {"app.py": "x = 1\n"}, "looked for"),
        (
            "set up in what nothing imports",
            {"app.py": NOTHING, "scripts/monitor.py": "import sentry_sdk\nsentry_sdk.init()\n"},
            "scripts/monitor.py",
        ),
        ("a file does not parse", {"app.py": NOTHING, "wsgi.py": "import sentry_sdk\nsentry_sdk.init(\n"}, "could not be parsed"),
    ],
    "monitoring.log-level": [
        ("a function decides", app("logging.basicConfig(level=decide())"), "decide()"),
        ("only that of a library", app("logging.getLogger('boto').setLevel(logging.WARNING)"), "looked for"),
    ],
    "monitoring.tracing-sample": [("a function decides", app("import sentry_sdk\nsentry_sdk.init(traces_sample_rate=decide())"), "decide()")],
    "monitoring.no-secret-in-log": [("nothing is logged", NOTHING, "looked for")],
    "monitoring.alert-rules": [("nothing is measured", NOTHING, "looked for")],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
