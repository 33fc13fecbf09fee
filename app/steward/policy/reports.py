"""The findings as a Report of openreports.io, one for each policy: what is wrong, not what is right, which would fill etcd."""

from __future__ import annotations

from typing import Literal

from steward.governance.combining import DENIED
from steward.governance.policies import AuditViolation, DevOpsPolicy
from steward.governance.violations import Check, Severity
from steward.policy import model
from steward.policy.ledger import Evaluation
from steward.policy.model import REPORTS, Report
from steward.policy.results import Findings
from steward.runtime.plan import Apply, Create, Reference
from steward.runtime.resource import Struct

SOURCE = "steward"
DOCS = "https://github.com/steward-dev/steward/blob/main/docs/governance.md#violations"

Outcome = Literal["fail", "warn"]


class Summary(Struct, frozen=True, omit_defaults=False, rename={"passed": "pass"}):
    """``openreports.io/v1alpha1`` ReportSummary."""

    passed: int = 0
    fail: int = 0
    warn: int = 0
    error: int = 0
    skip: int = 0


class Timestamp(Struct, frozen=True, omit_defaults=False):
    """``metav1.Timestamp``."""

    seconds: int
    nanos: int = 0


class Result(Struct, frozen=True):
    """``openreports.io/v1alpha1`` ReportResult. ``resources`` is the Go field Subjects."""

    source: str
    policy: str
    rule: Check
    severity: Severity
    result: Outcome
    scored: bool
    message: str
    timestamp: Timestamp
    resources: tuple[Reference, ...]
    properties: dict[str, str]


class WholeReport(Report, frozen=True, kw_only=True):
    """``openreports.io/v1alpha1`` Report."""

    source: str
    scope: Reference
    summary: Summary
    results: tuple[Result, ...]


def report(policy: DevOpsPolicy, found: Evaluation, findings: Findings) -> WholeReport:
    """The Report of a policy. What enforcing it would deny has failed; the rest is a warning."""
    seconds = int(found.at.timestamp())
    fail = sum(number for _, severity, number in found.counts if _outcome(severity) == "fail")
    return WholeReport(
        metadata=model.made_for(policy, found.fingerprint, model.truncated(policy.metadata.name, "-steward")),
        source=SOURCE,
        scope=Reference(api_version="v1", kind="Namespace", name=policy.metadata.namespace),
        summary=Summary(passed=found.passed, fail=fail, warn=found.violations - fail, skip=found.excused),
        results=tuple(_result(policy, one, seconds) for one in findings.violations),
    )


def towards(policy: DevOpsPolicy, observed: Report | None, desired: WholeReport) -> Create[Report] | Apply[Report]:
    """Create the Report, or bring it up to date."""
    if observed is None:
        return Create(REPORTS, desired)
    return Apply(REPORTS, observed, desired, owned=lambda item: model.is_of(policy, item))


def _outcome(severity: Severity) -> Outcome:
    return "fail" if severity in DENIED else "warn"


def _result(policy: DevOpsPolicy, one: AuditViolation, seconds: int) -> Result:
    return Result(
        source=SOURCE,
        policy=policy.metadata.name,
        rule=one.violation_type,
        severity=one.severity,
        result=_outcome(one.severity),
        scored=True,
        message=one.message,
        timestamp=Timestamp(seconds=seconds),
        resources=(Reference(api_version="v1", kind="Pod", namespace=policy.metadata.namespace, name=one.pod_name),),
        properties={"docs": DOCS} | ({"container": one.container_name} if one.container_name else {}),
    )
