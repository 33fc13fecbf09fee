"""How much is measured: a quick look, what docs/performance.md shows, or all there is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields

from harness.peers import ALL, CLIENT_GO, INFORMER, KOPF, Peer

FAKE, REAL = "fake server", "kube-apiserver"


@dataclass(frozen=True)
class Stage:
    """Peers that start one after the other among so many pods. Those of one server are in rising order: a real one is only filled.

    Attributes:
        server: Which server.
        pods: Pods that ask for nothing.
        peers: Who is measured.
        rates: Annotated pods that get their address, a second.
        storm: Annotated pods that are there when a peer starts; then nothing but that is measured.
    """

    server: str
    pods: int
    peers: tuple[Peer, ...]
    rates: tuple[int, ...] = ()
    storm: int = 0

    @property
    def title(self) -> str:
        """Unique in a plan."""
        rest = (f", storm of {self.storm:,}" if self.storm else "", f", rates {self.rates}" if self.rates else "")
        return f"{self.server}, {self.pods:,} pods{''.join(rest)}"


@dataclass(frozen=True)
class Plan:
    """The size of one run.

    Attributes:
        name: Of the option that asks for it.
        rounds: How often everything is measured; medians are told.
        stages: What is timed.
        counted: Whose requests are counted in an idle hour and in an outage.
        rate_seconds: How long each rate lasts.
        least_pods: Pods of a rate at least, so that a 99th percentile means something.
        settle_seconds: Pause before memory is read.
        idle_pods: Pods during the idle hour.
        outage_seconds: How long the server is away.
    """

    name: str
    rounds: int
    stages: tuple[Stage, ...]
    counted: tuple[Peer, ...]
    rate_seconds: int = 6
    least_pods: int = 500
    settle_seconds: float = 8.0
    idle_pods: int = 2_000
    outage_seconds: int = 60


@dataclass(frozen=True)
class Step:
    """One peer, once: what is written down as a whole."""

    stage: Stage
    round: int
    peer: Peer

    @property
    def name(self) -> str:
        """Unique in a run."""
        return f"{self.stage.title}, round {self.round}: {self.peer.name}"


def steps(plan: Plan, server: str) -> Iterator[Step]:
    """Those of one server, stage by stage. Peers take turns, from another beginning each round: what the machine does besides meets all of them."""
    for stage in plan.stages:
        if stage.server == server:
            for number, shift in itertools.product(range(plan.rounds), range(len(stage.peers))):
                yield Step(stage, number + 1, stage.peers[(number + shift) % len(stage.peers)])


COUNTS = ("idle hour", "outage")


def counted(what: str, number: int, peer: Peer) -> str:
    """The name of a step that counts."""
    return f"{what}, round {number}: {peer.name}"


def names(plan: Plan) -> Iterator[str]:
    """Every step of a run."""
    for server in (FAKE, REAL):
        yield from (step.name for step in steps(plan, server))
    for number, what, peer in itertools.product(range(1, plan.rounds + 1), COUNTS, plan.counted):
        yield counted(what, number, peer)


def parts(plan: Plan) -> Iterator[str]:
    """All that a run depends on: its sizes and its steps."""
    yield from (str(getattr(plan, one.name)) for one in fields(plan) if one.name not in {"stages", "counted"})
    yield from names(plan)


RATES = (50, 200, 500, 1_000)

STANDARD = Plan(
    name="standard",
    rounds=3,
    stages=(
        Stage(FAKE, 1_000, CLIENT_GO),
        Stage(FAKE, 1_000, CLIENT_GO, storm=10_000),
        Stage(FAKE, 10_000, CLIENT_GO, RATES),
        Stage(FAKE, 10_000, (KOPF, INFORMER), (200,)),
        Stage(FAKE, 50_000, CLIENT_GO),
        Stage(REAL, 10_000, CLIENT_GO, (50, 100)),
    ),
    counted=ALL,
)

LONG = Plan(
    name="long",
    rounds=5,
    stages=tuple(
        stage
        for server in (FAKE, REAL)
        for stage in (
            Stage(server, 1_000, ALL),
            Stage(server, 1_000, ALL, storm=10_000),
            Stage(server, 10_000, ALL, RATES),
            Stage(server, 50_000, ALL),
        )
    ),
    counted=ALL,
    rate_seconds=10,
    idle_pods=10_000,
)

QUICK = Plan(
    name="quick",
    rounds=1,
    stages=(
        Stage(FAKE, 1_000, CLIENT_GO),
        Stage(FAKE, 1_000, CLIENT_GO, storm=1_000),
        Stage(FAKE, 10_000, CLIENT_GO, (200, 500)),
        Stage(REAL, 1_000, CLIENT_GO, (50,)),
    ),
    counted=ALL,
    rate_seconds=4,
    least_pods=200,
    settle_seconds=3.0,
    idle_pods=1_000,
    outage_seconds=20,
)

ALL_PLANS = (STANDARD, QUICK, LONG)
