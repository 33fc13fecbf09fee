"""The only seam to the wire: requests out, answers or a stream of bytes in.

:class:`Transport` has two methods; :class:`HTTPTransport` is the real one, and the fake API server of the tests is the other. You rarely
need this module: :mod:`steward.runtime.client` speaks in objects.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from steward.runtime import errors
from steward.runtime.auth import Credentials
from steward.telemetry.logging import get_logger

READ_BUFFER = 1 << 20
"""Bytes aiohttp reads ahead. A page of 500 pods is 4 to 5 MB; the default of 64 KiB costs a wake-up per chunk."""

KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES = 30, 15, 9
"""TCP keepalive of client-go (net.Dialer's defaults): a dead peer is noticed although nothing is sent."""

CONNECT_TIMEOUT = 10.0
"""Seconds to reach the server; below the renew deadline of a lease, so that one lost SYN does not cost the leadership."""

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


class _Pool:
    """Connections made with one set of certificates.

    Attributes:
        session: What holds them.
        generation: State of the files they were made with.
        broken: A later state of the files that could not be used, and was told of.
        users: Requests and watches under way, those that have no connection yet included.
    """

    def __init__(self, session: aiohttp.ClientSession, generation: object) -> None:
        self.session = session
        self.generation = generation
        self.broken = generation
        self.users = 0


class HTTPTransport:
    """aiohttp against a real API server.

    Guarantees: a rotated token is sent as soon as :class:`Credentials` knows it; rotated CA and client certificates are used for new
    connections, and the former ones until the new can be read; requests under way are not cut off by a rotation.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._pool: _Pool | None = None
        self._pools: set[_Pool] = set()

    async def send(self, request: Request, *, timeout: float) -> Response:
        """See :class:`Transport`."""
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_TIMEOUT, timeout))
        try:
            async with self._open(request, limits) as answer:
                body = await answer.read()
                return Response(answer.status, body, answer.headers.get("Retry-After"))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _transport_error(request.call, error, timeout) from error

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See :class:`Transport`."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=idle_timeout)
        try:
            async with self._open(request, limits) as answer:
                if answer.status != 200:
                    body = await answer.read()
                    raise errors.from_response(request.call, answer.status, body, answer.headers.get("Retry-After"))
                try:
                    yield answer.content.iter_any()
                finally:
                    _abandon(answer)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _transport_error(request.call, error, idle_timeout) from error

    async def close(self) -> None:
        """See :class:`Transport`."""
        pools, self._pools, self._pool = self._pools, set(), None
        for pool in pools:
            await pool.session.close()

    @asynccontextmanager
    async def _open(self, request: Request, limits: aiohttp.ClientTimeout) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "application/json", **self._credentials.headers()}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        url = URL(self._credentials.host + request.path).with_query(request.query)
        pool = self._current()
        pool.users += 1
        try:
            await self._close_unused()
            async with pool.session.request(
                request.method,
                url,
                data=request.body,
                headers=headers,
                timeout=limits,
                proxy=self._credentials.proxy,
                server_hostname=self._credentials.server_name,
                allow_redirects=False,
                trace_request_ctx=request.guard,
            ) as answer:
                yield answer
        finally:
            pool.users -= 1
            await self._close_unused()

    def _current(self) -> _Pool:
        """The connections of the certificates as they are now. Nothing is awaited here, so that two requests cannot both make new ones."""
        pool, generation = self._pool, self._credentials.tls_generation()
        if pool is not None and generation == pool.generation:
            return pool
        try:
            context = self._credentials.tls()
        except OSError as error:
            if pool is None:
                raise
            # In the middle of a rotation a file is away, half written, or does not fit the other. What is open goes on.
            if generation != pool.broken:
                log.warning("certificate files cannot be used, going on with the former ones", reason=str(error))
                pool.broken = generation
            return pool
        self._pool = _Pool(self._session(context), generation)
        self._pools.add(self._pool)
        return self._pool

    def _session(self, context: ssl.SSLContext) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context, socket_factory=_socket, keepalive_timeout=75),
            # "identity": inflating a page costs more than decoding it, and aiohttp would ask for gzip.
            headers={"Accept-Encoding": "identity", "User-Agent": self._credentials.user_agent},
            read_bufsize=READ_BUFFER,
            trace_configs=[_guarded()],
        )

    async def _close_unused(self) -> None:
        """Close former connections that carry no request any more; watches end within ten minutes by themselves."""
        for pool in [pool for pool in self._pools if pool is not self._pool and not pool.users]:
            self._pools.discard(pool)
            await pool.session.close()


def _abandon(answer: aiohttp.ClientResponse) -> None:
    """Cut a stream that has not ended. The goodbye of TLS would wait for a peer that may be silent (asyncio: 30 s)."""
    transport = answer.connection.transport if answer.connection is not None else None
    if transport is not None:
        transport.abort()


def _guarded() -> aiohttp.TraceConfig:
    """Run a request's guard at the last moment before its first byte leaves."""

    async def on_connected(_session: object, context: object, _params: object) -> None:
        guard: Callable[[], None] | None = getattr(context, "trace_request_ctx", None)
        if guard is not None:
            guard()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(on_connected)
    trace.on_connection_reuseconn.append(on_connected)
    return trace


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    return made


def _transport_error(call: errors.Call, error: Exception, timeout: float) -> errors.TransportError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return errors.ConnectFailed(call, f"cannot connect within {min(CONNECT_TIMEOUT, timeout):g} s")
    if isinstance(error, asyncio.TimeoutError):
        return errors.Timeout(call, f"no answer within {timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientSSLError | ssl.SSLError):
        return errors.ConnectFailed(call, f"cannot connect: {error}")
    return errors.StreamBroken(call, f"connection broke: {str(error) or type(error).__name__}")
