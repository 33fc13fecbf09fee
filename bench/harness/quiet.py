"""What is counted, not timed: the requests of an idle hour and of an outage. All peers at once, each with a server of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import waiting
from harness.cluster import Cluster, fake
from harness.figures import Figures
from harness.peers import SPEED, Peer
from harness.plan import Plan
from harness.process import Restarted

HOUR = 3600
OUTAGE_PODS = 1_000
MISSED = 20
"""Pods that get their address during the outage."""

WRITES = ("create", "update", "patch", "delete")


def together(peers: tuple[Peer, ...], measure: Callable[[Peer, Path], None], directory: Path) -> None:
    """Run a measurement for each peer at the same time, each in a directory of its own."""
    directories = [directory / f"peer-{number}" for number, _ in enumerate(peers)]
    for one in directories:
        one.mkdir(exist_ok=True)
    with ThreadPoolExecutor(len(peers)) as threads:
        list(threads.map(measure, peers, directories))


def idle_hour(figures: Figures, plan: Plan, peer: Peer, directory: Path) -> None:
    """Count what is asked and written in an hour in which nothing changes, sixty times as fast."""
    with fake(directory, speed=SPEED) as cluster:
        cluster.fill(plan.idle_pods)
        cluster.add(plan.idle_pods // 10, running=True)
        running = Restarted(peer.idle(directory), {"KUBECONFIG": cluster.kubeconfig, **peer.environment}, directory / "idle.log")
        try:
            waiting.until_done(cluster, running)
            waiting.until_quiet(running)
            before = cluster.requests()
            time.sleep(HOUR / SPEED)
            asked = _since(before, cluster.requests())
        finally:
            running.stop()
    figures.add(cluster.name, peer.name, "idle_writes", 0, _count(asked, WRITES, without=("leases",)))
    figures.add(cluster.name, peer.name, "idle_lists", 0, _count(asked, ("list",)))


def outage(figures: Figures, plan: Plan, peer: Peer, directory: Path) -> None:
    """Count what is asked while every answer is 503, and time how long after it the missed pods are served."""
    with fake(directory) as cluster:
        cluster.fill(OUTAGE_PODS)
        cluster.add(1, running=True)
        running = Restarted(peer.command(directory), {"KUBECONFIG": cluster.kubeconfig, **peer.environment}, directory / "outage.log")
        try:
            waiting.until_done(cluster, running)
            cluster.add(MISSED, running=False)
            waiting.until_quiet(running)
            asked, share = _during(cluster, running, plan.outage_seconds)
            over = time.time()
            while cluster.batch().done < MISSED and time.time() - over < 10 * waiting.STALLED_SECONDS:
                running.look()
                time.sleep(waiting.LOOK_SECONDS)
            recovered = cluster.batch()
        finally:
            running.stop()
    name = cluster.name
    figures.add(name, peer.name, "outage_requests", 0, sum(asked.values()))
    figures.add(name, peer.name, "outage_informer_requests", 0, _count(asked, ("list", "watch")))
    figures.add(name, peer.name, "outage_cpu_share", 0, share)
    figures.add(name, peer.name, "outage_restarts", 0, running.restarts)
    if recovered.done == MISSED:
        figures.add(name, peer.name, "outage_recovery_seconds", 0, recovered.lastDone - over)


def _during(cluster: Cluster, running: Restarted, seconds: int) -> tuple[dict[str, int], float]:
    """The requests of an outage, and the share of a core that they took."""
    before, used = cluster.requests(), running.cpu_seconds()
    cluster.outage(seconds)
    over = time.monotonic() + seconds
    cluster.run(MISSED)
    while time.monotonic() < over:
        running.look()
        time.sleep(waiting.LOOK_SECONDS)
    return _since(before, cluster.requests()), (running.cpu_seconds() - used) / seconds


def _since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {what: count - before.get(what, 0) for what, count in now.items() if count > before.get(what, 0)}


def _count(asked: Mapping[str, int], verbs: tuple[str, ...], *, without: tuple[str, ...] = ()) -> int:
    parts = ((what.split(" "), count) for what, count in asked.items())
    return sum(count for (verb, *resource), count in parts if verb in verbs and not set(resource) & set(without))
