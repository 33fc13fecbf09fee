"""A door between a client and the API server that counts who knocks, as a load balancer before the API server could."""

import asyncio
import contextlib
import time

from faults.harness.wait import until

CHUNK = 1 << 16


class Door:
    """Passes TCP connections through, and closes those for which the server is not there.

    Args:
        port: Of the API server on this machine.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.knocks: list[float] = []
        """Loop times of all connections."""

    async def open(self) -> str:
        """Listen; the URL to give to the client."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Close the door and everything that goes through it."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await until(lambda: not self._writers, "end of what passes the door", within=5)

    def between(self, start: float, end: float) -> int:
        """Connections between two loop times."""
        return sum(start <= knock < end for knock in self.knocks)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks.append(time.monotonic())
        try:
            behind, beyond = await asyncio.open_connection("127.0.0.1", self._behind)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, beyond}
        self._writers |= both
        pumps = [asyncio.ensure_future(_pump(reader, beyond)), asyncio.ensure_future(_pump(behind, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.transport.abort()
        await asyncio.wait(pumps)
        self._writers -= both


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
