"""The door in memory: a ``Transport`` for unit tests on a virtual clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steward.runtime import errors
from steward.runtime.transport import Request, Response
from support.fakeapi.api import FakeAPI
from support.fakeapi.routes import Ask
from support.fakeapi.server import Down
from support.fakeapi.streams import Dropped, Stream


class MemoryTransport:
    """Requests to a :class:`FakeAPI` in the same event loop, with the errors that HTTP would give.

    Args:
        api: The server.
        latency: Seconds each request needs to get there.
    """

    def __init__(self, api: FakeAPI, *, latency: float = 0.0) -> None:
        self.latency = latency
        self.is_closed = False
        self._is_cut = False
        self._api = api

    async def send(self, request: Request, *, timeout: float) -> Response:
        """See ``steward.runtime.transport.Transport``."""
        try:
            async with asyncio.timeout(timeout):
                answer = await self._handle(request)
        except TimeoutError as error:
            raise errors.Timeout(request.call, f"no answer within {timeout:g} s") from error
        assert not isinstance(answer, Stream), "a watch is opened with stream()"
        return Response(answer.status, answer.body, answer.headers.get("Retry-After"))

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """See ``steward.runtime.transport.Transport``."""
        try:
            async with asyncio.timeout(idle_timeout):
                answer = await self._handle(request)
        except TimeoutError as error:
            raise errors.Timeout(request.call, f"no answer within {idle_timeout:g} s") from error
        if not isinstance(answer, Stream):
            raise errors.from_response(request.call, answer.status, answer.body, answer.headers.get("Retry-After"))
        try:
            yield _chunks(request, answer, idle_timeout)
        finally:
            answer.close()

    async def close(self) -> None:
        """See ``steward.runtime.transport.Transport``."""
        self.is_closed = True

    def cut(self) -> None:
        """The process is dead or without a network: nothing of it reaches the server any more."""
        self._is_cut = True

    async def _handle(self, request: Request) -> object:
        await asyncio.sleep(self.latency)
        if self._is_cut:
            raise errors.ConnectFailed(request.call, "cannot connect: network is unreachable")
        if request.guard is not None:
            request.guard()
        agent = "steward"
        try:
            return await self._api.handle(Ask(request.method, request.path, request.query, request.body or b"", request.content_type, agent))
        except Down as error:
            raise errors.ConnectFailed(request.call, "cannot connect: refused") from error
        except Dropped as error:
            raise errors.StreamBroken(request.call, "connection broke") from error


async def _chunks(request: Request, stream: Stream, idle_timeout: float) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(idle_timeout):
                chunk = await stream.read()
        except TimeoutError as error:
            raise errors.Timeout(request.call, f"no answer within {idle_timeout:g} s") from error
        except Dropped as error:
            raise errors.StreamBroken(request.call, "connection broke") from error
        if chunk is None:
            return
        yield chunk
