"""The forms of the pages; each is checked against forgery."""

from __future__ import annotations

from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import DateField, DecimalField, EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import UUID, DataRequired, Email, Length, NumberRange

PASSWORD = (DataRequired(), Length(min=12, max=128))


class SignupForm(FlaskForm):
    email = EmailField(validators=[DataRequired(), Email(), Length(max=254)])
    password = PasswordField(validators=[*PASSWORD])


class LoginForm(FlaskForm):
    email = EmailField(validators=[DataRequired(), Length(max=254)])
    password = PasswordField(validators=[DataRequired(), Length(max=128)])


class ResetRequestForm(FlaskForm):
    email = EmailField(validators=[DataRequired(), Email(), Length(max=254)])


class ResetForm(FlaskForm):
    password = PasswordField(validators=[*PASSWORD])


class AccountForm(FlaskForm):
    name = StringField(validators=[DataRequired(), Length(max=80)])


class EntryForm(FlaskForm):
    account = SelectField(coerce=int)
    booked_on = DateField(validators=[DataRequired()])
    amount = DecimalField(places=2, validators=[DataRequired(), NumberRange(Decimal(-10_000_000), Decimal(10_000_000))])
    note = StringField(validators=[Length(max=200)])


class CheckoutForm(FlaskForm):
    plan = SelectField(choices=["monthly", "yearly"])
    attempt = HiddenField(validators=[DataRequired(), UUID()])
