"""How far a workload's rollout is. Pure."""

from __future__ import annotations

from steward.policy.remediation.model import RollingUpdate, Workload

PROGRESS_SECONDS = 600
"""Default of ``progressDeadlineSeconds`` (apps/v1 defaults); the kinds without the field take as long."""

DEPLOYMENT_STEP = "25%"
"""Defaults of a Deployment's ``maxSurge`` and ``maxUnavailable`` (apps/v1 defaults)."""


def desired(workload: Workload) -> int:
    """How many pods there shall be. A DaemonSet learns it from the nodes."""
    if is_daemon(workload):
        return workload.status.desired_number_scheduled
    return 1 if workload.spec.replicas is None else workload.spec.replicas


def is_settled(workload: Workload) -> bool:
    """Whether every pod is of the newest template and no rollout runs."""
    status = workload.status
    if status.observed_generation < workload.metadata.generation:
        return False
    updated = status.updated_number_scheduled if is_daemon(workload) else status.updated_replicas
    extra = 0 if is_daemon(workload) else status.replicas - status.updated_replicas
    return updated >= desired(workload) and extra <= 0 and status.current_revision == status.update_revision


def is_available(workload: Workload) -> bool:
    """Whether all pods are available."""
    status = workload.status
    return (status.number_available if is_daemon(workload) else status.available_replicas) >= desired(workload)


def most_away(workload: Workload) -> int:
    """How many of the pods a rollout may take away before others are available. A PodDisruptionBudget does not stop it: it only counts.

    A Deployment rounds its percentages so that more pods stay (deployment_util.go, ResolveFenceposts), the others round up (apps/v1, API reference).
    """
    spec, total = workload.spec, desired(workload)
    if spec.strategy.type == "Recreate":
        return total
    is_deployment = not spec.update_strategy.type
    step = (spec.strategy if is_deployment else spec.update_strategy).rolling_update or RollingUpdate()
    surge = _scaled(step.max_surge, total, otherwise=DEPLOYMENT_STEP if is_deployment else 0, up=True)
    away = _scaled(step.max_unavailable, total, otherwise=DEPLOYMENT_STEP if is_deployment else 1, up=not is_deployment)
    # With neither no rollout would go on, so the controllers take one.
    return min(away if away or surge else 1, total)


def deadline_seconds(workload: Workload, observation_seconds: int) -> int:
    """Seconds after a patch at which it is judged."""
    return max(workload.spec.progress_deadline_seconds or PROGRESS_SECONDS, observation_seconds)


def _scaled(value: int | str | None, total: int, *, otherwise: int | str, up: bool) -> int:
    """A number of pods, or a percentage of them (GetScaledValueFromIntOrPercent)."""
    given = otherwise if value is None else value
    if isinstance(given, int):
        return given
    percents = int(given.removesuffix("%")) * total
    return -(-percents // 100) if up else percents // 100


def is_daemon(workload: Workload) -> bool:
    """Whether it is a DaemonSet: one pod on each node, and none stands in for another."""
    # The server fills in replicas and the type of the update strategy; only a DaemonSet has the second alone.
    return bool(workload.spec.update_strategy.type) and workload.spec.replicas is None
