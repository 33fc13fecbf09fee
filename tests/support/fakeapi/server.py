"""The fake server: answers requests, opens watches, lets faults have their way. Its doors are memory.py and http.py."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import msgspec

from support.fakeapi import faults, reads, status, writes
from support.fakeapi.kinds import Kind
from support.fakeapi.reads import Answer
from support.fakeapi.reviews import Reviews
from support.fakeapi.routes import Ask, Match, Router, Target
from support.fakeapi.status import Refused
from support.fakeapi.storage import Database
from support.fakeapi.streams import Dropped, Stream

JOURNAL = 1_000_000
"""Requests that are remembered."""


class Down(Exception):
    """Nobody listens."""


class Seen(msgspec.Struct):
    """A request that came: loop time, what it asked, and the code of the answer (0 while there is none)."""

    at: float
    target: Target
    name: str
    query: Mapping[str, str]
    code: int = 0


class _NamedMeta(msgspec.Struct):
    name: str = ""


class _Named(msgspec.Struct):
    metadata: _NamedMeta = msgspec.field(default_factory=_NamedMeta)


class Server:
    """What requests meet. Tests hold a :class:`~support.fakeapi.api.FakeAPI`, which adds what they put in, look at and break.

    Attributes:
        journal: Requests for what there is.
        strays: How many requests came for what there is not.
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.watch_list = True
        self.is_down = False
        self.journal: deque[Seen] = deque(maxlen=JOURNAL)
        self.strays = 0
        self.database = Database(kinds)
        self._router = Router(self.database.tables)
        self._faults: list[faults.Fault] = []
        self._streams: list[Stream] = []
        self._lags: list[tuple[Match, float]] = []
        self._denied: list[Match] = []
        self.reviews = Reviews(self._may)
        self._held: set[asyncio.Future[None]] = set()
        self._verbs: dict[str, Callable[[Ask, Target], Answer | Stream]] = {
            "get": lambda _, target: reads.get(self.database, target),
            "list": lambda ask, target: reads.page(self.database, ask, target),
            "watch": self._watch,
            "create": lambda ask, target: writes.create(self.database, ask, target, self.reviews),
            "update": lambda ask, target: writes.update(self.database, ask, target),
            "patch": lambda ask, target: writes.patch(self.database, ask, target),
            "delete": lambda ask, target: writes.delete(self.database, ask, target),
        }

    async def handle(self, ask: Ask) -> Answer | Stream:
        """Answer a request, or open a watch. Raises: Dropped, Down."""
        if self.is_down:
            raise Down
        try:
            target = self._router.target(ask)
        except Refused as refused:
            self.strays += 1
            return _refusal(refused)
        name = _created_name(ask) if target.verb == "create" else target.name
        seen = Seen(asyncio.get_running_loop().time(), target, name, ask.query)
        self.journal.append(seen)
        try:
            if self._faults:
                await self._suffer(ask, target, name)
            answer = self._serve(ask, target, name)
        except Refused as refused:
            answer = _refusal(refused)
        seen.code = 200 if isinstance(answer, Stream) else answer.status
        return answer

    async def _suffer(self, ask: Ask, target: Target, name: str) -> None:
        """Let the faults have their way, in the order in which they were asked for."""
        self._faults = [fault for fault in self._faults if not fault.is_over]
        hitting = [f for f in self._faults if f.match(target, name) and (not f.continued or ask.query.get("continue"))]
        for fault in hitting:
            if fault.times is not None:
                fault.times -= 1
            match fault.effect:
                case faults.Delay(seconds):
                    await self._hold(seconds)
                case faults.Respond(refused):
                    raise refused
                case faults.Drop(applied):
                    if applied:
                        self._serve(ask, target, name)
                    raise Dropped
                case faults.Hang(applied):
                    if applied:
                        self._serve(ask, target, name)
                    await self._hold(None)

    async def _hold(self, seconds: float | None) -> None:
        """Let a request wait, for ever or for some seconds, while the server lives."""
        loop = asyncio.get_running_loop()
        held = loop.create_future()
        timer = loop.call_later(seconds, held.set_result, None) if seconds is not None else None
        self._held.add(held)
        try:
            await held
        finally:
            self._held.discard(held)
            if timer is not None:
                timer.cancel()

    def _serve(self, ask: Ask, target: Target, name: str) -> Answer | Stream:
        if any(denied(target, name) for denied in self._denied):
            raise status.forbidden(target.kind, target.verb, target.namespace, target.name)
        return self._verbs[target.verb](ask, target)

    def _watch(self, ask: Ask, target: Target) -> Stream:
        if ask.query.get("sendInitialEvents") and not self.watch_list:
            raise status.watch_list_unknown()
        stream = Stream(target, ask, self.database, self._streams.remove)
        stream.lag = next((seconds for match, seconds in reversed(self._lags) if match(target)), 0.0)
        self._streams.append(stream)
        return stream

    def _may(self, verb: str, plural: str, namespace: str) -> bool:
        kind = next((kind for kind in self.database.tables if kind.plural == plural), None)
        return kind is not None and not any(denied(Target(verb, kind, namespace, "", "")) for denied in self._denied)


def _refusal(refused: Refused) -> Answer:
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after is not None else {}
    return Answer(refused.code, refused.encoded(), headers)


def _created_name(ask: Ask) -> str:
    try:
        return msgspec.json.decode(ask.body, type=_Named).metadata.name
    except msgspec.DecodeError:
        return ""
