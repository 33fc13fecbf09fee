"""What no look at the cluster tells: which children others change as often as we write them. Holds no more than there are pods with such children."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from steward.headless import children
from steward.headless.model import EndpointSlice, Pod, Service
from steward.runtime.plan import Apply, Create, Delete, Outcome
from steward.runtime.resource import Key, Resource
from steward.runtime.store import Store

MENDS, WINDOW = 5, 600.0
"""What others change in one child is mended so often within this many seconds; then it is left alone until they have passed."""

Child = tuple[str, str]
"""Kind and name."""


class Attempt(msgspec.Struct, frozen=True):
    """What became of our writes to one child.

    Attributes:
        desired: What we wrote last, if anything.
        spoilt: Resource version of the server's answer when that was not what we wrote: admission changes it. Empty otherwise.
        mended: When the same was written again or made room for, on the clock of the :class:`Memory`.
        is_exhausted: Whether that was too often.
    """

    desired: Service | EndpointSlice | None = None
    spoilt: str = ""
    mended: tuple[float, ...] = ()
    is_exhausted: bool = False


class Memory:
    """Attempts by the key of the pod, in this process; the next leader finds out for itself.

    Attributes:
        conflicts: Pods whose name others keep from being as it should. Read from other threads too.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.conflicts: set[Key] = set()
        self._attempts: dict[Key, dict[Child, Attempt]] = {}
        self._clock = clock

    def learn(self, key: Key, pod: Pod | None, outcome: Outcome, stores: Mapping[Resource[Any], Store[Any]]) -> bool:
        """Remember what became of writes whose answers are in the stores; whether all is as it was wanted, and nothing is to follow."""
        settled = not outcome.errors
        for action, error in outcome.results:
            if error is not None:
                continue
            if isinstance(action, Delete):
                # What makes room is followed by what fills it; of what leaves nothing behind, everything is forgotten.
                settled = False
                if pod is not None and children.belongs_to(action.observed.metadata, pod):
                    self.deleted(key, action)
            if not isinstance(action, Create | Apply):
                continue
            answer = stores[action.resource].get(action.desired.metadata.key)
            is_spoilt = answer is not None and bool(children.differences(answer, action.desired))
            self.wrote(key, action, answer.metadata.resource_version if answer is not None and is_spoilt else "")
            settled = settled and answer is not None and not is_spoilt
        return settled

    def wrote(self, key: Key, action: Create[Any] | Apply[Any], spoilt: str) -> None:
        """A child was written; ``spoilt`` as in :class:`Attempt`."""
        child = _child(action.desired)
        known = self._attempts.get(key, {}).get(child)
        mended = known.mended if known is not None else ()
        if isinstance(action, Apply):
            # Another wish is no mending: a pod whose readiness flaps is followed for ever.
            mended = (*mended, self._clock()) if known is not None and known.desired in (None, action.desired) else (self._clock(),)
        if mended or spoilt or known is not None:
            self._keep(key, child, Attempt(action.desired, spoilt, mended))

    def deleted(self, key: Key, action: Delete[Any]) -> None:
        """A child of a pod that is there was deleted, to make room for a right one."""
        child = _child(action.observed)
        known = self._attempts.get(key, {}).get(child, Attempt())
        self._keep(key, child, Attempt(known.desired, "", (*known.mended, self._clock())))

    def judge(self, key: Key, *, is_conflict: bool) -> None:
        """Whether the pod's name is in conflict, as the last look found."""
        (self.conflicts.add if is_conflict else self.conflicts.discard)(key)

    def attempts(self, key: Key) -> Mapping[Child, Attempt]:
        """What is known of the children of a pod; what is past is forgotten."""
        since = self._clock() - WINDOW
        left: dict[Child, Attempt] = {}
        for child, known in self._attempts.pop(key, {}).items():
            mended = tuple(at for at in known.mended if at > since)
            if mended or known.spoilt:
                left[child] = Attempt(known.desired, known.spoilt, mended, len(mended) >= MENDS)
        if left:
            self._attempts[key] = left
        return left

    def forget(self, key: Key) -> None:
        """Nothing is left of this pod and its children."""
        self._attempts.pop(key, None)
        self.conflicts.discard(key)

    def _keep(self, key: Key, child: Child, attempt: Attempt) -> None:
        self._attempts[key] = {**self._attempts.get(key, {}), child: attempt}


def _child(item: Service | EndpointSlice) -> Child:
    return type(item).__name__, item.metadata.name
