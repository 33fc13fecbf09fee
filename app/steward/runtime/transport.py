"""The only seam to the wire: requests out, answers or a stream of bytes in.

:class:`Transport` has two methods; :class:`HTTPTransport` is the real one, and the fake API server of the tests is the other. You rarely
need this module: :mod:`steward.runtime.client` speaks in objects.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import msgspec

from steward.runtime import errors
from steward.runtime.auth import Credentials
from steward.runtime.connection import Connection
from steward.runtime.framing import Broken, header_lines, request_target
from steward.runtime.pool import Pool, Target
from steward.telemetry.logging import get_logger
from steward.telemetry.secret import Secret

CONNECT_TIMEOUT = 10.0
"""Seconds to reach the server; below the renew deadline of a lease, so that one lost SYN does not cost the leadership."""

IN_USE = 64
"""Requests with one answer that have a connection at once; others wait, first come, first served. Twice the writes of a client, so that neither a
lease nor a page waits behind them. A watch has its connection for itself, and there are as many of those as the scope has namespaces."""

ROTATION_INTERVAL = 1.0
"""Seconds between two looks at the certificate files: a look is a system call for each, and they change once in months."""

ERROR_LIMIT = 1 << 20
"""Bytes that are read of the body of an error. A Status has some kilobytes; what does not fit was not written for us, and would not be quoted."""

log = get_logger(__name__)


class Request(msgspec.Struct, frozen=True):
    """One HTTP request.

    Attributes:
        call: What it means, for errors and metrics.
        method: HTTP method.
        path: Path without the query.
        query: Query parameters.
        body: JSON body, or None.
        content_type: Media type of the body.
        guard: Called when a connection is at hand and before a byte is sent; what it raises cancels the request. Fences use it.
    """

    call: errors.Call
    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes | None = None
    content_type: str = "application/json"
    guard: Callable[[], None] | None = None


class Response(msgspec.Struct, frozen=True):
    """A whole answer: status code, Retry-After header if any, body."""

    status: int
    body: bytes
    retry_after: str | None = None


class Transport(Protocol):
    """How requests reach an API server."""

    async def send(self, request: Request, *, timeout: float) -> Response:
        """Send and wait for the whole answer, at most ``timeout`` seconds.

        Raises:
            TransportError: No answer.
        """

    def stream(self, request: Request, *, idle_timeout: float) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Send and hand out the body as it comes.

        Args:
            request: What to ask.
            idle_timeout: Seconds without a byte after which the stream counts as dead.

        Raises:
            APIError: The answer is not 200; on entering.
            TransportError: No answer, or it broke; also while iterating.
        """

    async def close(self) -> None:
        """Give back all connections."""


