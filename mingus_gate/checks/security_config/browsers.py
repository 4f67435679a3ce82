"""Whether browsers are told whom to trust: cookies, origins, forms and headers."""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.checks.security_config.start import is_on
from mingus_gate.model import Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import ENVIRONMENT, value_of
from mingus_gate.repo.flask.app import Setting, apps, proven_absent, settings
from mingus_gate.repo.flask.forms import own_checks, post_forms, protections
from mingus_gate.repo.flask.routes import app_place
from mingus_gate.repo.flask.session_cookies import OFF_DEFAULTS, named_in, uses_sessions
from mingus_gate.repo.python import keyword
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.cors import policies
from mingus_gate.repo.web.cors_policy import Policy
from mingus_gate.repo.web.security_headers import FRAMING, NOSNIFF, TALISMANS, header_extensions, sent_headers

SESSION_COOKIES = Rule(
    "security-config.session-cookies",
    Severity.WARNING,
    "The session cookie is sent over HTTPS only, hidden from scripts and not sent along by other sites",
    'Set `SESSION_COOKIE_SECURE = True` and `SESSION_COOKIE_SAMESITE = "Lax"`; leave `SESSION_COOKIE_HTTPONLY` at True.',
    "`session` or a login extension, and the `SESSION_COOKIE_…` settings",
    "Without Secure the cookie crosses the network in the clear on the first http:// link; Flask sets neither Secure nor SameSite by itself.",
    "https://flask.palletsprojects.com/en/stable/web-security/#set-cookie-options",
)
CORS = Rule(
    "security-config.cors",
    Severity.CRITICAL,
    "No foreign origin may send the user's cookies along",
    'Name the origins: `CORS(app, origins=["https://app.example.com"], supports_credentials=True)`.',
    "flask-cors and `Access-Control-Allow-Origin`",
    "With every origin and credentials allowed, any page the user opens can read their data and act in their name; "
    "flask-cors answers `*` with credentials by repeating the origin.",
    "https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS#requests_with_credentials",
)
CORS_ORIGINS = Rule(
    "security-config.cors-origins",
    Severity.INFO,
    "Origins that may read answers are named",
    'Name the origins: `CORS(app, origins=["https://app.example.com"])`; leave `*` to answers meant for everybody.',
    "flask-cors and `Access-Control-Allow-Origin`",
    "Without cookies `*` lets other sites read only what is public, but also what is protected by nothing but the network or a token they hold.",
    "https://flask-cors.readthedocs.io/en/latest/configuration.html",
)
CSRF = Rule(
    "security-config.csrf",
    Severity.WARNING,
    "Forms are protected against cross-site requests",
    "Protect all at once: `CSRFProtect(app)` from flask_wtf, `WTF_CSRF_ENABLED = True`, and `{{ csrf_token() }}` in forms that are no FlaskForm.",
    "`CSRFProtect`, `WTF_CSRF_ENABLED`, FlaskForm classes and templates with forms that post",
    "Another site can send a form in the user's name; the browser adds the cookie, only the token tells who wrote the form.",
    "https://flask-wtf.readthedocs.io/en/stable/csrf/",
)
HEADERS = Rule(
    "security-config.headers",
    Severity.WARNING,
    "Security headers are sent with every answer",
    'Send them in one place: `Talisman(app)` from flask_talisman, or in `after_request` `response.headers["X-Content-Type-Options"] = "nosniff"` '
    'and `response.headers["X-Frame-Options"] = "DENY"`.',
    "Talisman, `X-Content-Type-Options`, `X-Frame-Options` and `Content-Security-Policy` in code and in the proxy's configuration",
    "Without nosniff a browser may run an uploaded file as a script; without frame protection other sites can lay your pages under theirs.",
    "https://flask.palletsprojects.com/en/stable/web-security/#security-headers",
)


def session_cookies(repo: Repo) -> Iterator[Observation]:
    app = next(iter(repo.fact(apps)), None)
    if app is None:
        return
    if not repo.fact(uses_sessions):
        yield from proven_absent(repo, SESSION_COOKIES.looks_for)
        return
    talisman = next(((m, c) for m, c in repo.calls(*TALISMANS, served=True)), None)
    for key in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_HTTPONLY"):
        given = settings(repo, key)
        for setting in given:
            yield _flag(key, value_of(repo, setting), setting.place, setting)
        if not given and talisman and key != "SESSION_COOKIE_HTTPONLY":
            module, call = talisman
            word = keyword(call, OFF_DEFAULTS[key])
            yield _flag(key, repo.resolve(module, word), module.place(word)) if word else holds(f"Talisman sets {key}", module.place(call))
        elif not given and key == "SESSION_COOKIE_HTTPONLY":
            yield holds("SESSION_COOKIE_HTTPONLY is left at Flask's default, True", app.place)
        elif not given and (elsewhere := named_in(repo, key)):
            yield unclear(f"{key} is set in {elsewhere}, which could not be resolved", elsewhere)
        elif not given and not repo.blind:
            yield broken(f"{key} is not set: Flask's default is {'False' if key.endswith('SECURE') else 'None'}", app.place)


