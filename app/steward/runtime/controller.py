"""From a change to a write: keys into a queue, workers that observe, reconcile and perform."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import msgspec

from steward.runtime import errors, metrics
from steward.runtime.apply import Writers, perform
from steward.runtime.backoff import in_slices, pause
from steward.runtime.client import Client
from steward.runtime.fence import Fence
from steward.runtime.plan import OPERATIONS, Event, Outcome, Plan
from steward.runtime.recorder import Recorder
from steward.runtime.resource import HasMeta, Key
from steward.runtime.store import Change, Store
from steward.runtime.workqueue import Observer, QueueClosed, WorkQueue
from steward.telemetry.logging import about, get_logger
from steward.telemetry.metrics import Instruments
from steward.telemetry.tracing import tracing

S = TypeVar("S")
T = TypeVar("T", bound=HasMeta)

RESYNC_SECONDS = 600.0
"""How often every key is looked at again from the cache. Costs no request; mends what a missed wake-up would leave."""

BROKEN_SECONDS = 0.5
"""Over how long keys are spread whose connections broke: when a server went, the first to come back finds out for all (circuit.py)."""

log = get_logger(__name__)


class Watch(msgspec.Struct, Generic[T], frozen=True):
    """Which changes wake which keys: source, handler and predicate in one function.

    Attributes:
        store: The cache whose changes count.
        keys: The keys to look at after a change. Pure.
        seen: Told each change, for the component's counters.
    """

    store: Store[T]
    keys: Callable[[Change[T]], Iterable[Key]]
    seen: Callable[[Change[T]], None] | None = None


class Controller(msgspec.Struct, Generic[S], frozen=True):
    """One loop of a component.

    Attributes:
        name: In metrics and logs.
        watches: What wakes it. Keys are those of the objects of the first.
        observe: Reads the stores into a State, or None when the key is of no interest. Given the key and the time.
        reconcile: State in, Plan out: no I/O, no clock, no logger.
        concurrency: Keys in work at once.
        concluded: Told each State, its Plan, the Outcome and the seconds it took, for the component's own counters. Says whether the stores now
            show what the Plan wanted: then its own writes need no second look.
    """

    name: str
    watches: tuple[Watch[Any], ...]
    observe: Callable[[Key, dt.datetime], Awaitable[S | None]]
    reconcile: Callable[[S], Plan]
    concurrency: int = 8
    concluded: Callable[[S, Plan, Outcome, float], bool] = lambda *_: False


class _Writing:
    """The children that the Plan of a key writes just now, by resource and key, and whether one of them changed meanwhile."""

    __slots__ = ("children", "moved")

    def __init__(self, plan: Plan) -> None:
        self.children = {(action.resource, action.meta.key) for action in plan.actions}
        self.moved = False


class Loop(Generic[S]):
    """A running controller: its queue and its workers."""

    def __init__(self, controller: Controller[S], *, client: Client, recorder: Recorder, writers: Writers, instruments: Instruments) -> None:
        self.controller = controller
        self._client = client
        self._recorder = recorder
        self._writers = writers
        self._duration = instruments[metrics.RECONCILE_DURATION].labels(controller.name)
        self._results = {result: instruments[metrics.RECONCILES].labels(controller.name, result) for result in metrics.RESULTS}
        self.queue: WorkQueue[Key] = WorkQueue(_observer(controller.name, instruments))
        self._told: dict[Key, tuple[Event, ...]] = {}
        self._writing: dict[Key, _Writing] = {}
        self._running = False
        for watch in controller.watches:
            writers[str(watch.store.resource)].subscribe(self._wake(watch))

    async def run(self, fence: Fence) -> None:
        """Look at every key there is, then at those that change, until the queue is closed and empty.

        Before, changes only move the stores: a standby's queue would grow with every pod that ever was.
        """
        self._running = True
        async with asyncio.TaskGroup() as group:
            for _ in range(self.controller.concurrency):
                group.create_task(self._work(fence))
            await self.resync()

    async def resync(self) -> None:
        """Look at every key again, a slice at a time."""
        if not self._running:
            return
        for watch in self.controller.watches:
            async for item in in_slices(watch.store):
                for key in watch.keys(Change(item, item)):
                    self.queue.add(key)

    def _wake(self, watch: Watch[Any]) -> Callable[[Change[Any]], None]:
        def handle(change: Change[Any]) -> None:
            if watch.seen is not None:
                watch.seen(change)
            if not self._running:
                return
            for key in watch.keys(change):
                writing = self._writing.get(key)
                if writing is not None and (watch.store.resource, change.object.metadata.key) in writing.children:
                    writing.moved = True
                else:
                    self.queue.add(key)

        return handle

    async def _work(self, fence: Fence) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            try:
                with self._about(key):
                    await self._handle(key, fence)
            finally:
                self.queue.done(key)
            # A key that needed no write never waited for anything: without this the whole queue would be one step of the event loop.
            await pause(0)

    @contextmanager
    def _about(self, key: Key) -> Iterator[None]:
        """What the lines of the log, the requests and the traces of one reconcile have in common."""
        name = self.controller.name
        with (
            tracing.change(name, *key, waited=self.queue.age(key)),
            tracing.reconcile(name) as span,
            about(controller=name, object=str(key), reconcile_id=secrets.token_hex(8), **span.ids),
        ):
            yield

    async def _handle(self, key: Key, fence: Fence) -> None:
        """Reconcile one key. Only the loss of the lease leaves here; a bug costs its key, not the process."""
        started = asyncio.get_running_loop().time()
        result = "error"
        try:
            plan, outcome = await self._reconcile(key, fence, started)
            if outcome.errors:
                self._failed(key, outcome.errors, poll=plan.requeue_after)
            else:
                self.queue.forget(key)
                result = "success" if plan.requeue_after is None else "requeue_after"
                if plan.requeue_after is not None:
                    self.queue.add_after(key, plan.requeue_after)
        except errors.LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - as controller-runtime recovers panics of a Reconciler
            self._failed(key, [error])
        finally:
            self._results[result].inc()
            self._duration.observe(asyncio.get_running_loop().time() - started, tracing.exemplar())

    async def _reconcile(self, key: Key, fence: Fence, started: float) -> tuple[Plan, Outcome]:
        # Of an object that cannot be read nothing may be concluded, least of all that its children are orphans.
        is_readable = key not in self.controller.watches[0].store.unreadable
        state = await self.controller.observe(key, dt.datetime.now(dt.UTC)) if is_readable else None
        if state is None:
            self._told.pop(key, None)
            return Plan(), Outcome()
        plan = self.controller.reconcile(state)
        # A resync finds the same facts again; telling them again would be a write for each.
        told = self._told.pop(key, ())
        writing = self._writing[key] = _Writing(plan)
        try:
            outcome = await perform(plan, client=self._client, recorder=self._recorder, fence=fence, writers=self._writers, told=told)
        finally:
            del self._writing[key]
        _say(plan, outcome)
        facts = (*plan.events, *outcome.taken, *outcome.failed)
        if facts:
            self._told[key] = facts
        settled = self.controller.concluded(state, plan, outcome, asyncio.get_running_loop().time() - started)
        if writing.moved and not settled:
            self.queue.add(key)
        return plan, outcome

    def _failed(self, key: Key, failures: Sequence[Exception], *, poll: float | None = None) -> None:
        """Log each failure, and try again unless that is useless for all of them; then the key is looked at when its Plan asked for it."""
        at_least: list[float] = []
        for error in failures:
            reason = str(error)
            match error:
                case errors.Invalid() | errors.NotOurs() | errors.Unproved():
                    # The resync looks again: what stands in the way, such as a policy, may have gone without a trace in our caches.
                    log.error("left as it is until something changes", reason=reason)
                    continue
                case errors.Conflict() | errors.AlreadyExists():
                    # The cache is behind the server; that is part of the game.
                    log.info("cache is behind, trying again", reason=reason)
                case errors.StewardError():
                    log.error("reconcile failed, trying again", reason=reason, failures=self.queue.failures(key) + 1)
                case _:
                    log.error("bug in reconcile, trying again", exc=error, reason=reason)
            at_least.append(_not_before(error))
        if at_least:
            self.queue.add_rate_limited(key, at_least=max(at_least))
        else:
            self.queue.forget(key)
            if poll is not None:
                self.queue.add_after(key, poll)


def _say(plan: Plan, outcome: Outcome) -> None:
    """Log what was written, a line for each kind of writing; at level debug also that nothing was."""
    written: dict[str, list[str]] = {}
    for action, error in outcome.results:
        if error is None:
            written.setdefault(f"{OPERATIONS[type(action)]}d", []).append(f"{action.resource.kind} {action.meta.name}")
    for what, children in written.items():
        log.info(what, children=", ".join(children))
    if not plan.actions:
        log.debug("nothing to write", reason=plan.skip or "as wanted")


def _not_before(error: Exception) -> float:
    """Seconds a retry waits at least: as long as the server asked for; and what broke together does not come back together."""
    if isinstance(error, errors.StreamBroken):
        return random.random() * BROKEN_SECONDS  # noqa: S311 - spreads load, guards nothing
    return getattr(error, "retry_after", None) or 0.0


def _observer(name: str, instruments: Instruments) -> Observer:
    return Observer(
        added=instruments[metrics.QUEUE_ADDS].labels(name).inc,
        retried=instruments[metrics.QUEUE_RETRIES].labels(name).inc,
        waited=instruments[metrics.QUEUE_WAIT].labels(name).observe,
        worked=instruments[metrics.QUEUE_WORK].labels(name).observe,
    )
