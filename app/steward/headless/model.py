"""What we read of pods, and the Services and EndpointSlices we write."""

from __future__ import annotations

import msgspec

from steward.runtime.plan import Reference
from steward.runtime.resource import ChildMeta, ObjectMeta, Resource, Struct

OPERATOR_LABEL, OPERATOR = "operator", "headless-service-operator"
MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "steward"
INSTANCE_LABEL = "steward.dev/instance"
"""Which installation made a child: several with different scopes may share a cluster."""
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SLICE_MANAGER_LABEL, SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by", "headless.steward.dev"
"""Tells Kubernetes' own EndpointSlice controller to keep off (KEP-752)."""


class ContainerPort(Struct, frozen=True):
    """``corev1.ContainerPort``."""

    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"


class Container(Struct, frozen=True):
    """``corev1.Container``: its ports, and of an init container whether it is a sidecar."""

    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""


class PodSpec(Struct, frozen=True):
    """``corev1.PodSpec``."""

    node_name: str = ""
    host_network: bool = False
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()

    @property
    def serving(self) -> tuple[Container, ...]:
        """The containers that run as long as the pod: an init container that is restarted always is a sidecar (KEP-753)."""
        return self.containers + tuple(container for container in self.init_containers if container.restart_policy == "Always")


class PodIP(Struct, frozen=True):
    """``corev1.PodIP``."""

    ip: str = ""


class Condition(Struct, frozen=True):
    """``corev1.PodCondition``."""

    type: str = ""
    status: str = ""


class PodStatus(Struct, frozen=True):
    """``corev1.PodStatus``."""

    phase: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    pod_ips: tuple[PodIP, ...] = msgspec.field(default=(), name="podIPs")
    conditions: tuple[Condition, ...] = ()


class Pod(Struct, frozen=True):
    """``corev1.Pod``."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_over(self) -> bool:
        """Whether it has ended or is ending: its address may belong to somebody else at any moment."""
        return self.metadata.deletion_timestamp is not None or self.status.phase in ("Succeeded", "Failed")

    @property
    def is_ready(self) -> bool:
        """Whether its Ready condition is true."""
        return any(condition.type == "Ready" and condition.status == "True" for condition in self.status.conditions)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its addresses, the primary one first."""
        return tuple(address.ip for address in self.status.pod_ips if address.ip) or ((self.status.pod_ip,) if self.status.pod_ip else ())


class ServicePort(Struct, frozen=True):
    """``corev1.ServicePort``."""

    name: str = ""
    protocol: str = ""
    port: int = 0
    target_port: int | str = 0


class ServiceSpec(Struct, frozen=True):
    """``corev1.ServiceSpec``. What we set is never its default here: a field that is left out of an apply stays what somebody else made it."""

    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    ports: tuple[ServicePort, ...] = ()
    selector: dict[str, str] = msgspec.field(default_factory=dict)
    publish_not_ready_addresses: bool | None = None
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str = ""


class Service(Struct, frozen=True):
    """``corev1.Service``."""

    metadata: ChildMeta = ChildMeta()
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Struct, frozen=True):
    """``discovery/v1`` EndpointConditions."""

    ready: bool | None = None


class Endpoint(Struct, frozen=True):
    """``discovery/v1`` Endpoint."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    hostname: str = ""
    node_name: str = ""
    target_ref: Reference | None = None


class EndpointPort(Struct, frozen=True):
    """``discovery/v1`` EndpointPort."""

    name: str = ""
    protocol: str = ""
    port: int = 0


class EndpointSlice(Struct, frozen=True):
    """``discovery/v1`` EndpointSlice; its defaults are those of :class:`ServiceSpec`, for the same reason."""

    metadata: ChildMeta = ChildMeta()
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] | None = None
    ports: tuple[EndpointPort, ...] | None = None


_META = ("metadata.labels", "metadata.annotations")

PODS: Resource[Pod] = Resource("", "v1", "Pod", "pods", Pod, shared=(*_META, "spec.containers", "spec.init_containers", "status.conditions"))
SERVICES: Resource[Service] = Resource("", "v1", "Service", "services", Service, shared=(*_META, "metadata.managed_fields", "spec.ports"))
SLICES: Resource[EndpointSlice] = Resource(
    "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", EndpointSlice, shared=(*_META, "metadata.managed_fields", "ports")
)
