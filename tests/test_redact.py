"""No secret leaves: canaries, built at run time, are planted in everything a rule can say."""

from pathlib import Path

import pytest

from mingus_gate.config import Config
from mingus_gate.gate import examine
from mingus_gate.redact import MASK, Redactor
from mingus_gate.reports import FORMATS
from tests.tools import write

CANARY = "c4n4ry" + "Zq9x" * 6

SHAPES = [
    f"postgresql://app:{CANARY}@db.internal/shop",
    f"redis://:{CANARY}@cache:6379/0",
    "sk_" + "live_" + CANARY,
    "whsec_" + CANARY,
    "gh" + "p_" + CANARY,
    f"password={CANARY}",
    f"flask run --admin-password {CANARY}",
    f"redis-cli --pass-key={CANARY}",
    f'{{"api_key": "{CANARY}"}}',
    "AKIA" + CANARY.upper(),
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
    CANARY + CANARY,
]


@pytest.mark.parametrize("text", SHAPES, ids=range(len(SHAPES)))
def test_known_shapes_are_masked(text: str) -> None:
    masked = Redactor().text(f"see {text} there")
    assert CANARY not in masked
    assert MASK in masked


def test_given_values_are_masked_wherever_they_stand() -> None:
    assert Redactor(["correct-horse"]).any({"a": ["x correct-horse y", 3, None, True]}) == {"a": [f"x {MASK} y", 3, None, True]}


@pytest.mark.parametrize(
    "text",
    [
        "pool_size=20, max_overflow=10 at app/config.py:31",
        "postgresql://db.internal/shop",
        "looked for `SQLALCHEMY_ENGINE_OPTIONS` and `create_engine(`",
        "migrations/versions/20240102_add_users_table_and_some_more_columns.py",
        "gunicorn --keep-alive 5 --keyfile /etc/tls/key.pem --bind 0.0.0.0:8000",
        "POST /auth/forgot-password carries no limit",
        "docs.sqlalchemy.org/en/20/core/pooling.html#disconnect-handling-pessimistic",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_no_report_shows_a_planted_secret(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "app.py": f"""
            import os, stripe
            from flask import Flask
            from flask_cors import CORS
            from flask_limiter import Limiter
            from flask_sqlalchemy import SQLAlchemy
            import requests

            app = Flask(__name__)
            app.secret_key = "{CANARY}"
            app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://app:{CANARY}@db.example.org/shop" + SUFFIX
            app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options("{CANARY}")
            app.config["JWT_SECRET_KEY"] = os.environ.get("JWT_SECRET_KEY", "{CANARY}")
            limiter = Limiter(app=app, storage_uri="redis://:{CANARY}@cache:6379")
            stripe.api_key = "{"sk_" + "live_" + CANARY}"
            db = SQLAlchemy(app)
            requests.get("https://user:{CANARY}@api.example.org", verify=False)
            print("password is {CANARY}")
            """,
            ".env": f"SECRET_KEY={CANARY}\nDATABASE_URL=postgresql://app:{CANARY}@db.example.org/shop\n",
            f"{CANARY}.env": f"PASSWORD={CANARY}\n",
            "compose.yaml": f"""
            services:
              web:
                environment:
                  SECRET_KEY: {CANARY}
                command: flask run --password {CANARY}
            """,
        },
    )
    report = examine(tmp_path, Config())
    for name, render in FORMATS.items():
        shown = render(report).replace(f"{CANARY}.env", "")  # a file's name is no secret
        assert CANARY not in shown, f"{name}: …{shown[max(0, shown.find(CANARY) - 120) :][:200]}"
