"""What the component reads and writes besides pods and policies, and how it finds them."""

from __future__ import annotations

from collections.abc import Iterable

from steward.governance.policies import POLICIES, AuditRecord, DevOpsPolicy
from steward.runtime.resource import ChildMeta, HasMeta, Key, OwnerReference, Resource, Struct
from steward.runtime.store import Index

MANAGED_BY = {"app.kubernetes.io/managed-by": "steward"}
FINDINGS = "policy.steward.dev/findings"
"""Annotation with the fingerprint of the findings that an object tells."""


class Report(Struct, frozen=True):
    """``openreports.io/v1alpha1`` Report, of which nothing is read but whether it is ours."""

    metadata: ChildMeta = ChildMeta()


REPORTS: Resource[Report] = Resource("openreports.io", "v1alpha1", "Report", "reports", Report, custom=True)


def _owner(item: HasMeta) -> Iterable[str]:
    owner = item.metadata.controller
    return (owner.uid,) if owner is not None and item.metadata.labels.items() >= MANAGED_BY.items() else ()


RESULTS_OF_POLICY: Index[AuditRecord] = Index("policy", _owner)
REPORTS_OF_POLICY: Index[Report] = Index("policy", _owner)
"""What we made, by the uid of its policy."""


def made_for(policy: DevOpsPolicy, fingerprint: str, name: str) -> ChildMeta:
    """Metadata of an object of ours, which Kubernetes removes with its policy."""
    owner = OwnerReference(api_version=POLICIES.api_version, kind=POLICIES.kind, name=policy.metadata.name, uid=policy.metadata.uid, controller=True)
    return ChildMeta(
        name=name, namespace=policy.metadata.namespace, labels=MANAGED_BY, annotations={FINDINGS: fingerprint}, owner_references=(owner,)
    )


def is_of(policy: DevOpsPolicy, item: HasMeta) -> bool:
    """Whether an object is ours, made for this very policy."""
    return policy.metadata.uid in _owner(item)


def owner_key(item: HasMeta) -> Iterable[Key]:
    """The policy that an object was made for."""
    owner = item.metadata.controller
    return (Key(item.metadata.namespace, owner.name),) if owner is not None and owner.kind == POLICIES.kind else ()


def truncated(name: str, ending: str) -> str:
    """A name with an ending, as long as names of objects may be (apimachinery, DNS1123SubdomainMaxLength)."""
    return name[: 253 - len(ending)].rstrip("-.") + ending
