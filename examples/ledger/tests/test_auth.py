from flask.testing import FlaskClient

from ledger.extensions import db
from ledger.models import User
from ledger.security import reset_tokens
from tests.conftest import EMAIL, PASSWORD


def test_login_opens_the_dashboard(client: FlaskClient) -> None:
    assert client.post("/login", data={"email": EMAIL, "password": PASSWORD}).location == "/"
    assert b"Accounts" in client.get("/").data


def test_sixth_try_within_a_minute_is_refused(client: FlaskClient) -> None:
    answers = [client.post("/login", data={"email": EMAIL, "password": "wrong"}).status_code for _ in range(6)]
    assert answers == [302] * 5 + [429]


def test_reset_link_works_once(client: FlaskClient) -> None:
    user = db.session.query(User).one()
    link = f"/reset-password/{reset_tokens().dumps([user.id, user.reset_mark])}"
    assert client.post(link, data={"password": "another long password"}).location == "/login"
    assert client.post(link, data={"password": "a third long password"}).location == "/reset-password"
    assert db.session.query(User).one().has_password("another long password")


def test_api_wants_a_token(client: FlaskClient) -> None:
    assert client.get("/api/entries").status_code == 401
    token = client.post("/api/token", json={"email": EMAIL, "password": PASSWORD}).json["token"]
    answer = client.get("/api/entries", headers={"Authorization": f"Bearer {token}"})
    assert answer.json == {"entries": [], "page": 1, "pages": 0}
