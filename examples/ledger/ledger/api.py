"""What the mobile application calls: JSON in and out, a short-lived bearer token, no cookies."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask_jwt_extended import create_access_token, get_jwt_identity, jwt_required
from sqlalchemy import func, select

from ledger.auth import find
from ledger.extensions import cache, csrf, db, limiter
from ledger.models import Account, Entry

blueprint = Blueprint("api", __name__, url_prefix="/api")
csrf.exempt(blueprint)  # no cookie is read here, so there is nothing to forge
PAGE = 50


@blueprint.post("/token")
@limiter.limit("5 per minute;50 per hour")
def token() -> Any:
    given = request.get_json()
    user = find(str(given.get("email", "")))
    if user is None or not user.has_password(str(given.get("password", ""))):
        abort(401)
    return jsonify(token=create_access_token(identity=str(user.id)))


@blueprint.get("/entries")
@jwt_required()
def entries() -> Any:
    wanted = select(Entry).join(Account).where(Account.user_id == int(get_jwt_identity())).order_by(Entry.booked_on.desc(), Entry.id)
    page = db.paginate(wanted, per_page=PAGE, max_per_page=PAGE)
    return jsonify(
        entries=[
            {"id": e.id, "account": e.account_id, "booked_on": e.booked_on.isoformat(), "cents": e.amount_cents, "note": e.note}
            for e in page
        ],
        page=page.page,
        pages=page.pages,
    )


@blueprint.get("/balances")
@jwt_required()
def balances() -> Any:
    return jsonify(balances=_balances(int(get_jwt_identity())))


@cache.memoize(timeout=60)
def _balances(user_id: int) -> list[dict[str, Any]]:
    total = func.coalesce(func.sum(Entry.amount_cents), 0)
    wanted = (
        select(Account.id, Account.name, Account.currency, total)
        .outerjoin(Entry)
        .where(Account.user_id == user_id)
        .group_by(Account.id)
        .order_by(Account.id)
        .limit(100)
    )
    return [
        {"account": i, "name": name, "currency": currency, "cents": int(cents)} for i, name, currency, cents in db.session.execute(wanted)
    ]
