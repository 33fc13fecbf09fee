"""Runs one component: informers, then services, then the lease, then controllers; and in the end all of it the other way round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from steward.runtime import errors, memory, metrics
from steward.runtime.backoff import pause
from steward.runtime.caches import Caches
from steward.runtime.circuit import Circuit
from steward.runtime.client import Client
from steward.runtime.component import Component, Service, needed_rights
from steward.runtime.controller import RESYNC_SECONDS, Loop
from steward.runtime.fence import OPEN, Fence
from steward.runtime.hands import Hands
from steward.runtime.lease import Lease, LeaseConfig
from steward.runtime.recorder import Recorder
from steward.runtime.resource import HasMeta, Resource
from steward.runtime.rights import RightsCheck
from steward.runtime.stopping import StoppedFirst, unless_stopped
from steward.runtime.store import Change, Index, Store
from steward.runtime.transport import Transport
from steward.telemetry.logging import get_logger
from steward.telemetry.metrics import Instruments, Snapshot, StateGauge
from steward.telemetry.probes import LIVENESS, READINESS, STARTUP, Check, Probe, Verdict

C = TypeVar("C")
S = TypeVar("S")
T = TypeVar("T", bound=HasMeta)

DRAIN_SECONDS = 10.0
"""Time for keys in work when stopping; the rest of the kubelet's 30 s of grace is for the lease, Events and connections."""

BEAT_SECONDS, BEAT_LIMIT = 1.0, 30.0
"""The loop writes down that it lives every second; half a minute of silence means that it is blocked."""

STUCK_SECONDS = 600.0
"""A key in work for longer is stuck: every request inside has a limit of half a minute."""

log = get_logger(__name__)


