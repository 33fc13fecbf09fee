"""The component ``policy`` in one place."""

from __future__ import annotations

from steward.governance.model import PODS
from steward.governance.policies import AUDIT_RESULTS, POLICIES
from steward.policy import metrics, reasons
from steward.policy.config import Config
from steward.policy.controller import controllers
from steward.policy.model import REPORTS
from steward.policy.remediation import metrics as remediation_metrics
from steward.policy.remediation import reasons as remediation_reasons
from steward.policy.remediation import rights
from steward.runtime.component import Component, Right

COMPONENT = Component(
    name="policy",
    summary="What each DevOpsPolicy finds in the pods of its namespace, in its status, in audit results and as metrics.",
    config=Config,
    rights=(
        Right(PODS, "list watch", why="are judged"),
        Right(POLICIES, "list watch", why="say what is asked of pods"),
        Right(POLICIES, "patch", subresource="status", why="tells the team what was found"),
        Right(AUDIT_RESULTS, "list watch create delete", why="the history of findings; the last few are kept", when="auditResults.enabled"),
        Right(REPORTS, "list watch create patch", why="the findings for tools that read openreports.io", when="openReports.enabled"),
        *rights.RIGHTS,
    ),
    metrics=(*metrics.ALL, *remediation_metrics.ALL),
    reasons=(*reasons.ALL, *remediation_reasons.ALL),
    build=controllers,
)
