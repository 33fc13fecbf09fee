"""What the component measures, and how an outcome is counted."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from steward.headless.model import Service
from steward.runtime.plan import OPERATIONS, Delete, Outcome, Plan
from steward.runtime.store import Change
from steward.telemetry.metrics import Counter, Histogram, Instruments, Sample, StateGauge

if TYPE_CHECKING:
    from steward.headless.controller import State

PREFIX = "k8s_headless_service_operator"

_NO_SKIPS = dict.fromkeys(("no_ip", "invalid_ip", "name_too_long", "invalid_name", "conflict", "host_network", "terminated"), 0)


def _services(services: Callable[[], Iterable[Service]]) -> Iterable[Sample]:
    owned = Tally(service.metadata.namespace for service in services())
    return [Sample((namespace,), number) for namespace, number in owned.items()]


SERVICES: StateGauge[Callable[[], Iterable[Service]]] = StateGauge(
    f"{PREFIX}_services",
    "Headless Services that belong to a pod, by namespace.",
    ("namespace",),
    _services,
)
SKIPPED: StateGauge[Callable[[], Iterable[str]]] = StateGauge(
    f"{PREFIX}_skipped_pods",
    "Annotated pods without a name, by reason.",
    ("reason",),
    lambda skipped: [Sample((reason,), number) for reason, number in (_NO_SKIPS | Tally(skipped())).items()],
)
MISSING: StateGauge[Callable[[], int]] = StateGauge(
    f"{PREFIX}_missing_services",
    "Annotated pods whose name does not answer with their addresses, but should.",
    (),
    lambda missing: [Sample((), missing())],
)
ORPHANED: StateGauge[Callable[[], int]] = StateGauge(
    f"{PREFIX}_orphaned_services",
    "Headless Services that no pod should have any more, and that are still there.",
    (),
    lambda orphaned: [Sample((), orphaned())],
)
OPERATIONS_TOTAL = Counter(
    f"{PREFIX}_operations_total",
    "Operations on headless Services; one covers the Service and its EndpointSlices.",
    ("operation", "status"),
    preset=tuple((operation, status) for operation in ("create", "update", "delete") for status in ("success", "error")),
)
POD_EVENTS = Counter(f"{PREFIX}_pod_events_total", "Changes of pods that were seen.", ("event_type",), preset=(("add",), ("update",), ("delete",)))
RECONCILE_DURATION = Histogram(
    f"{PREFIX}_reconcile_duration_seconds",
    "Time to bring one pod's Service and EndpointSlices up to date, where that took writes.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
NAME_DELAY = Histogram(
    f"{PREFIX}_name_delay_seconds",
    "Time from when a pod's address was seen until its name answered with it.",
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
ORPHANS = Counter(
    f"{PREFIX}_orphans_deleted_total", "Services and EndpointSlices deleted because their pod was gone, or out of scope since.", preset=((),)
)

ALL = (SERVICES, SKIPPED, MISSING, ORPHANED, OPERATIONS_TOTAL, POD_EVENTS, RECONCILE_DURATION, NAME_DELAY, ORPHANS)


class Counters:
    """The component's counters, bound."""

    def __init__(self, instruments: Instruments) -> None:
        self._events = {kind: instruments[POD_EVENTS].labels(kind) for kind in ("add", "update", "delete")}
        self._operations = instruments[OPERATIONS_TOTAL]
        self._duration = instruments[RECONCILE_DURATION].labels()
        self._name_delay = instruments[NAME_DELAY].labels()
        self._orphans = instruments[ORPHANS].labels()

    def pod_changed(self, change: Change[Any]) -> None:
        """Count a change of a pod."""
        kind = "add" if change.old is None else "delete" if change.new is None else "update"
        self._events[kind].inc()

    def named(self, seconds: float) -> None:
        """Count a name that answers, so long after its pod's address was seen."""
        self._name_delay.observe(seconds)

    def reconciled(self, state: State, plan: Plan, outcome: Outcome, seconds: float) -> None:
        """Count what became of a Plan."""
        if outcome.results:
            self._duration.observe(seconds)
        worst: dict[str, str] = {}
        for action, error in outcome.results:
            operation = OPERATIONS[type(action)]
            worst[operation] = "error" if error is not None else worst.get(operation, "success")
            if state.pod is None and isinstance(action, Delete) and error is None:
                self._orphans.inc()
        for operation, status in worst.items():
            self._operations.labels(operation, status).inc()
