"""Proxies, HTTPS, response headers and who else's pages may call the API."""

from __future__ import annotations

from flask import Flask, current_app
from flask_cors import CORS
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from ledger.extensions import talisman

CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "form-action": ["'self'", "https://checkout.stripe.com"],
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}


def reset_tokens() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="reset-password")


def init_app(app: Flask) -> None:
    proxies = app.config["TRUSTED_PROXIES"]
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    # Plain HTTP is sent to HTTPS, but not by `flask run --debug`.
    talisman.init_app(
        app,
        strict_transport_security_max_age=31_536_000,
        content_security_policy=CONTENT_SECURITY_POLICY,
        frame_options="DENY",
        referrer_policy="same-origin",
    )
    CORS(app, resources=r"/api/*", max_age=600)  # the origins are CORS_ORIGINS of the configuration; cookies stay at home
