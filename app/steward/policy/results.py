"""The history of what was found: one PolicyAuditResult for each change of it, the last few kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from steward.governance.policies import AUDIT_RESULTS, AuditRecord, AuditSpec, AuditViolation, DevOpsPolicy, PolicyAuditResult
from steward.governance.scores import classify
from steward.policy import model
from steward.policy.config import Config
from steward.policy.ledger import Evaluation
from steward.runtime.conditions import rfc3339
from steward.runtime.plan import Action, Create, Delete

MESSAGE_LIMIT = 500
"""Characters kept of a message: with 2,000 violations, an object stays below the 1.5 MB that etcd takes (--max-request-bytes)."""


class Findings(msgspec.Struct, frozen=True):
    """The violations of a policy, the most severe first, and how many there are beyond those."""

    violations: tuple[AuditViolation, ...] = ()
    truncated: int = 0

    def cut(self, most: int) -> Findings:
        """No more than so many."""
        return Findings(self.violations[:most], self.truncated + max(len(self.violations) - most, 0))


def newest(records: Sequence[AuditRecord]) -> AuditRecord | None:
    """The last that was written."""
    return max(records, key=_age, default=None)


def tells(record: AuditRecord | model.Report | None, found: Evaluation) -> bool:
    """Whether an object tells what was found."""
    return record is not None and record.metadata.annotations.get(model.FINDINGS) == found.fingerprint


def written(policy: DevOpsPolicy, found: Evaluation, findings: Findings, config: Config) -> Create[AuditRecord]:
    """Write down what was found."""
    listed = findings.cut(config.audit_results.max_violations)
    name = model.truncated(policy.metadata.name, f"-{int(found.at.timestamp() * 1000)}")
    made = PolicyAuditResult(
        metadata=model.made_for(policy, found.fingerprint, name),
        spec=AuditSpec(
            policy_name=policy.metadata.name,
            cluster_name=config.cluster_name,
            timestamp=rfc3339(found.at),
            health_score=found.score,
            total_violations=found.violations,
            total_pods=found.pods,
            classification=None if found.score is None else classify(found.score),
            violations=listed.violations,
            truncated=listed.truncated,
        ),
    )
    return Create(AUDIT_RESULTS, made)


def pruned(policy: DevOpsPolicy, records: Sequence[AuditRecord], *, keep: int) -> Iterable[Action]:
    """Delete the oldest beyond those to keep."""
    for record in sorted(records, key=_age, reverse=True)[keep:]:
        if record.metadata.deletion_timestamp is None:
            yield Delete(AUDIT_RESULTS, record, owned=lambda item: model.is_of(policy, item))


def _age(record: AuditRecord) -> tuple[dt.datetime, str]:
    stamp = record.metadata.creation_timestamp
    # Several of one second differ in the milliseconds of their names.
    return dt.datetime.fromisoformat(stamp) if stamp else dt.datetime.max.replace(tzinfo=dt.UTC), record.metadata.name
