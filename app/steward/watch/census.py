"""Counts what pods add to the score of their namespace: each when it changes, so that a scrape costs no more than there are namespaces.

A pod that is pending becomes a violation without a change. So what is counted takes it for fresh, and a scrape looks at the pending ones anew.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from steward.governance.bundles import BUNDLES
from steward.governance.model import PODS, Pod
from steward.governance.namespaces import SystemNamespaces
from steward.governance.rules import evaluate
from steward.governance.scores import Contribution, Tally, contribution
from steward.runtime.component import Context
from steward.runtime.controller import Controller
from steward.runtime.resource import Key
from steward.runtime.store import Change
from steward.watch import metrics
from steward.watch.config import Config

_FRESH = dt.datetime.min.replace(tzinfo=dt.UTC)
"""A time at which no pod is pending for too long."""


class Census:
    """The pods of every namespace, counted.

    Args:
        config: How they are judged, and which namespaces are left out.
        clock: The time.
    """

    def __init__(self, config: Config, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._config = config
        self._clock = clock
        self._system = SystemNamespaces(config.system_namespaces)
        self._rules = BUNDLES[config.bundle]
        # A scrape, in its own thread, never sees half a pod.
        self._lock = threading.Lock()
        self._counted: dict[Key, Contribution] = {}
        self._pending: dict[Key, Pod] = {}
        self._tallies: dict[str, Tally] = {}

    def pod_changed(self, change: Change[Pod]) -> None:
        """Count the pod as it is now, instead of as it was."""
        key = change.object.metadata.key
        if key.namespace in self._system:
            return
        new = self._judge(change.new, _FRESH) if change.new is not None else None
        with self._lock:
            old = self._counted.pop(key, None)
            self._pending.pop(key, None)
            if new is not None:
                self._counted[key] = new
                self._tallies.setdefault(key.namespace, Tally()).add(new)
                if change.new is not None and change.new.status.phase == "Pending":
                    self._pending[key] = change.new
            if old is not None:
                tally = self._tallies[key.namespace]
                tally.remove(old)
                if not tally.pods:
                    del self._tallies[key.namespace]

    def namespaces(self) -> dict[str, Tally]:
        """Every namespace with pods that are judged, as it stands at this moment. Callable from any thread."""
        with self._lock:
            tallies = {name: tally.copy() for name, tally in self._tallies.items()}
            pending = [(self._counted[key], pod) for key, pod in self._pending.items()]
        now = self._clock()
        for fresh, pod in pending:
            late = self._judge(pod, now)
            if late is not None and late != fresh:
                tally = tallies[pod.metadata.namespace]
                tally.remove(fresh)
                tally.add(late)
        return tallies

    def _judge(self, pod: Pod, now: dt.datetime) -> Contribution | None:
        """What a pod adds; None for one that is over."""
        verdict = evaluate(pod, self._rules, now=now)
        if verdict is None:
            return None
        return contribution(verdict, weights=self._config.weights, severity_weighted=self._config.severity_weighted)


def follow(context: Context[Config]) -> tuple[Controller[None], ...]:
    """Count every change of a pod, and let scrapes read what is counted. There is nothing to write, so there are no controllers."""
    pods = context.store(PODS)
    census = Census(context.config)
    events = metrics.Events(context.instruments)

    def changed(change: Change[Pod]) -> None:
        events.pod_changed(change)
        census.pod_changed(change)

    context.subscribe(pods, changed)
    scores = metrics.Scores(context.config, namespaces=census.namespaces, is_complete=lambda: context.is_synced)
    for gauge in metrics.STATES:
        context.expose(gauge, scores)
    return ()
