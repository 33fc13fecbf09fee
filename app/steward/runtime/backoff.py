"""Pauses between attempts. The only module that sleeps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

import msgspec

V = TypeVar("V")

SLICE = 100
"""Objects gone through before others may run: about 2 ms of filing, and one of what components count meanwhile."""


class Backoff(msgspec.Struct, frozen=True):
    """Exponential pauses with jitter.

    Attributes:
        first: Seconds of the first pause, before jitter.
        factor: What a pause is multiplied with after each failure.
        jitter: A pause lasts between once and ``1 + jitter`` times its value.
        cap: Longest pause in seconds, before jitter.
        reset: Seconds of health after which the next pause is the first again.
    """

    first: float
    factor: float
    jitter: float
    cap: float
    reset: float


WATCH_BACKOFF = Backoff(first=0.8, factor=2.0, jitter=1.0, cap=15.0, reset=120.0)
"""Pauses of one informer. Jitter 1.0 makes a pause last once to twice its value, so a cap of 15 gives at most 8 attempts in a minute of
outage and a recovery within 30 s; client-go's cap of 30 would take up to 60 s. Else as client-go, tools/cache/reflector.go, defaultBackoffInit
to defaultBackoffReset."""


ABSENCE_BACKOFF = Backoff(first=1.0, factor=2.0, jitter=0.5, cap=20.0, reset=60.0)
"""Pauses between two looks for an API that is missing: three requests a minute at most, and half a minute until it is seen."""


class Pauses:
    """The running state of one :class:`Backoff`."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._failures = 0
        self._last: float | None = None

    def next(self, *, at_least: float | None = None) -> float:
        """Seconds to wait before the next attempt.

        Args:
            at_least: What the server asked for (Retry-After), in seconds.
        """
        now = asyncio.get_running_loop().time()
        if self._last is not None and now - self._last > self._backoff.reset:
            self._failures = 0
        # 2**30 times any pause is beyond every cap; a larger exponent only overflows after days of outage.
        pause = min(self._backoff.first * self._backoff.factor ** min(self._failures, 30), self._backoff.cap)
        pause *= 1 + random.random() * self._backoff.jitter  # noqa: S311 - spreads load, guards nothing
        pause = max(pause, at_least or 0.0)
        self._failures += 1
        self._last = now + pause
        return pause

    async def wait(self, *, at_least: float | None = None) -> None:
        """Sleep for :meth:`next` seconds."""
        await asyncio.sleep(self.next(at_least=at_least))


async def pause(seconds: float) -> None:
    """Sleep. Other modules call this, so that a lint can hold them to it."""
    await asyncio.sleep(seconds)


async def in_slices(items: Iterable[V]) -> AsyncIterator[V]:
    """Go through a copy of ``items`` and let others run after every :data:`SLICE`."""
    for number, item in enumerate(list(items), start=1):
        yield item
        if number % SLICE == 0:
            await pause(0)
