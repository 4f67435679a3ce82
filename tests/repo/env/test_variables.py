from pathlib import Path

import pytest

from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import env_reads, names_secret, names_signing_key
from tests.tools import Files, write


def read(tmp_path: Path, files: Files) -> list[tuple[str, tuple[object, ...], bool]]:
    return [(r.name, r.value.literals, r.required) for r in env_reads(Repo(write(tmp_path, files)))]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os\nos.getenv('X')", ("X", (), False)),
        ("import os\nos.getenv('X', 'a')", ("X", ("a",), False)),
        ("import os\nos.environ.get('X', default='a')", ("X", ("a",), False)),
        ("import os\nos.environ['X']", ("X", (), True)),
        ("from os import environ as e\ne['X']", ("X", (), True)),
        ("from os import getenv\ngetenv('X') or 'a'", ("X", ("a",), False)),
        ("import os\nos.getenv('X', '') or 'a'", ("X", ("a",), False)),
        ("from decouple import config\nconfig('X', default='a')", ("X", ("a",), False)),
        ("from decouple import config\nconfig('X')", ("X", (), True)),
        ("from environs import Env\nenv = Env()\nenv.str('X', 'a')", ("X", ("a",), False)),
        ("from envparse import env\nenv('X')", ("X", (), True)),
        ("from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    x: str = 'a'", ("X", ("a",), False)),
        (
            "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    x: str\n    model_config = dict(env_prefix='MY_')",
            ("MY_X", (), True),
        ),
    ],
)
def test_forms(code: str, expected: tuple[str, tuple[object, ...], bool], tmp_path: Path) -> None:
    assert read(tmp_path, {"app.py": code}) == [expected]


def test_a_helper_of_the_tree(tmp_path: Path) -> None:
    files = {
        "env.py": "import os\ndef int_env(name, default=0):\n    return int(os.environ.get(name, default))\n",
        "app.py": "from env import int_env\nA = int_env('A_LIMIT', 5)\nB = int_env(other)\n",
    }
    assert read(tmp_path, files) == [("A_LIMIT", (5,), False)]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['X'] = '1'",
        "import os\nif __name__ == '__main__':\n    os.getenv('X')",
        "import os\nclass TestingConfig:\n    X = os.getenv('X')",
        "import os\nos.getenv(name)",
        "settings = {}\nsettings.get('X', 'a')",
    ],
)
def test_not_a_read_of_production(code: str, tmp_path: Path) -> None:
    assert read(tmp_path, {"app.py": code}) == []


def test_a_base_class_that_production_overrides(tmp_path: Path) -> None:
    code = "import os\nclass Config:\n    TOKEN = os.getenv('OLD_TOKEN')\nclass ProductionConfig(Config):\n    TOKEN = os.environ['TOKEN']\n"
    assert [name for name, _, _ in read(tmp_path, {"config.py": code})] == ["TOKEN"]


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FLASK_SECRET_KEY", "JWT_SECRET", "WTF_CSRF_SECRET_KEY", "SECURITY_PASSWORD_SALT", "FIELD_ENCRYPTION_KEY"]
)
def test_signing_keys(name: str) -> None:
    assert names_signing_key(name)
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["STRIPE_SECRET_KEY", "DB_PASSWORD", "GITHUB_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "SMTP_PASS", "API_KEY_2"]
)
def test_secrets(name: str) -> None:
    assert names_secret(name)
    assert not names_signing_key(name)


@pytest.mark.parametrize(
    "name",
    [
        *("TOKEN_MAX_AGE", "PASSWORD_MIN_LENGTH", "SECRET_FILE", "API_KEY_HEADER", "VITE_API_KEY", "STRIPE_PUBLISHABLE_KEY", "JWT_ALGORITHM"),
        *("MAX_TOKENS", "PASSWORD_RESET_URL", "COMPASS", "BYPASS_CACHE", "RECAPTCHA_SITE_KEY", "DATABASE_URL", "KEYCLOAK_REALM"),
    ],
)
def test_no_secrets(name: str) -> None:
    assert not names_secret(name)
