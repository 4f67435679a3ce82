"""Paid plans through Stripe: people pay on Stripe's page or in the mobile application, and its webhook tells us what came of it."""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

import stripe
from flask import Blueprint, Flask, abort, current_app, jsonify, redirect, request, url_for
from flask_jwt_extended import get_jwt_identity, jwt_required
from flask_login import current_user, login_required
from sqlalchemy.exc import IntegrityError

from ledger.extensions import csrf, db, limiter
from ledger.forms import CheckoutForm
from ledger.metrics import PAYMENT_EVENTS
from ledger.models import PaymentEvent
from ledger.tasks import handle_payment_event

log = logging.getLogger(__name__)
blueprint = Blueprint("payments", __name__)


@dataclass(frozen=True)
class Plan:
    """What a plan costs in cents, and how often: per "month" or "year"."""

    cents: int
    interval: str


PLANS = {"monthly": Plan(900, "month"), "yearly": Plan(9000, "year")}
LIFETIME_CENTS = 19_900
"""Paid once, in the mobile application."""


def init_app(app: Flask) -> None:
    stripe.api_key = app.config["STRIPE_SECRET_KEY"]
    stripe.max_network_retries = 2
    stripe.default_http_client = stripe.RequestsClient(timeout=10)


@blueprint.post("/checkout")
@login_required
@limiter.limit("10 per minute")
def checkout() -> Any:
    form = CheckoutForm()
    if not form.validate_on_submit():
        abort(400)
    plan = PLANS[form.plan.data]
    try:
        session = stripe.checkout.Session.create(
            mode="subscription",
            customer_email=current_user.email,
            client_reference_id=str(current_user.id),
            line_items=[
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": plan.cents,
                        "recurring": {"interval": plan.interval},
                        "product_data": {"name": "Ledger Plus"},
                    },
                }
            ],
            success_url=current_app.config["PUBLIC_URL"] + url_for("pages.dashboard"),
            cancel_url=current_app.config["PUBLIC_URL"] + url_for("pages.dashboard"),
            idempotency_key=f"checkout-{current_user.id}-{form.attempt.data}",
        )
    except stripe.StripeError as error:
        failed(error)
    return redirect(session.url, code=303)


@blueprint.get("/api/plans")
def plans() -> Any:
    """What the mobile application needs to show prices and to collect a card."""
    key = current_app.config["STRIPE_PUBLISHABLE_KEY"]
    return jsonify(publishable_key=key, lifetime_cents=LIFETIME_CENTS, plans={name: asdict(plan) for name, plan in PLANS.items()})


@blueprint.post("/api/lifetime")
@csrf.exempt
@limiter.limit("10 per minute")
@jwt_required()
def buy_lifetime() -> Any:
    """Begins a payment that the mobile application completes. The same `attempt` makes the same payment, never a second one."""
    user_id = get_jwt_identity()
    try:
        attempt = uuid.UUID(request.get_json()["attempt"])
    except (KeyError, TypeError, ValueError):
        abort(400)
    try:
        intent = stripe.PaymentIntent.create(
            amount=LIFETIME_CENTS,
            currency="eur",
            metadata={"ledger_user_id": user_id},
            idempotency_key=f"lifetime-{user_id}-{attempt}",
        )
    except stripe.StripeError as error:
        failed(error)
    return jsonify(client_secret=intent.client_secret)


def failed(error: stripe.StripeError) -> NoReturn:
    log.warning("Stripe refused", extra={"error": type(error).__name__, "stripe_request": error.request_id})
    abort(502)


@blueprint.post("/stripe/webhook")
@csrf.exempt
@limiter.exempt
def webhook() -> Any:
    """Stripe tells what happened. Only what it signed is believed, and each event is taken once."""
    signature = request.headers.get("Stripe-Signature", "")
    try:
        event = stripe.Webhook.construct_event(request.get_data(), signature, current_app.config["STRIPE_WEBHOOK_SECRET"])
    except (ValueError, stripe.SignatureVerificationError):
        PAYMENT_EVENTS.labels("refused").inc()
        abort(400)
    db.session.add(PaymentEvent(id=event["id"], kind=event["type"], payload=request.get_json()))
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        PAYMENT_EVENTS.labels("repeated").inc()
        return "", 200
    PAYMENT_EVENTS.labels("taken").inc()
    handle_payment_event.delay(event["id"])
    return "", 200
