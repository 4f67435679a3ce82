"""The pages of a signed-in user."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user, login_required
from sqlalchemy import select

from ledger.extensions import db
from ledger.forms import AccountForm, CheckoutForm, EntryForm
from ledger.models import Account, Entry

blueprint = Blueprint("pages", __name__)
LATEST = 50


def own_accounts() -> list[Account]:
    wanted = select(Account).where(Account.user_id == current_user.id).order_by(Account.name).limit(100)
    return list(db.session.scalars(wanted))


@blueprint.get("/")
@login_required
def dashboard() -> str:
    accounts = own_accounts()
    entry_form = EntryForm()
    entry_form.account.choices = [(account.id, account.name) for account in accounts]
    latest = select(Entry).join(Account).where(Account.user_id == current_user.id).order_by(Entry.booked_on.desc()).limit(LATEST)
    return render_template(
        "dashboard.html",
        accounts=accounts,
        entries=list(db.session.scalars(latest)),
        account_form=AccountForm(),
        entry_form=entry_form,
        checkout_form=CheckoutForm(attempt=str(uuid.uuid4())),
    )


@blueprint.post("/accounts")
@login_required
def add_account() -> Any:
    form = AccountForm()
    if form.validate_on_submit():
        db.session.add(Account(user_id=current_user.id, name=form.name.data, currency=current_user.currency))
        db.session.commit()
    else:
        flash("An account needs a name.")
    return redirect(url_for("pages.dashboard"))


@blueprint.post("/entries")
@login_required
def add_entry() -> Any:
    form = EntryForm()
    form.account.choices = [(account.id, account.name) for account in own_accounts()]
    if form.validate_on_submit():
        cents = int(form.amount.data * 100)
        db.session.add(Entry(account_id=form.account.data, booked_on=form.booked_on.data, amount_cents=cents, note=form.note.data or ""))
        db.session.commit()
    else:
        flash("The entry needs an account, a date and an amount.")
    return redirect(url_for("pages.dashboard"))
