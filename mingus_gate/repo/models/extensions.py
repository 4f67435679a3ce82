"""Tables that packages declare on an application's metadata: no model of the tree names them, and they may or may not be there."""

from __future__ import annotations

from mingus_gate.repo import Repo
from mingus_gate.repo.schema.nouns import Schema, Table

TABLES: dict[bytes, tuple[str, ...]] = {
    b"SESSION_SQLALCHEMY": ("sessions",),
    b"social_flask_sqlalchemy": (
        *("social_auth_association", "social_auth_code", "social_auth_nonce"),
        *("social_auth_partial", "social_auth_usersocialauth"),
    ),
    b"casbin_sqlalchemy_adapter": ("casbin_rule",),
    b"SQLAlchemyJobStore": ("apscheduler_jobs",),
    b"sqlalchemy_celery_beat": (
        *("celery_periodictask", "celery_periodictaskchanged", "celery_crontabschedule"),
        *("celery_intervalschedule", "celery_solarschedule", "celery_clockedschedule"),
    ),
    b"result_backend": ("celery_taskmeta", "celery_tasksetmeta"),
    b"geoalchemy": ("spatial_ref_sys",),
}
"""A word of the code that uses the package → its tables."""


def add_extension_tables(repo: Repo, schema: Schema) -> None:
    """The tables of packages in use, each as unclear as it is."""
    for word, names in repo.fact(_used).items():
        for name in names:
            schema.tables.setdefault(name, Table(name, unclear=word))


def _used(repo: Repo) -> dict[str, tuple[str, ...]]:
    return {word.decode(): names for word, names in TABLES.items() if any(file.mentions(word) for file in repo.files(".py"))}
