"""Keeps a :class:`~steward.runtime.store.Store` equal to what the API server has: lists once, then follows the watch.

The list is asked for as the beginning of the watch (KEP-3157, WatchList), and in pages where the server does not stream it.

What to do next is decided by :func:`steward.runtime.following.step`, a pure function of where we are and what we heard.

Guarantees: each difference is told once, deletions missed during a gap included, with the last known state; a list is only repeated when the
server says a version is too old; a dead stream is noticed after :data:`IDLE_TIMEOUT`.
An API that is missing, because its CustomResourceDefinition is, is no failure: the store is empty and synced, and we keep looking.
Not guaranteed: that every intermediate state is told. It is level-based.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

from steward.runtime import errors
from steward.runtime.answers import Sign, WatchEvent
from steward.runtime.backoff import ABSENCE_BACKOFF, WATCH_BACKOFF, Backoff, Pauses
from steward.runtime.client import Client
from steward.runtime.following import (
    Absent,
    Complete,
    Empty,
    Expired,
    Failed,
    Heard,
    Listing,
    Moved,
    PageRead,
    State,
    Stopped,
    Streaming,
    StreamOpened,
    Watching,
    step,
)
from steward.runtime.resource import HasMeta, Key, ObjectMeta, Resource
from steward.runtime.store import Writer
from steward.telemetry.logging import get_logger

T = TypeVar("T", bound=HasMeta)

IDLE_TIMEOUT = 75.0
"""Seconds without a byte after which a watch is asked for anew, for it may be dead. The server sends a bookmark every minute (bookmarkFrequency in
apiserver/pkg/storage/cacher), unless there is no newer version to tell: where nothing happens, silence is no fault."""

WATCH_SECONDS = (300, 600)
"""A watch asks the server to end it after a random time of 5 to 10 minutes, so that replicas do not reconnect together
(client-go, minWatchTimeout)."""

SHORTEST_WATCH = 1.0
"""Seconds below which a watch that ended counts as failed, or a broken proxy makes us spin (client-go, handleAnyWatch)."""

SILENT_WATCHES = 2
"""Watches in a row without even a bookmark after which the list is read anew: a server restored from a backup waits in silence for a version that it
has not reached (etcd's documentation of --bump-revision)."""

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""Annotation of the bookmark that ends a streamed list (metav1.InitialEventsAnnotationKey)."""

log = get_logger(__name__)


class Informer(Generic[T]):
    """One list-and-watch of one resource, shared by whoever subscribes.

    Args:
        client: Where to ask.
        resource: What to follow.
        namespace: Only this namespace; empty for all.
        name: Only the object of this name; empty for all.
        selector: Label selector, evaluated by the server.
        writer: Where to file it. Several informers may file into one, each for its namespace.
        relisted: Told the reason of each list, for the metric.
        recovered: Told that the server answers again after a failure.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource[T],
        *,
        writer: Writer[T],
        namespace: str = "",
        name: str = "",
        selector: str = "",
        backoff: Backoff = WATCH_BACKOFF,
        relisted: Callable[[str], None] = lambda _: None,
        recovered: Callable[[], None] = lambda: None,
    ) -> None:
        self.resource = resource
        self.writer = writer
        self.failure: errors.StewardError | None = None
        self._client = client
        self._namespace = namespace
        self._chosen = {"namespace": namespace, "name": name, "selector": selector}
        self._pauses = Pauses(backoff)
        # A server that says "too old" is well: after an outage the list must not wait for the pause that the outage had grown to.
        self._relist_pauses = Pauses(backoff)
        self._absence_pauses = Pauses(ABSENCE_BACKOFF)
        self._absences = 0
        self._relisted = relisted
        self.last_event = 0.0
        self._recovered = recovered
        self._state: State = Empty()
        self._streams = True
        self._fresh: dict[Key, T] = {}
        self._unreadable: dict[Key, ObjectMeta] = {}
        self._started = 0.0
        self._silences = 0
        self._synced = asyncio.Event()

    async def synced(self) -> None:
        """Wait until the first whole list is in the store."""
        await self._synced.wait()

    @property
    def is_synced(self) -> bool:
        """Whether the first whole list is in the store."""
        return self._synced.is_set()

    async def run(self) -> NoReturn:
        """Follow the resource for ever. Every failure is retried with backoff; only cancellation ends it."""
        while True:
            at_least: float | None = None
            pauses = self._pauses
            await self._client.reachable()
            try:
                heard = await self._next()
                healthy = not isinstance(heard, Failed)
            except errors.Gone as error:
                log.info("version expired, listing again", resource=str(self.resource), reason=str(error))
                heard, healthy, pauses = Expired(), False, self._relist_pauses
            except errors.Timeout as error:
                heard, healthy = Stopped(), isinstance(self._state, Watching)
                if healthy:
                    log.debug("watch was silent, asking anew", resource=str(self.resource))
                else:
                    self._note(error)
            except errors.StewardError as error:
                at_least = getattr(error, "retry_after", None)
                if isinstance(error, errors.NotFound) and self.resource.custom:
                    heard, healthy, pauses = Absent(), False, self._absence_pauses
                    await self._miss()
                else:
                    heard, healthy = Failed(), self._refused(error)
                    if not healthy:
                        self._note(error)
            self._state = step(self._state, heard)
            if not healthy:
                await pauses.wait(at_least=at_least)

    async def _next(self) -> Heard:
        match self._state:
            case Watching(version=version):
                return await self._follow(version)
            case Listing() as state:
                return await self._read_page(state)
            case state if self._streams:
                self._begin(state.why)
                return await self._follow("")
            case state:
                return await self._read_page(state)

    def _refused(self, error: errors.StewardError) -> bool:
        """Whether the server, or a proxy before it, takes no streamed lists; then it is asked for pages, at once."""
        refused = self._streams and isinstance(self._state, Empty) and isinstance(error, errors.Invalid | errors.Forbidden)
        if refused:
            self._streams = False
            log.debug("no streamed lists here, reading pages", resource=str(self.resource), reason=str(error))
        return refused

    def _keep(self, item: T) -> None:
        self._fresh[item.metadata.key] = self.writer.share(item)
        self.writer.listed = len(self._fresh)

    def _is_well(self) -> None:
        """The server answers."""
        if self.failure is not None:
            self.failure = None
            self._recovered()

    def _begin(self, why: str) -> None:
        self._fresh, self._unreadable = {}, {}
        self._started = asyncio.get_running_loop().time()
        if not self._absences:
            self._relisted(why)

    async def _miss(self) -> None:
        """The server does not know the resource: there are no objects, unless it is one of several servers that has yet to hear of it."""
        self._is_well()
        self.last_event = time.time()
        self._absences += 1
        if self._absences == 1 and len(self.writer.store):
            return
        if self.writer.store.served:
            log.warning("API is missing, looking again until its CustomResourceDefinition is there", resource=str(self.resource))
        self.writer.store.served = False
        await self.writer.replace({}, started=asyncio.get_running_loop().time(), within=self._is_ours)
        self._synced.set()

    async def _swap(self) -> None:
        """The list is whole: make it the store."""
        unreadable = self._unreadable.values()
        await self.writer.replace(self._fresh, started=self._started, within=self._is_ours, unreadable=unreadable)
        self._fresh, self._unreadable, self.writer.listed = {}, {}, 0
        self.last_event = time.time()
        if not self.writer.store.served:
            log.info("API is there", resource=str(self.resource))
        if self._absences:
            self._relisted("appeared")
        self.writer.store.served, self._absences = True, 0
        self._synced.set()

    async def _read_page(self, state: Empty | Listing | Streaming) -> PageRead:
        token = state.token if isinstance(state, Listing) else ""
        if not token:
            self._begin(state.why)
        page = await self._client.page(self.resource, token=token, **self._chosen)
        self._is_well()
        for item in page.items:
            self._keep(item)
        self._unreadable |= {meta.key: meta for meta in page.unreadable}
        if not page.token:
            await self._swap()
        return PageRead(page.resource_version, page.token)

    async def _follow(self, version: str) -> Heard:
        """Read a watch to its end; without a version the list comes first."""
        started = asyncio.get_running_loop().time()
        heard_of = False
        stream = self._client.watch(
            self.resource,
            since=version,
            server_timeout=random.randint(*WATCH_SECONDS),  # noqa: S311 - spreads load, guards nothing
            idle_timeout=IDLE_TIMEOUT,
            **self._chosen,
        )
        try:
            async for events in stream:
                if not events:
                    self._is_well()
                    self._state = step(self._state, StreamOpened())
                    continue
                heard_of, self._silences = True, 0
                for event in events:
                    await self._file(event)
                self._state = step(self._state, Moved(events[-1].metadata.resource_version))
                self.last_event = time.time()
        except errors.Timeout:
            self._silences += not heard_of
            if self._silences < SILENT_WATCHES:
                raise
            self._silences = 0
            return Expired()
        lasted = asyncio.get_running_loop().time() - started
        if lasted >= SHORTEST_WATCH:
            return Stopped()
        # Whatever stands between cannot stream; pages may get through.
        self._streams = self._streams and isinstance(self._state, Watching)
        raise errors.StreamBroken(errors.Call("watch", self.resource.plural, self._namespace), f"ended after {lasted:.3f} s")

    async def _file(self, event: WatchEvent[T] | Sign) -> None:
        if event.type == "BOOKMARK":
            if isinstance(self._state, Streaming) and event.metadata.annotations.get(INITIAL_EVENTS_END) == "true":
                await self._swap()
                self._state = step(self._state, Complete(event.metadata.resource_version))
        elif isinstance(self._state, Streaming):
            self._collect(event)
        elif isinstance(event, Sign):
            (self.writer.lose if event.type == "DELETED" else self.writer.obscure)(event.metadata)
        elif event.type == "DELETED":
            self.writer.remove(event.object)
        else:
            self.writer.upsert(event.object)

    def _collect(self, event: WatchEvent[T] | Sign) -> None:
        """One line of a streamed list."""
        key = event.metadata.key
        self._unreadable.pop(key, None)
        if isinstance(event, WatchEvent) and event.type != "DELETED":
            self._keep(event.object)
            return
        self._fresh.pop(key, None)
        if event.type != "DELETED":
            self._unreadable[key] = event.metadata

    def _is_ours(self, key: Key) -> bool:
        return not self._namespace or key.namespace == self._namespace

    def _note(self, error: errors.StewardError) -> None:
        """Say the first failure of a row at error, its repetitions at debug."""
        say = log.debug if type(self.failure) is type(error) else log.error
        say("watch failed, trying again", resource=str(self.resource), reason=str(error))
        self.failure = error
