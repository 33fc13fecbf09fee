"""The kinds the fake server knows: their paths, how their lists merge, what is filled in and what is refused.

Only what our components meet is here. Each rule was seen at a real server; tests/contract holds the fake to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from support.fakeapi import rules

Object = dict[str, Any]
Path = tuple[str, ...]

SET: tuple[str, ...] = ()
"""Keys of a list whose items are themselves the keys."""

_META_LISTS: dict[Path, tuple[str, ...]] = {("metadata", "ownerReferences"): ("uid",), ("metadata", "finalizers"): SET}
_META_ATOMS = {("metadata", "ownerReferences", "[]")}
_CONTAINERS = ("spec", "containers")
_TEMPLATE = ("spec", "template", *_CONTAINERS)
_TEMPLATES: dict[Path, tuple[str, ...]] = {
    _TEMPLATE: ("name",),
    (*_TEMPLATE, "[]", "ports"): ("containerPort", "protocol"),
    (*_TEMPLATE, "[]", "env"): ("name",),
    ("status", "conditions"): ("type",),
}


def _nothing(_: Object) -> None:
    """Nothing is filled in."""


def _anything(_new: Object, _old: Object | None) -> list[rules.Cause]:
    return []


class Kind(msgspec.Struct, frozen=True, eq=False):
    """One kind at the server.

    Attributes:
        group: API group; empty for the core group.
        version: API version.
        kind: Kind.
        plural: Name in the path.
        namespaced: Whether its objects live in a namespace.
        lists: Keys of the lists that merge, by path; all others are replaced as a whole.
        atoms: Maps that are replaced as a whole, by path; ``[]`` stands for an item of a list.
        present: Fields that an empty object has already, so that filling them is no addition (they have no ``omitempty``).
        default: Fills in what a client left out, before ownership of fields is tracked.
        allocate: Fills in what the server decides, after it.
        check: Says what is wrong with an object, given the former one if any.
        has_status: Whether status is a subresource.
        returns_deleted: Whether a deletion answers with the object instead of a Status.
        counts_generations: Whether a change of anything but metadata and status raises ``metadata.generation``.
        stored: Whether it is kept; a review is answered and forgotten.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    lists: Mapping[Path, tuple[str, ...]] = {}
    atoms: frozenset[Path] = frozenset()
    present: frozenset[Path] = frozenset()
    default: Callable[[Object], None] = _nothing
    allocate: Callable[[Object], None] = _nothing
    check: Callable[[Object, Object | None], list[rules.Cause]] = _anything
    has_status: bool = False
    returns_deleted: bool = False
    counts_generations: bool = False
    stored: bool = True

    @property
    def api_version(self) -> str:
        """``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """Qualified plural, as in messages: ``leases.coordination.k8s.io``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        """Qualified kind, as in messages: ``Lease.coordination.k8s.io``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def root(self) -> str:
        """Path of the API version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def keys(self, path: Path) -> tuple[str, ...] | None:
        """Keys by which items of a list are told apart; empty for a set, None for a list that is one value."""
        return self.lists.get(path, _META_LISTS.get(path))

    def is_atom(self, path: Path) -> bool:
        """Whether a map is one value."""
        return path in self.atoms or path in _META_ATOMS


KINDS = (
    Kind(
        "", "v1", "Pod", "pods",
        lists={
            _CONTAINERS: ("name",),
            (*_CONTAINERS, "[]", "ports"): ("containerPort", "protocol"),
            ("status", "conditions"): ("type",),
            ("status", "podIPs"): ("ip",),
        },
        present=frozenset({_CONTAINERS}),
        default=rules.default_pod, check=rules.check_pod, has_status=True, returns_deleted=True, counts_generations=True,
    ),
    Kind(
        "", "v1", "Service", "services",
        lists={("spec", "ports"): ("port", "protocol")}, atoms=frozenset({("spec", "selector")}),
        default=rules.default_service, allocate=rules.allocate_service, check=rules.check_service, has_status=True, returns_deleted=True,
    ),
    Kind("", "v1", "Namespace", "namespaces", namespaced=False, allocate=rules.allocate_namespace, has_status=True, returns_deleted=True),
    Kind("", "v1", "Node", "nodes", namespaced=False, has_status=True),
    Kind("", "v1", "ConfigMap", "configmaps"),
    Kind("", "v1", "Secret", "secrets"),
    Kind(
        "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices",
        present=frozenset({("addressType",), ("endpoints",), ("ports",)}),
        default=rules.default_slice, check=rules.check_slice, counts_generations=True,
    ),
    *(
        Kind(
            "apps", "v1", kind, f"{kind.lower()}s",
            lists=_TEMPLATES, atoms=frozenset({("spec", "selector")}), present=frozenset({("spec", "template"), ("spec", "template", "metadata"),
            ("spec", "template", "spec")}), default=rules.default_workload, has_status=True, counts_generations=True,
        )
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
    ),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", has_status=True, counts_generations=True),
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", has_status=True),
    Kind(
        "policy.steward.dev", "v1alpha1", "DevOpsPolicy", "devopspolicies",
        lists={("status", "conditions"): ("type",)}, has_status=True, counts_generations=True,
    ),
    Kind("policy.steward.dev", "v1alpha1", "PolicyAuditResult", "policyauditresults", counts_generations=True),
    Kind("openreports.io", "v1alpha1", "Report", "reports", counts_generations=True),
    Kind(
        "admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", namespaced=False,
        lists={("webhooks",): ("name",)}, counts_generations=True,
    ),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", check=rules.check_lease),
    Kind(
        "events.k8s.io", "v1", "Event", "events",
        atoms=frozenset({("regarding",), ("related",)}), default=rules.default_event, allocate=rules.allocate_event, check=rules.check_event,
    ),
    Kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", namespaced=False, stored=False),
    Kind("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", namespaced=False, stored=False),
    Kind("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False, stored=False),
)  # fmt: skip
"""Every kind of the fake server."""
