"""Ledger: a small personal finance application. Accounts, entries, monthly summaries and a paid plan."""

from __future__ import annotations

import os

import sentry_sdk
from flask import Flask

from ledger import api, auth, errors, health, logs, metrics, pages, payments, security
from ledger.celery_app import init_celery
from ledger.config import CONFIGS, check
from ledger.extensions import cache, csrf, db, jwt, limiter, login_manager, migrate


def create_app(environment: str | None = None) -> Flask:
    """The application, configured for `environment`: production unless APP_ENV says otherwise."""
    app = Flask(__name__)
    app.config.from_object(CONFIGS[environment or os.environ.get("APP_ENV", "production")])
    check(app.config)
    logs.init_app(app)
    sentry_sdk.init(
        dsn=app.config["SENTRY_DSN"],
        release=app.config["RELEASE"],
        environment=app.config["ENVIRONMENT"],
        traces_sample_rate=0.05,
    )
    security.init_app(app)
    metrics.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db)
    cache.init_app(app)
    limiter.init_app(app)
    csrf.init_app(app)
    jwt.init_app(app)
    login_manager.init_app(app)
    init_celery(app)
    payments.init_app(app)
    errors.init_app(app)
    for blueprint in (auth.blueprint, pages.blueprint, api.blueprint, payments.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    return app
