"""Whose a workload is. What somebody else writes again and again is left to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.model import MANAGER, Workload, WorkloadMeta
from steward.runtime.resource import HasMeta, ObjectMeta, OwnerReference, Resource

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGED_BY = "app.kubernetes.io/managed-by"
TRACKING_ID = "argocd.argoproj.io/tracking-id"
INSTALLATION_ID = "argocd.argoproj.io/installation-id"
OURS = "steward.dev/job"
"""The chart puts this label on the pods of each of Steward's components."""

KUSTOMIZE, FLUX_HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
RELEASE = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")

_MANAGERS = {"kustomize-controller": "Flux", "helm-controller": "Flux", "argocd-controller": "Argo CD", "helm": "Helm"}
"""Field managers of what continuously or at the next upgrade writes a workload again."""

OWNER_LIMIT = 8
"""References that are followed at most; a chain is two long, and a cycle has no end."""


class Owner(NamedTuple):
    """Who writes a workload besides us, and how that shows."""

    name: str
    proof: str


def owner_of(resource: Resource[Workload], workload: Workload, config: RemediationConfig) -> Owner | None:
    """Who a workload is left to, or None when nobody continuously writes it."""
    if OURS in workload.spec.template.metadata.labels:
        return Owner("Steward", f"label {OURS} of its pods")
    return next(_owners(resource, workload.metadata, _writers(workload), config), None)


def is_client_applied(workload: Workload) -> bool:
    """Whether it came by ``kubectl apply`` without ``--server-side``. The next one keeps what we added: its three-way merge knows nothing of it."""
    return LAST_APPLIED in workload.metadata.annotations or "kubectl-client-side-apply" in _writers(workload)


def top_controller(item: HasMeta, find: Callable[[OwnerReference], HasMeta | None]) -> HasMeta | OwnerReference:
    """Walk the references to controllers up by uid: to the last object that has none, or to the first reference of which nothing is known."""
    for _ in range(OWNER_LIMIT):
        reference = item.metadata.controller
        if reference is None:
            return item
        found = find(reference)
        if found is None:
            return reference
        item = found
    return item


def _owners(resource: Resource[Workload], meta: WorkloadMeta, writers: set[str], config: RemediationConfig) -> Iterator[Owner]:
    labels, annotations = meta.labels, meta.annotations
    for reference in meta.owner_references:
        # A Rollout, a Knative Revision, the custom resource of an operator: it would write the workload again, or it knows better.
        yield Owner(reference.kind, f"ownerReference to {reference.kind} {reference.name}")
    for group, what in ((KUSTOMIZE, "Flux kustomize"), (FLUX_HELM, "Flux helm")):
        if {f"{group}/name", f"{group}/namespace"} <= labels.keys():
            yield Owner(what, f"label {group}/name={labels[f'{group}/name']}")
    yield from _argo(resource, meta, config)
    if MANAGED_BY in labels:
        is_helm = labels[MANAGED_BY] == "Helm" and all(name in annotations for name in RELEASE)
        proof = f"annotation {RELEASE[0]}={annotations[RELEASE[0]]}" if is_helm else f"label {MANAGED_BY}={labels[MANAGED_BY]}"
        yield Owner("Helm" if is_helm else labels[MANAGED_BY], proof)
    for writer in sorted(writers):
        if writer in _MANAGERS:
            yield Owner(_MANAGERS[writer], f"field manager {writer}")
        elif any(writer.lower().startswith(name.lower()) for name in config.other_managers):
            yield Owner(writer, f"field manager {writer}")
    for writer in sorted(_appliers(meta)):
        # A container of which we own a field is not dropped or renamed by who applies it: the rest of it would stay, and be invalid (KEP-555).
        yield Owner(writer, f"field manager {writer} by server-side apply")


def _argo(resource: Resource[Workload], meta: ObjectMeta, config: RemediationConfig) -> Iterable[Owner]:
    """Argo CD. A tracking id that names another object came along with a copy and proves nothing, nor does what came with it."""
    tracking = meta.annotations.get(TRACKING_ID)
    if tracking is not None:
        if tracking.endswith(f":{resource.group}/{resource.kind}:{meta.namespace}/{meta.name}"):
            yield Owner("Argo CD", f"annotation {TRACKING_ID}={tracking}")
    elif INSTALLATION_ID in meta.annotations:
        yield Owner("Argo CD", f"annotation {INSTALLATION_ID}")
    for label in (config.argocd_instance_label, "argocd.argoproj.io/instance", "applications.argoproj.io/app-name"):
        if label in meta.labels:
            yield Owner("Argo CD", f"label {label}={meta.labels[label]}")


def _writers(workload: Workload) -> set[str]:
    """Who wrote the object itself. An autoscaler writes its scale, a controller its status: neither owns it."""
    return {entry.manager for entry in workload.metadata.managed_fields if not entry.subresource and entry.manager != MANAGER}


def _appliers(meta: WorkloadMeta) -> set[str]:
    """Who wrote the object itself by server-side apply, besides us."""
    return {entry.manager for entry in meta.managed_fields if (entry.operation, entry.subresource) == ("Apply", "") and entry.manager != MANAGER}
