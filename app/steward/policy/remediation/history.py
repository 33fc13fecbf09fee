"""What was tried for which template, and what came of it: on the workload itself, so that the next leader knows. Pure.

::

    (no record) -> applied -> proved        the rollout became available, and no container was restarted
                           -> reverted      it did not: taken back, and tried again after a day, two, four …
    applied, proved -> withdrawn             the container's port changed: taken back, and tried again for the new template
    any -> undone                            somebody ran steward policy undo: never again for this template
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from steward.policy.remediation import additions
from steward.policy.remediation.additions import Patch
from steward.policy.remediation.model import RECORD, Workload
from steward.runtime.resource import Struct

Result = Literal["applied", "proved", "reverted", "withdrawn", "undone"]

BACK_OFF = dt.timedelta(hours=24)
"""Before a template is tried again whose patch was taken back, for the first time. It doubles."""

SKEW = dt.timedelta(seconds=30)
"""How far the clock of the API server, by which pods are made, may be behind ours, and that of a former leader ahead. More than clocks that are
kept differ by, and less than the shortest watch, so that pods of the patch before are told apart."""

TRIES_LIMIT = 10
"""Doublings that are counted: three years."""

YEARS = (2000, 9000)
"""Of the times in records: far enough from the first and the last of :mod:`datetime` for all that is added and taken away."""


class Record(Struct, frozen=True, kw_only=True):
    """The last attempt.

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

    def may_have_made(self, created: dt.datetime) -> bool:
        """Whether a pod that was created then, by the server's clock, may be of this attempt."""
        return created >= self.at - SKEW

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
    """The record of a patch that is about to be applied; failures of this template stay counted."""
    template = additions.fingerprint(workload)
    tries = before.tries if before is not None and before.template == template else 0
    return Record(template=template, patch=additions.digest(patch), fields=additions.fields(patch), at=now.replace(microsecond=0), tries=tries)


def concluded(record: Record, result: Result, now: dt.datetime) -> Record:
    """The same attempt, and what came of it."""
    tries = record.tries + 1 if result == "reverted" else record.tries
    at = record.at if result == "proved" else now.replace(microsecond=0)
    return msgspec.structs.replace(record, result=result, at=at, tries=tries)


def lost(workload: Workload, record: Record) -> tuple[str, ...]:
    """Fields of the attempt that are gone though the template is the same: somebody takes away what we add."""
    if record.result not in ("applied", "proved") or record.template != additions.fingerprint(workload):
        return ()
    there = set(additions.fields(additions.owned(workload)))
    return tuple(name for name in record.fields if name not in there and not _is_there(workload, name))


def _is_there(workload: Workload, name: str) -> bool:
    """Whether a field has a value, whoever wrote it: then it was taken over, not away."""
    for container in workload.spec.template.spec.containers:
        field = name.removeprefix(f"{container.name}.")
        if field == name:
            continue
        match field.split("."):
            case ["readinessProbe"]:
                return container.readiness_probe is not None
            case ["livenessProbe"]:
                return container.liveness_probe is not None
            case ["resources", kind, resource]:
                return resource in (container.resources.requests if kind == "requests" else container.resources.limits)
    return False
