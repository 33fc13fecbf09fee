"""Open watches: what happened, as lines, with bookmarks, an end, and everything that can go wrong with a stream."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from support.fakeapi import status
from support.fakeapi.kinds import Kind
from support.fakeapi.reads import chosen, parse_version
from support.fakeapi.routes import Ask, Target
from support.fakeapi.storage import Change, Database, Stored, encode

BOOKMARK_SECONDS = 60.0
"""A bookmark is sent this often (bookmarkFrequency in apiserver/pkg/storage/cacher), and once more shortly before the end."""

LAST_BOOKMARK_SECONDS = 2.0

DEFAULT_TIMEOUT = 1800.0
"""Seconds a watch lasts when the client names none (--min-request-timeout)."""


class Dropped(Exception):
    """The connection broke."""


class Stream:
    """One open watch. Read with :meth:`read`; the other methods are the server's, and the faults'."""

    def __init__(self, target: Target, ask: Ask, database: Database, closed: Callable[["Stream"], None]) -> None:
        self.target = target
        self.silent = False
        self.lag = 0.0
        self._database = database
        self._table = database.tables[target.kind]
        self._wanted = chosen(target, ask.query)
        self._bookmarks = ask.query.get("allowWatchBookmarks") in ("true", "1")
        self._closed = closed
        self._lines: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._broken = self._over = False
        self._twice = self._held_back = 0
        self._held: list[bytes] = []
        self._since = 0
        self._loop = asyncio.get_running_loop()
        self._timers: set[asyncio.TimerHandle] = set()
        self._start(ask)

    async def read(self) -> bytes | None:
        """All lines that wait; None at the end of the stream. Raises: Dropped."""
        while True:
            if self._broken:
                raise Dropped
            if self._lines and not self.silent:
                chunk = b"".join(self._lines)
                self._lines.clear()
                return chunk
            if self._over and not self.silent:
                return None
            self._news.clear()
            await self._news.wait()

    def close(self) -> None:
        """The client, or the server, has gone."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._heard in self._table.listeners:
            self._table.listeners.remove(self._heard)
        self._closed(self)

    def end(self) -> None:
        """The server ends the stream in good order."""
        self._over = True
        self._news.set()

    def drop(self) -> None:
        """The connection breaks; what was not read yet is lost."""
        self._broken = True
        self._news.set()

    def fail(self, refused: status.Refused) -> None:
        """An ERROR event, and the end."""
        self._push(b'{"type":"ERROR","object":%b}\n' % refused.encoded())
        self.end()

    def bookmark(self, *, initial_events_end: bool = False) -> None:
        """Tell the version, if the client asked for that and does not know it."""
        if not self._bookmarks or (self._database.version <= self._since and not initial_events_end):
            return
        kind = self.target.kind
        marks = {"annotations": {"k8s.io/initial-events-end": "true"}} if initial_events_end else {}
        empty = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"resourceVersion": str(self._database.version), **marks}}
        self._push(b'{"type":"BOOKMARK","object":%b}\n' % msgspec.json.encode(empty))

    def duplicate(self, times: int) -> None:
        """Send each of the next events twice."""
        self._twice += times

    def reorder(self, number: int) -> None:
        """Hold back the next events until there are this many, and send them the other way round."""
        self._held_back = number

    def _start(self, ask: Ask) -> None:
        query, initial = ask.query, ask.query.get("sendInitialEvents") in ("true", "1")
        version = self._since = parse_version(query.get("resourceVersion", ""))
        try:
            past = self._table.since(version) if version and not initial else ()
        except status.Refused as expired:
            self.fail(expired)
            return
        if not version or initial:
            for item in self._table.sorted():
                if self._wanted(item):
                    self._push(_line(self.target.kind, "ADDED", item))
            if initial:
                self.bookmark(initial_events_end=True)
        for change in past:
            self._heard(change)
        self._table.listeners.append(self._heard)
        timeout = float(query.get("timeoutSeconds") or DEFAULT_TIMEOUT)
        self._after(timeout, self.end)
        self._after(max(timeout - LAST_BOOKMARK_SECONDS, 0), self.bookmark)
        self._after(BOOKMARK_SECONDS, self._mark_again)

    def _mark_again(self) -> None:
        self._database.heartbeat()
        self.bookmark()
        self._after(BOOKMARK_SECONDS, self._mark_again)

    def _heard(self, change: Change) -> None:
        if change.version <= self._since:
            # The client is ahead of a server that was restored; a real one is silent, too.
            return
        for line in self._lines_of(change):
            if self.lag:
                self._after(self.lag, lambda line=line: self._deliver(line))
            else:
                self._deliver(line)

    def _lines_of(self, change: Change) -> Iterable[bytes]:
        """An object that moves into the selection is added, one that moves out of it is deleted."""
        kind, old, new = self.target.kind, change.old, change.new
        before, after = old is not None and self._wanted(old), new is not None and self._wanted(new)
        if after and new is not None:
            yield _line(kind, "MODIFIED" if before else "ADDED", new)
        elif before and old is not None:
            yield _line(kind, "DELETED", change.last or _as_of(old, change.version))

    def _deliver(self, line: bytes) -> None:
        if self._held_back:
            self._held.append(line)
            if len(self._held) < self._held_back:
                return
            lines, self._held, self._held_back = self._held[::-1], [], 0
        else:
            lines = [line]
        for one in lines:
            self._push(one)
            if self._twice:
                self._twice -= 1
                self._push(one)

    def _push(self, line: bytes) -> None:
        self._lines.append(line)
        self._news.set()

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        def ring() -> None:
            self._timers.discard(timer)
            call()

        timer = self._loop.call_later(seconds, ring)
        self._timers.add(timer)


def _line(kind: Kind, event: str, item: Stored) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (event.encode(), item.body(kind))


def _as_of(item: Stored, version: int) -> Stored:
    obj = item.decoded()
    obj["metadata"]["resourceVersion"] = str(version)
    return encode(obj)
