"""What the component measures."""

from __future__ import annotations

from collections.abc import Callable

from steward.governance.violations import CHECKS
from steward.telemetry.metrics import Counter, Histogram, Instruments, Sample, StateGauge
from steward.webhook.model import Request
from steward.webhook.review import Decision

PREFIX = "kube_devops_webhook"

FAILURES = ("deadline", "error", "length", "malformed", "namespace", "overload", "oversize", "policy")
"""Why a review is not made: too late; an error of ours; a body of unknown length, or one that is no AdmissionReview; a namespace that the cache
does not know; too many at once; a body that is too large; a policy that cannot be read."""

_BOOLEANS = ("false", "true")

REQUESTS = Counter(
    f"{PREFIX}_requests_total",
    "Reviews answered; what was let through without one, by the failure policy, is among them.",
    ("operation", "allowed", "dry_run"),
    preset=tuple((operation, allowed, dry_run) for operation in ("CREATE", "UPDATE") for allowed in _BOOLEANS for dry_run in _BOOLEANS),
)
DENIALS = Counter(f"{PREFIX}_denials_total", "Violations that denied an object, by the namespace of the object.", ("namespace", "violation"))
WARNINGS = Counter(f"{PREFIX}_warnings_total", "Violations that were warned about.", ("violation",), preset=tuple((check,) for check in CHECKS))
DURATION = Histogram(
    f"{PREFIX}_request_duration_seconds",
    "Time of a review from its headers to its answer.",
    (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
FAILED = Counter(
    f"{PREFIX}_failures_total",
    "Calls without a review, answered by the failure policy, by reason.",
    ("reason",),
    preset=tuple((reason,) for reason in FAILURES),
)
IN_FLIGHT: StateGauge[Callable[[], int]] = StateGauge(f"{PREFIX}_in_flight", "Calls under way.", (), lambda calls: [Sample((), calls())])

ALL = (REQUESTS, DENIALS, WARNINGS, DURATION, FAILED, IN_FLIGHT)


class Counters:
    """The component's counters, bound."""

    def __init__(self, instruments: Instruments) -> None:
        self._requests = instruments[REQUESTS]
        self._denials = instruments[DENIALS]
        self._warnings = instruments[WARNINGS]
        self._duration = instruments[DURATION].labels()
        self._failed = instruments[FAILED]

    def answered(self, request: Request, decision: Decision, seconds: float) -> None:
        """Count a review."""
        self._requests.labels(request.operation, _BOOLEANS[decision.allowed], _BOOLEANS[bool(request.dry_run)]).inc()
        for check in decision.denied:
            self._denials.labels(request.namespace, check).inc()
        for check in decision.warned:
            self._warnings.labels(check).inc()
        self._duration.observe(seconds)

    def forget(self, namespace: str) -> None:
        """Export nothing more about a namespace, because it is gone."""
        for check in CHECKS:
            self._denials.remove(namespace, check)

    def failed(self, reason: str) -> None:
        """Count a call without a review."""
        self._failed.labels(reason).inc()
