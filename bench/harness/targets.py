"""What Steward promises, as ratios in one run, and whether it holds. Judged at the fake server, where a write takes the same time for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.cluster import FAKE
from harness.figures import Figures
from harness.peers import STEWARD, TUNED, USUAL, Peer

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One promise.

    Attributes:
        promise: What is promised.
        limit: The greatest value that keeps it.
        found: The value of this run, or None when it was not measured.
        unit: What stands behind the values.
    """

    promise: str
    limit: float
    found: float | None
    unit: str = " x"

    @property
    def is_kept(self) -> bool:
        """Whether the value is within the limit."""
        return self.found is not None and self.found <= self.limit


def judge(figures: Figures) -> Iterator[Verdict]:
    """Every promise that this run can judge."""

    def ratio(promise: str, limit: float, name: str, at: int, to: Peer) -> Verdict:
        return Verdict(f"{promise}, against {to.name}", limit, figures.ratio(FAKE, STEWARD.name, to.name, name, at))

    for pods in figures.places(FAKE, "ready_seconds"):
        yield ratio(f"Ready among {pods:,} pods", 0.9, "ready_seconds", pods, USUAL)
    yield ratio("Memory at 10,000 pods", 0.55, "memory_bytes", 10_000, USUAL)
    most = figures.median(FAKE, STEWARD.name, "memory_bytes", 50_000)
    if most is not None:
        yield Verdict("Memory at 50,000 pods", 250, most / MEGABYTE, " MB")
    rates = figures.places(FAKE, "p99_milliseconds")
    for rate in (one for one in rates if one >= 200):
        yield ratio(f"99th percentile at {rate:,} pods/s", 0.6, "p99_milliseconds", rate, USUAL)
        yield ratio(f"99th percentile at {rate:,} pods/s", 1.2, "p99_milliseconds", rate, TUNED)
    if 500 in rates:
        yield ratio("CPU time per pod at 500 pods/s", 1.0, "cpu_microseconds_per_pod", 500, USUAL)
    yield Verdict("Writes in an idle hour", 0, figures.median(FAKE, STEWARD.name, "idle_writes", 0), "")
    yield Verdict("Lists in an idle hour", 0, figures.median(FAKE, STEWARD.name, "idle_lists", 0), "")
