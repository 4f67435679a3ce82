"""What the worker and the beat process start: `celery -A ledger.worker worker`."""

from __future__ import annotations

from typing import Any

from celery.signals import setup_logging, worker_process_init

from ledger import create_app, logs
from ledger.celery_app import celery
from ledger.extensions import db

flask_app = create_app()
__all__ = ["celery", "flask_app"]


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    logs.configure()


@worker_process_init.connect
def own_connections(**_: Any) -> None:
    """A forked child must not share its parent's database connections."""
    with flask_app.app_context():
        db.engine.dispose(close=False)
