"""The application on SQLite, with every variable set to something that is obviously made up."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.update(
    SECRET_KEY="s" * 40,
    JWT_SECRET_KEY="j" * 40,
    DATABASE_URL="sqlite://",
    REDIS_URL="redis://redis.invalid",
    CACHE_REDIS_URL="redis://redis.invalid",
    CELERY_BROKER_URL="memory://",
    CELERY_RESULT_BACKEND="cache+memory://",
    STRIPE_SECRET_KEY="stripe-key-for-tests",
    STRIPE_PUBLISHABLE_KEY="publishable-key-for-tests",
    STRIPE_WEBHOOK_SECRET="webhook-secret-for-tests",
    PUBLIC_URL="https://ledger.example",
    CORS_ORIGINS="https://app.ledger.example",
    RATES_URL="https://rates.invalid",
    SMTP_HOST="smtp.invalid",
    SMTP_USER="mail",
    SMTP_PASSWORD="mail",
    MAIL_FROM="no-reply@ledger.example",
)

from flask import Flask
from flask.testing import FlaskClient

from ledger import create_app
from ledger.celery_app import celery
from ledger.extensions import db, limiter
from ledger.models import User

EMAIL, PASSWORD = "ada@ledger.example", "a long enough password"


@pytest.fixture
def app() -> Iterator[Flask]:
    app = create_app("testing")
    celery.conf.task_always_eager = True
    with app.app_context():
        db.create_all()
        user = User(email=EMAIL)
        user.set_password(PASSWORD)
        db.session.add(user)
        db.session.commit()
        yield app
        db.session.remove()
        limiter.reset()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
