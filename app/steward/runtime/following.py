"""Where an informer goes on from: the states of list and watch, and the one function that moves between them. Pure."""

from __future__ import annotations

import msgspec


class Empty(msgspec.Struct, frozen=True):
    """Nothing is known, or what is known is too old to go on from: the next thing is a list."""

    why: str = "start"


class Listing(msgspec.Struct, frozen=True):
    """Pages are being read; the store is not touched before the last one."""

    why: str
    token: str


class Streaming(msgspec.Struct, frozen=True):
    """The list is coming as the beginning of a watch (KEP-3157); the store is not touched before its end mark."""

    why: str


class Watching(msgspec.Struct, frozen=True):
    """The store is as of this version; events move it on."""

    version: str


class PageRead(msgspec.Struct, frozen=True):
    """A page came; the last has no token."""

    version: str
    token: str


class Moved(msgspec.Struct, frozen=True):
    """An event or a bookmark of this version came."""

    version: str


class StreamOpened(msgspec.Struct, frozen=True):
    """The server took the request for a streamed list."""


class Complete(msgspec.Struct, frozen=True):
    """The end mark of a streamed list, of this version, came."""

    version: str


class Expired(msgspec.Struct, frozen=True):
    """410: the version or the token is too old."""


class Absent(msgspec.Struct, frozen=True):
    """404: the server has no such API."""


class Stopped(msgspec.Struct, frozen=True):
    """The watch was ended by the server in good order."""


class Failed(msgspec.Struct, frozen=True):
    """Anything else went wrong."""


State = Empty | Listing | Streaming | Watching
Heard = PageRead | StreamOpened | Complete | Moved | Expired | Absent | Stopped | Failed


def step(state: State, heard: Heard) -> State:  # noqa: PLR0911 - the table below, row by row
    """Where to go on from.

    =========  =========  =========  =========  =========  ========  ======  =====================
    state      page       last page  end mark   event      expired   absent  failed, stopped
    =========  =========  =========  =========  =========  ========  ======  =====================
    Empty      Listing    Watching   -          -          Empty     Empty   Empty
    Listing    Listing    Watching   -          -          Empty     Empty   Listing, same token
    Streaming  -          -          Watching   Streaming  Empty     Empty   Empty
    Watching   -          -          -          Watching   Empty     Empty   Watching, same version
    =========  =========  =========  =========  =========  ========  ======  =====================

    A bookmark is an event here. Empty becomes Streaming when a stream opens.
    """
    match state, heard:
        case _, Absent():
            return Empty("appeared")
        case ((Empty() | Listing()), PageRead(version=version, token="")):
            return Watching(version)
        case ((Empty() | Listing()), PageRead(token=token)):
            return Listing(state.why, token)
        case Empty(), StreamOpened():
            return Streaming(state.why)
        case Streaming(), Complete(version=version):
            return Watching(version)
        case Streaming(), (Expired() | Stopped() | Failed()):
            return Empty(state.why)
        case Watching(), Moved(version=version) if version:
            return Watching(version)
        case Listing(), Expired():
            return Empty("continue_expired")
        case Watching(), Expired():
            return Empty("expired")
        case _:
            return state
