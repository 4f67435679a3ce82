"""Whether the certificate of the running application will hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mingus_gate.model import Observation, Rule, Severity, broken, holds, unclear
from mingus_gate.target import Target, is_local, shown

CERTIFICATE = Rule(
    "tls.certificate",
    Severity.CRITICAL,
    "The certificate is trusted, names the host and will hold",
    "Renew the certificate and let it renew itself (certbot, ACME, your cloud's managed certificates).",
    "the certificate at MINGUS_BASE_URL",
    "On the day it expires, or where its chain is broken, every browser refuses the application.",
    "https://letsencrypt.org/docs/integration-guide/#when-to-renew",
)

LEAST_DAYS = 30
"""Days a certificate must still hold; of a short-lived one a third of its life (Let's Encrypt's advice on renewal)."""


def certificate(target: Target) -> Iterator[Observation]:
    """One verified TLS handshake; nothing is sent over it."""
    import socket
    import ssl

    parts = urlsplit(target.given("MINGUS_BASE_URL"))
    address = f"{parts.hostname}:{parts.port or 443}"
    if parts.scheme != "https" and is_local(parts.hostname or ""):
        yield unclear("an address of this machine says nothing about TLS", address=address)
        return
    if parts.scheme != "https":
        yield broken("the application's address is not https", address=shown(target.given("MINGUS_BASE_URL")))
        return
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), target.connect_timeout) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as encrypted,
        ):
            given = encrypted.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield broken(f"the certificate is not trusted: {error.verify_message}", address=address)
    except OSError as error:
        yield unclear(f"no TLS connection ({type(error).__name__})", address=address)
    else:
        yield _remaining(given, address)


def _remaining(given: Mapping[str, Any], address: str) -> Observation:
    import ssl

    begin, end = (ssl.cert_time_to_seconds(str(given[key])) for key in ("notBefore", "notAfter"))
    left, needed = (end - time.time()) / 86400, min(LEAST_DAYS, (end - begin) / 86400 / 3)
    evidence: dict[str, Any] = {"days_left": round(left, 1), "threshold_days": round(needed, 1)}
    if left < needed:
        return broken(f"the certificate ends in {left:.0f} days; {needed:.0f} are needed", address=address, **evidence)
    return holds(f"trusted, and holds for {left:.0f} days", address=address, **evidence)


RULES = {
    CERTIFICATE: certificate,
}
