"""Reasons of the Events on workloads."""

from __future__ import annotations

from steward.runtime.plan import Reason

APPLIED = Reason("RemediationApplied", "Normal", "What policies ask for was added to the workload; its rollout is watched.")
PROVED = Reason("RemediationSucceeded", "Normal", "The patched workload became available, and none of its containers was restarted.")
REVERTED = Reason("RemediationReverted", "Warning", "The patched workload did not become available, or containers were restarted; it was undone.")
WITHDRAWN = Reason("RemediationWithdrawn", "Normal", "The patch no longer fits the workload's template, and was undone.")
REFUSED = Reason("RemediationRefused", "Warning", "A dry run of the patch, or of a pod of the patched workload, was refused; nothing was written.")
CONFLICT = Reason("RemediationConflict", "Warning", "Another field manager has set a field that the patch would add; nothing was written.")
PROPOSED = Reason("RemediationProposed", "Normal", "The workload is somebody else's, or its policies only audit; the patch is shown, not applied.")
HELD = Reason("RemediationHeld", "Normal", "The workload is not patched now; the note says why.")
CONTESTED = Reason("RemediationContested", "Warning", "Something else takes away what was added; the workload is left so until its template changes.")
CLIENT_APPLIED = Reason(
    "RemediationOfAppliedManifest", "Warning", "The patched workload comes from kubectl apply; its manifest should have the fields too."
)

ALL = (APPLIED, PROVED, REVERTED, WITHDRAWN, REFUSED, CONFLICT, PROPOSED, HELD, CONTESTED, CLIENT_APPLIED)
