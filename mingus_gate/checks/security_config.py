"""Are secrets, cookies, CSRF, CORS and headers set for production?"""

from __future__ import annotations

from collections.abc import Iterator

from mingus_gate.model import Check, Observation, Place, Rule, Severity, broken, holds, unclear
from mingus_gate.repo import Repo
from mingus_gate.repo.env.variables import ENVIRONMENT, value_of
from mingus_gate.repo.flask.app import Setting, apps, proven_absent, settings
from mingus_gate.repo.flask.back_doors import gates
from mingus_gate.repo.flask.debug import app_runs, debug_lines, only_by_main, wsgi_servers
from mingus_gate.repo.flask.forms import own_checks, post_forms, protections
from mingus_gate.repo.flask.routes import app_place
from mingus_gate.repo.flask.session_cookies import OFF_DEFAULTS, named_in, uses_sessions
from mingus_gate.repo.flask.signing_keys import Key, refused_at, signing_keys
from mingus_gate.repo.flask.tokens import Token, checked_tokens, made_tokens
from mingus_gate.repo.limits.bodies import bounds, other_proxy, taking_bodies
from mingus_gate.repo.python import keyword
from mingus_gate.repo.values import Value
from mingus_gate.repo.web.cors import policies
from mingus_gate.repo.web.cors_policy import Policy
from mingus_gate.repo.web.proxies import asks_address, believed_headers, other_headers, proxy_fixes, proxy_in_front
from mingus_gate.repo.web.security_headers import FRAMING, NOSNIFF, TALISMANS, header_extensions, sent_headers
from mingus_gate.target import Target, shown

SECRET_KEY = Rule(
    "security-config.secret-key",
    Severity.CRITICAL,
    "Signing and encryption keys come from the environment, without a fallback",
    'Read the key without a fallback, so that a start without it fails: `SECRET_KEY = os.environ["SECRET_KEY"]`.',
    "`SECRET_KEY`, `JWT_SECRET_KEY`, `ENCRYPTION_KEY` and the like",
    "Who knows the key signs in as anybody: it is in the source for everyone who ever had the repository, and one missing "
    "variable in production is enough to make it the real one.",
    "https://flask.palletsprojects.com/en/stable/config/#SECRET_KEY",
)
DEBUG = Rule(
    "security-config.debug",
    Severity.CRITICAL,
    "Debug mode is off in production",
    "Turn it off, `DEBUG = False`, `debug=False`, `FLASK_DEBUG=0`; let developers ask, `flask run --debug`, and start production with gunicorn.",
    "`DEBUG` settings, `app.run(debug=…)`, `FLASK_DEBUG` in deploy files, and the WSGI server they start",
    "The debugger shows source and variables with every error and lets a visitor run Python on the server.",
    "https://flask.palletsprojects.com/en/stable/debugging/",
)
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
BACK_DOOR = Rule(
    "security-config.back-door",
    Severity.CRITICAL,
    "Nobody is let in for a value that stands in the source",
    "Delete the line; where tests need it, ask for a setting that only they switch on: `if current_app.testing and …`.",
    "tests of passwords, tokens, users and request headers against literals, and `check_password_hash`, `compare_digest` and the like",
    "Whoever reads the repository, or guesses `test-token`, is let in; nothing in the logs tells them from a real user.",
    "https://owasp.org/www-community/vulnerabilities/Use_of_hard-coded_password",
)
JWT_VERIFIED = Rule(
    "security-config.jwt-verified",
    Severity.CRITICAL,
    "The signature of every token is checked, with a named algorithm",
    'Check it, and name the algorithm: `jwt.decode(token, key, algorithms=["HS256"])`.',
    "`jwt.decode` of PyJWT, python-jose and authlib, and flask-jwt-extended",
    "A token whose signature nobody checks is written by whoever sends it: any user, any role.",
    "https://pyjwt.readthedocs.io/en/stable/algorithms.html#specifying-an-algorithm",
)
JWT = Rule(
    "security-config.jwt",
    Severity.WARNING,
    "Access tokens expire",
    'Let them end: `JWT_ACCESS_TOKEN_EXPIRES = timedelta(minutes=15)`, or `"exp": datetime.now(UTC) + timedelta(minutes=15)` in the payload.',
    "`JWT_ACCESS_TOKEN_EXPIRES`, `create_access_token` and the payloads of `jwt.encode`",
    "A token cannot be called back: one that never ends, once copied from a log or a laptop, opens the account for ever.",
    "https://flask-jwt-extended.readthedocs.io/en/stable/options.html#JWT_ACCESS_TOKEN_EXPIRES",
)
PROXIES = Rule(
    "security-config.proxies-counted",
    Severity.WARNING,
    "The client's address is what a counted number of proxies say",
    "Count the proxies in front, and read `request.remote_addr`: `app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)`.",
    "ProxyFix, X-Forwarded-For read by hand, and proxies of the tree (nginx, Procfile, ingress)",
    "Without it each client has the proxy's address, in limits and logs alike; the first entry of the header is whatever the client wrote.",
    "https://flask.palletsprojects.com/en/stable/deploying/proxy_fix/",
)
REQUEST_SIZE = Rule(
    "security-config.request-size",
    Severity.WARNING,
    "The size of a request is bounded",
    "Set the largest body you take: `MAX_CONTENT_LENGTH = 16 * 1024 * 1024`, or `client_max_body_size 16m;` in nginx.",
    "`MAX_CONTENT_LENGTH`, `client_max_body_size` and the like, and routes that accept POST, PUT or PATCH",
    "Flask reads a body of any size by itself: a few that are large enough fill memory and disk.",
    "https://flask.palletsprojects.com/en/stable/web-security/#resource-use",
)

