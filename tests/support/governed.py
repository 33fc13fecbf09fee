"""Policies and the pods that they judge, as manifests."""

from typing import Any

POLICY = "shop/rules"


def policy(name="rules", namespace="shop", **spec):
    """A policy as somebody writes it."""
    return {
        "apiVersion": "policy.steward.dev/v1alpha1",
        "kind": "DevOpsPolicy",
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"forbidLatestTag": True, **spec},
    }


def pod(name, image="app", namespace="shop", *, phase="Running", workload="", kind="StatefulSet", created="2026-11-21T12:00:00Z", restarts=0):
    """A pod; a workload makes it one of that StatefulSet, or of another kind."""
    meta: dict[str, Any] = {"name": name, "namespace": namespace, "creationTimestamp": created}
    if workload:
        meta["ownerReferences"] = [
            {"apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind, "name": workload, "uid": workload, "controller": True}
        ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "web", "image": image}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "web", "restartCount": restarts}]},
    }
