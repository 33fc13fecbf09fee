"""What the rules read of a pod. A workload's pod template is a pod without a status."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec

from steward.runtime.resource import ObjectMeta, Resource, Struct


class Probe(Struct, frozen=True):
    """``corev1.Probe``: only whether it is there."""


class Resources(Struct, frozen=True):
    """``corev1.ResourceRequirements``; quantities are not interpreted."""

    requests: dict[str, str | int | float] = msgspec.field(default_factory=dict)
    limits: dict[str, str | int | float] = msgspec.field(default_factory=dict)

    @property
    def are_set(self) -> bool:
        """Whether anything is asked for or limited."""
        return bool(self.requests or self.limits)


class Container(Struct, frozen=True):
    """``corev1.Container``, and ``corev1.EphemeralContainer``."""

    name: str = ""
    image: str = ""
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    resources: Resources = Resources()
    restart_policy: str = ""


class PodSpec(Struct, frozen=True):
    """``corev1.PodSpec``. ``resources`` are those of the whole pod (KEP-2837)."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()
    resources: Resources = Resources()


class ContainerStatus(Struct, frozen=True):
    """``corev1.ContainerStatus``."""

    name: str = ""
    restart_count: int = 0


class PodStatus(Struct, frozen=True):
    """``corev1.PodStatus``."""

    phase: str = ""
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(Struct, frozen=True):
    """``corev1.Pod``."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_over(self) -> bool:
        """Whether it has ended or is ending: nobody can mend it any more."""
        return self.metadata.deletion_timestamp is not None or self.status.phase in ("Succeeded", "Failed")

    @property
    def created(self) -> dt.datetime | None:
        """When it was created; None for what is not in a cluster."""
        stamp = self.metadata.creation_timestamp
        return dt.datetime.fromisoformat(stamp) if stamp else None


class Workload(NamedTuple):
    """What a pod belongs to, by the kind that a person would edit: a Deployment, not its ReplicaSet. A pod of nobody is its own."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


TEMPLATE_HASH_LABEL = "pod-template-hash"
"""What the Deployment controller adds to the labels of its pods, and to the names of its ReplicaSets (apps/v1, DefaultDeploymentUniqueLabelKey)."""


def owner_of(pod: Pod) -> Workload:
    """What the pod belongs to, as far as the pod itself tells: its controller, or the Deployment whose ReplicaSet that is.

    A ReplicaSet made by hand has no hash of a template in its pods' labels, and stays a ReplicaSet. Of a Job is not told whether a CronJob made it.
    """
    meta = pod.metadata
    owner = meta.controller
    if owner is None:
        return Workload(meta.namespace, "Pod", meta.name)
    hashed = f"-{meta.labels.get(TEMPLATE_HASH_LABEL) or '/'}"
    if owner.kind == "ReplicaSet" and owner.name.endswith(hashed):
        return Workload(meta.namespace, "Deployment", owner.name.removesuffix(hashed))
    return Workload(meta.namespace, owner.kind, owner.name)


_SHARED = (
    "metadata.labels",
    "metadata.annotations",
    "metadata.owner_references",
    "spec",
    "status.container_statuses",
    "status.init_container_statuses",
)
PODS: Resource[Pod] = Resource("", "v1", "Pod", "pods", Pod, shared=_SHARED)
"""Replicas share their whole specification, so what is found in one is found in all; most have restarted as often, which is never."""
