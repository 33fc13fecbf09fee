"""How much is measured: a quick look, or all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The size of one run.

    Attributes:
        rounds: How often everything is measured; medians are told.
        sizes: Numbers of pods in the cluster, rising: a real one is only filled.
        load_size: That of ``sizes`` at which rates are measured.
        rates: Annotated pods that get their address, a second.
        rate_seconds: How long each rate lasts.
        least_pods: Pods of a rate at least, so that a 99th percentile means something.
        storm: Annotated pods that are there when a peer starts.
        settle_seconds: Pause before memory is read.
        idle_pods: Pods during the idle hour.
        outage_seconds: How long the server is away.
    """

    rounds: int
    sizes: tuple[int, ...]
    load_size: int
    rates: tuple[int, ...]
    rate_seconds: int
    least_pods: int
    storm: int
    settle_seconds: float
    idle_pods: int
    outage_seconds: int


FULL = Plan(
    rounds=3,
    sizes=(1_000, 10_000, 50_000),
    load_size=10_000,
    rates=(50, 200, 500, 1_000),
    rate_seconds=6,
    least_pods=500,
    storm=10_000,
    settle_seconds=8.0,
    idle_pods=10_000,
    outage_seconds=60,
)

QUICK = Plan(
    rounds=1,
    sizes=(1_000, 10_000),
    load_size=10_000,
    rates=(200, 500),
    rate_seconds=4,
    least_pods=400,
    storm=1_000,
    settle_seconds=3.0,
    idle_pods=1_000,
    outage_seconds=20,
)