class Manager(Generic[C]):
    """One component at work.

    Args:
        component: What to run.
        config: Its configuration.
        transport: The API server.
        instruments: Bound metrics: those of the component and :data:`steward.runtime.metrics.ALL`.
        identity: Name of this process, unique in the cluster; the holder of the lease and the reporter of Events.
        instance: Name of this installation, the same for all its replicas; a label value.
        lease: Which lease to hold, or None when a single replica needs none.
        own_namespace: The namespace the process runs in.
        namespaces: The only namespaces to look at; empty for all.
    """

    def __init__(
        self,
        component: Component[C],
        config: C,
        *,
        transport: Transport,
        instruments: Instruments,
        identity: str,
        instance: str,
        lease: LeaseConfig | None,
        own_namespace: str,
        namespaces: Sequence[str] = (),
    ) -> None:
        self.component = component
        self.config = config
        self.instruments = instruments
        self._circuit = Circuit(transport)
        self.instance = instance
        self._identity = identity
        self._lease_config = lease
        self.own_namespace = own_namespace
        self.namespaces = tuple(namespaces)
        self._services: list[Service] = []
        self._caches = Caches(self._circuit, instruments, self.namespaces)
        self._recorder: Recorder | None = None
        self._rights: RightsCheck | None = None
        self._loops: list[Loop[Any]] = []
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._stopping = False
        self._beat = time.monotonic()
        instruments.observe(metrics.READY, self)
        self._leads(leads=False)

    def store(self, resource: Resource[T], *indexes: Index[T], selector: str = "", namespace: str | None = None, name: str = "") -> Store[T]:
        """See :class:`~steward.runtime.component.Context`. Two different views of one resource are a mistake."""
        return self._caches.store(self._client, resource, *indexes, selector=selector, namespace=namespace, name=name)

    def subscribe(self, store: Store[T], handler: Callable[[Change[T]], None]) -> None:
        """See :class:`~steward.runtime.component.Context`."""
        self._caches.subscribe(store, handler)

    @property
    def is_synced(self) -> bool:
        """See :class:`~steward.runtime.component.Context`."""
        return self._caches.are_synced

    def expose(self, gauge: StateGauge[S], source: S | Snapshot[S]) -> None:
        """See :class:`~steward.runtime.component.Context`."""
        self.instruments.observe(gauge, source)

    def serve(self, service: Service) -> None:
        """See :class:`~steward.runtime.component.Context`."""
        self._services.append(service)

    @property
    def hands(self) -> Hands:
        """See :class:`~steward.runtime.component.Context`."""
        assert self._recorder is not None, "built before"
        return Hands(self._new_client, self._recorder, lambda: self._caches.writers, identity=self._identity)

    async def run(self) -> None:
        """Work until :meth:`stop`.

        Raises:
            LeaseLost: Another replica may lead; the process must end.
            Exception: Whatever killed the first task; a group of them when several died at once.
        """
        self._event_loop = asyncio.get_running_loop()
        self._build()
        try:
            memory.expect_many()
            async with asyncio.TaskGroup() as group:
                background = [group.create_task(task, name=name) for name, task in self._background()]
                try:
                    await self._lead()
                finally:
                    for task in background:
                        task.cancel()
        except BaseExceptionGroup as died:
            raise errors.innermost(died) from None
        finally:
            await self._circuit.close()
        log.info("stopped")

    def stop(self) -> None:
        """End :meth:`run` in good order. Callable from any thread, also before it runs."""
        self._stopping = True
        if self._event_loop is not None:
            self._event_loop.call_soon_threadsafe(self._stop.set)
        else:
            self._stop.set()

    def recent_events(self) -> bytes:
        """The last Kubernetes Events, one JSON object a line."""
        return self._recorder.recent() if self._recorder is not None else b""

    @property
    def is_ready(self) -> bool:
        """Whether the caches are synced and nothing is stopping."""
        return self._readiness().ok

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Startup is rights, liveness is local progress, readiness is synced caches."""
        return (
            Check("rights", (STARTUP,), self._startup),
            Check("loop", (LIVENESS,), self._liveness),
            Check("caches", (READINESS,), self._readiness),
        )

    def _build(self) -> None:
        component = self.component
        self._client = self._new_client()
        self._recorder = Recorder(
            self._new_client(),
            controller=f"steward.dev/{component.name}",
            instance=self._identity,
            recorded=lambda reason: self.instruments[metrics.EVENTS].labels(reason).inc(),
        )
        self._rights = RightsCheck(
            self._new_client(),
            needed_rights(component, self.config, elects=self._lease_config is not None),
            own_namespace=self.own_namespace,
            namespaces=self.namespaces,
            lease=self._lease_config.key.name if self._lease_config is not None else "",
            config=self.config,
        )
        for reason in component.reasons:
            self.instruments[metrics.EVENTS].labels(reason.name)
        controllers = component.build(self)
        assert component.elects_leader or not controllers, "controllers write, and two replicas would write against each other"
        writers = self._caches.writers
        for controller in controllers:
            self._loops.append(Loop(controller, client=self._client, recorder=self._recorder, writers=writers, instruments=self.instruments))
            self._circuit.govern(self._loops[-1].queue)
        queues: dict[str, metrics.QueueState] = {loop.controller.name: loop.queue for loop in self._loops}
        metrics.expose(self.instruments, queues=queues, informers=list(self._caches.followed.values()))

    def _new_client(self) -> Client:
        """One more client. The lease, the Events and the reviews have their own: behind slow writes a renewal would come too late."""
        return Client(self._circuit, field_manager=f"steward-{self.component.name}", instruments=self.instruments, reachable=self._circuit.closed)

    def _background(self) -> list[tuple[str, Coroutine[Any, Any, Any]]]:
        """What runs from the first moment to the last; the death of one is the death of the process."""
        assert self._recorder is not None, "built before"
        assert self._rights is not None, "built before"
        tasks: list[tuple[str, Coroutine[Any, Any, Any]]] = [
            ("beat", self._live()),
            ("circuit", self._circuit.run(self._client.ask)),
            ("rights", self._rights.run()),
            ("recorder", self._recorder.run()),
            ("resync", self._resync()),
            ("age", self._caches.tell_age()),
        ]
        return tasks + [(f"informer {name}", informer.run()) for name, informer in self._caches.informers]

    async def _lead(self) -> None:
        """Wait for the caches; serve; wait for the lease, work; and give everything back."""
        assert self._recorder is not None, "built before"
        config = self._lease_config
        lease = Lease(self._new_client(), config, leading=lambda leads: self._leads(leads=leads)) if config is not None else None
        try:
            await unless_stopped(self._stop, self._synced(lease))
        except StoppedFirst:
            return
        memory.settle()
        log.info("caches synced", **self._caches.sizes)
        async with asyncio.TaskGroup() as group:
            for service in self._services:
                group.create_task(service.run(self._stop), name=service.name)
            with suppress(StoppedFirst):
                await self._govern(lease, self._recorder)
        await self._recorder.finish()

    async def _govern(self, lease: Lease | None, recorder: Recorder) -> None:
        """Work as the leader, or without one."""
        if lease is None:
            self._leads(leads=True)
            await self._work(OPEN)
            return
        fence = await unless_stopped(self._stop, lease.acquire())
        recorder.fence = fence
        async with lease.keep(fence):
            await self._work(fence)
        recorder.fence = OPEN

    async def _work(self, fence: Fence) -> None:
        """Run the controllers until told to stop, then let them finish what they have."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(loop.run(fence)) for loop in self._loops]
            await self._stop.wait()
            self._circuit.ignore()
            drained = await asyncio.gather(*(loop.queue.drain(DRAIN_SECONDS) for loop in self._loops))
            if not all(drained):
                log.warning("not everything in work was finished in time", limit_seconds=DRAIN_SECONDS)
                for task in running:
                    task.cancel()

    async def _synced(self, lease: Lease | None) -> None:
        await asyncio.gather(self._caches.synced(), *(() if lease is None else (lease.notice(),)))

    def _leads(self, *, leads: bool) -> None:
        """Say whether this replica leads; where nobody is elected there is nothing to say."""
        if self.component.elects_leader:
            self.instruments[metrics.LEADER].labels().set(int(leads))

    async def _resync(self) -> None:
        while True:
            await pause(RESYNC_SECONDS)
            for loop in self._loops:
                await loop.resync()

    async def _live(self) -> None:
        while True:
            self._beat = time.monotonic()
            await pause(BEAT_SECONDS)

    def _startup(self) -> Verdict:
        return self._rights.verdict if self._rights is not None else Verdict(False, "not started")

    def _liveness(self) -> Verdict:
        silent = time.monotonic() - self._beat
        if silent > BEAT_LIMIT:
            return Verdict(False, f"the event loop has not moved for {silent:.0f} s")
        longest = max((seconds for loop in self._loops for seconds in loop.queue.unfinished()), default=0.0)
        if longest > STUCK_SECONDS:
            return Verdict(False, f"a key has been in work for {longest:.0f} s")
        return Verdict(True)

    def _readiness(self) -> Verdict:
        if self._stopping:
            return Verdict(False, "stopping")
        if not self._caches.followed:
            return Verdict(False, "not started")
        serving = [service.ready() for service in self._services]
        said = [note for note in (*self._caches.notes, *(verdict.reason for verdict in serving)) if note]
        return Verdict(self._caches.are_synced and all(verdict.ok for verdict in serving), "; ".join(said))
