"""What would be denied: pods that run, judged as if they were made anew under policies that are enforced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from steward.governance.combining import Finding, judge
from steward.governance.model import Pod, Workload
from steward.governance.policies import DevOpsPolicy
from steward.governance.rules import INJECTED
from steward.governance.violations import STATIC_CHECKS


def enforced(policy: DevOpsPolicy) -> DevOpsPolicy:
    """The policy, denying what it finds."""
    return replace(policy, spec=replace(policy.spec, enforcement_mode="enforce"))


def denied_anew(
    pod: Pod, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, workload: Workload | None = None, injected: Collection[str] = INJECTED
) -> tuple[Finding, ...]:
    """What would deny a pod if it were made anew; arguments as of :func:`steward.governance.rules.evaluate`.

    A new pod has not restarted and is not pending, so nothing is said about that. Nor about a pod that is over.
    """
    combined = judge(pod, policies, now=now, workload=workload, injected=injected)
    return tuple(one for one in combined.denied if one.check in STATIC_CHECKS) if combined is not None else ()
