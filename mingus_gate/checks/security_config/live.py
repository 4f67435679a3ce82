"""Whether the running application's answers carry the security headers."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.target import Target, shown

ANSWER_HEADERS = Rule(
    "security-config.answer-headers",
    Severity.WARNING,
    "Answers carry the security headers",
    "Set them on every answer, for instance with Flask-Talisman: `Talisman(app)`.",
    "headers of the answer to `GET /` at MINGUS_BASE_URL",
    "Headers set in the code may be lost in a proxy, and are often missing from the pages a proxy answers itself.",
    "https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring",
)


def answer_headers(target: Target) -> Iterator[Observation]:
    """One GET of `/`."""
    import requests

    address = shown(target.given("MINGUS_BASE_URL")).rstrip("/") + "/"
    try:
        got = target.get("/").headers
    except requests.RequestException as error:
        yield unclear(f"no answer ({type(error).__name__})", address=address)
        return
    framed = "frame-ancestors" in got.get("Content-Security-Policy", "") or "X-Frame-Options" in got
    wanted = {
        "X-Content-Type-Options: nosniff": got.get("X-Content-Type-Options", "").lower() == "nosniff",
        "X-Frame-Options or CSP frame-ancestors": framed,
        "Content-Security-Policy": "Content-Security-Policy" in got,
        "Referrer-Policy": "Referrer-Policy" in got,
    }
    for name, there in wanted.items():
        yield holds(f"{name} is sent", address=address) if there else broken(f"{name} is not sent", address=address)


RULES = {
    ANSWER_HEADERS: answer_headers,
}
