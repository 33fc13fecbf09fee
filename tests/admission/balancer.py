"""A Service of the test: connections go in turn to the backends that are ready. As kube-proxy, it leaves open ones alone."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Balancer:
    """TCP on a free port, in a thread of its own.

    Attributes:
        backends: Ports that new connections go to.
        opened: Connections by backend.
    """

    def __init__(self) -> None:
        self.backends: list[int] = []
        self.opened: dict[int, int] = {}
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, with all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        # Transports tell of their end one turn of the loop later.
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        writers = [writer]
        try:
            self._turn += 1
            port = self.backends[self._turn % len(self.backends)]
            # Where nobody listens, the client sees its connection end, as in a cluster.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                there = await asyncio.open_connection("127.0.0.1", port)
                writers.append(there[1])
                self.opened[port] = self.opened.get(port, 0) + 1
                await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        finally:
            self._open.discard(task)
            for one in writers:
                one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@contextlib.contextmanager
def balancing(*backends: int) -> Iterator[Balancer]:
    """One that is closed in the end."""
    balancer = Balancer()
    balancer.backends = list(backends)
    try:
        yield balancer
    finally:
        balancer.close()
