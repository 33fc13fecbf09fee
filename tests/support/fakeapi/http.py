"""The door over HTTP: real connections, for faults that only they have, and for benchmarks.

aiohttp's low-level server: measured, it is never the limit (10,000 requests/s with the client on the other core, as a hand-written protocol).
"""

import asyncio
from contextlib import suppress
from typing import Self

import msgspec
from aiohttp import web

from support.fakeapi.api import FakeAPI
from support.fakeapi.reads import Answer
from support.fakeapi.routes import Ask
from support.fakeapi.server import Down
from support.fakeapi.status import of_code
from support.fakeapi.streams import Dropped, Stream

_VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0", "platform": "linux/amd64"}


class HTTPServer:
    """Serves a :class:`FakeAPI` on the loopback interface.

    Args:
        api: What to serve.
        port: Where; 0 takes a free one, see :attr:`url`.
        token: The only bearer token that is accepted; None accepts all.
        tls: Context of the server, or None for plain HTTP.
    """

    def __init__(self, api: FakeAPI, *, port: int = 0, token: str | None = None, tls: object = None) -> None:
        self.api = api
        self.token = token
        self._port = port
        self._tls = tls
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen."""
        # A handler ends with its connection: a watch nobody reads is closed at once.
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None, handler_cancellation=True), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls, backlog=1024)
        await site.start()
        address = self._runner.addresses[0]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{address[1]}"

    async def stop(self) -> None:
        """Close all connections and the port."""
        if self._runner is not None:
            for stream in self.api.streams():
                stream.drop()
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        presented = request.headers.get("Authorization", "").partition(" ")[2]
        if self.token is not None and presented != self.token:
            return _response(Answer(401, of_code(401).encoded()))
        outside = _outside(request.path)
        if outside is not None:
            return _cut(request) if self.api.is_down else _response(outside)
        ask = Ask(
            request.method,
            request.path,
            request.query,
            await request.read(),
            request.headers.get("Content-Type", "application/json").partition(";")[0],
            request.headers.get("User-Agent", "unknown"),
        )
        try:
            answer = await self.api.handle(ask)
        except (Down, Dropped):
            return _cut(request)
        return await self._stream(request, answer) if isinstance(answer, Stream) else _response(answer)

    async def _stream(self, request: web.BaseRequest, stream: Stream) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            while (chunk := await stream.read()) is not None:
                await response.write(chunk)
            await response.write_eof()
        except Dropped:
            _cut(request)
        except ConnectionError:
            pass
        finally:
            stream.close()
        return response


def _response(answer: Answer) -> web.Response:
    kind = "text/plain" if answer.body[:1] not in (b"{", b"[") else "application/json"
    return web.Response(status=answer.status, body=answer.body, content_type=kind, headers=answer.headers)


def _cut(request: web.BaseRequest) -> web.Response:
    """Break the connection, as a crash does."""
    with suppress(AttributeError):
        request.transport.abort()
    return web.Response(status=500)


def _outside(path: str) -> Answer | None:
    """Paths that are no resources."""
    match path:
        case "/version" | "/version/":
            return Answer(200, msgspec.json.encode(_VERSION))
        case "/livez" | "/readyz" | "/healthz":
            return Answer(200, b"ok")
    return None


async def serve_forever(server: HTTPServer) -> None:
    """Serve until cancelled."""
    async with server:
        await asyncio.get_running_loop().create_future()
