"""A circuit breaker between one process and one API server: while nothing gets through, one task asks and everybody else waits.

Closed while the server answers, whatever it answers: a refusal is no outage. Open once a connection could not be made, until the next answer.

Guarantees: an outage costs the server at most twelve requests a minute of the whole process, renewals of a held lease excepted; everybody goes on
at the first answer, at most nine seconds after the server is back.
Not guaranteed: that a request made while it is closed gets through. Who fails waits his own pause before he asks here again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NoReturn

from steward.runtime import errors
from steward.runtime.backoff import Backoff, Pauses
from steward.runtime.transport import Request, Response, Transport
from steward.telemetry.logging import get_logger

OUTAGE_BACKOFF = Backoff(first=1.0, factor=2.0, jitter=0.5, cap=6.0, reset=120.0)
"""Pauses of the one who asks. With the least jitter 1, 2, 4, 6, 6, ... seconds: 12 requests in the first minute and 10 in each that follows; with the
most, 9 s until the server's return is noticed."""

log = get_logger(__name__)


async def always() -> None:
    """Where there is no circuit, nobody waits."""


class Circuit:
    """A :class:`~steward.runtime.transport.Transport` that notes whether the server behind it can be reached.

    Args:
        transport: The real one.
        closed: Told when the server answers again after an outage.
    """

    def __init__(self, transport: Transport, *, closed: Callable[[], None] = lambda: None) -> None:
        self._transport = transport
        self._told = closed
        self._closed = asyncio.Event()
        self._closed.set()
        self._open = asyncio.Event()
        self._since = 0.0
        self._ignored = False

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
        while True:
            await self._open.wait()
            pauses = Pauses(OUTAGE_BACKOFF)
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
        self._answered()
        return answer

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`~steward.runtime.transport.Transport`."""
        try:
            async with self._transport.stream(request, idle_timeout=idle_timeout) as chunks:
                self._answered()
                yield chunks
        except errors.APIError:
            self._answered()
            raise
        except errors.ConnectFailed as error:
            self._failed(error)
            raise

    async def close(self) -> None:
        """See :class:`~steward.runtime.transport.Transport`."""
        await self._transport.close()

    def _failed(self, error: errors.ConnectFailed) -> None:
        if self._open.is_set():
            return
        log.warning("API server cannot be reached, waiting for it", reason=str(error))
        self._since = asyncio.get_running_loop().time()
        self._open.set()
        if not self._ignored:
            self._closed.clear()

    def _answered(self) -> None:
        if not self._open.is_set():
            return
        log.info("API server answers again", seconds=round(asyncio.get_running_loop().time() - self._since, 1))
        self._open.clear()
        self._closed.set()
        self._told()
