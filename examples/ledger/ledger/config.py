"""Every setting comes from the environment; what is missing, weak or left over from the example file is refused at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any


class ConfigurationError(RuntimeError):
    """The application must not start like this. The text names the variables, never their values."""


class BaseConfig:
    ENVIRONMENT = "base"
    RELEASE = os.environ.get("RELEASE", "unreleased")
    SENTRY_DSN = os.environ.get("SENTRY_DSN", "")

    SECRET_KEY = os.environ["SECRET_KEY"]
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    REMEMBER_COOKIE_SECURE = True
    REMEMBER_COOKIE_HTTPONLY = True
    REMEMBER_COOKIE_SAMESITE = "Lax"
    PERMANENT_SESSION_LIFETIME = timedelta(hours=12)
    WTF_CSRF_ENABLED = True
    MAX_CONTENT_LENGTH = 1024 * 1024
    PREFERRED_URL_SCHEME = "https"
    TRUSTED_PROXIES = int(os.environ.get("TRUSTED_PROXIES", "1"))
    PUBLIC_URL = os.environ["PUBLIC_URL"].rstrip("/")
    CORS_ORIGINS = os.environ["CORS_ORIGINS"].split(",")

    JWT_SECRET_KEY = os.environ["JWT_SECRET_KEY"]
    JWT_ALGORITHM = "HS256"
    JWT_ACCESS_TOKEN_EXPIRES = timedelta(minutes=15)
    JWT_TOKEN_LOCATION = ["headers"]

    SQLALCHEMY_DATABASE_URI = os.environ["DATABASE_URL"]
    SQLALCHEMY_ENGINE_OPTIONS: Mapping[str, Any] = {
        "pool_size": int(os.environ.get("DB_POOL_SIZE", "5")),
        "max_overflow": int(os.environ.get("DB_MAX_OVERFLOW", "5")),
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 5,
            "sslmode": os.environ.get("DATABASE_SSLMODE", "require"),
            "options": "-c statement_timeout=15000",
        },
    }

    RATELIMIT_STORAGE_URI = os.environ["REDIS_URL"]
    RATELIMIT_DEFAULT = "300 per minute"
    RATELIMIT_HEADERS_ENABLED = True

    CACHE_TYPE = "RedisCache"
    CACHE_REDIS_URL = os.environ["CACHE_REDIS_URL"]
    CACHE_DEFAULT_TIMEOUT = 300
    CACHE_KEY_PREFIX = "ledger:"

    STRIPE_SECRET_KEY = os.environ["STRIPE_SECRET_KEY"]
    STRIPE_PUBLISHABLE_KEY = os.environ["STRIPE_PUBLISHABLE_KEY"]
    STRIPE_WEBHOOK_SECRET = os.environ["STRIPE_WEBHOOK_SECRET"]

    RATES_URL = os.environ["RATES_URL"]
    SMTP_HOST = os.environ["SMTP_HOST"]
    SMTP_PORT = int(os.environ.get("SMTP_PORT", "465"))
    SMTP_USER = os.environ["SMTP_USER"]
    SMTP_PASSWORD = os.environ["SMTP_PASSWORD"]
    MAIL_FROM = os.environ["MAIL_FROM"]


class ProductionConfig(BaseConfig):
    ENVIRONMENT = "production"


class DevelopmentConfig(BaseConfig):
    ENVIRONMENT = "development"
    SESSION_COOKIE_SECURE = False
    REMEMBER_COOKIE_SECURE = False


class TestingConfig(BaseConfig):
    ENVIRONMENT = "testing"
    TESTING = True
    WTF_CSRF_ENABLED = False
    SQLALCHEMY_ENGINE_OPTIONS: Mapping[str, Any] = {}
    RATELIMIT_STORAGE_URI = "memory://"
    CACHE_TYPE = "SimpleCache"


CONFIGS = {"production": ProductionConfig, "development": DevelopmentConfig, "testing": TestingConfig}


def check(config: Mapping[str, Any]) -> None:
    """Refuses what would start but not be safe."""
    problems = [f"{name} is shorter than 32 characters" for name in ("SECRET_KEY", "JWT_SECRET_KEY") if len(config[name]) < 32]
    problems += [f"{name} still has its value from .env.example" for name, value in config.items() if "change-me" in str(value)]
    if config["SECRET_KEY"] == config["JWT_SECRET_KEY"]:
        problems.append("SECRET_KEY and JWT_SECRET_KEY are the same")
    if config["ENVIRONMENT"] == "production":
        if not config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
            problems.append("DATABASE_URL is not PostgreSQL")
        if config["STRIPE_SECRET_KEY"].startswith("sk_test_"):
            problems.append("STRIPE_SECRET_KEY is a test key")
        if "*" in config["CORS_ORIGINS"]:
            problems.append("CORS_ORIGINS allows everybody")
    if problems:
        raise ConfigurationError("; ".join(problems))
