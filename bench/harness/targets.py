"""What Steward promises, as ratios in one run, and whether it holds. Judged at the fake server, where a write takes the same time for everybody."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from harness.figures import Figures
from harness.peers import STEWARD, TUNED, USUAL, Peer
from harness.plan import FAKE

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One promise.

    Attributes:
        promise: What is promised.
        limit: The greatest value that keeps it.
        found: The value of this run, or None when it was not measured.
        rounds: The least and the greatest value of a single round.
        unit: What stands behind the values.
    """

    promise: str
    limit: float
    found: float | None
    rounds: tuple[float, ...] = ()
    unit: str = " x"

    @property
    def is_kept(self) -> bool:
        """Whether the value is within the limit."""
        return self.found is not None and self.found <= self.limit


def ratio(figures: Figures, server: str, promise: str, limit: float, *, peer: str, to: str, name: str, at: int) -> Verdict:
    """A promise about a median over that of another peer."""
    asked = (server, peer, to, name, at)
    rounds = figures.ratios(*asked)
    return Verdict(promise, limit, figures.ratio(*asked), _ends(rounds))


def value(figures: Figures, server: str, promise: str, limit: float, *, peer: str, name: str, at: int, unit: str = "", size: float = 1) -> Verdict:
    """A promise about a median, which is told in units of this size."""
    rounds = sorted(one / size for one in figures.rounds(server, peer, name, at).values())
    return Verdict(promise, limit, statistics.median(rounds) if rounds else None, _ends(rounds), unit)


def _ends(rounds: list[float]) -> tuple[float, ...]:
    return tuple(rounds[:: max(len(rounds) - 1, 1)])


def judge(figures: Figures) -> Iterator[Verdict]:
    """Every promise that this run can judge."""

    def against(promise: str, limit: float, name: str, at: int, to: Peer) -> Verdict:
        return ratio(figures, FAKE, f"{promise}, against {to.name}", limit, peer=STEWARD.name, to=to.name, name=name, at=at)

    for pods in figures.places(FAKE, "ready_seconds"):
        yield against(f"Ready among {pods:,} pods", 0.9, "ready_seconds", pods, USUAL)
    yield against("Memory at 10,000 pods", 0.55, "memory_bytes", 10_000, USUAL)
    if 50_000 in figures.places(FAKE, "memory_bytes"):
        yield value(figures, FAKE, "Memory at 50,000 pods", 250, peer=STEWARD.name, name="memory_bytes", at=50_000, unit=" MB", size=MEGABYTE)
    for rate in (one for one in figures.places(FAKE, "p99_milliseconds") if one >= 200):
        yield against(f"99th percentile at {rate:,} pods/s", 0.6, "p99_milliseconds", rate, USUAL)
        yield against(f"99th percentile at {rate:,} pods/s", 1.2, "p99_milliseconds", rate, TUNED)
        yield against(f"CPU time per pod at {rate:,} pods/s", 1.0, "cpu_microseconds_per_pod", rate, USUAL)
    yield value(figures, FAKE, "Writes in an idle hour", 0, peer=STEWARD.name, name="idle_writes", at=0)
    yield value(figures, FAKE, "Lists in an idle hour", 0, peer=STEWARD.name, name="idle_lists", at=0)
