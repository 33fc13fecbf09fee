"""The webhook while the background lists 10,000 pods next door, again and again: another process, on another core of the same machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import waiting
from harness.cluster import Cluster
from harness.figures import Figure
from harness.governance import background, policies, webhooks, wire
from harness.governance.plan import NAMESPACE, NEXT_DOOR, Size, Step
from harness.peers import SPEED, steward_in_a_hurry
from harness.process import Running

CALM_SECONDS = 0.2
"""Who used less than half a core for so long has taken in what was listed."""

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


def _relist(at: Cluster, running: Running) -> None:
    """End the watches, and wait until all pods were taken in again: one watch is refused, the next begins with all that there is."""
    enough = at.requests()["watch pods"] + 2
    at.expire()
    waiting.until(lambda: at.requests()["watch pods"] >= enough and _is_calm(running), running)


def _is_calm(running: Running) -> bool:
    used = running.cpu_seconds()
    time.sleep(CALM_SECONDS)
    return running.cpu_seconds() - used < CALM_SECONDS / 2


@contextmanager
def _relisting(size: Size, directory: Path, cores: Sequence[int]) -> Iterator[list[None]]:
    """Each time its versions are forgotten the controller lists all pods anew; the list that is returned grows with each.

    It would pause longer and longer in between: in a time that passes faster, those pauses are short.
    """
    relisted: list[None] = []
    directory.mkdir(parents=True)
    command = steward_in_a_hurry("policy", directory)
    with background.among(background.STEWARD, command, size.pods, directory, speed=SPEED, cores=cores) as (at, running):
        at.put(background.written())
        over = threading.Event()

        def work() -> None:
            while not over.is_set():
                _relist(at, running)
                relisted.append(None)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield relisted
        finally:
            over.set()
            thread.join()
