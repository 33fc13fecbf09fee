"""The course of a run: every step that its journal does not have yet. A step that fails gives a line there, and the next one is taken."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Self

from harness import cluster, plan, quiet, scenarios
from harness.figures import Figure
from harness.journal import Entry, Journal
from harness.peers import Peer

OPENERS: dict[str, Callable[[Path], AbstractContextManager[cluster.Cluster]]] = {plan.FAKE: cluster.fake, plan.REAL: cluster.real}

CAUSE_LENGTH = 400


def run(journal: Journal, wanted: plan.Plan, *, servers: Sequence[str], peers: Sequence[Peer], directory: Path) -> None:
    """Take every step at these servers, of these peers."""
    for server in servers:
        mine = [step for step in plan.steps(wanted, server) if step.peer in peers and not journal.has(step.name)]
        with Place(server, directory) as place:
            for step in mine:
                _take(journal, wanted, step, place)
    if plan.FAKE in servers:
        for number in range(1, wanted.rounds + 1):
            _count(journal, wanted, number, [peer for peer in wanted.counted if peer in peers], directory)


class Place:
    """A server that is started when it is asked for, and again after it was given up."""

    def __init__(self, server: str, directory: Path) -> None:
        self.directory = directory
        self._server = server
        self._opened = ExitStack()
        self._cluster: cluster.Cluster | None = None
        self._broken: Exception | None = None
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def cluster(self) -> cluster.Cluster:
        """The server. Raises what kept it from starting, every time."""
        if self._broken is not None:
            raise self._broken
        if self._cluster is None:
            self._number += 1
            own = self.directory / f"{self._server.replace(' ', '-')}-{self._number}"
            own.mkdir(parents=True)
            try:
                self._cluster = self._opened.enter_context(OPENERS[self._server](own))
            except Exception as error:
                self._broken = error
                raise
        return self._cluster

    def give_up(self) -> None:
        """Nobody knows in what state it is: the next step gets another."""
        self._cluster = None
        self._opened.close()


def _take(journal: Journal, wanted: plan.Plan, step: plan.Step, place: Place) -> None:
    watch = Stopwatch()
    figures: list[Figure] = []
    failure = None
    try:
        scenario = scenarios.Scenario(wanted, step, place.cluster(), place.directory)
        figures = scenario.figures
        scenario.run()
    except Exception as error:  # noqa: BLE001 - one that fails gives a line, the others go on
        failure = cause(error)
        place.give_up()
    add(journal, Entry(step.name, tuple(figures), failure, *watch.read()))


def _count(journal: Journal, wanted: plan.Plan, number: int, peers: Sequence[Peer], directory: Path) -> None:
    missing = [(kind, peer) for kind in quiet.KINDS for peer in peers if not journal.has(plan.counted(kind, number, peer))]
    if not missing:
        return
    watch = Stopwatch()
    counted = [quiet.KINDS[kind](wanted, peer, directory / f"counted-{number}-{place}") for place, (kind, peer) in enumerate(missing)]
    failures = quiet.together(counted)
    seconds, niced = watch.read()
    for (kind, peer), one, failure in zip(missing, counted, failures, strict=True):
        # Together they took that long.
        share = seconds / len(counted)
        add(journal, Entry(plan.counted(kind, number, peer), quiet.figures(one, number), cause(failure) if failure else None, share, niced))


def cause(error: Exception) -> str:
    """An error in one line."""
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:CAUSE_LENGTH]


def add(journal: Journal, entry: Entry) -> None:
    """Write a step down, and say so."""
    journal.add(entry)
    print(f"{time.strftime('%H:%M:%S')} {entry.step}: {entry.failure or f'{entry.seconds:.0f} s'}", file=sys.stderr, flush=True)


class Stopwatch:
    """Measures a step, and what work of lower priority (nice) had of the processors meanwhile."""

    def __init__(self) -> None:
        self._began, self._niced = time.monotonic(), _niced_ticks()

    def read(self) -> tuple[float, float]:
        """Seconds, and the share of all processors."""
        seconds = time.monotonic() - self._began
        ticks = seconds * os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
        return seconds, (_niced_ticks() - self._niced) / ticks if ticks else 0.0


def _niced_ticks() -> int:
    return int(Path("/proc/stat").read_text().split()[2])
