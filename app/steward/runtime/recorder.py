"""Kubernetes Events (``events.k8s.io/v1``), written in the background.

Equal Events become one with a count; many similar ones are combined; an object that is the subject of too many is muted for a while. The
figures are those of client-go's ``tools/record/events_cache.go``. Recording never blocks and never raises.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

import msgspec

from steward.runtime import errors
from steward.runtime.backoff import Backoff, Pauses, pause
from steward.runtime.client import MERGE_PATCH, Client
from steward.runtime.fence import OPEN, Fence
from steward.runtime.plan import Event, Reference
from steward.runtime.resource import Key, ObjectMeta, Resource, Struct, micro_time
from steward.telemetry.logging import get_logger

SIMILAR_LIMIT, SIMILAR_SECONDS = 10, 600.0
"""After this many different notes of one reason and object within this time, the others are combined (defaultAggregateMaxEvents)."""

SPAM_BURST, SPAM_SECONDS = 25, 300.0
"""Writes about one object at once, and the time after which one more is allowed (defaultSpamBurst, defaultSpamQPS)."""

CACHE_LIMIT = 4096
"""Events remembered (maxLruCacheEntries), and Events that wait; the oldest are dropped."""

NOTE_LIMIT = 1024
"""Bytes of a note (core/v1 validation, NoteLengthLimit)."""

RING = 200
"""Events shown at ``/events``."""

RETRY = Backoff(first=1.0, factor=2.0, jitter=0.5, cap=10.0, reset=120.0)
TRIES = 12
"""Attempts of one write before it is given up (client-go, maxTriesPerEvent)."""

COALESCE_SECONDS = 1.0
"""Repetitions within this time leave as one write."""

FLUSH_SECONDS = 2.0
"""Time for the last Events when stopping."""

log = get_logger(__name__)


class EventSeries(Struct, frozen=True):
    """How often an Event happened, and when last."""

    count: int = 0
    last_observed_time: str = ""


class EventObject(Struct, frozen=True):
    """``events.k8s.io/v1`` Event."""

    metadata: ObjectMeta = ObjectMeta()
    event_time: str = ""
    series: EventSeries | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    action: str = ""
    reason: str = ""
    regarding: Reference = Reference()
    note: str = ""
    type: str = ""


EVENTS: Resource[EventObject] = Resource("events.k8s.io", "v1", "Event", "events", EventObject)

V = TypeVar("V")


class _Recent(OrderedDict[tuple[str, ...], V], Generic[V]):
    """A dictionary that forgets what was used longest ago."""

    def touch(self, key: tuple[str, ...], make: Callable[[], V]) -> V:
        if key not in self:
            self[key] = make()
        self.move_to_end(key)
        if len(self) > CACHE_LIMIT:
            self.popitem(last=False)
        return self[key]


class _Entry(msgspec.Struct):
    """One Event at the server, or on its way there."""

    event: Event
    count: int = 0
    name: str = ""
    written: int = 0
    tries: int = 0


class _Budget(msgspec.Struct):
    """Token bucket of one object's writes."""

    tokens: float
    at: float


class _Similar(msgspec.Struct):
    """The different notes of one reason and object."""

    since: float
    notes: set[str] = msgspec.field(default_factory=set)


