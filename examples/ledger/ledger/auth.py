"""Sign up, log in, log out, and a new password by mail."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import login_required, login_user, logout_user
from itsdangerous import BadData
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ledger.extensions import db, limiter, login_manager
from ledger.forms import LoginForm, ResetForm, ResetRequestForm, SignupForm
from ledger.models import User
from ledger.security import reset_tokens
from ledger.tasks import send_reset_link

blueprint = Blueprint("auth", __name__)
RESET_SECONDS = 1800


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


def find(email: str) -> User | None:
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def who_may_reset(token: str) -> User | None:
    """Whom the link was sent to, if it is fresh and has not been used: the old hash is part of what is signed."""
    try:
        user_id, mark = reset_tokens().loads(token, max_age=RESET_SECONDS)
    except BadData:
        return None
    user = db.session.get(User, user_id)
    return user if user and user.reset_mark == mark else None


@blueprint.route("/signup", methods=["GET", "POST"])
@limiter.limit("5 per minute;30 per day", methods=["POST"])
def signup() -> Any:
    form = SignupForm()
    if not form.validate_on_submit():
        return render_template("form.html", title="Sign up", form=form)
    user = User(email=form.email.data.strip().lower())
    user.set_password(form.password.data)
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        flash("An account cannot be made with this address.")
        return redirect(url_for("auth.signup"))
    login_user(user)
    return redirect(url_for("pages.dashboard"))


@blueprint.route("/login", methods=["GET", "POST"])
@limiter.limit("5 per minute;50 per hour", methods=["POST"])
def login() -> Any:
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("form.html", title="Log in", form=form)
    user = find(form.email.data)
    if user is None or not user.has_password(form.password.data):
        flash("Address or password is wrong.")
        return redirect(url_for("auth.login"))
    login_user(user)
    return redirect(url_for("pages.dashboard"))


@blueprint.post("/logout")
@login_required
def logout() -> Any:
    logout_user()
    return redirect(url_for("auth.login"))


@blueprint.route("/reset-password", methods=["GET", "POST"])
@limiter.limit("3 per minute;20 per day", methods=["POST"])
def request_reset() -> Any:
    form = ResetRequestForm()
    if not form.validate_on_submit():
        return render_template("form.html", title="Forgotten password", form=form)
    if user := find(form.email.data):
        send_reset_link.delay(user.id)
    flash("If the address is known, a mail is on its way.")
    return redirect(url_for("auth.login"))


@blueprint.route("/reset-password/<token>", methods=["GET", "POST"])
@limiter.limit("5 per minute", methods=["POST"])
def reset(token: str) -> Any:
    user = who_may_reset(token)
    if user is None:
        flash("The link is no longer valid.")
        return redirect(url_for("auth.request_reset"))
    form = ResetForm()
    if not form.validate_on_submit():
        return render_template("form.html", title="New password", form=form)
    user.set_password(form.password.data)
    db.session.commit()
    flash("The password has been changed.")
    return redirect(url_for("auth.login"))
