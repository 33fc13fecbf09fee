"""Why a patch is not made again: what became of the last one for this template. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from steward.governance import model as governance
from steward.governance.policies import DevOpsPolicy
from steward.policy.remediation import additions, history, reasons
from steward.policy.remediation.guards import Held
from steward.policy.remediation.history import Record
from steward.policy.remediation.model import Workload
from steward.runtime.plan import Reason


class Waiting(NamedTuple):
    """What a patch waits for, how that is told, and the seconds after which it may be otherwise."""

    held: Held
    reason: Reason = reasons.HELD
    seconds: float | None = None


def for_record(workload: Workload, record: Record, now: dt.datetime) -> Waiting | None:
    """Whether an attempt at this template stands in the way of another."""
    tried = record.about(additions.fingerprint(workload))
    if tried is None:
        return None
    taken = history.lost(workload, tried)
    if taken:
        note = f"something else takes {', '.join(taken)} away. It is left so until the template changes."
        return Waiting(Held("contested", note), reasons.CONTESTED)
    if tried.result == "undone":
        return Waiting(Held("undone", "it was undone by hand (steward policy undo). It is left so until the template changes."))
    if tried.result == "reverted" and now < tried.retry_at():
        note = f"the patch was taken back before. It is tried again after {tried.retry_at():%Y-%m-%d %H:%M} UTC, or for another template."
        return Waiting(Held("backing_off", note), seconds=(tried.retry_at() - now).total_seconds())
    return None


def until_exemption_ends(kind: str, workload: Workload, policies: Iterable[DevOpsPolicy], now: dt.datetime) -> float | None:
    """Seconds until the workload lacks something without a change, because an exemption of it ends; None when none does."""
    meta, labels = workload.metadata, workload.spec.template.metadata.labels
    who = governance.Workload(meta.namespace, kind, meta.name)
    ends = (one.expires for policy in policies for one in policy.spec.exemptions if one.is_active(now) and one.fits(who, labels))
    return min(((at - now).total_seconds() for at in ends), default=None)
