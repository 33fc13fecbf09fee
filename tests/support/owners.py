"""Everybody who may own a workload, and what shows it on the object."""

from collections.abc import Callable
from typing import Any

import msgspec

Meta = dict[str, Any]

HELM = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}
KUSTOMIZE = {"kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/namespace": "b"}
FLUX_HELM = {"helm.toolkit.fluxcd.io/name": "a", "helm.toolkit.fluxcd.io/namespace": "b"}
ROLLOUT = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "00000000-0000-4000-8000-0000000000a1", "controller": True}
APP = {"apiVersion": "example.com/v1", "kind": "App", "name": "web", "uid": "00000000-0000-4000-8000-0000000000a2"}


class Owner(msgspec.Struct, frozen=True):
    """One proof of one owner.

    Attributes:
        name: What the owner is called.
        meta: Metadata that shows it, given kind, namespace and name of the workload.
        manager: Field manager that shows it.
        applies: Whether that writes by server-side apply, which is what shows it.
    """

    name: str
    meta: Callable[[str, str, str], Meta] = lambda *_: {}
    manager: str = ""
    applies: bool = False


def tracking(kind: str, namespace: str, name: str) -> str:
    """How Argo CD names a workload in the annotation on it."""
    return f"shop-app:apps/{kind}:{namespace}/{name}"


OWNERS = {
    "flux-kustomize": Owner("Flux kustomize", lambda *_: {"labels": KUSTOMIZE}),
    "flux-lets-others-write": Owner("Flux kustomize", lambda *_: {"labels": KUSTOMIZE, "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Merge"}}),
    "flux-kustomize-by-manager": Owner("Flux", manager="kustomize-controller"),
    "flux-helm": Owner("Flux helm", lambda *_: {"labels": FLUX_HELM}),
    "flux-helm-by-manager": Owner("Flux", manager="helm-controller"),
    "argo-tracking-id": Owner("Argo CD", lambda *about: {"annotations": {"argocd.argoproj.io/tracking-id": tracking(*about)}}),
    "argo-installation-id": Owner("Argo CD", lambda *_: {"annotations": {"argocd.argoproj.io/installation-id": "one"}}),
    "argo-label": Owner("Argo CD", lambda *_: {"labels": {"argocd.argoproj.io/instance": "shop"}}),
    "argo-legacy-label": Owner("Argo CD", lambda *_: {"labels": {"applications.argoproj.io/app-name": "shop"}}),
    "argo-by-manager": Owner("Argo CD", manager="argocd-controller"),
    "helm": Owner("Helm", lambda *_: {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": HELM}),
    "helm-by-manager": Owner("Helm", manager="helm"),
    "another-by-label": Owner("jsonnet", lambda *_: {"labels": {"app.kubernetes.io/managed-by": "jsonnet"}}),
    "terraform": Owner("Terraform", manager="Terraform"),
    "pulumi": Owner("pulumi-kubernetes-6a1f3b", manager="pulumi-kubernetes-6a1f3b"),
    "rancher": Owner("rancher", manager="rancher"),
    "fleet": Owner("fleet-agent", manager="fleet-agent"),
    "kapp": Owner("kapp-server", manager="kapp-server"),
    "kubectl-server-side": Owner("kubectl", manager="kubectl", applies=True),
    "pipeline-server-side": Owner("deployer", manager="deployer", applies=True),
    "custom-resource": Owner("Rollout", lambda *_: {"ownerReferences": [ROLLOUT]}),
    "owner-that-does-not-control": Owner("App", lambda *_: {"ownerReferences": [APP]}),
}
"""Every proof of governance's table of owners."""
