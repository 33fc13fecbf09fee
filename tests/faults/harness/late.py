"""An API server that hears of one kind of objects late: between it and etcd stands a proxy that holds back what etcd says of them."""

import asyncio
import contextlib
from collections.abc import Callable

from support.envtest import ControlPlane

HEADER, DATA, HEADERS = 9, 0, 1
"""Bytes before each frame of HTTP/2 and the types of those that are held back (RFC 9113, 4.1 and 6). The others keep the connection alive."""

CHUNK = 1 << 16


class LateEtcd:
    """Passes connections to etcd through. API servers have one for each kind of objects.

    Args:
        port: Of etcd.
        kind: Plural of the objects that are heard of late.

    Attributes:
        seconds: How late, from now on.
        held: Frames that were held back.
    """

    def __init__(self, port: int, kind: str) -> None:
        self._behind = port
        self._key = f"/registry/{kind}/".encode()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.seconds = 0.0
        self.held = 0

    async def open(self) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End it, with all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers, is_late = [writer], asyncio.Event()
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                behind, beyond = await asyncio.open_connection("127.0.0.1", self._behind)
                writers.append(beyond)
                await asyncio.gather(self._ask(reader, beyond, is_late), self._answer(behind, writer, is_late.is_set))
        finally:
            self._tasks.discard(task)
            for one in writers:
                one.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, beyond: asyncio.StreamWriter, is_late: asyncio.Event) -> None:
        while data := await reader.read(CHUNK):
            if self._key in data:
                is_late.set()
            beyond.write(data)
            await beyond.drain()
        beyond.write_eof()

    async def _answer(self, behind: asyncio.StreamReader, writer: asyncio.StreamWriter, is_late: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            header = await behind.readexactly(HEADER)
            frame = header + await behind.readexactly(int.from_bytes(header[:3], "big"))
            if self.seconds and is_late() and header[3] in {DATA, HEADERS}:
                self.held += 1
                loop.call_later(self.seconds, _write, writer, frame)
            else:
                writer.write(frame)
                await writer.drain()


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    if not writer.is_closing():
        writer.write(frame)


class Another(ControlPlane):
    """A second API server of the same cluster.

    Args:
        plane: The cluster.
        etcd_port: Where it finds etcd.
    """

    def __init__(self, plane: ControlPlane, etcd_port: int) -> None:
        super().__init__(plane.directory)
        self.etcd_port = etcd_port

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.start_one("kube-apiserver")
        self.wait_until_ready()
