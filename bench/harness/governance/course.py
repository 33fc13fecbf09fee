"""The course of a run: every step that its journal does not have yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness import course
from harness.figures import Figure
from harness.governance import apiserver, background, kube, nextdoor, plan, reviewing, scoring, webhooks, wire
from harness.governance.gatekeeper import GATEKEEPER
from harness.journal import Entry, Journal
from harness.waiting import Failed

WEBHOOKS = {one.name: one for one in (webhooks.STEWARD, webhooks.GO, webhooks.FLOOR, GATEKEEPER)}
BACKGROUND = {one.name: one for one in background.ALL}

PEERS: Mapping[str, Sequence[str]] = {
    plan.REVIEW: (webhooks.STEWARD.name,),
    plan.WIRE: tuple(WEBHOOKS),
    plan.RATE: tuple(peer for peer in WEBHOOKS if peer != GATEKEEPER.name),
    plan.NEXT_DOOR: (nextdoor.QUIET, nextdoor.BUSY),
    plan.SERVER: (apiserver.WITHOUT, webhooks.STEWARD.name, webhooks.GO.name, GATEKEEPER.name, apiserver.IN_PROCESS),
    plan.BACKGROUND: tuple(BACKGROUND),
    plan.SCORES: (background.STEWARD.name,),
}


def steps(size: plan.Size, only: Sequence[str] = plan.PARTS) -> Iterator[plan.Step]:
    """Those of a run."""
    for part in only:
        yield from plan.steps(part, size.rounds, [peer for peer in PEERS[part] if peer not in size.without])


def run(journal: Journal, size: plan.Size, *, only: Sequence[str], directory: Path) -> None:
    """Take every step of these parts."""
    with ExitStack() as opened:
        run = Run(journal, size, directory, opened)
        for step in steps(size, only):
            if not journal.has(step.name):
                run.take(step)


class Run:
    """Takes the steps, and has the server that some of them share."""

    def __init__(self, journal: Journal, size: plan.Size, directory: Path, opened: ExitStack) -> None:
        self._journal = journal
        self._size = size
        self._directory = directory
        self._opened = opened
        self._server: kube.Server | None = None

    def take(self, step: plan.Step) -> None:
        """Measure, and write down what was found also when something fails."""
        watch = course.Stopwatch()
        found = [Figure(step.part, step.peer, "load_average", 0, step.round, os.getloadavg()[0])]
        failure = None
        try:
            # One by one: what was measured before a failure counts.
            for figure in self._measure(step):
                found += (figure,)
        except Exception as error:  # noqa: BLE001 - one that fails gives a line, the others go on
            failure = course.cause(error)
        course.add(self._journal, Entry(step.name, tuple(found), failure, *watch.read()))

    def _measure(self, step: plan.Step) -> Iterator[Figure]:
        directory = self._directory / step.name.replace(" ", "-").replace(":", "").replace(",", "")
        ways: dict[str, Callable[[], Iterator[Figure]]] = {
            plan.REVIEW: lambda: reviewing.measure(step),
            plan.WIRE: lambda: wire.closed(step, WEBHOOKS[step.peer], self._size, directory),
            plan.RATE: lambda: wire.at_rate(step, WEBHOOKS[step.peer], self._size, directory, self._rate()),
            plan.NEXT_DOOR: lambda: nextdoor.measure(step, self._size, directory, self._rate()),
            plan.SERVER: lambda: apiserver.measure(step, WEBHOOKS.get(step.peer), self._size, self._api(), directory),
            plan.BACKGROUND: lambda: background.measure(step, BACKGROUND[step.peer], self._size, directory),
            plan.SCORES: lambda: scoring.measure(step, self._size, directory),
        }
        return ways[step.part]()

    def _api(self) -> kube.Server:
        if self._server is None:
            self._server = self._opened.enter_context(kube.server(self._directory / "kube-apiserver"))
        return self._server

    def _rate(self) -> int:
        """Half of what the slowest peer answers over as many connections, in tens. Raises: Failed when that was not measured."""
        figures = self._journal.figures()
        found = [figures.median(plan.WIRE, peer, "reviews_per_second", wire.RATE_CONNECTIONS) for peer in PEERS[plan.RATE]]
        slowest = min((one for one in found if one is not None), default=None)
        if slowest is None:
            raise Failed("no peer was measured without a rate")
        return max(int(slowest / 2) // 10 * 10, 10)