class Recorder:
    """Takes Events from reconciles; its task writes them.

    Attributes:
        fence: Asked before each write. What a leader that may be none any more still has to tell is not told.
    """

    def __init__(self, client: Client, *, controller: str, instance: str, recorded: Callable[[str], None] = lambda _: None) -> None:
        self.fence: Fence = OPEN
        self._client = client
        self._controller = controller
        self._instance = instance[:128]
        self._recorded = recorded
        self._entries: _Recent[_Entry] = _Recent()
        self._similar: _Recent[_Similar] = _Recent()
        self._budgets: _Recent[_Budget] = _Recent()
        self._dirty: OrderedDict[tuple[str, ...], _Entry] = OrderedDict()
        self._news = asyncio.Event()
        self._pauses = Pauses(RETRY)
        self._flushing = asyncio.Lock()
        self._ring: deque[tuple[str, Event]] = deque(maxlen=RING)

    def record(self, event: Event) -> None:
        """Take an Event; see :class:`~steward.runtime.plan.Event`. Never blocks, never raises."""
        self._recorded(event.reason.name)
        is_warning = event.reason.type == "Warning"
        if is_warning or log.enabled(logging.DEBUG):
            say = log.warning if is_warning else log.debug
            say("event recorded", reason=event.reason.name, object=_object(event), note=event.note)
        self._ring.append((micro_time(), event))
        event = self._combine(event)
        key = (event.regarding.uid, event.regarding.name, event.reason.name, event.note)
        entry = self._entries.touch(key, lambda: _Entry(event))
        entry.count += 1
        self._dirty[key] = entry
        if len(self._dirty) > CACHE_LIMIT:
            self._dirty.popitem(last=False)
        self._news.set()

    def recent(self) -> bytes:
        """The last Events, one JSON object a line, oldest first. Callable from any thread."""
        lines = ({"time": time, "component": self._controller, **_line(event)} for time, event in tuple(self._ring))
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    async def run(self) -> NoReturn:
        """Write what was recorded, for ever."""
        while True:
            await self._news.wait()
            await self._client.reachable()
            failure = await self.flush()
            if failure is None:
                await pause(COALESCE_SECONDS)
            else:
                await self._pauses.wait(at_least=getattr(failure, "retry_after", None))

    async def flush(self) -> errors.StewardError | None:
        """Write what waits, each once; what fails for a passing reason goes on waiting.

        Returns:
            One of those failures, or None.
        """
        failure: errors.StewardError | None = None
        async with self._flushing:
            self._news.clear()
            for key, entry in list(self._dirty.items()):
                # While another was written, this one may have been dropped for want of room.
                if self._dirty.pop(key, None) is None or entry.count == entry.written or not (entry.tries or self._may_write(entry.event.regarding)):
                    continue
                failed = await self._write(entry)
                if failed is None:
                    continue
                failure = failed
                self._dirty[key] = entry
                self._news.set()
                if not isinstance(failed, errors.ServerError):
                    # Nobody answers, or fewer requests are asked for: the next would fare no better.
                    break
        return failure

    async def finish(self) -> None:
        """Write what waits, as far as there is time."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.flush()
        except TimeoutError:
            log.warning("last events not written in time")

    async def _write(self, entry: _Entry) -> errors.StewardError | None:
        """Write one Event; the failure when it should be tried again."""
        count = entry.count
        try:
            if entry.name:
                await self._repeat(entry, count)
            else:
                await self._create(entry, count)
        except errors.LeaseLost as lost:
            return lost
        except (errors.TransportError, errors.ServerError, errors.Throttled) as error:
            entry.tries += 1
            if entry.tries < TRIES:
                return error
            log.warning("event given up", reason=str(error))
            entry.written = count
        except errors.StewardError as error:
            # A namespace that is going away refuses Events; so does a missing right. Neither is worth a retry.
            log.warning("event not written", reason=str(error))
            entry.written = count
        entry.tries = 0
        return None

    async def _create(self, entry: _Entry, count: int) -> None:
        event, now = entry.event, micro_time()
        # Each label of a name ends with a letter or digit.
        name = f"{event.regarding.name[:200].rstrip('-.')}.{secrets.token_hex(8)}"
        meta = ObjectMeta(name=name, namespace=event.regarding.namespace or "default")
        made = EventObject(
            metadata=meta,
            event_time=now,
            series=EventSeries(count=count, last_observed_time=now) if count > 1 else None,
            reporting_controller=self._controller,
            reporting_instance=self._instance,
            action=event.action,
            reason=event.reason.name,
            regarding=event.regarding,
            note=event.note,
            type=event.reason.type,
        )
        await self._client.create(EVENTS, made, fence=self.fence)
        entry.name, entry.written = meta.name, count

    async def _repeat(self, entry: _Entry, count: int) -> None:
        key = Key(entry.event.regarding.namespace or "default", entry.name)
        body = {"series": {"count": count, "lastObservedTime": micro_time()}}
        try:
            await self._client.patch(EVENTS, key, body, content_type=MERGE_PATCH, fence=self.fence)
            entry.written = count
        except errors.NotFound:
            # Events expire at the server (--event-ttl, one hour); a new one counts from there.
            entry.name, entry.count, entry.written = "", entry.count - entry.written, 0
            await self._create(entry, entry.count)

    def _combine(self, event: Event) -> Event:
        """Cut the note, and replace it when too many different ones came."""
        note = event.note.encode()[:NOTE_LIMIT].decode(errors="ignore")
        now = asyncio.get_running_loop().time()
        key = (event.regarding.uid, event.regarding.name, event.reason.name)
        similar = self._similar.touch(key, lambda: _Similar(now))
        if now - similar.since > SIMILAR_SECONDS:
            similar.since = now
            similar.notes.clear()
        if note not in similar.notes and len(similar.notes) >= SIMILAR_LIMIT:
            note = f"(combined from similar events) {event.reason.help}"
        else:
            similar.notes.add(note)
        return Event(event.regarding, event.reason, note, event.action)

    def _may_write(self, regarding: Reference) -> bool:
        now = asyncio.get_running_loop().time()
        budget = self._budgets.touch((regarding.uid, regarding.name), lambda: _Budget(SPAM_BURST, now))
        budget.tokens = min(SPAM_BURST, budget.tokens + (now - budget.at) / SPAM_SECONDS)
        budget.at = now
        if budget.tokens < 1:
            return False
        budget.tokens -= 1
        return True


def _line(event: Event) -> dict[str, str]:
    return {"type": event.reason.type, "reason": event.reason.name, "object": _object(event), "note": event.note}


def _object(event: Event) -> str:
    about = event.regarding
    return f"{about.kind} {Key(about.namespace, about.name)}"
