"""What a service of a component works with that decides for itself when it writes, and who leads."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from steward.runtime.apply import Writers, perform
from steward.runtime.client import Client
from steward.runtime.fence import OPEN, Fence
from steward.runtime.lease import Lease, LeaseConfig
from steward.runtime.plan import Event, Outcome, Plan
from steward.runtime.recorder import Recorder
from steward.runtime.resource import Key
from steward.runtime.store import Store


class Hands:
    """Carries out Plans, leads and reads again, outside of a controller.

    Args:
        client: Makes one more client; a lease has its own, behind slow writes a renewal would come too late.
        recorder: Told what was done.
        writers: The write sides of the caches.
        identity: Name of this process, unique in the cluster.
    """

    def __init__(self, client: Callable[[], Client], recorder: Recorder, writers: Callable[[], Writers], *, identity: str) -> None:
        self._new_client = client
        self._client = client()
        self._recorder = recorder
        self._writers = writers
        self.identity = identity

    async def perform(self, plan: Plan, *, fence: Fence = OPEN, told: Container[Event] = ()) -> Outcome:
        """See :func:`steward.runtime.apply.perform`."""
        return await perform(plan, client=self._client, recorder=self._recorder, fence=fence, writers=self._writers(), told=told)

    async def refresh(self, store: Store[Any], key: Key) -> None:
        """Read an object anew, where a Conflict says that the cache is behind. That it is gone is left to the watch to tell."""
        found = await self._client.find(store.resource, key)
        if found is not None:
            self._writers()[str(store.resource)].upsert(found)

    def lease(self, key: Key) -> Lease:
        """A lease that only this service needs: losing it is its own affair and not the end of the process."""
        return Lease(self._new_client(), LeaseConfig(key=key, identity=self.identity))