def _flag(key: str, value: Value, place: Place, setting: Setting | None = None) -> Observation:
    wanted = (lambda v: str(v).lower() in ("lax", "strict")) if key.endswith("SAMESITE") else is_on
    by_environment = bool(value.env) and all(ENVIRONMENT.fullmatch(name) for name in value.env)
    if value.unresolved:
        return unclear(f"{key} is `{value.unresolved}`", place)
    if value.may_be(lambda v: not wanted(v)) and not (by_environment and setting):
        return broken(f"{key} is off when {' or '.join(value.env)} is not set" if value.env else f"{key} is {value.literals[0]!r}", place)
    return holds(f"{key} comes from {' or '.join(value.env)}" if value.env else f"{key}={value.literals[0]!r}", place)


def cors(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(policies)
    if not found:
        yield from proven_absent(repo, CORS.looks_for)
    for policy in found:
        if policy.credentials and policy.any_origin and policy.switch:
            yield unclear(f"CORS allows every origin with credentials once `{policy.switch}` is on", policy.place)
        elif policy.credentials and policy.any_origin and not (policy.by_hand and not policy.reflected):
            yield broken(f"CORS allows every origin with credentials{policy.unless}", policy.place)
        elif policy.any_origin and policy.credentials is None and not (policy.by_hand and not policy.reflected):
            yield unclear("CORS allows every origin, and whether with credentials could not be told", policy.place)
        elif policy.credentials is None and policy.unresolved and not policy.any_origin:
            yield unclear(f"the options of CORS are `{policy.unresolved}`", policy.place)
        elif policy.credentials and policy.unresolved and not policy.origins:
            yield unclear(f"CORS allows credentials for `{policy.unresolved}`", policy.place)
        elif policy.credentials:
            yield holds(f"CORS allows credentials only for {policy.shown}", policy.place)
    if found and not any(p.credentials is not False for p in found):
        yield holds("CORS allows no credentials", found[0].place)


def cors_origins(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(policies)
    if not found:
        yield from proven_absent(repo, CORS_ORIGINS.looks_for)
    files: dict[str, list[Policy]] = {}
    for policy in found:
        if policy.any_origin:
            files.setdefault(policy.place.path, []).append(policy)
        elif policy.unresolved and not policy.origins:
            yield unclear(f"the origins are `{policy.unresolved}`", policy.place)
        else:
            yield holds(f"CORS allows {policy.shown}", policy.place)
    for several in files.values():
        more = f" ({len(several)} places in this file)" if len(several) > 1 else ""
        yield broken(f"CORS allows every origin{several[0].unless}{more}", several[0].place)


def csrf(repo: Repo) -> Iterator[Observation]:
    off = [s for s in settings(repo, "WTF_CSRF_ENABLED") if s.value.may_be(lambda v: not v)]
    for setting in off:
        yield broken(f"WTF_CSRF_ENABLED is off{f' when {setting.value.env[0]} is not set' if setting.value.env else ''}", setting.place)
    protected = next(protections(repo), None)
    applications = repo.fact(apps)
    forms = repo.fact(post_forms) if applications else []
    if protected:
        yield holds(*protected)
    elif forms:
        own = next(own_checks(repo), None)
        for form in forms:
            if not form.token and own:
                yield unclear(f"this form has no token, and what the check at {own} covers could not be told", form.place)
            elif not form.token and not repo.blind:
                yield broken("this form posts without a token, and nothing protects all forms", form.place)
        if with_token := [form for form in forms if form.token]:
            yield holds(f"{len(with_token)} of {len(forms)} forms that post carry a token", with_token[0].place)
    elif not off:
        yield from proven_absent(repo, CSRF.looks_for)


def headers(repo: Repo) -> Iterator[Observation]:
    app = next(iter(repo.fact(apps)), None)
    if extensions := repo.fact(header_extensions):
        yield holds(f"{extensions[0][0]} sends the security headers", extensions[0][1])
        return
    sent = repo.fact(sent_headers)
    framing = next((sent[name] for name in sorted(FRAMING) if name in sent), None)
    if NOSNIFF in sent:
        yield holds("X-Content-Type-Options is sent", sent[NOSNIFF])
    if framing:
        yield holds("X-Frame-Options or a Content-Security-Policy is sent", framing)
    if app and not repo.blind:
        if not sent:
            yield broken("nothing in the tree sends security headers", app_place(repo) or app.place)
        elif NOSNIFF not in sent:
            yield broken("X-Content-Type-Options is not sent", framing)
        elif framing is None:
            yield broken("neither X-Frame-Options nor a Content-Security-Policy is sent", sent[NOSNIFF])


RULES = {
    SESSION_COOKIES: session_cookies,
    CORS: cors,
    CORS_ORIGINS: cors_origins,
    CSRF: csrf,
    HEADERS: headers,
}
