import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from mingus_gate.checks import RULES
from mingus_gate.checks.env_vars import CHECK
from mingus_gate.model import Kind
from mingus_gate.repo import Repo
from mingus_gate.run import assess
from tests.tools import Quiet, Reported, Unknown, ask, rule_tests, write

APP = """
    import os
    from flask import Flask

    app = Flask(__name__)
    app.config["MAIL_PASSWORD"] = os.environ["MAIL_PASSWORD"]
"""
BARE = """
    from flask import Flask

    app = Flask(__name__)
"""
READS = """
    import os
    from flask import Flask

    app = Flask(__name__)
"""
KEPT = "    app.config['SECRET_KEY'] = os.getenv('SECRET_KEY')\n"
PHRASE = "correct-horse-9-battery"
"""Stands for a secret: no placeholder's words, and known to be nobody's."""
ADDRESS = "postgresql://app:" + PHRASE + "@db.mingus.dev/app"
MIXED = "".join(chr(65 + 7 * n % 26) + chr(97 + 11 * n % 26) + str(n % 10) for n in range(20))
"""Looks random, and is not."""
LIVE_KEY = "sk_" + "live_" + MIXED[:24]
PRIVATE_KEY = "-----BEGIN " + "PRIVATE KEY-----\n" + MIXED[:60] + "\n"
DECODABLE_KEY = f"-----BEGIN PRIVATE KEY-----\n{b64encode(b'0' + bytes(range(90))).decode()}\n-----END PRIVATE KEY-----\n"

