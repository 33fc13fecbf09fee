"""The server that an API server calls for admission: HTTPS on a port of its own, on the running event loop.

uvicorn with httptools speaks HTTP/1.1; what is added here is about being called by API servers, which keep their connections for 90 s
(Go's http.Transport, IdleConnTimeout in apiserver's webhook clients) and take every connection that breaks for a failed call.

Order of a stop: nothing changes for those who call but that each answer ends its connection; after :data:`LINGER_SECONDS`, when every
API server has learnt that this replica is going, the port is closed and what is under way is answered.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from steward.http.sockets import listen
from steward.http.tls import Certificate, CertificateUnreadable, server_context
from steward.telemetry.logging import get_logger

_log = get_logger(__name__)

LINGER_SECONDS = 10.0
"""How long a replica that goes serves on: what API servers and kube-proxies need to learn of it, as gatekeeper waits."""

FINISH_SECONDS = 5
"""What calls under way get after that: more than a call may take by default, less than is left of a pod's 30 s of grace."""

KEEP_ALIVE_SECONDS = 120
"""Longer than the 90 s of a Go client, so that it is the client who closes: a call on a connection that we close at that moment is lost."""

ARRIVAL_SECONDS = 10.0
"""What a request may take to arrive whole, and a connection to bring its first. An API server sends at once; who does not is none."""

BODY_LIMIT = 7 * 1024 * 1024
"""Bytes of one body: an object of 3 MiB, which is all that an API server takes, twice, and what is around it (controller-runtime's limit)."""

BODIES_LIMIT = 64 * 1024 * 1024
"""Bytes of all bodies that have come, whole or in part, and are not answered, so that calls cannot take more memory than there is."""

CALLS_LIMIT = 1000
"""Whole calls under way. At a quarter of a millisecond each, the last of them is answered long before its caller gives up."""

DEADLINE_DEFAULT, DEADLINE_MARGIN = 10.0, 0.5
"""Seconds a caller waits that does not say so (admissionregistration.k8s.io/v1, timeoutSeconds), and how long before its end we answer."""

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
"""Go's time.Duration as text, as far as timeouts need it."""


class Call(NamedTuple):
    """One call, whole.

    Attributes:
        path: Of the URL.
        content_type: Without parameters, in lower case.
        body: At most :data:`BODY_LIMIT` bytes.
        deadline: When it should be answered, on the loop's clock.
        started: When its headers had come, on that clock.
    """

    path: str
    content_type: str
    body: bytes
    deadline: float
    started: float


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"


Handle = Callable[[Call], Awaitable[Reply]]


class Refused(Exception):
    """A call that is not handed on, because of its size or of how many there are."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Gone(Exception):
    """The caller went away before its call was whole: nobody waits for an answer."""


class AdmissionServer:
    """Serves calls by POST at some paths.

    Args:
        handle: Answers a call. An exception out of it is answered with 500.
        paths: Where.
        port: On every address.
        certificate: Asked at each handshake, so that a renewed one is shown at once.
        refused: Told why, in one word, of each call that is not handed on.

    Raises: PortUnavailable.
    """

    def __init__(
        self, handle: Handle, *, paths: tuple[str, ...], port: int, certificate: Certificate, refused: Callable[[str], None] = lambda _: None
    ) -> None:
        self._handle = handle
        self._paths = frozenset(paths)
        self._refused = refused
        self._certificate = certificate
        self._calls = self._bytes = 0
        self._is_going = False
        self._server: uvicorn.Server | None = None
        self._socket = listen(port)
        self.port: int = self._socket.getsockname()[1]

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._calls

    @property
    def is_listening(self) -> bool:
        """Whether calls are answered, and will be."""
        return self._server is not None and self._server.started and not self._is_going

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop, and as long after that as callers need to go elsewhere."""
        config = uvicorn.Config(
            self._app,
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=FINISH_SECONDS,
        )
        config.load()
        config.ssl = self._context()
        server = self._server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[self._socket]))
            await stopping.wait()
            self._is_going = True
            asyncio.get_running_loop().call_later(LINGER_SECONDS, setattr, server, "should_exit", True)

    def _context(self) -> ssl.SSLContext:
        """The context every handshake begins with, and leaves for the one with the certificate of this moment."""

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _base: ssl.SSLContext) -> int | None:
            try:
                connection.context = self._certificate.context()
            except CertificateUnreadable as error:
                _log.debug("no certificate to show yet", reason=str(error))
                return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
            return None

        base = server_context()
        base.sni_callback = choose
        return base

    async def _app(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """The ASGI application."""
        started = asyncio.get_running_loop().time()
        try:
            reply = await self._answer(scope, receive, started)
        except Refused as refused:
            self._refused(refused.reason)
            reply = Reply(refused.status, f"{refused.reason}\n".encode(), b"text/plain")
        except Gone:
            return
        headers = [(b"content-type", reply.content_type), (b"content-length", str(len(reply.body)).encode())]
        if self._is_going or reply.status >= 500 or reply.status == 413:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], started: float) -> Reply:
        if scope["path"] not in self._paths:
            return Reply(404, b"not found\n", b"text/plain")
        if scope["method"] != "POST":
            return Reply(405, b"method not allowed\n", b"text/plain")
        headers = dict(scope["headers"])
        _check_length(headers.get(b"content-length", b""))
        held = _Held()
        try:
            call = Call(
                scope["path"],
                headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower(),
                await self._body(receive, held),
                started + max(timeout(scope["query_string"]) - DEADLINE_MARGIN, DEADLINE_MARGIN),
                started,
            )
            return await self._call(call)
        finally:
            self._bytes -= held.bytes

    async def _call(self, call: Call) -> Reply:
        if self._calls >= CALLS_LIMIT:
            raise Refused(503, "overload")
        self._calls += 1
        try:
            return await self._handle(call)
        finally:
            self._calls -= 1

    async def _body(self, receive: Callable[[], Awaitable[Any]], held: _Held) -> bytes:
        """All of it, which the parser sees to is as long as announced. What has come takes room, not what was announced: that costs nothing."""
        parts = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            if self._bytes + len(part) > BODIES_LIMIT:
                raise Refused(503, "overload")
            self._bytes += len(part)
            held.bytes += len(part)
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)


class _Held:
    """The bytes that one call holds."""

    bytes: int = 0


class _Connection(HttpToolsProtocol):
    """A connection that is cut when a request does not come whole in time; uvicorn waits for ever."""

    _arrival: asyncio.TimerHandle | None = None
    _is_arriving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The second: something that begins no message, after which uvicorn waits for ever, too.
        if self._is_arriving or self.cycle is None or self.cycle.response_complete:
            self._expect()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_arriving = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_arriving = False
        self._expect_nothing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._arrival is None:
            self._arrival = self.loop.call_later(ARRIVAL_SECONDS, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None


def _check_length(header: bytes) -> None:
    """Look at how long the body will be. Raises: Refused when nobody says so, or when it is too long."""
    if not header.isdigit():
        raise Refused(411, "length")
    if int(header) > BODY_LIMIT:
        raise Refused(413, "oversize")


def timeout(query: bytes) -> float:
    """Seconds that the caller waits, as it says in ``?timeout=3s``."""
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        found = _DURATION.fullmatch(value) if name == "timeout" and value else None
        if found is not None:
            hours, minutes, seconds, milliseconds = (float(one or 0) for one in found.groups())
            return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    return DEADLINE_DEFAULT
