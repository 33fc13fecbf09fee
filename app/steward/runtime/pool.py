"""Connections to one server: made directly or through a proxy, kept for the next request, closed when they are old."""

from __future__ import annotations

import asyncio
import base64
import math
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from steward.runtime.connection import Connection

KEPT = 75.0
"""Seconds a connection may rest. Below the 90 s after which a kube-apiserver closes it, so that a write hardly ever meets a connection that is
being closed (k8s.io/apiserver/pkg/server/secure_serving.go, IdleTimeout)."""

ATTEMPT_DELAY = 0.25
"""Seconds before the next address of a name is tried beside the first (RFC 8305, section 5)."""

_PORTS = {"http": 80, "https": 443}


class Target(msgspec.Struct, frozen=True):
    """Where requests go.

    Attributes:
        url: URL of the server; a path is put before that of every request.
        server_name: Name its certificate must have instead of the host's.
        proxy: URL of a proxy, or None.
    """

    url: str
    server_name: str | None = None
    proxy: str | None = None


class Pool:
    """Connections to one target with one TLS context.

    Guarantees: the connection used last is used next, so that the others grow old; at most one request on each.

    Args:
        target: Where to.
        tls: How to prove ourselves and whom to trust; a proxy with https is held to the same, as by Go's client.

    Attributes:
        prefix: What comes before the path in a request line: that of the server's URL, its address too when a proxy shall forward the request.
        head: Lines that every request has: the server's name, and what a forwarding proxy wants to know.
    """

    def __init__(self, target: Target, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._idle: list[Connection] = []
        self._retired = False
        url = urlsplit(target.url)
        self._secure = url.scheme == "https"
        self._address = _address(url)
        self._server_name = target.server_name or self._address[0]
        self._proxy = urlsplit(target.proxy) if target.proxy else None
        named = _named(url)
        self.prefix, self.head = url.path, f"Host: {named}\r\n"
        if self._proxy is not None and not self._secure:
            self.prefix = f"http://{named}{url.path}"
            self.head += _proxy_authorization(self._proxy)

    def take(self) -> Connection | None:
        """A connection that rests, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
            connection.abort()
        return None

    def give(self, connection: Connection) -> None:
        """End the use of a connection: keep it for the next request, or close it."""
        if connection.is_reusable and not self._retired:
            connection.rest(KEPT)
            self._idle.append(connection)
        else:
            connection.abort()

    def retire(self) -> None:
        """Keep no connection any more; those in use are closed after it."""
        self._retired = True
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    async def connect(self) -> Connection:
        """Make a new connection.

        Raises:
            OSError: The server or the proxy cannot be reached, or one of them is not whom we trust.
        """
        if self._proxy is None:
            connection = await self._dial(self._address, self._tls if self._secure else None, self._server_name)
        elif self._secure:
            connection = await self._tunnel(self._proxy)
        else:
            connection = await self._reach(self._proxy)
        return connection

    async def _dial(self, address: tuple[str, int], tls: ssl.SSLContext | None, name: str) -> Connection:
        host, port = address
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self._lost), host, port, ssl=tls, server_hostname=name if tls else None, happy_eyeballs_delay=ATTEMPT_DELAY
        )
        return connection

    async def _reach(self, proxy: SplitResult) -> Connection:
        address = _address(proxy)
        return await self._dial(address, self._tls if proxy.scheme == "https" else None, address[0])

    async def _tunnel(self, proxy: SplitResult) -> Connection:
        """Let the proxy hand on bytes (CONNECT; RFC 9110, 9.3.6), and speak TLS with the server through it."""
        outer = await self._reach(proxy)
        try:
            await outer.open(self._connect_request(proxy), patience=math.inf)
            carrier = self._carrier(outer, proxy)
        except BaseException:
            outer.abort()
            raise
        connection = Connection(self._lost)
        try:
            through = await asyncio.get_running_loop().start_tls(carrier, connection, self._tls, server_hostname=self._server_name)
        except BaseException:
            carrier.abort()
            raise
        assert through is not None
        connection.connection_made(through)  # start_tls leaves it to its caller
        return connection

    def _carrier(self, outer: Connection, proxy: SplitResult) -> asyncio.Transport:
        if outer.status != 200:
            raise OSError(f"the proxy {_named(proxy)} refuses the connection with status {outer.status}")
        return outer.detach()

    def _connect_request(self, proxy: SplitResult) -> bytes:
        host, port = self._address
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{_proxy_authorization(proxy)}\r\n".encode("ascii")

    def _lost(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)


def _address(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or _PORTS[url.scheme]


def _named(url: SplitResult) -> str:
    """Address and port, without the password that may stand before them."""
    return url.netloc.rpartition("@")[2]


def _proxy_authorization(proxy: SplitResult) -> str:
    if proxy.username is None:
        return ""
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
