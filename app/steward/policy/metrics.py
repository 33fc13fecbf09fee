"""What the component measures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import NamedTuple

from steward.governance.policies import AUDIT_RESULTS, DevOpsPolicy
from steward.policy.ledger import Evaluation
from steward.runtime.plan import Create, Outcome
from steward.telemetry.metrics import Counter, Histogram, Instruments, Sample, StateGauge


class Look(NamedTuple):
    """A policy and what was found last.

    Attributes:
        policy: As it was then.
        found: What its pods add up to.
        told: When the last evaluation was whose writes were taken, if any were needed; when it was first seen, as long as there is none.
    """

    policy: DevOpsPolicy
    found: Evaluation
    told: dt.datetime


Looks = Callable[[], Iterable[Look]]
"""The policies as they were evaluated last, callable from any thread."""

RESULTS = ("success", "error")


def _of(looks: Looks) -> Iterable[tuple[tuple[str, str], Look]]:
    return [((look.policy.metadata.namespace, look.policy.metadata.name), look) for look in looks()]


def _violations(looks: Looks) -> Iterable[Sample]:
    return [Sample((*key, check, severity), number) for key, look in _of(looks) for check, severity, number in look.found.counts]


def _exemptions(looks: Looks) -> Iterable[Sample]:
    for key, look in _of(looks):
        for state in ("active", "expiring", "expired"):
            yield Sample((*key, state), getattr(look.found.exemptions, state))


VIOLATIONS: StateGauge[Looks] = StateGauge(
    "devopspolicy_violations",
    "Violations of a policy, by check and severity; 0 for a check that is asked for and found nowhere.",
    ("namespace", "policy", "type", "severity"),
    _violations,
)
SCORE: StateGauge[Looks] = StateGauge(
    "devopspolicy_health_score",
    "Score of the pods of a policy, from 0 to 100; none where there is nothing to judge.",
    ("namespace", "policy"),
    lambda looks: [Sample(key, look.found.score) for key, look in _of(looks) if look.found.score is not None],
)
ENFORCEMENT: StateGauge[Looks] = StateGauge(
    "devopspolicy_enforcement_mode",
    "Whether a policy denies pods: 1 for enforce, 0 for audit and in system namespaces, whose pods are let through.",
    ("namespace", "policy"),
    lambda looks: [Sample(key, int(look.policy.spec.is_enforced and not look.found.is_let_through)) for key, look in _of(looks)],
)
EXEMPTIONS: StateGauge[Looks] = StateGauge(
    "devopspolicy_exemptions",
    "Exemptions of a policy: active, of these expiring within seven days, and expired.",
    ("namespace", "policy", "state"),
    _exemptions,
)
EVALUATED: StateGauge[Looks] = StateGauge(
    "devopspolicy_last_evaluation_timestamp_seconds",
    "Unix time of the last evaluation of a policy of which everything was written, if anything was new.",
    ("namespace", "policy"),
    lambda looks: [Sample(key, look.told.timestamp()) for key, look in _of(looks)],
)
RECONCILES = Counter("devopspolicy_reconcile_total", "Reconciles of policies by outcome.", ("result",), preset=tuple((one,) for one in RESULTS))
ERRORS = Counter("devopspolicy_reconcile_errors_total", "Reconciles of policies in which a write failed.", preset=((),))
DURATION = Histogram(
    "devopspolicy_reconcile_duration_seconds",
    "Time of a reconcile of a policy, its writes included.",
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
SCANNED = Counter("devopspolicy_pods_scanned_total", "Evaluations of a pod by a policy.", preset=((),))
AUDITED = Counter("devopspolicy_audit_results_total", "Audit results written.", preset=((),))

STATES = (VIOLATIONS, SCORE, ENFORCEMENT, EXEMPTIONS, EVALUATED)
ALL = (*STATES, RECONCILES, ERRORS, DURATION, SCANNED, AUDITED)


class Counters:
    """The component's counters, bound."""

    def __init__(self, instruments: Instruments) -> None:
        self._reconciles = {result: instruments[RECONCILES].labels(result) for result in RESULTS}
        self._errors = instruments[ERRORS].labels()
        self._duration = instruments[DURATION].labels()
        self._scanned = instruments[SCANNED].labels()
        self._audited = instruments[AUDITED].labels()

    def scanned(self, pods: int) -> None:
        """Count evaluations."""
        self._scanned.inc(pods)

    def reconciled(self, outcome: Outcome, seconds: float) -> None:
        """Count what became of a Plan."""
        self._reconciles["error" if outcome.errors else "success"].inc()
        self._errors.inc(bool(outcome.errors))
        self._duration.observe(seconds)
        self._audited.inc(sum(error is None and isinstance(action, Create) and action.resource is AUDIT_RESULTS for action, error in outcome.results))
