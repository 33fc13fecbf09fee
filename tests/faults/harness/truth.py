"""What has to be in a namespace, said once more and independently of the operator's own code. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from faults.harness.kube import Object
from faults.harness.manifests import ANNOTATION, LEGACY_ANNOTATION, OPERATOR_LABELS

SLICE_LABELS = {**OPERATOR_LABELS, "endpointslice.kubernetes.io/managed-by": "headless.steward.dev"}
FIELD_MANAGER = "steward-headless"

Name = tuple[str, str]
"""Kind and name."""


def asks(pod: Object) -> bool:
    """Whether a pod asks for a name."""
    annotations = pod["metadata"].get("annotations", {})
    return "true" in (annotations.get(ANNOTATION), annotations.get(LEGACY_ANNOTATION))


def is_eligible(pod: Object) -> bool:
    """Whether a pod asks for a name and can have one now: it lives, has an address, and its name fits."""
    meta = pod["metadata"]
    return asks(pod) and not is_between(pod) and len(meta["name"]) <= 63 and "." not in meta["name"]


def is_between(pod: Object) -> bool:
    """Whether a pod is about to begin or to end."""
    return "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") != "Running" or not pod["status"].get("podIP")


def owner(child: Object) -> str:
    """UID of the pod that controls a child, or nothing."""
    owners = child["metadata"].get("ownerReferences", [])
    return next((one["uid"] for one in owners if one.get("controller") and one["kind"] == "Pod"), "")


def is_by_steward(child: Object) -> bool:
    """Whether Steward ever wrote this object."""
    return any(entry["manager"] == FIELD_MANAGER for entry in child["metadata"].get("managedFields", ()))


def service_is_right(service: Object, pod: Object) -> bool:
    """Whether a Service is the one this pod should have."""
    spec, meta = service["spec"], service["metadata"]
    ports = [(port["name"], port["protocol"], port["port"], port["targetPort"]) for port in spec.get("ports", ())]
    return (
        meta["name"] == pod["metadata"]["name"]
        and owner(service) == pod["metadata"]["uid"]
        and OPERATOR_LABELS.items() <= meta.get("labels", {}).items()
        and spec["clusterIP"] == "None"
        and not spec.get("selector")
        and spec.get("publishNotReadyAddresses") is True
        and ports == [("web", "TCP", 8080, 8080)]
    )


def slice_is_right(found: Object, pod: Object) -> bool:
    """Whether an EndpointSlice is the one this pod should have."""
    meta = found["metadata"]
    endpoints = found.get("endpoints") or []
    labels = SLICE_LABELS | {"kubernetes.io/service-name": pod["metadata"]["name"]}
    return (
        owner(found) == pod["metadata"]["uid"]
        and labels.items() <= meta.get("labels", {}).items()
        and [one["addresses"] for one in endpoints] == [[pod["status"]["podIP"]]]
        and endpoints[0]["targetRef"]["uid"] == pod["metadata"]["uid"]
        and endpoints[0]["conditions"]["ready"] is True
        and [(port["name"], port["port"]) for port in found.get("ports") or ()] == [("web", 8080)]
    )


def problems(pods: Iterable[Object], services: Iterable[Object], slices: Iterable[Object], foreign: dict[Name, Object]) -> Iterator[str]:
    """Everything that is not as it should be, a sentence each.

    Args:
        pods: All of the namespace.
        services: All of the namespace.
        slices: All of the namespace.
        foreign: Objects of others, as they were before.
    """
    pods = list(pods)
    yield from (f"pod {pod['metadata']['name']} is about to begin or to end" for pod in pods if is_between(pod))
    found = {("Service", one["metadata"]["name"]): one for one in services} | {("EndpointSlice", one["metadata"]["name"]): one for one in slices}
    yield from (f"foreign {kind} {name} is gone or was changed" for (kind, name), before in foreign.items() if found.get((kind, name)) != before)
    named = {pod["metadata"]["name"]: pod for pod in pods if is_eligible(pod) and ("Service", pod["metadata"]["name"]) not in foreign}
    ours = {at: child for at, child in found.items() if at not in foreign and (is_by_steward(child) or owner(child))}
    right = Counter()
    for (kind, name), child in ours.items():
        pod = named.get(_name_published(kind, child))
        if pod is None:
            yield f"{kind} {name} belongs to no pod that is there and eligible"
        elif not (service_is_right if kind == "Service" else slice_is_right)(child, pod):
            yield f"{kind} {name} is not what pod {pod['metadata']['name']} should have"
        else:
            right[kind, pod["metadata"]["name"]] += 1
    wrong = ((name, kind) for name in named for kind in ("Service", "EndpointSlice") if right[kind, name] != 1)
    yield from (f"pod {name} has {right[kind, name]} right objects of kind {kind}" for name, kind in wrong)


def _name_published(kind: str, child: Object) -> str:
    meta = child["metadata"]
    return meta["name"] if kind == "Service" else meta.get("labels", {}).get("kubernetes.io/service-name", "")
