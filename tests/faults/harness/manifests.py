"""What the scenarios put into a namespace: pods that ask for a name, pods that do not, and objects of other owners."""

from faults.harness.cluster import NODE
from faults.harness.kube import Object

ANNOTATION = "steward.dev/headless-service"
LEGACY_ANNOTATION = "srcd.host/create-headless-service"
OPERATOR_LABELS = {"app.kubernetes.io/managed-by": "steward", "operator": "headless-service-operator"}
PORT = {"name": "web", "containerPort": 8080, "protocol": "TCP"}


def pod(namespace: str, name: str, *, annotations: dict[str, str]) -> Object:
    """A pod on the node that kwok carries."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations, "labels": {"app": "faults"}},
        "spec": {
            "nodeName": NODE,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10.1", "ports": [PORT]}],
        },
    }


def annotated(namespace: str, name: str) -> Object:
    """A pod that asks for a name; every other one by the annotation of the operator's predecessor."""
    return pod(namespace, name, annotations={(ANNOTATION, LEGACY_ANNOTATION)[sum(name.encode()) % 2]: "true"})


def furniture(namespace: str) -> list[Object]:
    """Pods that get no name, and objects of other owners, some of them in the way of a pod that asks for theirs."""
    return [
        pod(namespace, "silent", annotations={}),
        pod(namespace, "declining", annotations={ANNOTATION: "false"}),
        pod(namespace, "x" * 64, annotations={ANNOTATION: "true"}),
        pod(namespace, "two.labels", annotations={ANNOTATION: "true"}),
        annotated(namespace, "held-by-virtual-ip"),
        service(namespace, "held-by-virtual-ip", {"ports": [{"port": 80}], "selector": {"app": "faults"}}),
        annotated(namespace, "held-by-headless"),
        service(namespace, "held-by-headless", {"clusterIP": "None"}),
        annotated(namespace, "held-by-our-labels"),
        service(namespace, "held-by-our-labels", {"clusterIP": "None"}, labels=OPERATOR_LABELS),
        endpoint_slice(namespace, "by-hand"),
    ]


def service(namespace: str, name: str, spec: Object, *, labels: dict[str, str] | None = None) -> Object:
    """A Service of somebody else; labels alone do not make it ours."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, "labels": labels or {}}, "spec": spec}


def endpoint_slice(namespace: str, name: str) -> Object:
    """An EndpointSlice of somebody else."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": "held-by-headless"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"]}],
        "ports": [],
    }
