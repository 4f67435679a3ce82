"""The task queue. Every task ends, is tried a bounded number of times, and runs inside the application's context."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab
from flask import Flask

celery = Celery(
    "ledger",
    broker=os.environ["CELERY_BROKER_URL"],
    backend=os.environ["CELERY_RESULT_BACKEND"],
    include=["ledger.tasks"],
)
celery.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    task_time_limit=300,
    task_soft_time_limit=240,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=True,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_hijack_root_logger=False,
    result_expires=86_400,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600, "socket_timeout": 10},
    beat_schedule={
        "exchange-rates": {"task": "ledger.tasks.refresh_rates", "schedule": crontab(minute=5)},
        "payment-events-left-over": {"task": "ledger.tasks.handle_left_over_events", "schedule": 600.0},
        "old-payment-events": {"task": "ledger.tasks.forget_old_events", "schedule": crontab(hour=3, minute=40)},
    },
)


def init_celery(app: Flask) -> None:
    """Tasks run inside `app`'s context."""

    class ContextTask(Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with app.app_context():
                return super().__call__(*args, **kwargs)

    celery.Task = ContextTask
    app.extensions["celery"] = celery
