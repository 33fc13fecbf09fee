"""What was tried for which template, and what came of it: on the workload itself, so that the next leader knows. Pure.

::

    (no record) -> applied -> proved        the rollout became available, and no container was restarted
                           -> reverted      it did not: taken back, and tried again after a day, two, four …
    applied, proved -> withdrawn             the container's port changed: taken back, and tried again for the new template
    applied, proved -> contested             somebody else took it away, and then changed the template: never again for this one
    any -> undone                            somebody ran steward policy undo: never again for this template

What stands in the way of another attempt at a template outlasts the next templates, for a rollback brings it back.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from steward.policy.remediation import additions
from steward.policy.remediation.additions import Patch
from steward.policy.remediation.model import RECORD, Workload
from steward.runtime.resource import Struct

Result = Literal["applied", "proved", "reverted", "withdrawn", "contested", "undone"]

BACK_OFF = dt.timedelta(hours=24)
"""Before a template is tried again whose patch was taken back, for the first time. It doubles."""

SKEW = dt.timedelta(seconds=30)
"""How far the clock of the API server, by which pods are made, may be behind ours, and that of a former leader ahead. More than clocks that are
kept differ by, and less than the shortest watch, so that pods of the patch before are told apart."""

TRIES_LIMIT = 10
"""Doublings that are counted: three years."""

PAST_LIMIT = 10
"""Templates before the present one that are remembered: as many as the revisions a Deployment may be rolled back to (apps/v1 defaults)."""

YEARS = (2000, 9000)
"""Of the times in records: far enough from the first and the last of :mod:`datetime` for all that is added and taken away."""


class Past(Struct, frozen=True, kw_only=True):
    """What was tried for one template.

    Attributes:
        template: Fingerprint of the template without our fields.
        patch: Digest of all our fields.
        fields: Their names.
        result: What came of it.
        at: When it was made, or taken back; RFC 3339 in UTC.
        tries: How often it was taken back for this template.
    """

    template: str
    patch: str
    fields: tuple[str, ...] = ()
    result: Result = "applied"
    at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    tries: int = 0

    def __post_init__(self) -> None:
        """Refuse a time that cannot be counted from; anybody who may change a workload may write one. Raises: ValueError."""
        if not YEARS[0] <= self.at.year < YEARS[1]:
            raise ValueError(f"at: expected a year from {YEARS[0]} on and before {YEARS[1]}, got {self.at.year}")

    def retry_at(self) -> dt.datetime:
        """When a patch that was taken back may be tried again."""
        doublings = min(max(self.tries, 1), TRIES_LIMIT) - 1
        return self.at + BACK_OFF * (1 << doublings)

    def holds(self, now: dt.datetime) -> bool:
        """Whether its result keeps the template from being patched, whatever is there of our fields."""
        return self.result in ("undone", "contested") or (self.result == "reverted" and now < self.retry_at())

    def may_have_made(self, created: dt.datetime) -> bool:
        """Whether a pod that was created then, by the server's clock, may be of this attempt."""
        return created >= self.at - SKEW


class Record(Past, frozen=True, kw_only=True):
    """The last attempt, and what is still to be known of those for other templates.

    Attributes:
        past: One for each template.
    """

    past: tuple[Past, ...] = ()

    def about(self, template: str) -> Past | None:
        """The last attempt for a template."""
        return next((one for one in (self, *self.past) if one.template == template), None)

    def annotation(self) -> str:
        """As it is written on the workload."""
        return msgspec.json.encode(self).decode()


_DECODER = msgspec.json.Decoder(Record)


def read(workload: Workload) -> Record | None:
    """The record of a workload; None without one, or when somebody made it unreadable."""
    try:
        return _DECODER.decode(workload.metadata.annotations.get(RECORD, ""))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_ours(workload: Workload) -> bool:
    """Whether the record is what remediation applied: who else writes one owns it from then on."""
    return workload.metadata.ours.metadata.annotations.record is not None


def newest(one: Record | None, two: Record | None) -> Record | None:
    """The later of two records, or else the first: ours, where somebody took that of the workload off, and that of the workload."""
    return max((record for record in (one, two) if record is not None), key=lambda record: record.at, default=None)


def attempt(workload: Workload, patch: Patch, before: Record | None, now: dt.datetime) -> Record:
    """The record of a patch that is about to be applied; failures of this template stay counted, and the others' results remembered."""
    template = additions.fingerprint(workload)
    same = before.about(template) if before is not None else None
    return Record(
        template=template,
        patch=additions.digest(patch),
        fields=additions.fields(patch),
        at=now.replace(microsecond=0),
        tries=same.tries if same is not None else 0,
        past=_past(workload, before, template, now) if before is not None else (),
    )


def concluded(record: Record, result: Result, now: dt.datetime) -> Record:
    """The same attempt, and what came of it."""
    tries = record.tries + 1 if result == "reverted" else record.tries
    at = record.at if result == "proved" else now.replace(microsecond=0)
    return msgspec.structs.replace(record, result=result, at=at, tries=tries)


def taken_back(workload: Workload, record: Record, result: Result, now: dt.datetime) -> Record:
    """An attempt that is taken back. What failed under another template than it was made for rests for both: nobody knows whose fault it was."""
    over = concluded(record, result, now)
    if result != "reverted" or record.template == additions.fingerprint(workload):
        return over
    return concluded(attempt(workload, additions.owned(workload), over, now), result, now)


def left(workload: Workload, record: Record) -> Result:
    """What becomes of an attempt when the workload has another template: ours is still there and counts for that one, or somebody took it away."""
    if record.result not in ("applied", "proved"):
        return record.result
    return "contested" if _gone(workload, record) else "withdrawn"


def lost(workload: Workload, tried: Past) -> tuple[str, ...]:
    """Fields of the attempt that are gone though the template is the same: somebody takes away what we add."""
    if tried.template != additions.fingerprint(workload):
        return ()
    if tried.result == "contested":
        return tried.fields
    return _gone(workload, tried) if tried.result in ("applied", "proved") else ()


def _past(workload: Workload, before: Record, template: str, now: dt.datetime) -> tuple[Past, ...]:
    """What is to be remembered besides an attempt for this template, the latest last; too many are first those that hold nothing up."""
    last = Past(template=before.template, patch=before.patch, fields=before.fields, result=left(workload, before), at=before.at, tries=before.tries)
    known = [one for one in (*before.past, last) if one.template != template and (one.holds(now) or one.tries)]
    known.sort(key=lambda one: (one.result == "undone", one.holds(now), one.at))
    return tuple(sorted(known[-PAST_LIMIT:], key=lambda one: one.at))


def _gone(workload: Workload, tried: Past) -> tuple[str, ...]:
    there = set(additions.fields(additions.owned(workload)))
    return tuple(name for name in tried.fields if name not in there and _is_bare(workload, name))


def _is_bare(workload: Workload, name: str) -> bool:
    """Whether a container is without the field; with a value, whoever wrote it, that was taken over, not away."""
    for container in workload.spec.template.spec.containers:
        field = name.removeprefix(f"{container.name}.")
        if field == name:
            continue
        match field.split("."):
            case ["readinessProbe"]:
                return container.readiness_probe is None
            case ["livenessProbe"]:
                return container.liveness_probe is None
            case ["resources", kind, resource]:
                return resource not in (container.resources.requests if kind == "requests" else container.resources.limits)
    return False