QUIET: Quiet = {
    "env-vars.tracked-env-file": [
        ("ignored, and none there", {"app.py": BARE, ".gitignore": "__pycache__/\n.env\n"}),
        ("an example to be copied", {"app.py": BARE, ".gitignore": ".env\n", ".env.example": f"SECRET_KEY={PHRASE}\n"}),
        ("placeholders", {".env.production": "SECRET_KEY=your-super-secret-key-here\nDB_PASSWORD=<password>\nAPI_KEY=${API_KEY}\nTOKEN=\n"}),
        ("harmless values", {".env": "FLASK_APP=app.py\nLOG_LEVEL=INFO\nTOKEN_MAX_AGE=86400000\nSECRET_FILE=/run/secrets/key\n"}),
        ("public keys", {".env.production": f"VITE_API_KEY={MIXED}\nNEXT_PUBLIC_TOKEN={MIXED}\nSTRIPE_PUBLISHABLE_KEY={MIXED}\n"}),
        ("flask's own", {".flaskenv": "FLASK_APP=app.py\nFLASK_DEBUG=1\n"}),
        ("encrypted values", {".env": f"DB_PASSWORD=ENC[AES256_GCM,data:{MIXED}]\nSECRET_KEY=encrypted:{MIXED}\n"}),
        ("code that is named like one", {"app.py": BARE, ".gitignore": "*.env\n", "migrations/env.py": f"SECRET_KEY = '{PHRASE}'\n"}),
    ],
    "env-vars.literal-secrets": [
        ("secrets come from the environment", APP),
        (
            "addresses of a developer's machine, of services and of nobody",
            {
                "app.py": APP,
                "docker-compose.yml": f"a: postgresql://app:{PHRASE}@db:5432/app\nb: redis://:{PHRASE}@localhost:6379\n",
                "README.md": f"postgresql://app:{PHRASE}@db.example.com/app\nmysql://root:your_password@db.mingus.dev/app\n",
                "config/dev.txt": "postgresql://{user}:{password}@{host}/app mongodb+srv://<user>:<password>@cluster0.mingus.dev\n",
            },
        ),
        (
            "a key's placeholder",
            {"app.py": APP, "README.md": "STRIPE_KEY=sk_" + "live_" + "x" * 24 + "\nOTHER=sk_" + "live_your_key_goes_here_1234\n"},
        ),
        ("test keys", {"app.py": APP, "README.md": "sk_" + "test_" + MIXED[:24] + " pk_" + "live_" + MIXED[:24]}),
        ("a private key that tls.private-key reports", {"app.py": APP, "certs/server.key": DECODABLE_KEY}),
        ("a private key for tests", {"app.py": APP, "tests/keys/jwt.pem": PRIVATE_KEY}),
        ("in a lock file and in vendored code", {"app.py": APP, "poetry.lock": LIVE_KEY, "node_modules/x/index.js": LIVE_KEY}),
        ("the documentation's own key of AWS", {"app.py": APP, "README.md": "AKIA" + "IOSFODNN7EXAMPLE"}),
    ],
    "env-vars.secret-defaults": [
        ("no fallback", APP),
        ("no secret is read", BARE),
        ("an empty fallback", APP.replace('environ["MAIL_PASSWORD"]', 'getenv("MAIL_PASSWORD", "")')),
        (
            "settings about secrets",
            BARE + "    import os\n    hours = os.getenv('TOKEN_EXPIRES_HOURS', '24')\n    name = os.getenv('API_KEY_HEADER', 'X-API-Key')\n",
        ),
        ("reported as a signing key", APP + '    app.config["SECRET_KEY"] = os.getenv("SECRET_KEY", "dev")\n'),
        ("a script's placeholder", {"app.py": APP, "scripts/load.py": "import os\nos.environ.get('DB_PASSWORD', 'postgres')\n"}),
        (
            "in the development configuration",
            {"app.py": APP + "    import config\n", "config.py": "class DevelopmentConfig:\n    MAIL_PASSWORD = 'mailhog-9'\n"},
        ),
    ],
    "env-vars.documented": [
        ("all are", {"app.py": APP, ".env.example": "# SMTP\nMAIL_PASSWORD=\n"}),
        ("nothing is read", BARE),
        ("named in a comment", {"app.py": APP, "env.sample": "# MAIL_PASSWORD=\n"}),
        (
            "the platform's own",
            {"app.py": APP + "    port = os.environ.get('PORT', '8000')\n    home = os.environ['HOME']\n", ".env.example": "MAIL_PASSWORD=\n"},
        ),
        (
            "only a developer's start reads it",
            {
                "app.py": APP + "    if __name__ == '__main__':\n        app.run(port=int(os.environ['DEV_PORT']))\n",
                "scripts/x.py": "import os\nos.environ['X']\n",
                ".env.example": "export MAIL_PASSWORD=\n",
            },
        ),
    ],
    "env-vars.production-default": [
        ("production", BARE + '    import os\n    environment = os.getenv("APP_ENV", "production")\n'),
        ("must be given", BARE + '    import os\n    environment = os.environ["APP_ENV"]\n'),
        ("asked for development", BARE + '    import os\n    debug = os.getenv("FLASK_ENV") == "development"\n'),
        ("not read", BARE),
        ("another environment", BARE + '    import os\n    environment = os.getenv("SENTRY_ENVIRONMENT", "development")\n'),
    ],
    "env-vars.parsed": [
        (
            "words compared, and a number made",
            """
            import os

            from flask import Flask

            app = Flask(__name__)
            app.config["MAIL_USE_TLS"] = os.getenv("MAIL_USE_TLS", "true").lower() == "true"
            app.config["MAIL_PORT"] = int(os.getenv("MAIL_PORT", "587"))
            """,
        ),
        ("is it given", READS + "    app.config['MAILS'] = bool(os.getenv('MAIL_SERVER'))\n    port = int(os.getenv('PORT', 80))\n"),
        (
            "a proof of presence",
            READS + "    if os.getenv('SENTRY_DSN'): pass\n    if not os.getenv('PROXY', ''): pass\n    int(os.getenv('N', '1'))\n",
        ),
        ("by a function", READS + "    from distutils.util import strtobool\n    app.debug = bool(strtobool(os.getenv('APP_DEBUG', 'false')))\n"),
        (
            "given as they are read",
            {
                "app.py": READS + "    workers = int(os.environ['WORKERS'])\n    rate = float(os.environ['RATE'])\n    int(os.getenv('N', '1'))\n",
                "compose.yaml": 'services:\n  web:\n    environment:\n      WORKERS: 4  # two a processor\n      RATE: "0.5"\n      N: ${N}\n',
                "compose.dev.yaml": "services:\n  web:\n    environment:\n      - WORKERS=one\n",
                "k8s/web.yaml": 'kind: Deployment\nspec:\n  env:\n    - name: WORKERS\n      value: "4"\n    - name: RATE\n      value: {{ rate }}\n',
            },
        ),
        ("by a library", READS + "    from environs import env\n    app.config['MAIL_USE_TLS'] = env.bool('MAIL_USE_TLS', False)\n"),
        (
            "converted where it is used",
            READS
            + "    app.config['MAIL_USE_TLS'] = os.getenv('MAIL_USE_TLS', 'false')\n    tls = app.config['MAIL_USE_TLS'].lower() == 'true'\n"
            + "    int(os.getenv('N', '1'))\n",
        ),
        (
            "all converted by a loop",
            READS
            + "    app.config['MAIL_USE_TLS'] = os.getenv('MAIL_USE_TLS', False)\n    int(os.getenv('N', '1'))\n"
            + "    for key in os.environ: app.config[key] = convert(os.environ[key])\n",
        ),
        ("no variable is read", BARE),
    ],
    "env-vars.required-at-start": [
        (
            "a missing key ends the start",
            """
            import os

            from flask import Flask

            app = Flask(__name__)
            app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
            """,
        ),
        ("a condition that raises", READS + KEPT + "    if not app.config['SECRET_KEY']:\n        raise RuntimeError('SECRET_KEY is missing')\n"),
        (
            "a list of what is required",
            READS
            + KEPT
            + "    for name in ('DATABASE_URL', 'SECRET_KEY'):\n        if not app.config.get(name):\n            raise SystemExit(name)\n",
        ),
        ("the start script", {"app.py": READS + KEPT, "start.sh": ': "${SECRET_KEY:?is missing}"\nexec gunicorn app:app\n'}),
        (
            "a settings class",
            BARE + "    from pydantic_settings import BaseSettings\n    class Settings(BaseSettings):\n        SECRET_KEY: str\n",
        ),
        ("no secret is read", READS + "    os.getenv('MAIL_SERVER')\n"),
    ],
    "env-vars.example-file": [
        ("one line a key", {".env.example": "# the database\nDATABASE_URL=\n\nexport SECRET_KEY='' # a comment\nKEY=\"two\nlines\"\n"}),
    ],
}
REPORTED: Reported = {
    "env-vars.tracked-env-file": [
        ("a password", {"app.py": BARE, ".env": f"FLASK_APP=app.py\nDB_PASSWORD={PHRASE}\n"}, ".env:2"),
        ("an address with a password", {"config/prod.env": f"export DATABASE_URL='{ADDRESS}'\n"}, "config/prod.env:1"),
        ("a live key under any name", {".env.production": f"PAYMENTS={LIVE_KEY}\n"}, ".env.production:1"),
    ],
    "env-vars.literal-secrets": [
        ("a database address with its password", {"app.py": APP, "deploy/backup.sh": f"pg_dump {ADDRESS}\n"}, "deploy/backup.sh:1"),
        ("a live key in the code", {"app.py": f"import stripe\n\nstripe.api_key = '{LIVE_KEY}'\n"}, "app.py:3"),
        ("in a test", {"app.py": APP, "tests/test_pay.py": f"KEY = '{LIVE_KEY}'\n"}, "tests/test_pay.py:1"),
        ("in the example file", {"app.py": APP, ".env.example": f"KEY={LIVE_KEY}\n"}, ".env.example:1"),
        ("in the documentation, as UTF-16", {"app.py": APP, "notes.md": f"# Notes\n\n{LIVE_KEY}\n".encode("utf-16")}, "notes.md:3"),
        ("a private key", {"app.py": APP, "certs/server.key": PRIVATE_KEY}, "certs/server.key:1"),
    ],
    "env-vars.secret-defaults": [
        ("a fallback", APP.replace('environ["MAIL_PASSWORD"]', 'getenv("MAIL_PASSWORD", "mail123")'), "app.py:6"),
        ("a literal setting", APP.replace('os.environ["MAIL_PASSWORD"]', '"mail123"'), "app.py:6"),
        ("in a script, like a real one", {"app.py": APP, "load.py": f"import os\nos.environ.get('DB_PASSWORD', '{PHRASE}')\n"}, "load.py:2"),
    ],
    "env-vars.documented": [
        ("one is missing", {"app.py": APP, ".env.example": "DATABASE_URL=\n"}, ".env.example:1"),
        ("no example file", APP, "app.py:6"),
        ("only the tests' example names it", {"app.py": APP, "tests/.env.example": "MAIL_PASSWORD=\n"}, "app.py:6"),
    ],
    "env-vars.production-default": [
        ("development", BARE + '    import os\n    environment = os.getenv("FLASK_ENV", "development")\n', "app.py:6"),
        (
            "a class of the configuration",
            BARE + '    import os\n    app.config.from_object(os.getenv("APP_SETTINGS", "config.DevelopmentConfig"))\n',
            "app.py:6",
        ),
        (
            "a table's default",
            {
                "app.py": BARE
                + '    import os\n    from config import config\n    app.config.from_object(config[os.getenv("FLASK_CONFIG") or "default"])\n',
                "config.py": 'class DevelopmentConfig:\n    pass\n\nconfig = {"default": DevelopmentConfig}\n',
            },
            "app.py:7",
        ),
        ("anything but production", BARE + '    import os\n    insecure = os.getenv("APP_ENV") != "production"\n', "app.py:6"),
    ],
    "env-vars.parsed": [
        (
            "every text is true",
            """
            import os

            from flask import Flask

            app = Flask(__name__)
            app.config["MAIL_USE_TLS"] = bool(os.getenv("MAIL_USE_TLS", "false"))
            """,
            "app.py:7",
        ),
        ("a default that is no text", READS + "    app.config['MAIL_USE_TLS'] = os.environ.get('MAIL_USE_TLS', False)\n", "app.py:6"),
        ("Flask's own switch", READS + "    app.config['SESSION_COOKIE_SECURE'] = os.getenv('SECURE', 'False')\n", "app.py:6"),
        ("a question that is always true", READS + "    if os.getenv('BETA', 'false'):\n        pass\n", "app.py:6"),
        (
            "switched off in the example file",
            {"app.py": READS + "    if os.environ.get('DEBUG_BAR'):\n        pass\n", ".env.example": "DEBUG_BAR=0\n"},
            "app.py:6",
        ),
        (
            "compose gives what int() refuses",
            {
                "app.py": READS + "    workers = int(os.environ['WORKERS'])\n",
                "compose.yaml": "services:\n  web:\n    environment:\n      WORKERS: four\n",
            },
            "compose.yaml:4",
        ),
        (
            "a boolean that Kubernetes refuses",
            {
                "app.py": READS + "    beta = os.getenv('BETA', '') == 'true'\n",
                "k8s/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nspec:\n  env:\n    - name: BETA\n      value: true\n",
            },
            "k8s/web.yaml:6",
        ),
        ("compared with a number", READS + "    if os.getenv('LIMIT', 5) > 3:\n        pass\n", "app.py:6"),
        ("compared with True", READS + "    x = os.getenv('BETA') == True\n", "app.py:6"),
        ("a text in arithmetic", READS + "    x = os.getenv('MINUTES', 5) * 60\n", "app.py:6"),
        ("a size that is a text", READS + "    app.config['MAX_CONTENT_LENGTH'] = os.getenv('MAX_BYTES', 1000)\n", "app.py:6"),
    ],
    "env-vars.required-at-start": [
        (
            "nothing notices that it is missing",
            """
            import os

            from flask import Flask

            app = Flask(__name__)
            app.config["SECRET_KEY"] = os.getenv("SECRET_KEY")
            """,
            "app.py:7",
        ),
        (
            "in a class",
            {"app.py": BARE + "    import config\n", "config.py": "import os\nclass Config:\n    JWT_SECRET_KEY = os.getenv('JWT_SECRET_KEY')\n"},
            "config.py:3",
        ),
    ],
    "env-vars.example-file": [
        ("a key twice", {".env.example": "DEBUG=0\nSECRET_KEY=\nDEBUG=1\n"}, ".env.example:3"),
        ("no assignment", {".env.example": "SECRET_KEY=\nset this to your database\n"}, ".env.example:2"),
        ("a quote left open", {".env.example": "A='x\nB=1\n"}, ".env.example:1"),
    ],
}
UNKNOWN: Unknown = {
    "env-vars.tracked-env-file": [("nothing tells", BARE, "looked for")],
    "env-vars.literal-secrets": [("no secret is used", BARE, "looked for"), ("empty files", {"app.py": "", "secrets.py": ""}, "looked for")],
    "env-vars.secret-defaults": [
        ("a fallback that cannot be seen", APP.replace('environ["MAIL_PASSWORD"]', 'getenv("MAIL_PASSWORD", given())'), "given()"),
        (
            "a placeholder for another service's key",
            BARE + "    import os\n    key = os.getenv('SMS_API_KEY', 'placeholder')\n",
            "no service takes it",
        ),
        (
            "the key of a service on this machine",
            BARE + "    import os\n    url = os.getenv('PDF_API_URL', 'http://localhost:6013')\n    key = os.getenv('PDF_API_KEY', 'pdf-secret')\n",
            "PDF_API_URL to this machine",
        ),
        ("an empty tree", {"app.py": ""}, "looked for"),
    ],
    "env-vars.documented": [("an empty tree", {"app.py": ""}, "looked for")],
    "env-vars.production-default": [("an empty tree", {"app.py": ""}, "looked for")],
    "env-vars.example-file": [("none", BARE, "looked for")],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)


