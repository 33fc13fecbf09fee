"""What would be denied: pods that run, judged as if they were made anew under policies that are enforced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from msgspec.structs import replace

from steward.governance.combining import Finding, judge
from steward.governance.model import Pod, PodStatus, Workload, owner_of
from steward.governance.policies import DevOpsPolicy


def enforced(policy: DevOpsPolicy) -> DevOpsPolicy:
    """The policy, denying what it finds."""
    return replace(policy, spec=replace(policy.spec, enforcement_mode="enforce"))


def denied_anew(pod: Pod, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, workload: Workload | None = None) -> tuple[Finding, ...]:
    """What would deny a pod if it were made anew; arguments as of :func:`steward.governance.rules.evaluate`.

    A new pod has no status: it has not restarted and is not pending, so nothing is said about that. Nor about a pod that is over.
    """
    if pod.is_over:
        return ()
    combined = judge(replace(pod, status=PodStatus()), policies, now=now, workload=workload or owner_of(pod))
    return combined.denied if combined is not None else ()
