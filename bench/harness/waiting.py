"""Waits for what a peer does, for as long as it makes progress."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.cluster import Batch, Cluster
from harness.process import Running

LOOK_SECONDS = 0.1

STALLED_SECONDS = 20.0
"""Without progress for so long, a peer will not come to an end."""

START_SECONDS = 60.0
"""Until a peer answers: it has started and has its first lists."""

QUIET_SHARE, QUIET_SECONDS, QUIET_LIMIT = 0.05, 1.0, 60.0
"""A peer that used less than this share of a core for this long is quiet. Behind the writes that are timed come Events, part of the cost."""


class Failed(Exception):
    """The peer does not do its work; the message says what is known."""


def until_done(cluster: Cluster, peer: Running) -> Batch:
    """Wait until both objects of every annotated pod are there.

    Raises: Failed when the peer ends, or no more come.
    """
    last, moved = -1, time.monotonic()
    while True:
        batch = cluster.batch()
        if batch.done == batch.pods:
            return batch
        if batch.done != last:
            last, moved = batch.done, time.monotonic()
        if not peer.is_alive:
            raise Failed(f"the process has ended ({peer.exit_code}): {peer.last_words()}")
        if time.monotonic() - moved > patience(batch):
            raise Failed(f"{batch.done:,} of {batch.pods:,} pods served, and no further for {patience(batch):.0f} s: {peer.last_words()}")
        time.sleep(LOOK_SECONDS)


def patience(batch: Batch) -> float:
    """The first object may take a minute or two: it waits for the whole first list."""
    return STALLED_SECONDS if batch.done else 10 * STALLED_SECONDS


def until_quiet(peer: Running) -> None:
    """Wait until the peer has nothing to do any more, or a minute has passed."""
    deadline = time.monotonic() + QUIET_LIMIT
    used = peer.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        now = peer.cpu_seconds()
        if now - used < QUIET_SHARE * QUIET_SECONDS:
            return
        used = now


def until(condition: Callable[[], bool], peer: Running, *, seconds: float = START_SECONDS) -> None:
    """Wait for a condition. Raises: Failed when the peer ends, or it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if not peer.is_alive:
            raise Failed(f"the process has ended ({peer.exit_code}): {peer.last_words()}")
        if time.monotonic() > deadline:
            raise Failed(f"not ready after {seconds:.0f} s: {peer.last_words()}")
        time.sleep(LOOK_SECONDS)
