"""Session cookies as facts: whether the application sets any, and where their settings stand outside Python."""

from __future__ import annotations

import re

from mingus_gate.model import Place, Role
from mingus_gate.repo import Repo

SESSION_USERS = re.compile(
    rb"from flask import [^\n]*\b(session|flash)\b|from flask import \([^)]*\b(session|flash)\b|\bflask\.(session|flash)\b"
    rb"|flask_(login|session|security|wtf|dance|oauthlib|principal|appbuilder|admin|jwt_extended)|authlib\.integrations\.flask|\bSESSION_COOKIE_"
)
CONFIGURATION = re.compile(r"\.(cfg|ini|toml|ya?ml|conf|template|tmpl|j2|jinja2?)$|\.(example|sample|dist)$|\.(cfg|conf|ini|toml)\.")
OFF_DEFAULTS = {"SESSION_COOKIE_SECURE": "session_cookie_secure", "SESSION_COOKIE_SAMESITE": "session_cookie_samesite"}


def uses_sessions(repo: Repo) -> bool:
    """Whether production code uses Flask's session or an extension that does."""
    return any(f.mentions(b"flask") and SESSION_USERS.search(f.data) for f in repo.files(".py"))


def named_in(repo: Repo, key: str) -> Place | None:
    """Where a configuration file that is no Python gives the key, also one that is filled in when the application is installed."""
    for file in repo.files(roles=(Role.PRODUCTION, Role.EXAMPLE)):
        if CONFIGURATION.search(file.name) and file.mentions(key.encode()):
            return Place(file.path, next((n for n, line in enumerate(file.lines, 1) if key in line), 1))
    return None
