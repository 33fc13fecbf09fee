"""A fake API server with two doors and a vocabulary of faults.

- :class:`MemoryTransport` is the door in memory, for unit tests on a virtual clock (looptime).
- :mod:`support.fakeapi.http` is the door over HTTP, for faults of real connections and for benchmarks; ``python -m support.fakeapi`` runs it.

:class:`FakeAPI` is behind both: objects as JSON with versions, history, pages, bookmarks, selectors, server-side apply and the Status bodies of a
real server. It is held to the truth by tests/contract, whose cases run on both doors and on a real kube-apiserver. What a test puts in, looks at
and breaks are methods of :class:`FakeAPI`.
"""

from support.fakeapi.api import FakeAPI
from support.fakeapi.kinds import KINDS, Kind
from support.fakeapi.memory import MemoryTransport
from support.fakeapi.routes import Ask, Match
from support.fakeapi.server import Down, Seen

__all__ = ["KINDS", "Ask", "Down", "FakeAPI", "Kind", "Match", "MemoryTransport", "Seen"]
