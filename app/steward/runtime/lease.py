"""Leadership by a Lease (KEP-589), with client-go's durations and a fence that every write asks.

Guarantees: this process stops writing ``lease_duration - renew_deadline`` seconds before anybody else may take the lease, measured on its own
monotonic clock; a clean stop gives the lease back at once.
Not guaranteed: that a write which left in time is not carried out late by the server. Writes therefore name the uid of what they change.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from steward.runtime import errors
from steward.runtime.backoff import Pauses, pause
from steward.runtime.circuit import OUTAGE_BACKOFF
from steward.runtime.client import MERGE_PATCH, REQUEST_TIMEOUT, Client
from steward.runtime.fence import Held
from steward.runtime.resource import Key, ObjectMeta, Resource, Struct, micro_time
from steward.telemetry.logging import get_logger

JITTER = 1.2
"""How much looks at somebody else's lease are spread (client-go, leaderelection.JitterFactor). Downwards: a pause lasts the retry period divided
by 1 to 1 + JITTER, because every second until we see the last renewal of a leader that died is a second more without one."""

RELEASED_SECONDS = 1
"""Duration written into a lease that is given back, so that the next one takes it at once (client-go, leaderelection.release)."""

log = get_logger(__name__)


class LeaseSpec(Struct, frozen=True):
    """``coordination.k8s.io/v1`` LeaseSpec."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class LeaseObject(Struct, frozen=True):
    """A Lease."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LeaseSpec = LeaseSpec()


LEASES: Resource[LeaseObject] = Resource("coordination.k8s.io", "v1", "Lease", "leases", LeaseObject)


class LeaseConfig(msgspec.Struct, frozen=True):
    """Which lease, and how long it lasts.

    Attributes:
        key: Namespace and name of the Lease.
        identity: Who we are; unique for every process.
        lease_duration: Seconds others wait after the last renewal they saw.
        renew_deadline: Seconds after the last renewal at which we stop.
        retry_period: Seconds between attempts.
    """

    key: Key
    identity: str
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        if self.lease_duration <= self.renew_deadline:
            raise errors.ConfigError(
                f"leaderElection.leaseDurationSeconds: {self.lease_duration:g} must be greater than renewDeadlineSeconds ({self.renew_deadline:g})."
            )
        if self.renew_deadline <= self.retry_period * JITTER:
            raise errors.ConfigError(
                f"leaderElection.renewDeadlineSeconds: {self.renew_deadline:g} must be greater than "
                f"{JITTER:g} times retryPeriodSeconds ({self.retry_period:g})."
            )


class Take(msgspec.Struct, frozen=True):
    """Write ourselves into the lease, or make it; ``transitions`` is how often it has changed hands then."""

    transitions: int


class Renew(msgspec.Struct, frozen=True):
    """We hold it: write a new time."""


class Wait(msgspec.Struct, frozen=True):
    """Somebody else holds it."""

    holder: str


def decide(seen: LeaseSpec | None, *, me: str, seen_for: float, config: LeaseConfig) -> Take | Renew | Wait:
    """What to do about a lease.

    Only the time since *we* saw it change counts; the times written in it come from other clocks and are for people.

    Args:
        seen: The lease, or None when there is none.
        me: Our identity.
        seen_for: Seconds since we first saw it like this.
        config: For the duration, when the lease does not say its own.
    """
    if seen is None:
        return Take(0)
    transitions = seen.lease_transitions or 0
    if seen.holder_identity == me:
        return Renew()
    if not seen.holder_identity:
        return Take(transitions + 1)
    if seen_for >= _duration(seen, config):
        return Take(transitions + 1)
    return Wait(seen.holder_identity)


class Lease:
    """Acquires, renews and releases one Lease."""

    def __init__(self, client: Client, config: LeaseConfig, *, leading: Callable[[bool], None] = lambda _: None) -> None:
        self._client = client
        self._config = config
        self._leading = leading
        self._seen: LeaseObject | None = None
        self._seen_at = 0.0
        self._failing: Pauses | None = None
        self.holder = ""

    async def notice(self) -> None:
        """Wait until the lease was seen once. The time of a holder who is gone runs from then on: better while caches fill than afterwards."""
        while True:
            try:
                await self._look(timeout=self._config.renew_deadline)
            except errors.StewardError as error:
                self._note(str(error))
                await self._rest()
            else:
                return

    async def acquire(self) -> Held:
        """Wait for the leadership, for ever. Follow with :meth:`keep` at once: nothing renews the lease before."""
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            if await self._attempt(timeout=self._config.renew_deadline / 2):
                log.info("became leader", lease=str(self._config.key), identity=self._config.identity)
                return Held(started + self._config.renew_deadline, loop.time)
            await self._rest()

    @asynccontextmanager
    async def keep(self, fence: Held) -> AsyncIterator[None]:
        """Keep the leadership while the body runs, and give it back when the body ends well.

        Raises:
            LeaseLost: Into the body, when a renewal did not succeed in time.
        """
        self._leading(True)
        lost: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                renewal = group.create_task(self._renew(fence))
                try:
                    yield
                finally:
                    renewal.cancel()
        except* errors.LeaseLost as group_of_one:
            lost = errors.innermost(group_of_one)
        finally:
            fence.fall()
            self._leading(False)
        if lost is not None:
            raise lost
        await self._release()

    async def _renew(self, fence: Held) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            # One request that hangs must leave time for another, on another connection.
            if await self._attempt(timeout=min(fence.time_left(), self._config.renew_deadline / 2)):
                fence.extend(started + self._config.renew_deadline)
            fence.check()
            if self.holder != self._config.identity:
                raise errors.LeaseLost(f"{self.holder} holds the lease {self._config.key} now")
            await pause(max(0.0, started + self._config.retry_period - loop.time()))

    async def _attempt(self, *, timeout: float) -> bool:
        """Take or renew once; every failure but a loss counts as "not this time"."""
        try:
            async with asyncio.timeout(timeout):
                return await self._take_or_renew()
        except (errors.Conflict, errors.AlreadyExists):
            # Somebody was faster, or our own write of a moment ago came through although its answer did not.
            self._changed()
        except (errors.StewardError, TimeoutError) as error:
            # Of a create NotFound means that its namespace is missing.
            if isinstance(error, errors.NotFound) and self._seen is not None:
                self._changed()
            else:
                self._note(str(error) or "no answer in time")
        return False

    def _changed(self) -> None:
        self._seen = None
        log.debug("lease changed in between", lease=str(self._config.key))

    async def _take_or_renew(self) -> bool:
        if self._seen is None or self._seen.spec.holder_identity != self._config.identity:
            await self._look()
        loop = asyncio.get_running_loop()
        seen = self._seen
        spec = seen.spec if seen is not None else None
        decision = decide(spec, me=self._config.identity, seen_for=loop.time() - self._seen_at, config=self._config)
        if isinstance(decision, Wait):
            self.holder = decision.holder
            return False
        now = micro_time()
        written: dict[str, object] = {
            "holderIdentity": self._config.identity,
            "leaseDurationSeconds": int(self._config.lease_duration),
            "renewTime": now,
        }
        if isinstance(decision, Take):
            written |= {"acquireTime": now, "leaseTransitions": decision.transitions}
        self._remember(await self._create(written) if seen is None else await self._write(seen, written))
        return True

    async def _create(self, spec: dict[str, object]) -> LeaseObject:
        meta = ObjectMeta(name=self._config.key.name, namespace=self._config.key.namespace)
        return await self._client.create(LEASES, LeaseObject(metadata=meta, spec=msgspec.convert(spec, LeaseSpec)))

    async def _write(self, seen: LeaseObject, spec: dict[str, object], *, timeout: float = REQUEST_TIMEOUT) -> LeaseObject:
        """Change the lease if it is still as we saw it; fields that we do not know stay."""
        body = {"metadata": {"resourceVersion": seen.metadata.resource_version}, "spec": spec}
        return await self._client.patch(LEASES, self._config.key, body, content_type=MERGE_PATCH, timeout=timeout)

    async def _look(self, *, timeout: float = REQUEST_TIMEOUT) -> None:
        try:
            found: LeaseObject | None = await self._client.get(LEASES, self._config.key, timeout=timeout)
        except errors.NotFound:
            found = None
        self._remember(found)

    def _remember(self, found: LeaseObject | None) -> None:
        if self._seen is None or found is None or found.spec != self._seen.spec:
            self._seen_at = asyncio.get_running_loop().time()
        self._seen = found
        self.holder = ""
        if found is not None:
            self._failing = None
            self.holder = found.spec.holder_identity or ""

    def _note(self, reason: str) -> None:
        """Say the first failure of a row at warning, its repetitions at debug."""
        say = log.debug if self._failing else log.warning
        self._failing = self._failing or Pauses(OUTAGE_BACKOFF)
        say("lease not reached", lease=str(self._config.key), reason=reason)

    async def _release(self) -> None:
        """Give the lease back, so that the next leader need not wait for it to expire."""
        try:
            try:
                await self._give_back()
            except errors.Conflict:
                # A renewal that we cut off had come through.
                await self._look(timeout=self._config.retry_period)
                await self._give_back()
        except errors.StewardError as error:
            log.warning("lease not released, it will expire", lease=str(self._config.key), reason=str(error))

    async def _give_back(self) -> None:
        seen = self._seen
        if seen is None or seen.spec.holder_identity != self._config.identity:
            return
        spec: dict[str, object] = {"holderIdentity": None, "leaseDurationSeconds": RELEASED_SECONDS, "renewTime": micro_time()}
        await self._write(seen, spec, timeout=self._config.retry_period)
        log.info("released leadership", lease=str(self._config.key))

    async def _rest(self) -> None:
        """Wait for the next look: while looks fail, longer and longer, and while the server cannot be reached, until it can."""
        await pause(self._until_next_look() if self._failing is None else self._failing.next())
        await self._client.reachable()

    def _until_next_look(self) -> float:
        """Seconds; no longer than the lease that we saw lasts, and a millisecond against rounding, so that it is taken in the moment it may be."""
        now = asyncio.get_running_loop().time()
        spread = self._config.retry_period / (1 + random.random() * JITTER)  # noqa: S311 - spreads load, guards nothing
        left = self._seen_at + _duration(self._seen.spec, self._config) - now if self._seen is not None else 0.0
        return min(spread, left + 0.001) if left > 0 else spread


def _duration(seen: LeaseSpec, config: LeaseConfig) -> float:
    """Seconds a lease lasts: what it says, but never less than ours."""
    return max(seen.lease_duration_seconds or 0, config.lease_duration)