class HTTPTransport:
    """HTTP/1.1 against a real API server.

    Guarantees: a rotated token is sent as soon as :class:`Credentials` knows it; rotated CA and client certificates are used for connections made
    :data:`ROTATION_INTERVAL` later, and the former ones until the new can be read; requests under way are not cut off by a rotation. A GET whose
    connection closes before a byte of its answer is asked once more on a new connection, because servers close connections that rest and we may
    be about to use one; of anything else nothing is sent twice (RFC 9110, 9.2.2).
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._head = f"Accept: application/json\r\nAccept-Encoding: identity\r\nUser-Agent: {credentials.user_agent}\r\n"
        self._headers: Mapping[str, Secret] = {}
        self._authorization = Secret("")
        self._pool: Pool | None = None
        self._made_of: object = None
        self._broken: object = None
        self._next_look = 0.0
        self._slots = asyncio.Semaphore(IN_USE)
        self._connections: set[Connection] = set()
        self._closed = False

    async def send(self, request: Request, *, timeout: float) -> Response:
        """See :class:`Transport`."""
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            await self._slot(deadline)
            try:
                return await self._answer(request, deadline)
            finally:
                self._slots.release()
        except OSError as error:
            raise _transport_error(request.call, error, timeout) from error

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`Transport`."""
        try:
            pool, connection = await self._opened(request, idle_timeout)
        except OSError as error:
            raise _transport_error(request.call, error, idle_timeout) from error
        try:
            body = _Body(connection, request.call, idle_timeout)
            if connection.status != 200:
                raise errors.from_response(request.call, connection.status, await body.start(ERROR_LIMIT), connection.retry_after)
            yield body
        finally:
            pool.give(connection)

    async def close(self) -> None:
        """See :class:`Transport`."""
        self._closed = True
        open_ = list(self._connections)
        for connection in open_:
            connection.abort()
        if open_:
            await asyncio.wait([connection.gone for connection in open_])

    async def _slot(self, deadline: float) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        async with asyncio.timeout_at(deadline):
            await self._slots.acquire()

    async def _answer(self, request: Request, deadline: float, *, again: bool = False) -> Response:
        pool, connection = await self._connection(request.call, deadline, new=again)
        try:
            body = await connection.ask(self._encoded(pool, request), deadline=deadline)
            return Response(connection.status, body, connection.retry_after)
        except Broken as error:
            if again or not _may_ask_again(request, error):
                raise
        finally:
            pool.give(connection)
        return await self._answer(request, deadline, again=True)

    async def _opened(self, request: Request, idle_timeout: float, *, again: bool = False) -> tuple[Pool, Connection]:
        pool, connection = await self._connection(request.call, math.inf, new=again)
        try:
            await connection.open(self._encoded(pool, request), patience=idle_timeout)
        except BaseException as error:
            pool.give(connection)
            if again or not isinstance(error, Broken) or not _may_ask_again(request, error):
                raise
        else:
            return pool, connection
        return await self._opened(request, idle_timeout, again=True)

    async def _connection(self, call: errors.Call, deadline: float, *, new: bool) -> tuple[Pool, Connection]:
        now = asyncio.get_running_loop().time()
        pool = self._current(now)
        rested = None if new else pool.take()
        if rested is not None:
            return pool, rested
        limit = min(CONNECT_TIMEOUT, deadline - now)
        try:
            async with asyncio.timeout(limit):
                made = await pool.connect()
        except TimeoutError as error:
            raise errors.ConnectFailed(call, f"cannot connect within {limit:.3g} s") from error
        except (OSError, UnicodeError) as error:
            raise errors.ConnectFailed(call, f"cannot connect: {error}") from error
        if self._closed:
            made.abort()
            raise errors.ConnectFailed(call, "cannot connect: this process is ending")
        self._connections.add(made)
        made.gone.add_done_callback(lambda _: self._connections.discard(made))
        return pool, made

    def _current(self, now: float) -> Pool:
        """The connections of the certificates as they are now. Nothing is awaited here, so that two requests cannot both make new ones."""
        pool = self._pool
        if pool is not None and now < self._next_look:
            return pool
        self._next_look = now + ROTATION_INTERVAL
        credentials = self._credentials
        target = Target(credentials.host, credentials.server_name, credentials.proxy)
        found = target, credentials.tls_generation()
        if pool is not None and found == self._made_of:
            return pool
        try:
            tls = credentials.tls()
        except OSError as error:
            if pool is None:
                raise
            # In the middle of a rotation a file is away, half written, or does not fit the other. What is open goes on.
            if found != self._broken:
                log.warning("certificate files cannot be used, going on with the former ones", reason=str(error))
                self._broken = found
            return pool
        if pool is not None:
            pool.retire()
        self._pool, self._made_of, self._broken = Pool(target, tls), found, found
        return self._pool

    def _encoded(self, pool: Pool, request: Request) -> bytes:
        """The request as it is sent, once its guard allows it."""
        headers = self._credentials.headers()
        if headers != self._headers:
            self._headers, self._authorization = headers, Secret(header_lines(headers))
        target = pool.prefix + request_target(request.path, request.query)
        head = f"{request.method} {target} HTTP/1.1\r\n{pool.head}{self._head}{self._authorization.reveal()}"
        body = request.body
        if request.guard is not None:
            request.guard()
        if body is None:
            return f"{head}\r\n".encode("ascii")
        return f"{head}Content-Type: {request.content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii") + body


class _Body:
    """A body as it comes; its errors are those of the request."""

    def __init__(self, connection: Connection, call: errors.Call, idle_timeout: float) -> None:
        self._connection = connection
        self._call = call
        self._idle_timeout = idle_timeout

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._connection.read()
        except OSError as error:
            raise _transport_error(self._call, error, self._idle_timeout) from error
        if not piece:
            raise StopAsyncIteration
        return piece

    async def start(self, limit: int) -> bytes:
        """The whole body, or so many bytes of it at least."""
        body = b""
        async for piece in self:
            body += piece
            if len(body) > limit:
                break
        return body


def _may_ask_again(request: Request, error: Broken) -> bool:
    return error.unsent or (error.unanswered and request.method == "GET")


def _transport_error(call: errors.Call, error: OSError, timeout: float) -> errors.TransportError:
    if isinstance(error, TimeoutError):
        return errors.Timeout(call, f"no answer within {timeout:g} s")
    if isinstance(error, Broken) and not (error.insecure or error.unsent):
        return errors.StreamBroken(call, f"connection broke: {error}")
    return errors.ConnectFailed(call, f"cannot connect: {error}")