@pytest.mark.parametrize("code", [rule.code for rule in CHECK.rules])
def test_no_secret_in_any_text(code: str) -> None:
    files = {
        "app.py": APP.replace('environ["MAIL_PASSWORD"]', f'getenv("MAIL_PASSWORD", "{PHRASE}")'),
        ".env": f"DB_PASSWORD={PHRASE}\n",
        "a.md": LIVE_KEY + ADDRESS,
    }
    result = ask(code, files)
    shown = str([(o.message, dict(o.evidence)) for o in result.observations]) + result.message + result.reason
    assert PHRASE not in shown
    assert LIVE_KEY not in shown


def test_one_line_is_not_critical_twice() -> None:
    files = {"app.py": APP, ".env": f"STRIPE={LIVE_KEY}\n"}
    assert ask("env-vars.tracked-env-file", files).kind is Kind.FAIL
    assert ask("env-vars.literal-secrets", files).kind is Kind.PASS


def test_a_tracked_file_counts_though_it_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": ".env\n", ".env": f"DB_PASSWORD={PHRASE}\n"})
    assert _kind(tmp_path) is Kind.PASS  # outside git it is the developer's own
    for command in ("init -q", "add -f .env .gitignore"):
        subprocess.run(["git", "-C", str(tmp_path), *command.split()], check=True)
    assert _kind(tmp_path) is Kind.FAIL


def _kind(root: Path) -> Kind:
    results = assess([CHECK], Repo(root))[CHECK]
    return next(r.kind for r in results if r.rule is RULES["env-vars.tracked-env-file"])


def test_the_missing_variables_are_listed() -> None:
    result = ask("env-vars.documented", {"app.py": APP + "    os.getenv('B_ONE'), os.getenv('A_TWO')\n", ".env.example": "MAIL_PASSWORD=\n"})
    assert len(result.observations) == 1
    assert result.observations[0].evidence["missing"] == ["A_TWO", "B_ONE"]
