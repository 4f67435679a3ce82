"""HTML forms that post, as facts, and what protects them against cross-site requests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.flask.routes import routes
from mingus_gate.repo.values import Value

FORM = re.compile(r"<form\b(?P<head>[^>]*)>(?P<body>.*?)(?:</form>|\Z)", re.IGNORECASE | re.DOTALL)
POSTS = re.compile(r"\bmethod\s*=\s*['\"]?\s*post", re.IGNORECASE)
ELSEWHERE = re.compile(r"\baction\s*=\s*['\"]\s*(https?:)?//", re.IGNORECASE)
ACTION = re.compile(r"\b(action|hx-post|ng-submit|v-on:submit|@submit|onsubmit)\b|\{[{%]", re.IGNORECASE)
"""What may send a form elsewhere, a template's own words in the tag included."""

TOKEN = re.compile(r"csrf|xsrf|hidden_tag|nonce|authenticity_token|quick_form|render_form|\(\s*\w*form\b", re.IGNORECASE)
"""A token field by any of its names, or a macro that is handed the whole form and may write one."""

PROTECTIONS = ("flask_wtf.CSRFProtect", "flask_wtf.csrf.CSRFProtect", "flask_wtf.csrf.CsrfProtect", "flask_wtf.CsrfProtect", "flask_seasurf.SeaSurf")
OWN_CHECK = re.compile(r"(check|valid|verif|protect|require)\w*csrf|csrf\w*(check|valid|verif|protect|require)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that posts to this application."""

    place: Place
    token: bool


def post_forms(repo: Repo) -> list[Form]:
    """The forms of the templates that post to this application, in path and line order.

    A form without an address posts to the page it stands on; one that only views for GET show is answered by nobody.
    """
    found = []
    shown = repo.fact(_shown_for_get)
    for file in repo.files(".html", ".htm", ".jinja", ".jinja2", ".j2"):
        if "templates/" not in file.path or not file.mentions(b"<form", b"<FORM"):
            continue
        for form in FORM.finditer(file.text):
            unanswered = not ACTION.search(form["head"]) and shown.only(file.path)
            if POSTS.search(form["head"]) and not ELSEWHERE.search(form["head"]) and not unanswered:
                line = file.text.count("\n", 0, form.start()) + 1
                found.append(Form(Place(file.path, line), bool(TOKEN.search(form["head"] + form["body"]))))
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """Names of templates, or what they start with, that views show: those that take GET alone, and all others."""

    get: tuple[str, ...]
    other: tuple[str, ...]

    def only(self, path: str) -> bool:
        """Whether a template is shown, and by views for GET alone."""
        name = path.partition("templates/")[2]
        return name.startswith(self.get) and not name.startswith(self.other)


def _shown_for_get(repo: Repo) -> Shown:
    answers = [(body, set(route.methods) <= {"GET", "HEAD", "OPTIONS"}) for route in repo.fact(routes) for body in route.bodies]
    get_only = {body for body, alone in answers if alone} - {body for body, alone in answers if not alone}
    get: list[str] = []
    other: list[str] = []
    for module, call in repo.calls("flask.render_template", "*.render_template", "*.render", served=True):
        function = module.function_around(call)
        value = repo.resolve(module, call.args[0]) if call.args else Value()
        names = value.texts or ("",)
        (get if value.texts and function in get_only else other).extend(names)
    return Shown(tuple(filter(None, get)), tuple(other))


def protections(repo: Repo) -> Iterator[tuple[str, Place]]:
    """What protects every form: an extension, or the application's own check before every request."""
    for module, call in repo.calls(*PROTECTIONS, served=True):
        yield f"{module.name(call.func).rpartition('.')[2]} protects every form", module.place(call)
    for module in repo.python(b"before_request", b"before_app_request", served=True):
        for function in module.functions:
            before = any(module.name(d).endswith(("before_request", "before_app_request")) for d in function.decorator_list)
            if before and re.search(r"csrf|xsrf|nonce", ast.unparse(function), re.IGNORECASE):
                yield f"{function.name} checks a token before every request", module.place(function)


def own_checks(repo: Repo) -> Iterator[Place]:
    """Functions of the application that check a token."""
    for module in repo.python(b"csrf", b"CSRF", served=True):
        for function in module.functions:
            if OWN_CHECK.search(function.name):
                yield module.place(function)
