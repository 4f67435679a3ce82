"""What is done apart from requests. Every task may run twice: it then changes nothing the second time."""

from __future__ import annotations

import logging
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import requests
from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from ledger.celery_app import celery
from ledger.extensions import db
from ledger.models import ExchangeRate, PaymentEvent, Subscription, User
from ledger.security import reset_tokens

log = logging.getLogger(__name__)
KEEP_EVENTS = timedelta(days=400)


@celery.task(autoretry_for=(OSError, smtplib.SMTPException), max_retries=5, retry_backoff=True, retry_backoff_max=600)
def send_reset_link(user_id: int) -> None:
    """The link is made here: an argument of a task stands in the queue and in the worker's log."""
    user = db.session.get(User, user_id)
    if user is not None:
        token = reset_tokens().dumps([user.id, user.reset_mark])
        link = f"{current_app.config['PUBLIC_URL']}/reset-password/{token}"
        _mail(user.email, "Your new password", f"Choose a new password within half an hour: {link}")


def _mail(to: str, subject: str, text: str) -> None:
    config = current_app.config
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = config["MAIL_FROM"], to, subject
    message.set_content(text)
    with smtplib.SMTP_SSL(config["SMTP_HOST"], config["SMTP_PORT"], timeout=10, context=ssl.create_default_context()) as server:
        server.login(config["SMTP_USER"], config["SMTP_PASSWORD"])
        server.send_message(message)


@celery.task(autoretry_for=(requests.RequestException,), max_retries=3, retry_backoff=True)
def refresh_rates() -> int:
    """How much of each currency a euro buys, from the address in RATES_URL."""
    response = requests.get(current_app.config["RATES_URL"], timeout=(3, 10))
    response.raise_for_status()
    rates: dict[str, float] = response.json()["rates"]
    as_of = datetime.now(UTC)
    for currency, per_euro in rates.items():
        db.session.merge(ExchangeRate(currency=currency, per_euro=per_euro, as_of=as_of))
    db.session.commit()
    log.info("exchange rates refreshed", extra={"currencies": len(rates)})
    return len(rates)


@celery.task(autoretry_for=(OperationalError,), max_retries=3, retry_backoff=True)
def handle_payment_event(event_id: str) -> str:
    """Brings the subscription to what the event says. The row is locked, so two workers do not do it at once."""
    event = db.session.scalar(select(PaymentEvent).where(PaymentEvent.id == event_id).with_for_update())
    if event is None or event.handled_at is not None:
        return "nothing to do"
    subject = event.payload["data"]["object"]
    if event.kind == "checkout.session.completed":
        _subscribe(int(subject["client_reference_id"]), subject["subscription"])
    elif event.kind == "payment_intent.succeeded" and "ledger_user_id" in subject["metadata"]:
        _subscribe(int(subject["metadata"]["ledger_user_id"]), subject["id"])
    elif event.kind in ("customer.subscription.updated", "customer.subscription.deleted"):
        _update(subject)
    event.handled_at = datetime.now(UTC)
    db.session.commit()
    return event.kind


def _subscribe(user_id: int, stripe_id: str) -> None:
    subscription = db.session.scalar(select(Subscription).where(Subscription.user_id == user_id))
    if subscription is None:
        db.session.add(Subscription(user_id=user_id, stripe_id=stripe_id, status="active"))
    else:
        subscription.stripe_id, subscription.status = stripe_id, "active"


def _update(subject: dict[str, Any]) -> None:
    subscription = db.session.scalar(select(Subscription).where(Subscription.stripe_id == subject["id"]))
    if subscription is not None:
        subscription.status = subject["status"]


@celery.task
def handle_left_over_events() -> int:
    """Events whose task was lost between the commit and the queue."""
    before = datetime.now(UTC) - timedelta(minutes=10)
    waiting = select(PaymentEvent.id).where(PaymentEvent.handled_at.is_(None), PaymentEvent.received_at < before).limit(500)
    found = list(db.session.scalars(waiting))
    for event_id in found:
        handle_payment_event.delay(event_id)
    return len(found)


@celery.task
def forget_old_events() -> int:
    before = datetime.now(UTC) - KEEP_EVENTS
    gone = db.session.execute(delete(PaymentEvent).where(PaymentEvent.received_at < before, PaymentEvent.handled_at.is_not(None)))
    db.session.commit()
    return gone.rowcount
