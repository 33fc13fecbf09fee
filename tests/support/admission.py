"""What an API server asks a webhook, for tests."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from steward.governance.policies import DevOpsPolicy

ALL = {"forbidLatestTag": True, "requireLivenessProbe": True, "requireReadinessProbe": True, "requireResources": True}
"""What can be asked at admission."""


def pod(*containers: dict[str, Any], metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod as the API server has it while it is admitted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-0", "namespace": "shop", "uid": "1", "creationTimestamp": "2026-11-21T12:00:00Z"} | (metadata or {}),
        "spec": {"containers": list(containers), **spec},
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def policy(name: str = "strict", *, mode: str = "enforce", namespace: str = "shop", **spec: Any) -> DevOpsPolicy:
    """A policy; by default it asks for everything, and denies."""
    body = {"metadata": {"name": name, "namespace": namespace}, "spec": (spec or ALL) | {"enforcementMode": mode}}
    return msgspec.convert(body, DevOpsPolicy)


def asked(new: Any, old: Any = None, *, operation: str = "", sub: str = "", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """An AdmissionReview of pods, or of what ``kind`` and ``resource`` say."""
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "subResource": sub,
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "name": "web-0",
            "namespace": namespace,
            "operation": operation or ("CREATE" if old is None else "UPDATE"),
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": new,
            "oldObject": old,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        }
        | more,
    }


def body(review: Any) -> bytes:
    """As it goes over the wire."""
    return json.dumps(review).encode()
