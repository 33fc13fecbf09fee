"""What remediation measures."""

from __future__ import annotations

from steward.policy.remediation.guards import LABELS
from steward.telemetry.metrics import Counter

TYPES = (("missing_liveness",), ("missing_readiness",), ("missing_resources",))

APPLIED = Counter("devopspolicy_remediations_applied_total", "Patches that were applied to workloads, by what they mend.", ("type",), preset=TYPES)
FAILED = Counter(
    "devopspolicy_remediations_failed_total",
    "Patches that were refused, in conflict or taken back, by what they were to mend; one that is tried again counts once.",
    ("type",),
    preset=TYPES,
)
REVERTED = Counter(
    "devopspolicy_remediations_reverted_total", "Patches that were taken back because the workload fared worse with them.", preset=((),)
)
SKIPPED = Counter(
    "devopspolicy_remediations_skipped_total",
    "Times that a workload which lacks something was held back, by the reason; counted when the reason changes.",
    ("reason",),
    preset=tuple((label,) for label in LABELS),
)

ALL = (APPLIED, FAILED, REVERTED, SKIPPED)
