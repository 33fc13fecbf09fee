"""What is measured of one peer at one server, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import waiting
from harness.cluster import Cluster
from harness.figures import Figures
from harness.peers import Peer
from harness.plan import Plan
from harness.process import Running


@dataclass(frozen=True)
class Bench:
    """Everything a scenario needs.

    Attributes:
        plan: How much.
        cluster: Where.
        figures: What for.
        directory: For logs and configuration.
    """

    plan: Plan
    cluster: Cluster
    figures: Figures
    directory: Path

    def note(self, peer: Peer, name: str, at: int, value: float) -> None:
        """Keep a value."""
        self.figures.add(self.cluster.name, peer.name, name, at, value)


def at_size(bench: Bench, peer: Peer, pods: int) -> None:
    """Start among so many pods, rest, and at the size for it take the rates."""
    cluster, plan = bench.cluster, bench.plan
    # One pod that asks, last in every list: ready is who has both of its objects asked for, whatever a peer says of itself.
    cluster.add(1, running=True)
    with _started(bench, peer) as running:
        batch = waiting.until_done(cluster, running)
        bench.note(peer, "ready_seconds", pods, batch.lastDone - running.started)
        time.sleep(plan.settle_seconds)
        bench.note(peer, "memory_bytes", pods, running.memory_bytes())
        if pods == plan.load_size:
            for rate in plan.rates:
                _at_rate(bench, peer, running, rate)
            bench.note(peer, "memory_after_load_bytes", pods, running.memory_bytes())


def storm(bench: Bench, peer: Peer) -> None:
    """Start when so many annotated pods are there already."""
    cluster, count = bench.cluster, bench.plan.storm
    cluster.add(count, running=True)
    with _started(bench, peer) as running:
        batch = waiting.until_done(cluster, running)
        if batch.done == batch.pods:
            bench.note(peer, "storm_seconds", count, batch.lastDone - running.started)
        bench.note(peer, "storm_done_share", count, batch.done / batch.pods)


def _at_rate(bench: Bench, peer: Peer, running: Running, rate: int) -> None:
    cluster, plan = bench.cluster, bench.plan
    count = max(rate * plan.rate_seconds, plan.least_pods)
    cluster.add(count, running=False)
    waiting.until_quiet(running)
    used = running.cpu_seconds()
    cluster.run(rate)
    batch = waiting.until_done(cluster, running)
    waiting.until_quiet(running)
    bench.note(peer, "cpu_microseconds_per_pod", rate, (running.cpu_seconds() - used) / count * 1e6)
    bench.note(peer, "p50_milliseconds", rate, batch.p50)
    bench.note(peer, "p99_milliseconds", rate, batch.p99)
    bench.note(peer, "max_milliseconds", rate, batch.max)
    bench.note(peer, "done_share", rate, batch.done / batch.pods)
    bench.note(peer, "sent_per_second", rate, (batch.pods - 1) / (batch.lastTold - batch.firstTold))


@contextmanager
def _started(bench: Bench, peer: Peer) -> Iterator[Running]:
    log = bench.directory / f"{peer.name}.log"
    running = Running(peer.command(bench.directory), {"KUBECONFIG": bench.cluster.kubeconfig, **peer.environment}, log)
    try:
        yield running
    except waiting.Died:
        end = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{peer.name} ended by itself:\n{end}") from None
    finally:
        running.stop()
        bench.cluster.reset()
