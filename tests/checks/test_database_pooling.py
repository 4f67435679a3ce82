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
    "database-pooling.pre-ping": [("set", OPTIONS)],
    "database-pooling.recycle": [("set", OPTIONS)],
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
        ("a file does not parse", {"app.py": OPTIONS, "wsgi.py": "from flask_sqlalchemy import (SQLAlchemy\n"}, "could not be parsed"),
        ("an empty tree", {"app.py": ""}, "looked for"),
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
