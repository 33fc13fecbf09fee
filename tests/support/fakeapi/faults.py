"""What can go wrong with a request: for whom, how often, until when."""

import asyncio

import msgspec

from support.fakeapi import status
from support.fakeapi.routes import Match


class Respond(msgspec.Struct, frozen=True):
    """The server refuses."""

    refused: status.Refused


class Drop(msgspec.Struct, frozen=True):
    """The connection breaks before the answer; ``applied`` says whether the request was carried out."""

    applied: bool = False


class Hang(msgspec.Struct, frozen=True):
    """No answer ever; ``applied`` as in :class:`Drop`."""

    applied: bool = False


class Delay(msgspec.Struct, frozen=True):
    """The request is carried out later."""

    seconds: float


Effect = Respond | Drop | Hang | Delay


class Fault(msgspec.Struct):
    """An effect on requests.

    Attributes:
        effect: What happens.
        match: To which requests.
        until: Loop time of its end, or None.
        times: How many requests it still hits, or None.
        continued: Only pages after the first of a list.
    """

    effect: Effect
    match: Match
    until: float | None = None
    times: int | None = None
    continued: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it hits nothing any more."""
        return self.times == 0 or (self.until is not None and asyncio.get_running_loop().time() >= self.until)
