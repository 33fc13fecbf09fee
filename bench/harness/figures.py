"""What was measured, as a flat list, and the medians of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes:
        server: Which server.
        peer: Which peer.
        name: What was measured, with its unit: ``ready_seconds``.
        at: At how many pods, or pods a second; 0 where there is only one.
        value: The value.
    """

    server: str
    peer: str
    name: str
    at: int
    value: float


class Figures:
    """All values of one run."""

    def __init__(self, found: Iterable[Figure] = ()) -> None:
        self._found = list(found)

    def add(self, server: str, peer: str, name: str, at: int, value: float) -> None:
        """Keep a value."""
        self._found.append(Figure(server, peer, name, at, value))

    def median(self, server: str, peer: str, name: str, at: int) -> float | None:
        """The median over the rounds, or None when it was not measured."""
        values = [one.value for one in self._found if (one.server, one.peer, one.name, one.at) == (server, peer, name, at)]
        return statistics.median(values) if values else None

    def ratio(self, server: str, peer: str, to: str, name: str, at: int) -> float | None:
        """A median over that of another peer."""
        mine, other = self.median(server, peer, name, at), self.median(server, to, name, at)
        return mine / other if mine is not None and other else None

    def spread(self, server: str, peer: str, name: str, at: int) -> tuple[float, float] | None:
        """The least and the greatest value."""
        values = [one.value for one in self._found if (one.server, one.peer, one.name, one.at) == (server, peer, name, at)]
        return (min(values), max(values)) if values else None

    def places(self, server: str, name: str) -> list[int]:
        """Where a figure was measured, rising."""
        return sorted({one.at for one in self._found if (one.server, one.name) == (server, name)})

    def servers(self) -> list[str]:
        """The servers, in the order of the run."""
        return list(dict.fromkeys(one.server for one in self._found))

    def peers(self) -> list[str]:
        """The peers, in the order of the run."""
        return list(dict.fromkeys(one.peer for one in self._found))

    def write(self, path: Path, about: dict[str, object]) -> None:
        """Write all values, and what there is to say about the run."""
        path.write_text(json.dumps({"about": about, "figures": [asdict(one) for one in self._found]}, indent=1) + "\n")


def read(path: Path) -> tuple[Figures, dict[str, object]]:
    """What :meth:`Figures.write` wrote."""
    document = json.loads(path.read_text())
    return Figures(Figure(**one) for one in document["figures"]), document["about"]
