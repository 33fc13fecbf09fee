"""What no look at the cluster tells: attempts whose record somebody took off, refusals, and what is to be shown in a policy's status."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Mapping

import msgspec

from steward.governance.policies import Proposal
from steward.policy.remediation.history import Record
from steward.runtime.resource import Key

REFUSED_FOR = dt.timedelta(hours=1)
"""How long a refused patch is not tried again: a quota may have room by then. It doubles, for each time costs two dry runs."""

REFUSED_LIMIT = dt.timedelta(days=1)
"""The longest that it is not tried again."""

ATTEMPTS_LIMIT = 1000
"""Times of patches that are remembered: the most that can be allowed within an hour."""


class Refusal(msgspec.Struct, frozen=True):
    """A patch that could not be written.

    Attributes:
        patch: Digest of it.
        generation: Of the workload at that time.
        at: When.
        note: Why.
        for_generation: Whether it holds until the workload's next generation; else until :attr:`ends`.
        tries: How often it could not.
    """

    patch: str
    generation: int
    at: dt.datetime
    note: str
    for_generation: bool
    tries: int = 1

    @property
    def ends(self) -> dt.datetime | None:
        """When it may be tried again; None when not in this generation."""
        if self.for_generation:
            return None
        # No more doublings than make a day of an hour.
        return self.at + min(REFUSED_FOR * (1 << min(self.tries - 1, 5)), REFUSED_LIMIT)

    def is_about(self, patch: str, generation: int) -> bool:
        """Whether it was this patch of this generation."""
        return (self.patch, self.generation) == (patch, generation)

    def holds(self, patch: str, generation: int, now: dt.datetime) -> bool:
        """Whether trying again is useless."""
        return self.is_about(patch, generation) and (self.ends is None or now < self.ends)


class Standing(msgspec.Struct, frozen=True):
    """How it is with one workload, for the status of policies.

    Attributes:
        label: Why it is not patched; empty when it is, or lacks nothing.
        mended: Whether it has fields of ours.
        failed: Whether its last patch was refused or taken back.
        proposal: What would mend it, and why that was not applied.
    """

    label: str = ""
    mended: bool = False
    failed: bool = False
    proposal: Proposal | None = None


class Memory:
    """Of workloads by uid and by key. Holds no more than there are workloads."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._refusals: dict[str, Refusal] = {}
        self._plain: set[str] = set()
        self._uids: dict[Key, str] = {}
        self._standings: dict[str, dict[Key, Standing]] = {}
        self._patched: deque[tuple[str, dt.datetime]] = deque(maxlen=ATTEMPTS_LIMIT)

    def record(self, uid: str) -> Record | None:
        """What we last tried."""
        return self._records.get(uid)

    def refusal(self, uid: str) -> Refusal | None:
        """The last patch that could not be written."""
        return self._refusals.get(uid)

    def is_plain(self, uid: str) -> bool:
        """Whether the record cannot be written on the workload, because somebody else has written one."""
        return uid in self._plain

    @property
    def patched(self) -> tuple[tuple[str, dt.datetime], ...]:
        """Which workloads were patched, and when."""
        return tuple(self._patched)

    def wrote(self, uid: str, record: Record) -> None:
        """A record was written."""
        self._records[uid] = record
        self._refusals.pop(uid, None)
        if record.result == "applied":
            self._patched.append((uid, record.at))

    def refuse(self, uid: str, refusal: Refusal) -> bool:
        """A patch could not be written; whether that is news, and not the same as the last time."""
        before = self._refusals.get(uid)
        is_news = before is None or not before.is_about(refusal.patch, refusal.generation)
        tries = 1 if before is None or is_news else before.tries + 1
        self._refusals[uid] = msgspec.structs.replace(refusal, tries=tries)
        return is_news

    def leave_record(self, uid: str) -> None:
        """Somebody else wrote the record of this workload."""
        self._plain.add(uid)

    def stands(self, key: Key, uid: str, standing: Standing) -> bool:
        """Note how it is with a workload; whether that is news."""
        if self._uids.get(key, uid) != uid:
            self.forget(key)
        self._uids[key] = uid
        standings = self._standings.setdefault(key.namespace, {})
        is_news = standings.get(key) != standing
        standings[key] = standing
        return is_news

    def forget(self, key: Key) -> None:
        """The workload is gone."""
        uid = self._uids.pop(key, "")
        for known in (self._records, self._refusals):
            known.pop(uid, None)
        self._plain.discard(uid)
        standings = self._standings.get(key.namespace, {})
        standings.pop(key, None)
        if not standings:
            self._standings.pop(key.namespace, None)

    def standings(self, namespace: str) -> Mapping[Key, Standing]:
        """How it is with the workloads of a namespace."""
        return self._standings.get(namespace, {})
