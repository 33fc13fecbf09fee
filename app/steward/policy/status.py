"""What an evaluation says in the status of its policy."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from steward.governance.policies import DevOpsPolicy, PolicyStatus
from steward.governance.scores import classify, shown, summary
from steward.policy import reasons
from steward.policy.ledger import Evaluation
from steward.policy.remediation.controller import Summary
from steward.runtime.conditions import Condition, condition, rfc3339

READY, HEALTHY = "Ready", "Healthy"
"""Types of conditions; the second is called like the class of scores that it is true for, as the seed has it."""

LET_THROUGH = "; not enforced, for it is a system namespace"
"""Told of a policy where admission denies nothing."""

NOTHING_MENDED = Summary(0, 0, (), ())


def status_of(policy: DevOpsPolicy, found: Evaluation, mended: Summary | None) -> PolicyStatus:
    """The whole status; of what was mended it stays as it is while that is not known yet.

    Returns: The former one where nothing of ours differs but the time, so that equal findings are equal statuses. Conditions of others are theirs.
    """
    before = _ours(policy.status or PolicyStatus())
    status = PolicyStatus(
        observed_generation=policy.metadata.generation,
        healthy=found.score is None or classify(found.score) == HEALTHY,
        health_score=None if found.score is None else math.floor(found.score * 10) / 10,
        violations=found.violations,
        last_evaluated=before.last_evaluated,
        message=summary(found.violations, found.pods, found.score) + (LET_THROUGH if found.is_let_through else ""),
        remediations_applied=before.remediations_applied if mended is None else mended.applied,
        remediations_failed=before.remediations_failed if mended is None else mended.failed,
        remediated_workloads=before.remediated_workloads if mended is None else mended.workloads,
        proposals=before.proposals if mended is None else mended.proposals,
        exemptions=found.exemptions,
        preview=found.preview,
        conditions=tuple(_conditions(policy, found, before.conditions)),
    )
    if policy.status is not None and status == before:
        return policy.status
    return msgspec.structs.replace(status, last_evaluated=rfc3339(found.at))


def _ours(status: PolicyStatus) -> PolicyStatus:
    return msgspec.structs.replace(status, conditions=tuple(one for one in status.conditions if one.type in (READY, HEALTHY)))


def health(status: PolicyStatus | None) -> str:
    """The status of the condition Healthy; empty where there is none yet."""
    return next((one.status for one in (status.conditions if status is not None else ()) if one.type == HEALTHY), "")


def _conditions(policy: DevOpsPolicy, found: Evaluation, before: tuple[Condition, ...]) -> Iterable[Condition]:
    generation = policy.metadata.generation
    yield condition(READY, "True", reason=reasons.EVALUATED, generation=generation, now=found.at, before=before)
    if found.score is None:
        yield condition(HEALTHY, "Unknown", reason=reasons.NOTHING_TO_JUDGE, generation=generation, now=found.at, before=before)
        return
    yield condition(
        HEALTHY,
        "True" if classify(found.score) == HEALTHY else "False",
        reason=classify(found.score),
        message=f"the score is {shown(found.score)}",
        generation=generation,
        now=found.at,
        before=before,
    )
