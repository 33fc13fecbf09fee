"""What is counted, not timed: the requests of an idle hour and of an outage. All peers at once, each with servers of its own."""

from __future__ import annotations

import re
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from harness import waiting
from harness.cluster import fake
from harness.figures import Figure
from harness.peers import SPEED, Peer
from harness.plan import COUNTS, FAKE, Plan
from harness.process import Restarted

HOUR = 3600
OUTAGE_PODS = 1_000
MISSED = 20
"""Pods that get their address during the outage."""

WRITES = ("create", "update", "patch", "delete")


class Counted(ABC):
    """One peer that is counted; each method is called once.

    Attributes:
        peer: Who.
        values: What was counted so far, by the name of the figure.
    """

    def __init__(self, plan: Plan, peer: Peer, directory: Path) -> None:
        self.peer = peer
        self.values: dict[str, float] = {}
        self._plan = plan
        self._directory = directory
        self._opened = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def begin(self) -> None:
        """Start the peer and wait until it is quiet."""

    @abstractmethod
    def count(self) -> None:
        """Let the time pass, and count."""

    def end(self) -> None:
        """Stop what was started."""
        self._opened.close()

    def _start(self, command: list[str], *, pods: int, annotated: int, speed: float = 1) -> None:
        """Start a server and the peer."""
        self._cluster = self._opened.enter_context(fake(self._directory, speed=speed))
        self._cluster.fill(pods)
        self._cluster.add(annotated, running=True)
        environment = {"KUBECONFIG": self._cluster.kubeconfig, **self.peer.environment}
        self._running = Restarted(command, environment, self._directory / f"{self.peer.name}.log")
        self._opened.callback(self._running.stop)
        waiting.until_done(self._cluster, self._running)


def together(measured: Sequence[Counted]) -> list[Exception | None]:
    """Let all begin at the same time, then all count: starting costs time that others must not lose while they count. Returns what went wrong."""
    failures: list[Exception | None] = [None] * len(measured)

    def attempt(number: int, phase: str) -> None:
        if failures[number] is None or phase == "end":
            try:
                getattr(measured[number], phase)()
            except Exception as error:  # noqa: BLE001 - one that fails gives a line, the others go on
                failures[number] = failures[number] or error

    with ThreadPoolExecutor(len(measured)) as threads:
        for phase in ("begin", "count", "end"):
            list(threads.map(attempt, range(len(measured)), [phase] * len(measured)))
    return failures


class IdleHour(Counted):
    """What is asked and written in an hour in which nothing changes, sixty times as fast."""

    def begin(self) -> None:
        """See :class:`Counted`."""
        self._annotated = self._plan.idle_pods // 10
        self._start(self.peer.idle(self._directory), pods=self._plan.idle_pods, annotated=self._annotated, speed=SPEED)
        waiting.until_quiet(self._running)

    def count(self) -> None:
        """See :class:`Counted`."""
        before, looked = self._cluster.requests(), self._looked()
        time.sleep(HOUR / SPEED)
        asked, looked_again = _since(before, self._cluster.requests()), self._looked()
        self.values["idle_writes"] = _count(asked, WRITES, without=("leases",))
        self.values["idle_lists"] = _count(asked, ("list",))
        self.values["idle_watches"] = _count(asked, ("watch",))
        if looked is not None and looked_again is not None:
            self.values["idle_resyncs"] = (looked_again - looked) / self._annotated

    def _looked(self) -> float | None:
        """How many keys the peer has reconciled, if it tells: the proof that the hour was one."""
        if self.peer.metrics is None:
            return None
        with urllib.request.urlopen(self.peer.metrics(self._directory), timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(r"^steward_reconcile_total\{[^}]*\} (\S+)$", text, re.MULTILINE))


class Outage(Counted):
    """What is asked while every answer is 503, and how long after it the missed pods are served."""

    def begin(self) -> None:
        """See :class:`Counted`."""
        self._start(self.peer.command(self._directory), pods=OUTAGE_PODS, annotated=1)
        self._cluster.add(MISSED, running=False)
        waiting.until_quiet(self._running)

    def count(self) -> None:
        """See :class:`Counted`. Raises: Failed when what was missed is never served."""
        asked, share = self._during()
        over = time.time()
        self.values["outage_requests"] = sum(asked.values())
        self.values["outage_informer_requests"] = _count(asked, ("list", "watch"))
        self.values["outage_cpu_share"] = share
        while self._cluster.batch().done < MISSED and time.time() - over < 10 * waiting.STALLED_SECONDS:
            self._running.look()
            time.sleep(waiting.LOOK_SECONDS)
        recovered = self._cluster.batch()
        self.values["outage_restarts"] = self._running.restarts
        if recovered.done < MISSED:
            raise waiting.Failed(f"after the outage {recovered.done} of {MISSED} missed pods were served: {self._running.last_words()}")
        self.values["outage_recovery_seconds"] = recovered.lastDone - over

    def _during(self) -> tuple[dict[str, int], float]:
        """The requests of the outage, and the share of a core that they took."""
        seconds = self._plan.outage_seconds
        before, used = self._cluster.requests(), self._running.cpu_seconds()
        self._cluster.outage(seconds)
        over = time.monotonic() + seconds
        self._cluster.run(MISSED)
        while time.monotonic() < over:
            self._running.look()
            time.sleep(waiting.LOOK_SECONDS)
        return _since(before, self._cluster.requests()), (self._running.cpu_seconds() - used) / seconds


KINDS: dict[str, type[Counted]] = dict(zip(COUNTS, (IdleHour, Outage), strict=True))


def figures(measured: Counted, number: int) -> tuple[Figure, ...]:
    """What was counted, as figures of a round."""
    return tuple(Figure(FAKE, measured.peer.name, name, 0, number, value) for name, value in measured.values.items())


def _since(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {what: count - before.get(what, 0) for what, count in now.items() if count > before.get(what, 0)}


def _count(asked: Mapping[str, int], verbs: tuple[str, ...], *, without: tuple[str, ...] = ()) -> int:
    parts = ((what.split(" "), count) for what, count in asked.items())
    return sum(count for (verb, *resource), count in parts if verb in verbs and not set(resource) & set(without))
