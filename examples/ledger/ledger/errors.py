"""Every failure ends in a clean answer and a log line; nothing of the exception is told to the client."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from ledger.extensions import db

log = logging.getLogger(__name__)


def answer(status: int, title: str) -> tuple[Any, int]:
    if request.path.startswith("/api/"):
        return jsonify(error=title), status
    return render_template("error.html", status=status, title=title), status


def init_app(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Any, int]:
        return answer(error.code or 500, error.name)

    @app.errorhandler(404)
    def not_found(error: HTTPException) -> tuple[Any, int]:
        return answer(404, "There is nothing at this address")

    @app.errorhandler(429)
    def too_many(error: HTTPException) -> tuple[Any, int]:
        return answer(429, "Too many tries; please wait a moment")

    @app.errorhandler(CSRFError)
    def form_expired(error: CSRFError) -> tuple[Any, int]:
        return answer(400, "The form has expired; please send it again")

    @app.errorhandler(500)
    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> tuple[Any, int]:
        db.session.rollback()
        log.exception("unexpected error", exc_info=error)
        return answer(500, "Something went wrong on our side")
