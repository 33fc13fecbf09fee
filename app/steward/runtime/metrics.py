"""What every component measures: declarations, and the reading of state at scrape time."""

from __future__ import annotations

from typing import Protocol

from steward.telemetry.metrics import Counter, Gauge, Histogram, Instruments, Sample, StateGauge

LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds, from a cached no-op to the server's own request limit."""

RESULTS = ("success", "error", "requeue_after")
"""Outcomes of a reconcile, as in controller-runtime."""


class QueueState(Protocol):
    """What a queue tells at scrape time."""

    def __len__(self) -> int: ...
    def unfinished(self) -> list[float]:
        """Seconds each key in work has been in work."""


class InformerState(Protocol):
    """What the informers of one resource tell at scrape time."""

    resource_name: str

    @property
    def last_event(self) -> float:
        """Unix time at which the server was last heard; 0 before that."""

    @property
    def is_synced(self) -> bool:
        """Whether the first whole list is there."""

    @property
    def is_served(self) -> bool:
        """Whether the API server has such objects."""

    @property
    def unreadable(self) -> int:
        """Objects that do not fit their struct."""

    def __len__(self) -> int: ...


class Readiness(Protocol):
    """What can say whether it is ready."""

    @property
    def is_ready(self) -> bool:
        """Whether the component can do its work."""


BUILD_INFO = Gauge("steward_build_info", "Always 1; the version of the program is in the labels.", ("version", "revision", "python_version"))
LEADER = Gauge("steward_leader", "Whether this replica is the leader: 1 or 0. Always 1 when leader election is off.")
READY: StateGauge[Readiness] = StateGauge(
    "steward_component_ready", "Whether this replica can do its work: 1 or 0.", (), lambda component: [Sample((), int(component.is_ready))]
)
RECONCILES = Counter("steward_reconcile_total", "Reconciles by outcome.", ("controller", "result"))
RECONCILE_DURATION = Histogram("steward_reconcile_duration_seconds", "Time of one reconcile, its writes included.", LATENCY, ("controller",))
QUEUE_ADDS = Counter("steward_workqueue_adds_total", "Keys added to the queue; a key that waits already is not counted.", ("queue",))
QUEUE_RETRIES = Counter("steward_workqueue_retries_total", "Keys added again after a failure.", ("queue",))
QUEUE_WAIT = Histogram("steward_workqueue_queue_duration_seconds", "Time a key waited before it was handled.", LATENCY, ("queue",))
QUEUE_WORK = Histogram("steward_workqueue_work_duration_seconds", "Time a key was handled.", LATENCY, ("queue",))
API_REQUESTS = Counter(
    "steward_kube_api_requests_total", "Requests to the API server; the code is <error> when no answer came.", ("verb", "resource", "code")
)
API_DURATION = Histogram(
    "steward_kube_api_request_duration_seconds",
    "Time of a request to the API server until its whole answer; of a watch until it began.",
    LATENCY,
    ("verb", "resource"),
)
RELISTS = Counter("steward_informer_relists_total", "Whole lists read, by what made them necessary.", ("resource", "reason"))
EVENTS = Counter("steward_events_recorded_total", "Kubernetes Events recorded, repetitions included.", ("reason",))

QUEUE_DEPTH: StateGauge[dict[str, QueueState]] = StateGauge(
    "steward_workqueue_depth",
    "Keys that wait to be handled.",
    ("queue",),
    lambda queues: [Sample((name,), len(queue)) for name, queue in list(queues.items())],
)
QUEUE_UNFINISHED: StateGauge[dict[str, QueueState]] = StateGauge(
    "steward_workqueue_unfinished_work_seconds",
    "Time the keys in work have been in work, added up; it grows while something is stuck.",
    ("queue",),
    lambda queues: [Sample((name,), sum(queue.unfinished())) for name, queue in list(queues.items())],
)
QUEUE_LONGEST: StateGauge[dict[str, QueueState]] = StateGauge(
    "steward_workqueue_longest_running_processor_seconds",
    "Time the longest-running key has been in work.",
    ("queue",),
    lambda queues: [Sample((name,), max(queue.unfinished(), default=0.0)) for name, queue in list(queues.items())],
)
INFORMER_OBJECTS: StateGauge[list[InformerState]] = StateGauge(
    "steward_informer_objects",
    "Objects in the cache.",
    ("resource",),
    lambda informers: [Sample((informer.resource_name,), len(informer)) for informer in informers],
)
INFORMER_UNREADABLE: StateGauge[list[InformerState]] = StateGauge(
    "steward_informer_unreadable_objects",
    "Objects that cannot be decoded and are left as they are, with all that was made for them; a line at level error names each.",
    ("resource",),
    lambda informers: [Sample((informer.resource_name,), informer.unreadable) for informer in informers],
)
INFORMER_SYNCED: StateGauge[list[InformerState]] = StateGauge(
    "steward_informer_synced",
    "Whether the first whole list is in the cache: 1 or 0.",
    ("resource",),
    lambda informers: [Sample((informer.resource_name,), int(informer.is_synced)) for informer in informers],
)
INFORMER_SERVED: StateGauge[list[InformerState]] = StateGauge(
    "steward_informer_api_served",
    "Whether the API server has such objects: 1, or 0 while their CustomResourceDefinition is missing. Then there are none, and nothing waits.",
    ("resource",),
    lambda informers: [Sample((informer.resource_name,), int(informer.is_served)) for informer in informers],
)
INFORMER_LAST_EVENT: StateGauge[list[InformerState]] = StateGauge(
    "steward_informer_last_event_timestamp_seconds",
    "Unix time of the last list, event or bookmark. Bookmarks come every minute, so an old one means a cache that is behind.",
    ("resource",),
    lambda informers: [Sample((informer.resource_name,), informer.last_event) for informer in informers if informer.last_event],
)

ALL = (
    BUILD_INFO, LEADER, READY, RECONCILES, RECONCILE_DURATION, QUEUE_DEPTH, QUEUE_ADDS, QUEUE_RETRIES, QUEUE_WAIT, QUEUE_WORK,
    QUEUE_UNFINISHED, QUEUE_LONGEST, API_REQUESTS, API_DURATION, INFORMER_OBJECTS, INFORMER_UNREADABLE, INFORMER_SYNCED, INFORMER_SERVED,
    INFORMER_LAST_EVENT, RELISTS, EVENTS,
)  # fmt: skip
"""Every metric that components have in common."""

OF_CONTROLLERS = frozenset((
    LEADER, RECONCILES, RECONCILE_DURATION, QUEUE_DEPTH, QUEUE_ADDS, QUEUE_RETRIES, QUEUE_WAIT, QUEUE_WORK, QUEUE_UNFINISHED, QUEUE_LONGEST,
))  # fmt: skip
"""Those that a component without controllers does not have."""


def expose(instruments: Instruments, *, queues: dict[str, QueueState], informers: list[InformerState]) -> None:
    """Read the state gauges of queues, where there are any, and of caches from these, at every scrape."""
    for queue_gauge in (QUEUE_DEPTH, QUEUE_UNFINISHED, QUEUE_LONGEST) if queues else ():
        instruments.observe(queue_gauge, queues)
    for informer_gauge in (INFORMER_OBJECTS, INFORMER_UNREADABLE, INFORMER_SYNCED, INFORMER_SERVED, INFORMER_LAST_EVENT):
        instruments.observe(informer_gauge, informers)
