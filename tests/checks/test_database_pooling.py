from tests.tools import Quiet, Reported, Unknown, rule_tests

OPTIONS = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 5, "max_overflow": 5, "pool_pre_ping": True, "pool_recycle": 1800}
    db = SQLAlchemy(app)
"""
NO_OPTIONS = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    db = SQLAlchemy(app)
"""
FROM_A_FUNCTION = """
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy
    from tuning import options

    app = Flask(__name__)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options()
    db = SQLAlchemy(app)
"""
NO_DATABASE = """
    from flask import Flask

    app = Flask(__name__)
"""

SERVED = {
    "app.py": OPTIONS.replace('"pool_size"', '"pool_timeout": 5, "pool_size"'),
    "Procfile": "web: gunicorn --workers 2 app:app\n",
}
ONE_ENGINE = """
    import os
    from flask import Flask
    from sqlalchemy import create_engine, text

    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"])

    @app.get("/invoices")
    def invoices():
        with engine.connect() as connection:
            return [row.number for row in connection.execute(text("SELECT number FROM invoice LIMIT 50"))]
"""
ENGINE_A_REQUEST = """
    import os
    from flask import Flask
    from sqlalchemy import create_engine, text

    app = Flask(__name__)

    @app.get("/invoices")
    def invoices():
        engine = create_engine(os.environ["DATABASE_URL"])
        with engine.connect() as connection:
            return [row.number for row in connection.execute(text("SELECT number FROM invoice LIMIT 50"))]
"""
REMOVED = """
    import os
    from flask import Flask
    from sqlalchemy import create_engine
    from sqlalchemy.orm import scoped_session, sessionmaker

    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"])
    Session = scoped_session(sessionmaker(bind=engine))

    @app.teardown_appcontext
    def end(error):
        Session.remove()
"""
NEVER_REMOVED = """
    import os
    from flask import Flask
    from sqlalchemy import create_engine
    from sqlalchemy.orm import scoped_session, sessionmaker
    from models import Invoice

    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"])
    Session = scoped_session(sessionmaker(bind=engine))

    @app.get("/invoices/<int:number>")
    def invoice(number):
        return Session.get(Invoice, number).total
"""
COMPOSE = """
    services:
      web:
        build: .
        command: gunicorn --workers 4 app:app
      worker:
        build: .
        command: celery -A tasks worker --concurrency 4
      postgres:
        image: postgres:17
"""
BUDGET = {"app.py": OPTIONS, "compose.yaml": COMPOSE}

