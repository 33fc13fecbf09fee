"""What we read of workloads."""

from __future__ import annotations

import msgspec

from steward.governance import model as governance
from steward.runtime.resource import ManagedField, ObjectMeta, Resource, Struct

MANAGER = "kube-devops-operator"
"""The field manager of remediation. The seed's."""

PATCHED_BY = "policy.steward.dev/patched-by"
"""On the pod template of a workload that was patched, and so on its pods."""

RECORD = "policy.steward.dev/remediation"
"""On the workload: what was tried for which template, and what came of it."""

REMEDIATE = "policy.steward.dev/remediate"
"""Of a workload: ``"false"`` keeps remediation away."""


class TCPSocket(Struct, frozen=True):
    """``corev1.TCPSocketAction``."""

    port: int | str = 0


class Probe(governance.Probe, frozen=True):
    """``corev1.Probe``, as far as we write it."""

    tcp_socket: TCPSocket | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 0
    failure_threshold: int = 0


class ContainerPort(Struct, frozen=True):
    """``corev1.ContainerPort``."""

    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"


class Container(governance.Container, frozen=True):
    """``corev1.Container`` of a pod template. Its environment is not read: it may hold secrets."""

    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    ports: tuple[ContainerPort, ...] = ()
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()


class PodSpec(governance.PodSpec, frozen=True):
    """``corev1.PodSpec`` of a pod template."""

    containers: tuple[Container, ...] = ()
    host_network: bool = False


class TemplateMeta(Struct, frozen=True):
    """Metadata of a pod template."""

    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Template(Struct, frozen=True):
    """``corev1.PodTemplateSpec``."""

    metadata: TemplateMeta = TemplateMeta()
    spec: PodSpec = PodSpec()


class Requirement(Struct, frozen=True):
    """``metav1.LabelSelectorRequirement``."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class Selector(Struct, frozen=True):
    """``metav1.LabelSelector``."""

    match_labels: dict[str, str] = msgspec.field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()


class RollingUpdate(Struct, frozen=True):
    """How a rollout goes on: numbers of pods, or percentages of them, and of a StatefulSet ``partition``."""

    max_surge: int | str | None = None
    max_unavailable: int | str | None = None
    partition: int = 0


class Strategy(Struct, frozen=True):
    """``strategy`` of a Deployment, ``updateStrategy`` of the others."""

    type: str = ""
    rolling_update: RollingUpdate | None = None


class WorkloadSpec(Struct, frozen=True):
    """The specs of a Deployment, a StatefulSet and a DaemonSet as one."""

    replicas: int | None = None
    paused: bool = False
    strategy: Strategy = Strategy()
    update_strategy: Strategy = Strategy()
    progress_deadline_seconds: int | None = None
    selector: Selector = Selector()
    template: Template = Template()


class WorkloadStatus(Struct, frozen=True):
    """Their statuses as one."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0


class There(Struct, frozen=True):
    """A field that somebody owns."""


class OwnedResources(Struct, frozen=True):
    """Of ``resources``: what somebody owns."""

    requests: dict[str, There] = msgspec.field(default_factory=dict, name="f:requests")
    limits: dict[str, There] = msgspec.field(default_factory=dict, name="f:limits")


class OwnedContainer(Struct, frozen=True):
    """Of a container: what somebody owns, as far as it may be ours."""

    liveness_probe: There | None = msgspec.field(default=None, name="f:livenessProbe")
    readiness_probe: There | None = msgspec.field(default=None, name="f:readinessProbe")
    resources: OwnedResources = msgspec.field(default=OwnedResources(), name="f:resources")


class OwnedPodSpec(Struct, frozen=True):
    """Of a pod spec: containers by ``k:{"name":…}``."""

    containers: dict[str, OwnedContainer] = msgspec.field(default_factory=dict, name="f:containers")


class OwnedTemplate(Struct, frozen=True):
    """Of a pod template."""

    spec: OwnedPodSpec = msgspec.field(default=OwnedPodSpec(), name="f:spec")


class OwnedSpec(Struct, frozen=True):
    """Of a workload's spec."""

    template: OwnedTemplate = msgspec.field(default=OwnedTemplate(), name="f:template")


class OwnedAnnotations(Struct, frozen=True):
    """Of a workload's annotations: whether somebody owns the record."""

    record: There | None = msgspec.field(default=None, name=f"f:{RECORD}")


class OwnedMeta(Struct, frozen=True):
    """Of a workload's metadata."""

    annotations: OwnedAnnotations = msgspec.field(default=OwnedAnnotations(), name="f:annotations")


class Owned(Struct, frozen=True):
    """``fieldsV1`` (KEP-555): only what remediation writes is kept of it."""

    metadata: OwnedMeta = msgspec.field(default=OwnedMeta(), name="f:metadata")
    spec: OwnedSpec = msgspec.field(default=OwnedSpec(), name="f:spec")


class ManagedFields(ManagedField, frozen=True):
    """Who wrote what of a workload."""

    fields_v1: Owned = msgspec.field(default=Owned(), name="fieldsV1")


class WorkloadMeta(ObjectMeta, frozen=True):
    """Metadata of a workload, with all who wrote it."""

    managed_fields: tuple[ManagedFields, ...] = ()

    @property
    def ours(self) -> Owned:
        """What remediation owns of it."""
        for entry in self.managed_fields:
            if (entry.manager, entry.operation, entry.subresource) == (MANAGER, "Apply", ""):
                return entry.fields_v1
        return Owned()


class Workload(Struct, frozen=True):
    """A Deployment, a StatefulSet or a DaemonSet."""

    metadata: WorkloadMeta = WorkloadMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class ReplicaSet(Struct, frozen=True):
    """``appsv1.ReplicaSet``: only whose it is."""

    metadata: ObjectMeta = ObjectMeta()


_SHARED = ("metadata.labels", "metadata.managed_fields", "spec.selector")

DEPLOYMENTS: Resource[Workload] = Resource("apps", "v1", "Deployment", "deployments", Workload, shared=_SHARED)
STATEFUL_SETS: Resource[Workload] = Resource("apps", "v1", "StatefulSet", "statefulsets", Workload, shared=_SHARED)
DAEMON_SETS: Resource[Workload] = Resource("apps", "v1", "DaemonSet", "daemonsets", Workload, shared=_SHARED)
WORKLOADS = {resource.kind: resource for resource in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)}
"""What is mended, by kind. Jobs are not: their templates are immutable, and nobody waits for them to get ready."""

REPLICA_SETS: Resource[ReplicaSet] = Resource("apps", "v1", "ReplicaSet", "replicasets", ReplicaSet)
