"""What the component measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from steward.governance.scores import Tally
from steward.runtime.store import Change
from steward.telemetry.metrics import Counter, Instruments, Sample, StateGauge
from steward.watch.config import Config

PREFIX = "kube_devops"


class Scores(msgspec.Struct, frozen=True):
    """What the gauges of one scrape read.

    Attributes:
        config: How a score is computed.
        namespaces: The pods of every namespace that has some; None before all are counted. Then there is no series: half a cluster's score is
            nobody's.
    """

    config: Config
    namespaces: Mapping[str, Tally] | None

    def cluster(self) -> Iterable[Sample]:
        """The score of all pods."""
        if self.namespaces is not None:
            cluster = Tally()
            for tally in self.namespaces.values():
                cluster.merge(tally)
            yield from self._score((), cluster)

    def mean(self) -> Iterable[Sample]:
        """The seed's: the integer mean of its scores of the namespaces."""
        if self.namespaces is not None:
            scores = [int(tally.score("seed") or 0) for tally in self.namespaces.values()]
            yield Sample((), sum(scores) // len(scores) if scores else 100)

    def each(self) -> Iterable[Sample]:
        """The score of each namespace."""
        for name, tally in (self.namespaces or {}).items():
            yield from self._score((name,), tally)

    def points(self) -> Iterable[Sample]:
        """What each check costs each namespace. A check that weighs nothing never costs anything, and has no series."""
        for name, tally in (self.namespaces or {}).items():
            for check, points in tally.points.items():
                if getattr(self.config.weights, check):
                    yield Sample((name, check), points)

    def pods(self) -> Iterable[Sample]:
        """How many pods are counted."""
        if self.namespaces is not None:
            yield Sample((), sum(tally.pods for tally in self.namespaces.values()))

    def _score(self, labels: tuple[str, ...], tally: Tally) -> Iterable[Sample]:
        score = tally.score(self.config.formula)
        if score is not None:
            yield Sample(labels, score)


CLUSTER: StateGauge[Scores] = StateGauge(f"{PREFIX}_cluster_health_score", "Score of all pods that are judged, from 0 to 100.", (), Scores.cluster)
MEAN: StateGauge[Scores] = StateGauge(
    f"{PREFIX}_cluster_health_score_mean",
    "Mean of the namespaces' scores, whatever their number of pods.",
    (),
    Scores.mean,
)
NAMESPACES: StateGauge[Scores] = StateGauge(
    f"{PREFIX}_namespace_health_score", "Score of the pods of a namespace, from 0 to 100.", ("namespace",), Scores.each
)
POINTS: StateGauge[Scores] = StateGauge(
    f"{PREFIX}_namespace_score_points",
    "Points of the violations of a namespace, by check. Divided by its pods they are what is missing to 100.",
    ("namespace", "type"),
    Scores.points,
)
PODS: StateGauge[Scores] = StateGauge(
    f"{PREFIX}_pods_tracked", "Pods that are judged, without those of system namespaces and those that have ended.", (), Scores.pods
)
POD_EVENTS = Counter(f"{PREFIX}_pod_events_total", "Changes of pods that were seen.", ("event",), preset=(("added",), ("updated",), ("deleted",)))

STATES = (CLUSTER, MEAN, NAMESPACES, POINTS, PODS)
ALL = (*STATES, POD_EVENTS)


class Events:
    """Counts changes of pods."""

    def __init__(self, instruments: Instruments) -> None:
        self._events = {event: instruments[POD_EVENTS].labels(event) for (event,) in POD_EVENTS.preset}

    def pod_changed(self, change: Change[Any]) -> None:
        """Count one."""
        self._events["added" if change.old is None else "deleted" if change.new is None else "updated"].inc()
