"""Objects for tests, as manifests: what a test does not care about has a sensible value."""

from typing import Any

import msgspec

from steward.runtime.resource import Resource

Manifest = dict[str, Any]

ANNOTATION = "steward.dev/headless-service"
OUR_LABELS = {"app.kubernetes.io/managed-by": "steward", "operator": "headless-service-operator"}
INSTANCE = {"steward.dev/instance": "default.steward-headless"}
SLICE_MANAGER = {"endpointslice.kubernetes.io/managed-by": "headless.steward.dev"}


def pod(
    name: str = "web-0",
    *,
    namespace: str = "shop",
    annotated: bool = True,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    ips: tuple[str, ...] = ("10.0.0.1",),
    ports: tuple[Manifest, ...] = ({"name": "http", "containerPort": 80},),
    phase: str = "Running",
    ready: bool = True,
    host_network: bool = False,
    node: str = "node-1",
    uid: str = "uid-1",
    deleting: bool = False,
) -> Manifest:
    """A pod that runs on a node, ready, with an address and a port; it asks for a name unless ``annotated`` is false.

    An API server gives it a ``uid`` of its own; a former pod of the same name has another.
    """
    asked = {ANNOTATION: "true"} if annotated else {}
    spec = {"nodeName": node, "containers": [{"name": "main", "image": "app", "ports": list(ports)}]} | (
        {"hostNetwork": True} if host_network else {}
    )
    addresses = {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]} if ips else {}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    meta = _meta(name, namespace, labels or {}, asked | (annotations or {}), uid) | (
        {"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {}
    )
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": phase, "conditions": conditions, **addresses}}


def service(
    name: str = "web-0",
    *,
    namespace: str = "shop",
    owner: Manifest | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    spec: Manifest | None = None,
    uid: str = "",
) -> Manifest:
    """A Service of somebody else; with ``owner`` and no ``labels``, one of ours."""
    ours = OUR_LABELS | INSTANCE if owner is not None else {}
    meta = _meta(name, namespace, ours if labels is None else labels, annotations or {}, uid) | _owned(owner)
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec or {"clusterIP": "None"}}


def endpoint_slice(
    name: str = "web-0-ipv4",
    *,
    namespace: str = "shop",
    owner: Manifest | None = None,
    service_name: str = "web-0",
    addresses: tuple[str, ...] = ("10.0.0.1",),
    family: str = "IPv4",
    uid: str = "",
) -> Manifest:
    """An EndpointSlice of ours when it has an owner."""
    labels = {"kubernetes.io/service-name": service_name} | (OUR_LABELS | INSTANCE | SLICE_MANAGER if owner is not None else {})
    meta = _meta(name, namespace, labels, {}, uid) | _owned(owner)
    endpoints = [{"addresses": list(addresses), "conditions": {"ready": True}}]
    kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice"}
    return kind | {"metadata": meta, "addressType": family, "endpoints": endpoints, "ports": []}


def owner_of(owner: Manifest, **changed: Any) -> Manifest:
    """The reference a child has to its owner."""
    meta = owner["metadata"]
    kind = {"apiVersion": owner.get("apiVersion", "v1"), "kind": owner.get("kind", "Pod")}
    return kind | {"name": meta["name"], "uid": meta.get("uid", ""), "controller": True} | changed


def lease(name: str = "steward-headless", *, namespace: str = "default", holder: str | None = "other", seconds: int = 15) -> Manifest:
    """A Lease somebody holds."""
    spec: Manifest = {"leaseDurationSeconds": seconds, "leaseTransitions": 0} | ({"holderIdentity": holder} if holder is not None else {})
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": _meta(name, namespace, {}, {}, ""), "spec": spec}


def model(resource: Resource[Any], manifest: Manifest) -> Any:
    """A manifest as the struct a component reads."""
    return msgspec.convert(manifest, resource.type)


def _meta(name: str, namespace: str, labels: dict[str, str], annotations: dict[str, str], uid: str) -> Manifest:
    return {
        "name": name,
        "namespace": namespace,
        **({"uid": uid} if uid else {}),
        **({"labels": labels} if labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def _owned(owner: Manifest | None) -> Manifest:
    return {"ownerReferences": [owner_of(owner) if "metadata" in owner else owner]} if owner is not None else {}
