import pytest
from flask.testing import FlaskClient

from ledger import create_app
from ledger.config import BaseConfig, ConfigurationError


def test_alive_without_redis(client: FlaskClient) -> None:
    assert client.get("/livez").json == {"status": "ok"}


def test_not_ready_without_redis(client: FlaskClient, app) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["redis"] == {"status": "down"}


def test_placeholder_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseConfig, "SECRET_KEY", "change-me")
    with pytest.raises(ConfigurationError, match="SECRET_KEY still has its value from"):
        create_app("testing")


def test_headers(client: FlaskClient) -> None:
    headers = client.get("/login").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Request-ID"]
