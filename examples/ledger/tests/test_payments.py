import hashlib
import hmac
import json
import time
import uuid
from types import SimpleNamespace

import pytest
import stripe
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.extensions import db
from ledger.models import PaymentEvent, Subscription, User
from tests.conftest import EMAIL, PASSWORD


def call(client: FlaskClient, app: Flask, event: dict, secret: str = "") -> TestResponse:
    body, at = json.dumps(event), str(int(time.time()))
    key = (secret or app.config["STRIPE_WEBHOOK_SECRET"]).encode()
    signature = hmac.new(key, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return client.post(
        "/stripe/webhook", data=body, headers={"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={signature}"}
    )


def completed() -> dict:
    subject = {"object": "checkout.session", "client_reference_id": str(db.session.query(User).one().id), "subscription": "sub_1"}
    return {"id": "evt_1", "object": "event", "type": "checkout.session.completed", "data": {"object": subject}}


def test_signed_event_makes_a_subscription(client: FlaskClient, app: Flask) -> None:
    assert call(client, app, completed()).status_code == 200
    assert db.session.query(Subscription).one().status == "active"


def test_repeated_event_is_taken_once(client: FlaskClient, app: Flask) -> None:
    assert [call(client, app, completed()).status_code for _ in range(2)] == [200, 200]
    assert db.session.query(PaymentEvent).count() == 1


def test_unsigned_event_is_refused(client: FlaskClient, app: Flask) -> None:
    assert call(client, app, completed(), secret="another").status_code == 400
    assert client.post("/stripe/webhook", json=completed()).status_code == 400
    assert db.session.query(PaymentEvent).count() == 0


def test_payment_for_life_is_begun_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict] = []
    monkeypatch.setattr(
        stripe.PaymentIntent, "create", lambda **given: made.append(given) or SimpleNamespace(client_secret="shown to the payer")
    )
    token = client.post("/api/token", json={"email": EMAIL, "password": PASSWORD}).json["token"]
    sent = {"json": {"attempt": str(uuid.uuid4())}, "headers": {"Authorization": f"Bearer {token}"}}
    answers = [client.post("/api/lifetime", **sent) for _ in range(2)]
    assert [answer.json for answer in answers] == [{"client_secret": "shown to the payer"}] * 2
    assert made[0]["idempotency_key"] == made[1]["idempotency_key"]
    assert client.post("/api/lifetime", json={}, headers=sent["headers"]).status_code == 400
