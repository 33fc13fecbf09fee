"""A server that answers byte by byte as a test says, for what no well-behaved server does."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from steward.runtime.auth import Credentials
from steward.runtime.transport import HTTPTransport
from support.managers import until


class Scripted:
    """What a scripted server has seen.

    Attributes:
        url: Its address.
        heads: The head of each request, in the order they came.
        accepted: Connections so far.
        open: Connections that are open on the server's side.
    """

    def __init__(self) -> None:
        self.url = ""
        self.heads: list[str] = []
        self.accepted = 0
        self.open: set[asyncio.StreamWriter] = set()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request; its body.

        Raises:
            EOFError: The client has closed the connection.
        """
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        length = next((int(line.partition(":")[2]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        return await reader.readexactly(length)


Handler = Callable[[Scripted, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*answers: bytes, close: bool = False) -> Handler:
    """Give these answers, to one request each, on every connection; then read on, or close."""

    async def handle(seen: Scripted, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await seen.request(reader)
            writer.write(answer)
            await writer.drain()
        if not close:
            await reader.read()

    return handle


@asynccontextmanager
async def scripted(handler: Handler, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Scripted]:
    """Serve on the loopback interface. A handler ends with its client; each connection is closed when its handler returns."""
    seen = Scripted()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.accepted += 1
        seen.open.add(writer)
        try:
            with contextlib.suppress(EOFError, ConnectionError):
                await handler(seen, reader, writer)
        finally:
            seen.open.discard(writer)
            writer.transport.abort()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    seen.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    async with server:
        yield seen
        server.close()
        for writer in list(seen.open):
            writer.transport.abort()
        await until(lambda: not seen.open, seconds=2)


@asynccontextmanager
async def transport_to(credentials: Credentials) -> AsyncIterator[HTTPTransport]:
    """A transport that is closed in the end."""
    transport = HTTPTransport(credentials)
    try:
        yield transport
    finally:
        await transport.close()
