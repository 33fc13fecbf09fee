"""The webhook by itself: reviews over kept TLS connections, the server on one core and the client on another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.figures import Figure
from harness.governance import policies, webhooks
from harness.governance.plan import NAMESPACE, RATE, WIRE, Size, Step

RATE_CONNECTIONS = 8


def cores() -> tuple[Sequence[int], Sequence[int]]:
    """One for the server and one for the client, where there are two."""
    mine = sorted(os.sched_getaffinity(0))
    return ((mine[0],), (mine[1],)) if len(mine) > 1 else ((), ())


def closed(step: Step, webhook: webhooks.Webhook, size: Size, directory: Path) -> Iterator[Figure]:
    """Each connection calls again when it has its answer."""
    server, client = cores()
    with webhooks.serving(webhook, directory, [policies.policy(NAMESPACE)], server=server, client=client) as at:
        at.client.load(connections=max(size.connections), seconds=1)
        for connections in size.connections:
            used = at.running.cpu_seconds()
            found = at.client.load(connections=connections, seconds=size.seconds)
            used = at.running.cpu_seconds() - used
            for name, value in {
                "reviews_per_second": found.perSecond,
                "review_p50_milliseconds": found.p50,
                "review_p99_milliseconds": found.p99,
                "review_cpu_microseconds": used / found.calls * 1e6,
            }.items():
                yield Figure(WIRE, step.peer, name, connections, step.round, value)
        yield Figure(WIRE, step.peer, "webhook_memory_bytes", 0, step.round, at.running.memory_bytes())


def at_rate(step: Step, webhook: webhooks.Webhook, size: Size, directory: Path, rate: int) -> Iterator[Figure]:
    """So many calls a second, at a rate that the slowest peer can bear."""
    server, client = cores()
    with webhooks.serving(webhook, directory, [policies.policy(NAMESPACE)], server=server, client=client) as at:
        at.client.load(connections=RATE_CONNECTIONS, seconds=1, rate=rate)
        found = at.client.load(connections=RATE_CONNECTIONS, seconds=2 * size.seconds, rate=rate)
        yield Figure(RATE, step.peer, "rate_p50_milliseconds", rate, step.round, found.p50)
        yield Figure(RATE, step.peer, "rate_p99_milliseconds", rate, step.round, found.p99)
