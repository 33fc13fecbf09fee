"""The replica that leads replaces the authority. Losing the lead costs nothing here: the server goes on, and somebody else continues."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from functools import partial
from typing import Any

from steward.http import pki
from steward.runtime.component import Context
from steward.runtime.errors import LeaseLost
from steward.runtime.fence import Fence
from steward.runtime.lease import Lease
from steward.runtime.plan import Event
from steward.runtime.stopping import StoppedFirst, unless_stopped
from steward.telemetry.logging import get_logger
from steward.telemetry.probes import Verdict
from steward.webhook.certificates import metrics
from steward.webhook.certificates.looking import Seen, look_again
from steward.webhook.certificates.rotation import Situation, decide
from steward.webhook.certificates.timing import Timing

log = get_logger(__name__)


class Leader:
    """A :class:`~steward.runtime.component.Service`: waits for the lease, and while it has it, does what :func:`decide` says.

    Args:
        context: For the lease and the writes.
        seen: What decides.
        authority: What authorities are called.
        timing: Lives and waits.
    """

    name = "certificate rotation"

    def __init__(self, context: Context[Any], seen: Seen, *, authority: str, timing: Timing) -> None:
        self._context = context
        self._hands = context.hands
        self._seen = seen
        self._authority = authority
        self._timing = timing
        self._woken = asyncio.Event()
        self._told: tuple[Event, ...] = ()
        seen.wakes(self._woken)

    async def run(self, stopping: asyncio.Event) -> None:
        """Lead whenever nobody else does, until told to stop."""
        lease = self._hands.lease(self._seen.key)
        while not stopping.is_set():
            try:
                await self._lead(lease, stopping)
            except LeaseLost as error:
                log.warning("lost the lease of the certificates, waiting for it", reason=str(error))

    def ready(self) -> Verdict:
        """Always: who does not lead serves all the same."""
        return Verdict(True)

    async def _lead(self, lease: Lease, stopping: asyncio.Event) -> None:
        with suppress(StoppedFirst):
            fence = await unless_stopped(stopping, lease.acquire())
            async with lease.keep(fence):
                await look_again(partial(self.look, fence), woken=self._woken, stopping=stopping)

    async def look(self, fence: Fence) -> float:
        """Do what is due. Returns: seconds until it is worth another look."""
        decision = decide(self._situation())
        plan = decision.plan
        outcome = await self._hands.perform(plan, fence=fence, told=self._told)
        self._told = plan.events
        await self._seen.settle(self._hands, outcome)
        if decision.step:
            self._context.instruments[metrics.ROTATIONS].labels(decision.step).inc()
            log.info("certificate authority", step=decision.step)
        poll = self._timing.poll.total_seconds()
        return 0.0 if plan.actions else min(poll, plan.requeue_after or poll)

    def _situation(self) -> Situation:
        now = dt.datetime.now(dt.UTC)
        return Situation(
            key=self._seen.key,
            instance=self._context.instance,
            authority=self._authority,
            secret=self._seen.secret,
            configuration=self._seen.configuration,
            ready=self._seen.ready,
            trusted_for=self._seen.trusted_for(),
            fresh=pki.authority(self._authority, self._timing.validity(now, self._timing.authority)),
            now=now,
            timing=self._timing,
        )