ANSWER_HEADERS = Rule(
    "security-config.answer-headers",
    Severity.WARNING,
    "Answers carry the security headers",
    "Set them on every answer, for instance with Flask-Talisman: `Talisman(app)`.",
    "headers of the answer to `GET /` at MINGUS_BASE_URL",
    "Headers set in the code may be lost in a proxy, and are often missing from the pages a proxy answers itself.",
    "https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring",
)


def secret_key(repo: Repo) -> Iterator[Observation]:
    keys = repo.fact(signing_keys)
    for key in keys:
        yield from _judge_key(repo, key)
    if not keys:
        yield from proven_absent(repo, SECRET_KEY.looks_for)


def _judge_key(repo: Repo, key: Key) -> Iterator[Observation]:
    value, unless = key.value, " or ".join(key.value.env)
    texts = [v for v in value.literals if isinstance(v, str | bytes) and v]
    if texts and (guard := refused_at(repo, key, texts)):
        yield holds(f"{key.name} has a fallback, but the start is refused with it at {guard}", key.place)
    elif texts:
        yield broken(
            f"{key.name} falls back to a literal when {unless} is not set" if unless else f"{key.name} is a literal in the source", key.place
        )
    elif key.made_up:
        when = f" when {unless} is not set" if unless else ""
        yield broken(f"{key.name} is made up anew by every process{when}: workers do not accept each other's signatures", key.place)
    elif value.unresolved and not key.stored:
        yield unclear(f"{key.name} is `{value.unresolved}`", key.place)
    elif value.unresolved or unless:
        yield holds(f"{key.name} comes from {unless} without a fallback" if unless else f"{key.name} is read from a secret store", key.place)


def debug(repo: Repo) -> Iterator[Observation]:
    for setting in settings(repo, "DEBUG", "FLASK_DEBUG"):
        if only_by_main(repo, setting.module, setting.node):
            continue
        value = value_of(repo, setting)
        unless = " or ".join(value.env)
        if value.may_be(_is_on):
            yield broken(f"{setting.key} is on when {unless} is not set" if unless else f"{setting.key} is on", setting.place)
        elif value.unresolved:
            yield unclear(f"{setting.key} is `{value.unresolved}`", setting.place)
        elif value.literals or unless:
            yield holds(f"{setting.key} is off unless {unless} says so" if unless else f"{setting.key} is off", setting.place)
    for line in repo.fact(debug_lines):
        yield broken("the process is started with debug mode on", line.place)
    yield from _runs(repo)


