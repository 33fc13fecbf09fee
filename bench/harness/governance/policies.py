"""The policies of the benchmark. All severities deny, so that every peer that knows only yes and no gives the same verdicts."""

from __future__ import annotations

from typing import Any

CHECKS = ("latestTag", "missingLiveness", "missingReadiness", "highRestarts", "pending", "missingResources")


def policy(
    namespace: str, name: str = "bench", *, generation: int = 1, runtime: bool = False, mode: str = "enforce", **spec: object
) -> dict[str, Any]:
    """One DevOpsPolicy: tag, probes and resources; with ``runtime`` also restarts and pending pods."""
    watched = {"maxRestartCount": 3, "forbidPendingDuration": 300} if runtime else {}
    return {
        "apiVersion": "policy.steward.dev/v1alpha1",
        "kind": "DevOpsPolicy",
        "metadata": {"name": name, "namespace": namespace, "generation": generation},
        "spec": {
            "forbidLatestTag": True,
            "requireLivenessProbe": True,
            "requireReadinessProbe": True,
            "requireResources": True,
            "enforcementMode": mode,
            "severityOverrides": dict.fromkeys(CHECKS, "high"),
            **watched,
            **spec,
        },
    }
