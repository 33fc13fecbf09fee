"""What the parts consist of, and in which order it is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

REVIEW, WIRE, RATE, NEXT_DOOR, SERVER, BACKGROUND, SCORES = (
    "review",
    "webhook",
    "webhook at a rate",
    "webhook next door to policy",
    "kube-apiserver",
    "background",
    "scores",
)
PARTS = (REVIEW, WIRE, RATE, NEXT_DOOR, SERVER, BACKGROUND, SCORES)
"""In the order of a run: rates are taken from what the webhook without one came to."""

NAMESPACE = "shop"
"""That of the reviews (bench/load/internal/reviews)."""


@dataclass(frozen=True)
class Size:
    """How much of it.

    Attributes:
        name: Of the option that asks for it.
        rounds: How often everything is measured; medians are told.
        seconds: How long each call of load lasts.
        connections: At how many connections.
        pods: Of the background and of scores.
        idle_seconds: How long the background is watched when nothing changes, in real seconds, of a time that passes faster.
        without: Peers that are not measured.
    """

    name: str
    rounds: int
    seconds: float
    connections: tuple[int, ...] = (1, 8, 32)
    pods: int = 10_000
    idle_seconds: float = 10.0
    without: tuple[str, ...] = ()


STANDARD = Size("standard", 5, 3)
LONG = Size("long", 9, 10)
QUICK = Size("quick", 1, 1, pods=2_000, without=("gatekeeper",))
SIZES = (QUICK, STANDARD, LONG)


def sizes(size: Size) -> Iterator[str]:
    """What figures depend on."""
    yield from (str(getattr(size, one.name)) for one in fields(size))


@dataclass(frozen=True)
class Step:
    """One peer, once, in one part."""

    part: str
    round: int
    peer: str

    @property
    def name(self) -> str:
        """Unique in a run."""
        return f"{self.part}, round {self.round}: {self.peer}"


def steps(part: str, rounds: int, peers: Sequence[str]) -> Iterator[Step]:
    """Forth and back in turn (ABBA), so that a machine that slows down or warms up meets all of them alike."""
    for number in range(1, rounds + 1):
        for peer in peers if number % 2 else reversed(peers):
            yield Step(part, number, peer)
