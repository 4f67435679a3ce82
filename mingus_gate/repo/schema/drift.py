"""The drift of every history as a fact: the schema its revisions leave, against the metadata its env.py claims."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mingus_gate.model import Place
from mingus_gate.repo import Repo
from mingus_gate.repo.migrations.history import History
from mingus_gate.repo.migrations.replay import Replayed, dialect, replayed
from mingus_gate.repo.models.loaded import loaded
from mingus_gate.repo.models.metadatas import metadata_of, metadatas
from mingus_gate.repo.models.tables import Metadata
from mingus_gate.repo.schema.claims import Claim, claim, flask_database
from mingus_gate.repo.schema.diff import Comparison, Difference, Doubt, diff
from mingus_gate.repo.schema.nouns import Schema, Table

OBJECT = {"table": "table", "leftover": "column", "required leftover": "column", "key": "index"}
"""Kind of a difference → what Alembic's filters call the object; the others are columns."""


@dataclass(frozen=True)
class Drift:
    """What one history and its models came to; `unclear` says why they could not be compared."""

    history: History
    place: Place
    migrated: Schema
    found: Comparison = field(default_factory=Comparison)
    unclear: str = ""

    @property
    def assumed(self) -> dict[str, Place]:
        """Tables that were there before the first revision: those it alters, and those that keys of its tables point to."""
        if self.migrated.unclear:
            return self.migrated.assumed
        return self.migrated.assumed | _pointed_at(self.migrated)


def drifts(repo: Repo) -> list[Drift]:
    """One for each database of each history."""
    return [_drift(repo, one) for one in repo.fact(replayed)]


def _drift(repo: Repo, one: Replayed) -> Drift:
    claimed = claim(repo, one.history)
    known = _metadata(repo, claimed, one.engine)
    drift = Drift(one.history, claimed.place, one.schema)
    if not known:
        return replace(drift, unclear=claimed.unclear or "which models env.py's target_metadata stands for is not known")
    models = Schema(unclear=next((m.schema.unclear for m in known if m.schema.unclear), ""), unclear_place=known[0].place)
    for metadata in known:
        models.tables |= metadata.schema.tables
    migrated = replace(one.schema, assumed=drift.assumed)
    kind = repo.fact(dialect)
    found = diff(models, migrated, kind)
    checked = _Checked(repo, claimed, models, migrated, one.history)
    return replace(drift, found=checked.judge(found))


def _metadata(repo: Repo, claimed: Claim, engine: str) -> list[Metadata]:
    """The metadata that env.py names; where its words cannot be followed, the only one there is."""
    all_ = repo.fact(metadatas)
    found: list[Metadata] = []
    targets = [target for target in claimed.targets if target]
    flask = len(targets) < len(claimed.targets)
    bind = "" if engine in ("", "default") or not any(m.bind_key == engine for m in all_) else engine
    for module, node in [*targets, *(flask_database(repo) if flask else [])]:
        metadata = metadata_of(repo, module, node, bind)
        if metadata and metadata not in found:
            found.append(metadata)
    if found or claimed.unclear:
        return found
    likely = [m for m in all_ if m.bind_key == bind and (m.flask or not flask)]
    return likely if len(likely) == 1 else []


def _pointed_at(schema: Schema) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for table in schema.tables.values():
        for link in table.foreign_keys:
            if link.refers and link.refers not in schema.tables and link.refers.removeprefix("public.") not in schema.tables:
                found.setdefault(link.refers, link.place or table.place or Place(""))
    return found


@dataclass(frozen=True)
class _Checked:
    """Takes out of a comparison what `alembic check` would not say either."""

    repo: Repo
    claim: Claim
    models: Schema
    migrated: Schema
    history: History

    def judge(self, found: Comparison) -> Comparison:
        differences: list[Difference] = []
        doubts = [d for d in found.doubts if not self._extension(d)]
        for one in found.differences:
            answer = self._kept(one)
            if answer == "":
                differences.append(one)
            elif answer:
                doubts.append(Doubt(one.kind, one.table, one.column, answer, one.place))
        return replace(found, differences=differences, doubts=doubts)

    def _extension(self, doubt: Doubt) -> bool:
        """A table that an extension may or may not make, and no migration does."""
        return doubt.kind == "table" and bool((table := self.models.tables.get(doubt.table)) and table.unclear)

    def _kept(self, one: Difference) -> str | None:
        """ "" for a difference that stays, None for one that is none, else why it cannot be told."""
        if one.kind == "table" and one.place and not loaded(self.repo, one.place.path):
            return None
        if one.kind in ("type", "length") and self.claim.types:
            return None if self.claim.types.endswith("=False") else self.claim.types
        if one.kind == "length" and self._known_value(one):
            return None
        leftover = one.kind.endswith("leftover")
        table = self.models.tables.get(one.table) or self.migrated.tables.get(one.table) or Table(one.table)
        if leftover and not one.column and "." in one.table and not self.claim.include_schemas:
            return None
        answer = self._asked(one, table, leftover)
        return {True: "", False: None, None: "include_object in env.py"}[answer]

    def _known_value(self, one: Difference) -> bool:
        """Whether revisions name an enum's values after all: PostgreSQL never takes one out of a type again."""
        columns = [schema.tables[one.table].columns[one.column] for schema in (self.models, self.migrated) if one.table in schema.tables]
        more = {value.encode() for value in columns[0].type.values} - {value.encode() for value in columns[-1].type.values}
        return bool(more) and all(any(r.module.file.mentions(value) for r in self.history.revisions) for value in more)

    def _asked(self, one: Difference, table: Table, leftover: bool) -> bool | None:
        """What env.py's filters answer, first for the table, then for what stands in it."""
        name = one.table.rpartition(".")[2]
        asked = [(name, "table")]
        if one.column:
            asked.append((one.column, OBJECT.get(one.kind, "column")))
        answers: list[bool | None] = []
        for filter_ in (self.claim.include_object, self.claim.include_name if leftover else None):
            if filter_:
                answers += [filter_.keeps(table, asked_name, type_, reflected=leftover) for asked_name, type_ in asked]
        return False if False in answers else None if None in answers else True
