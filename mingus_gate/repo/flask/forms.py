"""HTML forms that post, as facts, and what protects them against cross-site requests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mingus_gate.model import Place
from mingus_gate.repo import Repo

FORM = re.compile(r"<form\b(?P<head>[^>]*)>(?P<body>.*?)(?:</form>|\Z)", re.IGNORECASE | re.DOTALL)
POSTS = re.compile(r"\bmethod\s*=\s*['\"]?\s*post", re.IGNORECASE)
ELSEWHERE = re.compile(r"\baction\s*=\s*['\"]\s*(https?:)?//", re.IGNORECASE)
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
    """The forms of the templates that post to this application, in path and line order."""
    found = []
    for file in repo.files(".html", ".htm", ".jinja", ".jinja2", ".j2"):
        if "templates/" not in file.path or not file.mentions(b"<form", b"<FORM"):
            continue
        for form in FORM.finditer(file.text):
            if POSTS.search(form["head"]) and not ELSEWHERE.search(form["head"]):
                line = file.text.count("\n", 0, form.start()) + 1
                found.append(Form(Place(file.path, line), bool(TOKEN.search(form["head"] + form["body"]))))
    return found


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
