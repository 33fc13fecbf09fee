"""How far a workload's rollout is. Pure."""

from __future__ import annotations

from steward.policy.remediation.model import Workload

PROGRESS_SECONDS = 600
"""Default of ``progressDeadlineSeconds`` (apps/v1 defaults); the kinds without the field take as long."""


def desired(workload: Workload) -> int:
    """How many pods there shall be. A DaemonSet learns it from the nodes."""
    if _is_daemon(workload):
        return workload.status.desired_number_scheduled
    return 1 if workload.spec.replicas is None else workload.spec.replicas


def is_settled(workload: Workload) -> bool:
    """Whether every pod is of the newest template and no rollout runs."""
    status = workload.status
    if status.observed_generation < workload.metadata.generation:
        return False
    updated = status.updated_number_scheduled if _is_daemon(workload) else status.updated_replicas
    extra = 0 if _is_daemon(workload) else status.replicas - status.updated_replicas
    return updated >= desired(workload) and extra <= 0 and status.current_revision == status.update_revision


def is_available(workload: Workload) -> bool:
    """Whether all pods are available."""
    status = workload.status
    return (status.number_available if _is_daemon(workload) else status.available_replicas) >= desired(workload)


def deadline_seconds(workload: Workload, observation_seconds: int) -> int:
    """Seconds after a patch at which it is judged."""
    return max(workload.spec.progress_deadline_seconds or PROGRESS_SECONDS, observation_seconds)


def _is_daemon(workload: Workload) -> bool:
    # The server fills in replicas and the type of the update strategy; only a DaemonSet has the second alone.
    return bool(workload.spec.update_strategy.type) and workload.spec.replicas is None
