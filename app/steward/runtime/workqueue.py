"""A queue of keys that is fair and stingy, with the semantics of client-go's ``util/workqueue``.

- Fair: keys are handed out in the order they were added.
- Stingy: a key added several times before it is handled is handled once.
- One worker per key: a key added while it is handled waits, and is handled once more afterwards.
- Delayed and rate-limited adds, of which the earliest counts.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from steward.runtime import errors
from steward.runtime.backoff import pause

K = TypeVar("K")

FIRST_DELAY, MAX_DELAY = 0.005, 30.0
"""Seconds of a key's first and longest delay after failures. The first is client-go's (DefaultTypedControllerRateLimiter); its longest, 1000 s, would
make a key that failed through an outage wait as long again. What many failing keys cost together is bounded below."""

BUCKET_RATE, BUCKET_BURST = 10.0, 100
"""Retries per second and burst over all keys together (client-go, DefaultTypedControllerRateLimiter)."""


class QueueClosed(errors.StewardError):
    """The queue is drained and will never have a key again."""


class Observer(NamedTuple):
    """What the queue tells the metrics; see :mod:`steward.runtime.metrics`. Times are seconds."""

    added: Callable[[], None] = lambda: None
    retried: Callable[[], None] = lambda: None
    waited: Callable[[float], None] = lambda _: None
    worked: Callable[[float], None] = lambda _: None


class WorkQueue(Generic[K]):
    """See the module. Not thread-safe: it belongs to one event loop, whose clock is its clock."""

    def __init__(self, observer: Observer = Observer()) -> None:  # noqa: B008 - an immutable value
        self._observer = observer
        self._ready: deque[K] = deque()
        # Every key of _ready is in _dirty. A key in _processing is never in _ready.
        self._dirty: dict[K, float] = {}
        self._processing: dict[K, float] = {}
        self._added: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sequence = 0
        self._tokens = float(BUCKET_BURST)
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._filled = self._now()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._held = False

    def __len__(self) -> int:
        """Keys that wait to be handed out."""
        return len(self._ready)

    def add(self, key: K) -> None:
        """Have this key handled, unless it waits already."""
        if self._closed or key in self._dirty:
            return
        self._dirty[key] = self._now()
        self._observer.added()
        if key not in self._processing:
            self._ready.append(key)
            self._wake()

    def add_after(self, key: K, delay: float) -> None:
        """Have this key handled in ``delay`` seconds. Of several delays the earliest counts."""
        if delay <= 0:
            self.add(key)
            return
        due = self._now() + delay
        if self._closed or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._sequence += 1
        heapq.heappush(self._timers, (due, self._sequence, key))
        self._arm()

    def add_rate_limited(self, key: K, *, at_least: float = 0.0) -> None:
        """Have this key handled again after a failure; the delay doubles with each.

        Args:
            key: Which key.
            at_least: What the server asked for (Retry-After), in seconds.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._observer.retried()
        own = min(FIRST_DELAY * 2.0 ** min(failures, 60), MAX_DELAY)
        self.add_after(key, max(own, self._reserve(), at_least))

    def forget(self, key: K) -> None:
        """The key is well: its next failure is the first."""
        self._failures.pop(key, None)

    def hold(self) -> None:
        """Hand out no key before :meth:`hurry`, also to those who wait for one already."""
        self._held = not self._closed

    def hurry(self) -> None:
        """What made keys fail is over: hand out those that wait for another attempt, and count their failures from nothing again."""
        self._held = False
        for _ in self._ready:
            self._wake()
        for key in [key for key in self._due if key in self._failures]:
            del self._due[key]
            self.add(key)
        self._failures.clear()
        self._tokens = float(BUCKET_BURST)

    def failures(self, key: K) -> int:
        """How often the key failed in a row."""
        return self._failures.get(key, 0)

    async def get(self) -> K:
        """Wait for a key. The caller must call :meth:`done` with it.

        Raises:
            QueueClosed: None will come any more.
        """
        while self._held or not self._ready:
            if self._closed:
                raise QueueClosed
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif self._ready:
                    self._wake()
                raise
        key = self._ready.popleft()
        now = self._now()
        self._added[key] = self._dirty.pop(key)
        self._observer.waited(now - self._added[key])
        self._processing[key] = now
        return key

    def done(self, key: K) -> None:
        """The key was handled; if it was added meanwhile it is handed out again."""
        del self._added[key]
        self._observer.worked(self._now() - self._processing.pop(key))
        if key in self._dirty:
            self._ready.append(key)
            self._wake()

    def close(self) -> None:
        """Take no more keys; what waits is still handed out, what is delayed is not."""
        self._closed, self._held = True, False
        self._timers.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiters:
            self._wake()

    async def drain(self, timeout: float) -> bool:
        """Close, then wait until everything that waits is handled.

        Returns:
            Whether that was done within ``timeout`` seconds.
        """
        self.close()
        deadline = self._now() + timeout
        while (self._ready or self._processing) and self._now() < deadline:
            await pause(0.01)
        return not self._ready and not self._processing

    def age(self, key: K) -> float:
        """Seconds since a key that is in work was added."""
        return self._now() - self._added[key]

    def unfinished(self) -> list[float]:
        """Seconds each key in work has been in work."""
        now = self._now()
        return [now - since for since in list(self._processing.values())]

    def _reserve(self) -> float:
        """Take a token of the overall bucket; seconds until it is there. The bucket may go into debt, as golang.org/x/time/rate's Reserve does."""
        now = self._now()
        self._tokens = min(float(BUCKET_BURST), self._tokens + (now - self._filled) * BUCKET_RATE)
        self._filled = now
        self._tokens -= 1
        return max(0.0, -self._tokens / BUCKET_RATE)

    def _wake(self) -> None:
        while self._waiters and not self._held:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._timers:
            self._timer = self._loop.call_at(self._timers[0][0], self._ring)

    def _ring(self) -> None:
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        self._arm()
