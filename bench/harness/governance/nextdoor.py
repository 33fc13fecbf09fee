"""The webhook while the background lists 10,000 pods next door, again and again: another process, on another core of the same machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import waiting
from harness.cluster import Cluster
from harness.figures import Figure
from harness.governance import background, policies, webhooks, wire
from harness.governance.plan import NAMESPACE, NEXT_DOOR, Size, Step
from harness.process import Running

PAGE = 500
"""Pods of one request that lists (steward.runtime.client)."""

QUIET, BUSY = "nothing next door", "policy relists next door"


def measure(step: Step, size: Size, directory: Path, rate: int) -> Iterator[Figure]:
    """Call at half a rate that the webhook can bear; server and client share a core, which leaves the other to the background."""
    mine, other = wire.cores()
    with webhooks.serving(webhooks.STEWARD, directory / "webhook", [policies.policy(NAMESPACE)], server=mine, client=mine) as at:
        at.client.load(connections=wire.RATE_CONNECTIONS, seconds=1, rate=rate / 2)
        with _relisting(size, directory / "policy", other) if step.peer == BUSY else _nothing() as relisted:
            found = at.client.load(connections=wire.RATE_CONNECTIONS, seconds=3 * size.seconds, rate=rate / 2)
            lists = len(relisted)
    yield Figure(NEXT_DOOR, step.peer, "nextdoor_p50_milliseconds", 0, step.round, found.p50)
    yield Figure(NEXT_DOOR, step.peer, "nextdoor_p99_milliseconds", 0, step.round, found.p99)
    yield Figure(NEXT_DOOR, step.peer, "nextdoor_relists", 0, step.round, lists)


@contextmanager
def _nothing() -> Iterator[Sequence[None]]:
    yield ()


def _relist(at: Cluster, running: Running, pods: int) -> None:
    """End the watches, and wait until all pods were listed again."""
    enough = at.requests().get("list pods", 0) + pods / PAGE
    at.expire()
    waiting.until(lambda: at.requests().get("list pods", 0) >= enough, running)


@contextmanager
def _relisting(size: Size, directory: Path, cores: Sequence[int]) -> Iterator[list[None]]:
    """Every outage of the server makes the controller list all pods anew; the list grows with each."""
    relisted: list[None] = []
    command = background.STEWARD.command
    directory.mkdir(parents=True)
    with background.among(background.STEWARD, command(directory), size.pods, directory, cores=cores) as (at, running):
        at.put(background.written())
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                _relist(at, running, size.pods)
                relisted.append(None)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield relisted
        finally:
            over.set()
            thread.join()
