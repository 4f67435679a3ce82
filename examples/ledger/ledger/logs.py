"""One JSON line an event on standard output, each with the id of its request."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from logging.config import dictConfig

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[\w-]{8,64}")


class RequestId(logging.Filter):
    """Puts the id of the request, where there is one, on every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "") if has_request_context() else ""
        return True


def configure() -> None:
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request_id": {"()": RequestId}},
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                }
            },
            "handlers": {
                "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json", "filters": ["request_id"]},
            },
            "root": {"level": os.environ.get("LOG_LEVEL", "INFO"), "handlers": ["stdout"]},
        }
    )


def init_app(app: Flask) -> None:
    configure()

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.get("request_id", "")
        if request.blueprint != "health":
            seconds = round(time.perf_counter() - g.get("began", time.perf_counter()), 4)
            log.info(
                "request",
                extra={"method": request.method, "endpoint": request.endpoint, "status": response.status_code, "seconds": seconds},
            )
        return response
