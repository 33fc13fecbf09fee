"""What was measured, as a flat list, and the medians of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes:
        server: Which server.
        peer: Which peer.
        name: What was measured, with its unit: ``ready_seconds``.
        at: At how many pods, or pods a second; 0 where there is only one.
        round: In which round, from 1.
        value: The value.
    """

    server: str
    peer: str
    name: str
    at: int
    round: int
    value: float


class Figures:
    """All values of one run."""

    def __init__(self, found: Iterable[Figure] = ()) -> None:
        self._found = list(found)

    def rounds(self, server: str, peer: str, name: str, at: int) -> dict[int, float]:
        """The value of each round in which it was measured."""
        return {one.round: one.value for one in self._found if (one.server, one.peer, one.name, one.at) == (server, peer, name, at)}

    def median(self, server: str, peer: str, name: str, at: int) -> float | None:
        """The median over the rounds, or None when it was not measured."""
        values = self.rounds(server, peer, name, at).values()
        return statistics.median(values) if values else None

    def ratio(self, server: str, peer: str, to: str, name: str, at: int) -> float | None:
        """A median over that of another peer."""
        mine, other = self.median(server, peer, name, at), self.median(server, to, name, at)
        return mine / other if mine is not None and other else None

    def ratios(self, server: str, peer: str, to: str, name: str, at: int) -> list[float]:
        """The ratio within each round that has both values, rising: how much chance there is in :meth:`ratio`."""
        mine, other = self.rounds(server, peer, name, at), self.rounds(server, to, name, at)
        return sorted(mine[number] / other[number] for number in mine if other.get(number))

    def places(self, server: str, name: str) -> list[int]:
        """Where a figure was measured, rising."""
        return sorted({one.at for one in self._found if (one.server, one.name) == (server, name)})

    def servers(self) -> list[str]:
        """The servers, in the order of the run."""
        return list(dict.fromkeys(one.server for one in self._found))

    def peers(self) -> list[str]:
        """The peers, in the order of the run."""
        return list(dict.fromkeys(one.peer for one in self._found))