def _runs(repo: Repo) -> Iterator[Observation]:
    """What `app.run(debug=…)` comes to: it counts where importing the file reaches it, or where production runs the file."""
    servers = repo.fact(wsgi_servers)
    for line in servers[:1]:
        yield holds(f"{line.text} serves the application, not the development server", line.place)
    for run in repo.fact(app_runs):
        on = run.debug is not None and run.debug.may_be(_is_on)
        if on and not run.guarded:
            yield broken("importing this file starts the development server with debug mode on", run.place)
        elif on and run.started and run.started.sure:
            yield broken(f"debug mode is on, and {run.started.place} starts this file", run.place)
        elif on and not servers:
            yield unclear(f"debug mode is on when {run.place.path} itself is run, and no deploy file tells what production starts", run.place)
        elif run.started and run.started.sure and run.debug is not None and not run.debug.unresolved:
            yield holds(f"{run.started.place} starts this file with debug mode off", run.place)


def _is_on(value: object) -> bool:
    return value is True or (not isinstance(value, bool) and str(value).lower() in ("1", "true", "yes", "on", "t"))


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
    wanted = (lambda v: str(v).lower() in ("lax", "strict")) if key.endswith("SAMESITE") else _is_on
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


def back_door(repo: Repo) -> Iterator[Observation]:
    found = repo.fact(gates)
    for gate in found:
        yield broken(f"`{gate.name}` opens for {gate.opens}", gate.place) if gate.opens else holds(f"`{gate.name}` asks what is stored", gate.place)
    if not found:
        yield from proven_absent(repo, BACK_DOOR.looks_for)


def jwt_verified(repo: Repo) -> Iterator[Observation]:
    yield from _tokens(repo, repo.fact(checked_tokens), JWT_VERIFIED)


def jwt(repo: Repo) -> Iterator[Observation]:
    yield from _tokens(repo, repo.fact(made_tokens), JWT)


def _tokens(repo: Repo, found: list[Token], rule: Rule) -> Iterator[Observation]:
    for token in found:
        yield Observation(token.good, token.said, token.place)
    if not found:
        yield from proven_absent(repo, rule.looks_for)


def proxies_counted(repo: Repo) -> Iterator[Observation]:
    believed, fixes = repo.fact(believed_headers), repo.fact(proxy_fixes)
    for place in believed:
        yield broken("the client's address is the first entry of X-Forwarded-For, which the client writes", place)
    for fix in fixes:
        yield holds(f"ProxyFix counts {fix.count}", fix.place)
    front, asking = proxy_in_front(repo), asks_address(repo)
    if believed or fixes:
        return
    if not front or not asking:
        yield from proven_absent(repo, "a proxy in the tree with an application that asks for the client's address")
    elif other := other_headers(repo):
        yield unclear(f"the client's address is also read from a header at {other}; which one counts could not be told", asking)
    else:
        yield broken(f"{front[0]} stands in front ({front[1]}) and no ProxyFix: this is the proxy's address, not the client's", asking)


def request_size(repo: Repo) -> Iterator[Observation]:
    found, taking = repo.fact(bounds), repo.fact(taking_bodies)
    lifted = next((bound for bound in found if not bound.limits), None)
    limits = [bound for bound in found if bound.limits]
    for bound in limits:
        yield holds(bound.said, bound.place)
    if limits or not repo.fact(apps):
        return
    if not taking:
        yield from proven_absent(repo, "routes that accept POST, PUT or PATCH")
    else:
        shown = f"{len(taking)} routes accept" if len(taking) > 1 else "a route accepts"
        unbounded = f"{shown} a body, and nothing in the tree bounds its size"
        if lifted:
            yield broken(lifted.said, lifted.place)
        elif other := repo.fact(other_proxy):
            yield unclear(f"{shown} a body; whether a proxy like the one at {other} bounds its size is not in the tree", other)
        else:
            yield broken(unbounded, app_place(repo))


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


CHECK = Check(
    "security-config",
    "Security configuration",
    "Are secrets, cookies, CSRF, CORS and headers set for production?",
    weight=4,
    static={
        SECRET_KEY: secret_key,
        DEBUG: debug,
        SESSION_COOKIES: session_cookies,
        CORS: cors,
        CORS_ORIGINS: cors_origins,
        CSRF: csrf,
        HEADERS: headers,
        BACK_DOOR: back_door,
        JWT_VERIFIED: jwt_verified,
        JWT: jwt,
        PROXIES: proxies_counted,
        REQUEST_SIZE: request_size,
    },
    live={ANSWER_HEADERS: answer_headers},
)
