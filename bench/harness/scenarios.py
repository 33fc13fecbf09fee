"""What is timed of one peer at one server, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import waiting
from harness.cluster import Cluster
from harness.figures import Figure
from harness.plan import Plan, Step
from harness.process import Running


class Scenario:
    """One step.

    Args:
        plan: How much.
        step: What.
        cluster: Where; it is left as it was found.
        directory: For logs and configuration.

    Attributes:
        figures: What was measured so far.
    """

    def __init__(self, plan: Plan, step: Step, cluster: Cluster, directory: Path) -> None:
        self.figures: list[Figure] = []
        self._plan = plan
        self._step = step
        self._cluster = cluster
        self._directory = directory

    def run(self) -> None:
        """Measure. Raises: :class:`waiting.Failed`, and whatever else can go wrong; what was measured until then counts."""
        self._cluster.fill(self._step.stage.pods)
        if self._step.stage.storm:
            self._storm(self._step.stage.storm)
        else:
            self._among(self._step.stage.pods)

    def _among(self, pods: int) -> None:
        """Start among so many pods, rest, then take the rates."""
        # One pod that asks, last in every list: ready is who has both of its objects asked for, whatever a peer says of itself.
        self._cluster.add(1, running=True)
        with self._started() as running:
            batch = waiting.until_done(self._cluster, running)
            self._note("ready_seconds", pods, batch.lastDone - running.started)
            time.sleep(self._plan.settle_seconds)
            self._note("memory_bytes", pods, running.memory_bytes())
            for rate in self._step.stage.rates:
                self._at_rate(running, rate)
            if self._step.stage.rates:
                self._note("memory_after_load_bytes", pods, running.memory_bytes())

    def _storm(self, count: int) -> None:
        """Start when so many annotated pods are there already."""
        self._cluster.add(count, running=True)
        with self._started() as running:
            batch = waiting.until_done(self._cluster, running)
            self._note("storm_seconds", count, batch.lastDone - running.started)

    def _at_rate(self, running: Running, rate: int) -> None:
        count = max(rate * self._plan.rate_seconds, self._plan.least_pods)
        self._cluster.add(count, running=False)
        waiting.until_quiet(running)
        used = running.cpu_seconds()
        self._cluster.run(rate)
        batch = waiting.until_done(self._cluster, running)
        waiting.until_quiet(running)
        self._note("cpu_microseconds_per_pod", rate, (running.cpu_seconds() - used) / count * 1e6)
        self._note("p50_milliseconds", rate, batch.p50)
        self._note("p99_milliseconds", rate, batch.p99)
        self._note("sent_per_second", rate, (batch.pods - 1) / (batch.lastTold - batch.firstTold))

    def _note(self, name: str, at: int, value: float) -> None:
        self.figures.append(Figure(self._cluster.name, self._step.peer.name, name, at, self._step.round, value))

    @contextmanager
    def _started(self) -> Iterator[Running]:
        peer = self._step.peer
        running = Running(
            peer.command(self._directory), {"KUBECONFIG": self._cluster.kubeconfig, **peer.environment}, self._directory / f"{peer.name}.log"
        )
        try:
            yield running
        finally:
            running.stop()
            self._cluster.reset()
