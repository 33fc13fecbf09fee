"""What remediation may do at the API server; asked for and granted only where it is enabled."""

from __future__ import annotations

from steward.policy.remediation.drafts import POD_DRAFTS
from steward.policy.remediation.model import DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS
from steward.policy.remediation.surroundings import BUDGETS, HPAS, POD_METRICS, SCALED_OBJECTS, VPAS
from steward.runtime.component import Right

WHEN = "remediation.enabled"

RIGHTS = (
    *(
        Right(resource, "list watch patch", why="adds probes and resources, and takes them back", when=WHEN)
        for resource in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
    ),
    Right(REPLICA_SETS, "list watch", why="leads from a pod to its Deployment", when=WHEN),
    Right(BUDGETS, "list watch", why="no rollout where no disruption is allowed", when=WHEN),
    Right(HPAS, "list watch", why="no requests that an autoscaler divides by", when=WHEN),
    Right(VPAS, "list watch", why="no resources that an autoscaler writes", when=WHEN),
    Right(SCALED_OBJECTS, "list watch", why="no requests that an autoscaler divides by", when=WHEN),
    Right(POD_DRAFTS, "create", why="dry runs of patched pods; RBAC knows no right to dry runs alone", when=WHEN),
    Right(POD_METRICS, "list", why="no memory limit below what is used", when=WHEN),
)