QUIET: Quiet = {
    "database-pooling.pool-size": [
        ("both set", OPTIONS),
        ("no SQLAlchemy at all", NO_DATABASE),
        (
            "from the environment with a number as default",
            """
            import os
            from sqlalchemy import create_engine

            engine = create_engine(os.environ["DATABASE_URL"], pool_size=int(os.getenv("POOL", "5")), max_overflow=int(os.getenv("MORE", "5")))
            """,
        ),
        (
            "a migration borrows column types",
            {
                "app.py": OPTIONS.replace("SQLAlchemy(app)", "Database(app)"),
                "migrations/versions/1_hosts.py": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n",
            },
        ),
        (
            "a script makes an engine of its own",
            {"app.py": OPTIONS, "scripts/report.py": "from sqlalchemy import create_engine\nengine = create_engine('postgresql://localhost/x')\n"},
        ),
        (
            "an engine for one question at the start",
            OPTIONS
            + """
    from sqlalchemy import create_engine, inspect

    def newest():
        engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
        with engine.connect() as connection:
            return connection.scalar("SELECT max(id) FROM invoice")

    def tables():
        return inspect(create_engine("postgresql://db/shop")).get_table_names()

    def count(shop):
        session = sessionmaker(bind=create_engine(shop))()
        return total(session)
""",
        ),
        (
            "the production class overrides the base",
            {
                "app.py": "from flask import Flask\nimport config\napp = Flask(__name__)\n",
                "config.py": """
                class Config:
                    SQLALCHEMY_ENGINE_OPTIONS = {}

                class ProductionConfig(Config):
                    SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 5, "max_overflow": 5}
                """,
            },
        ),
    ],
    "database-pooling.pre-ping": [
        ("set", OPTIONS),
        (
            "given to the extension, and the size by a setting",
            OPTIONS.replace("SQLAlchemy(app)", 'SQLAlchemy(app, engine_options={"pool_pre_ping": True})').replace('"pool_pre_ping": True, ', ""),
        ),
    ],
    "database-pooling.recycle": [("set", OPTIONS)],
    "database-pooling.pool-timeout": [
        ("well under gunicorn's 30 s", SERVED),
        ("the default of 30 s under a longer timeout", {"app.py": OPTIONS, "Procfile": "web: gunicorn --timeout 120 app:app\n"}),
    ],
    "database-pooling.pooled": [
        ("the default pool", OPTIONS),
        (
            "NullPool behind PgBouncer",
            {
                "app.py": OPTIONS.replace("    app = Flask", "    from sqlalchemy.pool import NullPool\n\n    app = Flask").replace(
                    '"pool_size": 5', '"poolclass": NullPool'
                ),
                "compose.yaml": "services:\n  pgbouncer:\n    image: edoburu/pgbouncer:1.24\n",
            },
        ),
        (
            "NullPool for tests and for migrations",
            {
                "app.py": OPTIONS,
                "config.py": """
                from sqlalchemy.pool import NullPool

                class TestingConfig:
                    SQLALCHEMY_ENGINE_OPTIONS = {"poolclass": NullPool}
                """,
                "migrations/env.py": "from sqlalchemy import create_engine, pool\nengine = create_engine(url, poolclass=pool.NullPool)\n",
            },
        ),
    ],
    "database-pooling.one-place": [
        ("given once", OPTIONS),
        (
            "extended, not replaced",
            OPTIONS + '    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**app.config["SQLALCHEMY_ENGINE_OPTIONS"], "pool_timeout": 5}\n',
        ),
        (
            "read, extended and set again",
            OPTIONS
            + """
    options = dict(app.config["SQLALCHEMY_ENGINE_OPTIONS"])
    options["pool_timeout"] = 5
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
""",
        ),
        (
            "each class its own",
            {
                "app.py": "from flask import Flask\nimport config\napp = Flask(__name__)\napp.config.from_object('config.ProductionConfig')\n",
                "config.py": """
                class Config:
                    SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 5}

                class ProductionConfig(Config):
                    SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 10}

                class TestingConfig(Config):
                    SQLALCHEMY_ENGINE_OPTIONS = {}
                """,
            },
        ),
        (
            "other options for SQLite",
            OPTIONS + '    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):\n        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {}\n',
        ),
        (
            "two applications",
            {"shop/app.py": OPTIONS, "admin/app.py": OPTIONS},
        ),
    ],
    "database-pooling.shared-engine": [
        ("at the top of the module", ONE_ENGINE),
        ("by Flask-SQLAlchemy", OPTIONS),
        (
            "in a function with a cache",
            """
            import os
            from functools import cache
            from flask import Flask
            from sqlalchemy import create_engine

            app = Flask(__name__)

            @cache
            def connect():
                return create_engine(os.environ["DATABASE_URL"])

            @app.get("/")
            def index():
                return str(connect().connect().scalar("SELECT 1"))
            """,
        ),
        (
            "made by the first request that asks",
            ONE_ENGINE
            + """
    def reporting():
        if hasattr(app, "reporting"):
            return app.reporting
        made = create_engine(os.environ["REPORTING_URL"])
        app.reporting = made
        return made

    @app.get("/report")
    def report():
        return str(reporting().connect().scalar(text("SELECT 1")))
""",
        ),
        (
            "a page that tries the address it is given",
            ONE_ENGINE
            + """
    @app.post("/sources/test")
    def test_source():
        create_engine(request.json["address"]).connect()
        return "", 204
""",
        ),
    ],
    "database-pooling.sessions-end": [
        ("removed when the request ends", REMOVED),
        ("Flask-SQLAlchemy", OPTIONS),
        ("registered without a decorator", REMOVED.replace("    @app.teardown_appcontext\n", "") + "\n    app.teardown_appcontext(end)\n"),
        (
            "a context manager",
            NEVER_REMOVED.replace("scoped_session(sessionmaker(bind=engine))", "sessionmaker(engine)").replace(
                "        return Session.get(Invoice, number).total",
                "        with Session() as session:\n            return session.get(Invoice, number).total",
            ),
        ),
        (
            "in another module, imported through a package",
            {
                "shop/__init__.py": "",
                "shop/db/__init__.py": "from shop.db.meta import Session\n",
                "shop/db/meta.py": "from sqlalchemy.orm import scoped_session, sessionmaker\n\nSession = scoped_session(sessionmaker())\n",
                "shop/app.py": """
                import os
                from flask import Flask
                from sqlalchemy import create_engine
                from shop.db import Session

                app = Flask(__name__)
                Session.configure(bind=create_engine(os.environ["DATABASE_URL"]))

                @app.get("/")
                def index():
                    return str(Session.execute("SELECT 1").scalar())

                def shutdown_session(error=None):
                    Session.remove()

                app.teardown_request(shutdown_session)
                """,
            },
        ),
    ],
    "database-pooling.connection-budget": [("4 + 4 processes of 10", BUDGET), ("no SQLAlchemy at all", NO_DATABASE)],
    "database-pooling.server-database": [
        (
            "from the environment",
            """
            import os
            from flask import Flask
            from flask_sqlalchemy import SQLAlchemy

            app = Flask(__name__)
            app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
            """,
        ),
        (
            "SQLite in the test configuration",
            {
                "app.py": "from flask import Flask\nimport config\napp = Flask(__name__)\n",
                "config.py": """
                import os
                class Config:
                    SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]

                class TestingConfig(Config):
                    SQLALCHEMY_DATABASE_URI = "sqlite://"
                """,
            },
        ),
    ],
}
REPORTED: Reported = {
    "database-pooling.pool-size": [
        ("left at the default", NO_OPTIONS, "app.py:6"),
        ("no upper bound", OPTIONS.replace('"max_overflow": 5', '"max_overflow": -1'), "app.py:6"),
    ],
    "database-pooling.pre-ping": [("not set", NO_OPTIONS, "app.py:6")],
    "database-pooling.recycle": [("not set", NO_OPTIONS, "app.py:6")],
    "database-pooling.pool-timeout": [
        ("the default of both", {"app.py": OPTIONS, "Procfile": "web: gunicorn --workers 2 app:app\n"}, "app.py:6"),
        ("longer than the server's", {**SERVED, "Procfile": "web: gunicorn --timeout 5 app:app\n"}, "app.py:6"),
    ],
    "database-pooling.pooled": [
        (
            "NullPool",
            """
            from flask import Flask
            from flask_sqlalchemy import SQLAlchemy
            from sqlalchemy.pool import NullPool

            app = Flask(__name__)
            app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"poolclass": NullPool}
            db = SQLAlchemy(app)
            """,
            "app.py:7",
        ),
        (
            "an engine of its own",
            ONE_ENGINE.replace('os.environ["DATABASE_URL"])', 'os.environ["DATABASE_URL"], poolclass=sqlalchemy.pool.StaticPool)'),
            "app.py:7",
        ),
    ],
    "database-pooling.one-place": [
        (
            "a second place replaces the first",
            {
                "app.py": """
                from flask import Flask
                from database import init_database

                app = Flask(__name__)
                app.config.update(SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 10, "max_overflow": 20, "pool_pre_ping": True})
                init_database(app)
                """,
                "database.py": """
                from flask_sqlalchemy import SQLAlchemy

                db = SQLAlchemy()

                def init_database(app):
                    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True}
                    db.init_app(app)
                """,
            },
            "database.py:7",
        ),
    ],
    "database-pooling.shared-engine": [
        ("in a view", ENGINE_A_REQUEST, "app.py:10"),
        (
            "in a function that a view calls",
            ENGINE_A_REQUEST.replace(
                "    @app.get", "    def connect():\n        return create_engine(os.environ['DATABASE_URL'])\n\n    @app.get"
            ).replace('create_engine(os.environ["DATABASE_URL"])', "connect()"),
            "app.py:9",
        ),
        (
            "before each request",
            ENGINE_A_REQUEST.replace('@app.get("/invoices")', "@app.before_request")
            .replace("engine =", "g.engine =")
            .replace("import Flask", "import Flask, g"),
            "app.py:10",
        ),
    ],
    "database-pooling.sessions-end": [("nothing removes it", NEVER_REMOVED, "app.py:10")],
    "database-pooling.connection-budget": [
        ("16 web processes and 4 of Celery", {**BUDGET, "compose.yaml": COMPOSE.replace("--workers 4", "--workers 16")}, "compose.yaml:5"),
        ("the server takes few", {**BUDGET, "compose.yaml": COMPOSE + "        command: postgres -c max_connections=50\n"}, "compose.yaml:5"),
        (
            "three containers",
            {**BUDGET, "compose.yaml": COMPOSE.replace("app:app\n", "app:app\n        deploy:\n          replicas: 3\n")},
            "compose.yaml:5",
        ),
    ],
    "database-pooling.server-database": [
        (
            "SQLite when the variable is missing",
            """
            import os
            from flask import Flask
            from flask_sqlalchemy import SQLAlchemy

            app = Flask(__name__)
            app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL") or "sqlite:///app.db"
            db = SQLAlchemy(app)
            """,
            "app.py:7",
        ),
        (
            "SQLite beside the code",
            """
            import os
            from flask import Flask

            app = Flask(__name__)
            here = os.path.dirname(__file__)
            app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL") or "sqlite:///" + os.path.join(here, "app.db")
            """,
            "app.py:7",
        ),
    ],
}
UNKNOWN: Unknown = {
    "database-pooling.pool-size": [
        ("a function gives the options", FROM_A_FUNCTION, "options()"),
        (
            "the address is written outside of the tree, and may be a file",
            NO_OPTIONS.replace("    db =", '    app.config["SQLALCHEMY_DATABASE_URI"] = local.ADDRESS\n    db ='),
            "local.ADDRESS",
        ),
        ("an SQLite file", NO_OPTIONS.replace("    db =", '    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"\n    db ='), "sqlite"),
        ("a file does not parse", {"app.py": OPTIONS, "wsgi.py": "from flask_sqlalchemy import (SQLAlchemy\n"}, "could not be parsed"),
        ("an empty tree", {"app.py": ""}, "looked for"),
    ],
    "database-pooling.pre-ping": [
        (
            "a subclass sets options in a method",
            """
            from flask import Flask
            from flask_sqlalchemy import SQLAlchemy

            class Database(SQLAlchemy):
                def apply_pool_defaults(self, app, options):
                    if app.config["TEST_CONNECTIONS"]:
                        options["pool_pre_ping"] = True
                    return super().apply_pool_defaults(app, options)

            app = Flask(__name__)
            db = Database(app)
            """,
            "Database.apply_pool_defaults",
        ),
    ],
    "database-pooling.pool-timeout": [
        ("no server in the tree", OPTIONS, "starts no gunicorn"),
        ("threads are not ended", {"app.py": OPTIONS, "Procfile": "web: gunicorn --threads 4 app:app\n"}, "threads and greenlets"),
    ],
    "database-pooling.pooled": [
        (
            "a switch",
            ONE_ENGINE.replace(
                'os.environ["DATABASE_URL"])', 'os.environ["DATABASE_URL"], poolclass=NullPool if os.getenv("LAMBDA") else QueuePool)'
            ),
            "decided by",
        ),
    ],
    "database-pooling.one-place": [
        (
            "by a condition",
            OPTIONS + '    if app.config["LARGE"]:\n        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 50}\n',
            "decided by",
        ),
    ],
    "database-pooling.sessions-end": [
        (
            "the session leaves the function",
            NEVER_REMOVED.replace("return Session.get(Invoice, number).total", "return load(Session(), number)"),
            "cannot be followed",
        ),
        (
            "kept on g and closed there",
            NEVER_REMOVED.replace("import Flask", "import Flask, g").replace(
                "        return Session.get(Invoice, number).total",
                "        g.session = Session()\n        return g.session.get(Invoice, number).total",
            ),
            "cannot be followed",
        ),
    ],
    "database-pooling.connection-budget": [
        ("no database server in the tree", SERVED, "max_connections"),
        ("as many as processors", {**BUDGET, "compose.yaml": COMPOSE.replace(" --concurrency 4", "")}, "processors"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
