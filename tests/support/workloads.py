"""Workloads as manifests, and as remediation reads them."""

import copy
from typing import Any

import msgspec

from steward.governance.policies import DevOpsPolicy
from steward.policy.remediation.model import Workload

Manifest = dict[str, Any]

API = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1"}

DIRECT = {"tcpSocket": {"port": 8080}, "periodSeconds": 10}
"""A probe that somebody else wrote."""


def container(name: str = "main", *, ports: tuple[int, ...] = (8080,), **fields: Any) -> Manifest:
    """A container with TCP ports; ``image`` and the like by name."""
    return {"name": name, "image": "app:1", "ports": [{"containerPort": port, "protocol": "TCP"} for port in ports], **fields}


def workload(
    kind: str = "Deployment",
    *containers: Manifest,
    meta: Manifest | None = None,
    pod: Manifest | None = None,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """A workload whose two pods are available, and of which no rollout runs."""
    labels = {"app": "web"}
    counts = {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "desiredNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
    }
    named = {} if kind == "Deployment" else {"updateStrategy": {"type": "RollingUpdate"}}
    replicas = {} if kind == "DaemonSet" else {"replicas": 2}
    template = {"metadata": {"labels": labels}, "spec": {"containers": list(containers) or [container()], **(pod or {})}}
    return {
        "apiVersion": API[kind],
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "uid": "uid-1", "generation": 1, **(meta or {})},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **replicas, **named, **spec},
        "status": counts | (status or {}),
    }


def read(manifest: Manifest) -> Workload:
    """A workload as it is decoded from the API server."""
    return msgspec.convert(copy.deepcopy(manifest), Workload)


def policy(name: str = "shop", *, namespace: str = "shop", **spec: Any) -> DevOpsPolicy:
    """A policy that is enforced, asks for probes and says which to add."""
    asked = {
        "requireReadinessProbe": True,
        "requireLivenessProbe": True,
        "enforcementMode": "enforce",
        "defaultProbe": {"periodSeconds": 10, "initialDelaySeconds": 5},
        **spec,
    }
    return msgspec.convert(
        {"metadata": {"name": name, "namespace": namespace}, "spec": {k: v for k, v in asked.items() if v is not None}}, DevOpsPolicy
    )


RESOURCES = {"cpuRequest": "100m", "cpuLimit": "500m", "memoryRequest": "128Mi", "memoryLimit": "256Mi"}
"""What a policy adds."""


def managed(**fields: Any) -> Manifest:
    """Metadata of a workload in whose container ``main`` remediation owns these fields, as in ``fieldsV1``."""
    owned = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:name": {}, **fields}}}}}}
    return {"managedFields": [{"manager": "kube-devops-operator", "operation": "Apply", "fieldsV1": owned}]}
