"""A circuit breaker between one process and one API server: while nothing gets through, one task asks and everybody else waits.

Closed while the server answers, whatever it answers: a refusal is no outage. Open once a connection could not be made, or a proxy on the way said in
the server's place that there is none, until the next answer.

Guarantees: an outage costs the server at most twelve requests a minute of the whole process, renewals of a held lease excepted; everybody goes on
at the first answer, at most nine seconds after the server is back.
Not guaranteed: that a request made while it is closed gets through. Who fails waits his own pause before he asks here again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from steward.runtime import errors
from steward.runtime.backoff import Backoff, Pauses
from steward.runtime.transport import Request, Response, Transport
from steward.runtime.workqueue import WorkQueue
from steward.telemetry.logging import get_logger

OUTAGE_BACKOFF = Backoff(first=1.0, factor=2.0, jitter=0.5, cap=6.0, reset=120.0)
"""Pauses of the one who asks. With the least jitter 1, 2, 4, 6, 6, ... seconds: 12 requests in the first minute and 10 in each that follows; with the
most, 9 s until the server's return is noticed."""

NOBODY_BEHIND = frozenset((502, 503, 504))
"""What a load balancer answers for a server that is away (RFC 9110, 15.6). The API server's own have a Status as body, and are answers."""

log = get_logger(__name__)


async def always() -> None:
    """Where there is no circuit, nobody waits."""


class Circuit:
    """A :class:`~steward.runtime.transport.Transport` that notes whether the server behind it can be reached.

    Args:
        transport: The real one.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._queues: list[WorkQueue[Any]] = []
        self._closed = asyncio.Event()
        self._closed.set()
        self._open = asyncio.Event()
        self._since = 0.0
        self._ignored = False

    def govern(self, queue: WorkQueue[Any]) -> None:
        """Hold this queue in an outage, and hurry it afterwards."""
        self._queues.append(queue)

    def recovered(self) -> None:
        """Something answers that did not: keys that failed meanwhile need not wait for pauses that have grown."""
        for queue in self._queues:
            queue.hurry()

    async def closed(self) -> None:
        """Wait until the server can be reached, as far as anybody knows."""
        if not self._ignored:
            await self._closed.wait()

    def ignore(self) -> None:
        """Nobody waits any more: the process ends, and what cannot be done must fail soon."""
        self._ignored = True
        self._closed.set()

    async def run(self, ask: Callable[[], Awaitable[object]]) -> NoReturn:
        """Ask whenever nobody else does, for ever.

        Args:
            ask: A small request through this circuit; any answer closes it.
        """
        # One for all outages: where every third connection fails, pauses grow as in a long one.
        pauses = Pauses(OUTAGE_BACKOFF)
        while True:
            await self._open.wait()
            while self._open.is_set():
                await pauses.wait()
                with suppress(errors.StewardError):
                    await ask()

    async def send(self, request: Request, *, timeout: float) -> Response:
        """See :class:`~steward.runtime.transport.Transport`."""
        try:
            answer = await self._transport.send(request, timeout=timeout)
        except errors.ConnectFailed as error:
            self._failed(error)
            raise
        if answer.status in NOBODY_BEHIND:
            self._judge(errors.from_response(request.call, answer.status, answer.body))
        else:
            self._answered()
        return answer

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`~steward.runtime.transport.Transport`."""
        try:
            async with self._transport.stream(request, idle_timeout=idle_timeout) as chunks:
                self._answered()
                yield chunks
        except errors.APIError as error:
            self._judge(error)
            raise
        except errors.ConnectFailed as error:
            self._failed(error)
            raise

    async def close(self) -> None:
        """See :class:`~steward.runtime.transport.Transport`."""
        await self._transport.close()

    def _judge(self, error: errors.APIError) -> None:
        """Whether the API server refused, or something before it."""
        if error.status in NOBODY_BEHIND and not error.reason:
            self._failed(error)
        else:
            self._answered()

    def _failed(self, error: errors.StewardError) -> None:
        if self._open.is_set():
            return
        log.warning("API server cannot be reached, waiting for it", reason=str(error))
        self._since = asyncio.get_running_loop().time()
        self._open.set()
        if not self._ignored:
            self._closed.clear()
            for queue in self._queues:
                queue.hold()

    def _answered(self) -> None:
        if not self._open.is_set():
            return
        log.info("API server answers again", seconds=round(asyncio.get_running_loop().time() - self._since, 1))
        self._open.clear()
        self._closed.set()
        self.recovered()
