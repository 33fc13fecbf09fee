"""What is worth writing about one policy: pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from steward.governance.policies import POLICIES, AuditRecord, DevOpsPolicy
from steward.policy import reasons, reports, results
from steward.policy.config import Config
from steward.policy.ledger import EXPIRING, Evaluation
from steward.policy.model import Report
from steward.policy.remediation.controller import Summary
from steward.policy.results import Findings
from steward.policy.status import health, status_of
from steward.runtime.plan import Action, Event, Plan, Reason, Reference, UpdateStatus
from steward.runtime.resource import ObjectMeta

STATUS_SECONDS = 1.0
"""A status is written at most once in this time: a rollout of a thousand pods changes it a thousand times."""


class State(msgspec.Struct, frozen=True):
    """All that one decision rests on.

    Attributes:
        policy: The policy.
        found: What its pods add up to.
        findings: The violations one by one; None where nothing is to be written about them.
        records: Audit results of the policy.
        report: Its Report.
        has_results: Whether audit results are wanted and the API server has that kind.
        has_reports: As before, of Reports.
        mended: What remediation did in the namespace; None while it does not know.
        since_status: Seconds since the status was written.
        since_results: Seconds since an audit result or Report was.
        config: What the user configured.
    """

    policy: DevOpsPolicy
    found: Evaluation
    findings: Findings | None
    records: tuple[AuditRecord, ...]
    report: Report | None
    has_results: bool
    has_reports: bool
    mended: Summary | None
    since_status: float
    since_results: float
    config: Config

    @property
    def is_untold(self) -> bool:
        """Whether an audit result or a Report has yet to tell what was found."""
        untold_result = self.has_results and not results.tells(results.newest(self.records), self.found)
        return untold_result or (self.has_reports and not results.tells(self.report, self.found))


def reconcile(state: State) -> Plan:
    """Say what was found, where that is news."""
    if state.policy.metadata.deletion_timestamp is not None:
        return Plan(skip="policy_deleted")
    waits = [float(state.config.interval_seconds)] + ([] if state.found.waits is None else [state.found.waits])
    actions: list[Action] = []
    for wanted, wait in (_status(state), _history(state)):
        actions += wanted
        waits += wait
    return Plan(actions=tuple(actions), events=tuple(_facts(state)), requeue_after=min(waits))


def _status(state: State) -> tuple[list[Action], list[float]]:
    """What to write of the status, and the seconds until it may be."""
    policy = state.policy
    status = status_of(policy, state.found, state.mended)
    if status == policy.status:
        return [], []
    if state.since_status < STATUS_SECONDS and policy.status is not None and policy.status.observed_generation == policy.metadata.generation:
        return [], [STATUS_SECONDS - state.since_status]
    reason = {("False", False): reasons.UNHEALTHY, ("True", True): reasons.HEALTHY}.get((health(status), health(policy.status) == "False"))
    done = _event(policy, reason, status.message, "Evaluate") if reason is not None else None
    desired = DevOpsPolicy(metadata=ObjectMeta(name=policy.metadata.name, namespace=policy.metadata.namespace), status=status)
    return [UpdateStatus(POLICIES, policy, desired, done=done)], []


def _history(state: State) -> tuple[list[Action], list[float]]:
    """What to write of findings, and the seconds until it may be."""
    policy, found, config = state.policy, state.found, state.config
    actions: list[Action] = []
    keep = config.audit_results.retention
    if state.findings is not None and state.has_results and not results.tells(results.newest(state.records), found):
        actions.append(results.written(policy, found, state.findings, config))
        keep -= 1
    if state.has_results:
        actions += results.pruned(policy, state.records, keep=keep)
    if state.findings is None:
        waits = max(config.audit_results.min_interval_seconds - state.since_results, 0.0)
        return actions, [waits] if state.is_untold else []
    if state.has_reports and not results.tells(state.report, found):
        desired = reports.report(policy, found, state.findings.cut(config.open_reports.max_results))
        actions.append(reports.towards(policy, state.report, desired))
    return actions, []


def _facts(state: State) -> Iterator[Event]:
    for one in state.policy.spec.exemptions:
        checks, at = ", ".join(one.checks), state.found.at
        if not one.is_active(at):
            note = f"exempt from {checks} until {one.expires.isoformat()}: {one.reason}. It counts again; mend it, or agree on another time."
            yield _event(state.policy, reasons.EXEMPTION_EXPIRED, note, "Evaluate")
        elif not one.is_active(at + EXPIRING):
            note = f"exempt from {checks} until {one.expires.isoformat()}: {one.reason}. Mend it before, or agree on another time."
            yield _event(state.policy, reasons.EXEMPTION_EXPIRING, note, "Evaluate")


def _event(policy: DevOpsPolicy, reason: Reason, note: str, action: str) -> Event:
    return Event(Reference.to(POLICIES, policy.metadata), reason, note, action)


def is_due(state: State) -> bool:
    """Whether the violations are needed one by one, because something is to be written about them now."""
    return state.is_untold and state.since_results >= state.config.audit_results.min_interval_seconds
