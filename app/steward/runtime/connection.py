"""One connection to a server, and one request at a time on it: requests out, whole answers or a body piece by piece in."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable
from typing import cast

from steward.runtime.framing import Broken, Framing

KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES = 30, 15, 9
"""TCP keepalive of client-go (net.Dialer's defaults): a dead peer is noticed although nothing is sent."""

READ_AHEAD = 1 << 20
"""Bytes of a streamed body that wait to be read before no more is taken from the socket. A page of 500 pods is 4 to 5 MB."""

BODY_LIMIT = 256 << 20
"""Bytes of a whole body. A page is 500 objects; etcd takes at most 1.5 MiB of one, and pods of more than 100 kB are hardly seen."""


_NOTHING, _WHOLE, _HEAD, _PIECE = range(4)
"""What the caller waits for."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time.

    Guarantees: an exchange that does not end well (an error, a timeout, a cancelled caller) leaves the connection closed, so that no answer can
    be taken for that of another request; a body nobody reads is not read from the socket either.

    Args:
        lost: Called once, when the connection is closed, whoever closed it.

    Attributes:
        gone: Done when the connection is closed.
    """

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._lost = lost
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = _NOTHING
        self._paused = False
        self._error: Exception | None = None
        self._deadline = math.inf
        self._patience = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.gone: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and self._loop.time() < self._deadline

    @property
    def is_reusable(self) -> bool:
        """Whether another request can follow: the answer is whole, the request was read, and the server keeps the connection open."""
        transport, framing = self._transport, self._framing
        if transport is None or not (framing.complete and framing.reusable):
            return False
        return not (transport.is_closing() or transport.get_write_buffer_size())

    @property
    def status(self) -> int:
        """Status code of the answer."""
        return self._framing.status

    @property
    def retry_after(self) -> str | None:
        """Retry-After header of the answer."""
        return self._framing.retry_after

    async def ask(self, request: bytes, *, deadline: float) -> bytes:
        """Send a request; the body of its answer, when it is whole.

        Args:
            request: Head and body.
            deadline: Time of the loop at which it must be there.

        Raises:
            TimeoutError: It was not.
            Broken: It never will be.
        """
        self._begin(request)
        self._limit(deadline)
        await self._wait(_WHOLE)
        return self._framing.take()

    async def open(self, request: bytes, *, patience: float) -> None:
        """Send a request; returns when the head of its answer is there. :meth:`read` gives the body.

        Args:
            request: Head and body.
            patience: Seconds without a byte, from now to the end of the body, after which the server counts as dead.

        Raises:
            TimeoutError: It was silent for so long.
            Broken: No answer.
        """
        self._patience = patience
        self._begin(request)
        self._limit(self._loop.time() + patience)
        await self._wait(_HEAD)

    async def read(self) -> bytes:
        """What has come of the body since the last call, at least a byte; nothing at its end.

        Raises:
            TimeoutError: Silence.
            Broken: The body is not whole.
        """
        framing = self._framing
        if not framing.held and not framing.complete:
            await self._wait(_PIECE)
        body = framing.take()
        if self._paused and self._transport is not None:
            self._paused = False
            self._limit(self._loop.time() + self._patience)
            self._transport.resume_reading()
        return body

    def rest(self, seconds: float) -> None:
        """Wait for the next request, at most so long."""
        self._wanted = _NOTHING
        self._limit(self._loop.time() + seconds)

    def abort(self) -> None:
        """Close at once. The goodbye of TLS would wait for a peer that may be silent (asyncio: 30 s)."""
        if self._transport is not None:
            self._transport.abort()

    def detach(self) -> asyncio.Transport:
        """Give what comes after the head of an answer to somebody else: what a tunnel is made of.

        Raises:
            Broken: Something has come already.
        """
        if self._framing.held or self._transport is None:
            raise Broken("the proxy goes on after its answer")
        transport, self._transport = self._transport, None
        self._limit(math.inf)
        return transport

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None:
            keep_alive(connected)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        framing = self._framing
        if self._wanted == _NOTHING:
            # A goodbye (408 of a load balancer), or half of somebody else's answer. Never part of the next one.
            self.abort()
            return
        try:
            framing.feed(data)
        except Broken as error:
            self._fail(error)
            return
        if self._wanted == _WHOLE:
            if framing.held > BODY_LIMIT:
                self._fail(Broken(f"a body of more than {BODY_LIMIT} bytes"))
        elif framing.held > READ_AHEAD and self._transport is not None:
            # What the reader makes the server wait for is no silence of the server.
            self._paused = True
            self._limit(math.inf)
            self._transport.pause_reading()
        else:
            self._limit(self._loop.time() + self._patience)
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self._deadline = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wanted != _NOTHING and self._error is None:
            self._error = self._ended(exc)
        self._tell()
        self.gone.set_result(None)
        self._lost(self)

    def _begin(self, request: bytes) -> None:
        if not self.is_open or self._transport is None:
            raise Broken("closed as soon as it was open", unsent=True)
        self._framing.next()
        self._transport.write(request)

    async def _wait(self, wanted: int) -> None:
        self._wanted = wanted
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def _tell(self) -> None:
        """Wake the caller, if what it waits for is there or never will be."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        framing, wanted = self._framing, self._wanted
        if self._error is not None:
            waiter.set_exception(self._error)
        elif framing.complete or (wanted == _PIECE and framing.held) or (wanted == _HEAD and framing.headed):
            waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._tell()
        self.abort()

    def _ended(self, exc: Exception | None) -> Broken | None:
        """What the end of the connection is to the answer: None when that is how it ends."""
        if self._framing.complete:
            return None
        if exc is not None:
            return Broken(str(exc) or type(exc).__name__, unanswered=not self._framing.begun, cause=exc)
        try:
            self._framing.end()
        except Broken as error:
            return error
        return None

    def _limit(self, deadline: float) -> None:
        """Close the connection at that time of the loop. Not one timer for each request: the one there is goes off early and is set again."""
        self._deadline = deadline
        if self._timer is not None and self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None and deadline < math.inf:
            self._timer = self._loop.call_at(deadline, self._expired)

    def _expired(self) -> None:
        self._timer = None
        if self._deadline > self._loop.time():
            self._limit(self._deadline)
        else:
            self._fail(TimeoutError())


def keep_alive(connected: socket.socket) -> None:
    """Let the kernel ask whether the peer is still there."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
