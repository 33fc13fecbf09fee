"""Counts what pods add to the score of their namespace: each when it changes, so that a scrape only adds up.

A pod that is pending becomes a violation without a change, so a scrape looks at the pending ones anew.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial

from steward.governance.bundles import BUNDLES
from steward.governance.memo import Judge
from steward.governance.model import Pod
from steward.governance.namespaces import SystemNamespaces
from steward.governance.scores import Contribution, Tally, contribution
from steward.runtime.component import Context
from steward.runtime.controller import Controller
from steward.runtime.resource import Key
from steward.runtime.store import Change
from steward.telemetry.metrics import Snapshot
from steward.watch import metrics
from steward.watch.config import Config
from steward.watch.model import PODS


class Census:
    """The pods of every namespace, counted. Callable from any thread.

    Args:
        config: How they are judged, and which namespaces are left out.
        clock: The time.
    """

    def __init__(self, config: Config, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._clock = clock
        self._system = SystemNamespaces(config.system_namespaces)
        count = partial(contribution, weights=config.weights, severity_weighted=config.severity_weighted)
        self._judge = Judge(BUNDLES[config.bundle], count, injected=config.injected_containers)
        # Scrapes read, and take up what became late, in their own threads.
        self._lock = threading.Lock()
        self._counted: dict[Key, Contribution] = {}
        self._pending: dict[Key, Pod] = {}
        self._tallies: dict[str, Tally] = {}

    def pod_changed(self, change: Change[Pod]) -> None:
        """Count a pod as it is now, instead of as it was."""
        key = change.object.metadata.key
        if key.namespace in self._system:
            return
        pod = change.new
        new = self._judge(pod, self._clock()) if pod is not None else None
        with self._lock:
            self._count(key, new)
            self._pending.pop(key, None)
            if pod is not None and new is not None and pod.status.phase == "Pending":
                self._pending[key] = pod

    def namespaces(self) -> dict[str, Tally]:
        """Every namespace with pods that are judged, as it stands at this moment."""
        now = self._clock()
        with self._lock:
            pending = list(self._pending.items())
        for key, pod in pending:
            late = self._judge(pod, now)
            with self._lock:
                if self._pending.get(key) is pod and late != self._counted[key]:
                    self._count(key, late)
        with self._lock:
            return {name: tally.copy() for name, tally in self._tallies.items()}

    def _count(self, key: Key, new: Contribution | None) -> None:
        """Put a pod's contribution in the place of its former one. Only with the lock."""
        tally = self._tallies.setdefault(key.namespace, Tally())
        old = self._counted.pop(key, None)
        if old is not None:
            tally.remove(old)
        if new is not None:
            self._counted[key] = new
            tally.add(new)
        if not tally.pods:
            del self._tallies[key.namespace]


def follow(context: Context[Config]) -> tuple[Controller[None], ...]:
    """Count every change of a pod, and let scrapes read what is counted. There is nothing to write, so there are no controllers."""
    pods = context.store(PODS)
    census = Census(context.config)
    events = metrics.Events(context.instruments)

    def changed(change: Change[Pod]) -> None:
        events.pod_changed(change)
        census.pod_changed(change)

    context.subscribe(pods, changed)
    scores = Snapshot(lambda: metrics.Scores(context.config, census.namespaces() if context.is_synced else None))
    for gauge in metrics.STATES:
        context.expose(gauge, scores)
    return ()
