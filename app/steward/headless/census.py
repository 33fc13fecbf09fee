"""How it stands with all pods at once, read from the stores when Prometheus scrapes: callable from any thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from steward.headless import children, model
from steward.headless.eligibility import Skip, is_wanted, service_name, why_skipped
from steward.headless.model import EndpointSlice, Pod, Service
from steward.runtime.resource import Key
from steward.runtime.store import Index

if TYPE_CHECKING:
    from steward.headless.controller import Cluster

CONFLICT = Skip("conflict")
FAMILIES = ("IPv4", "IPv6")


class Census(msgspec.Struct, frozen=True):
    """What is counted about a cluster; ``service_of_pod`` files the Services that are ours."""

    cluster: Cluster
    service_of_pod: Index[Service]

    def owned(self) -> Iterable[Service]:
        """Every Service of ours."""
        return self.cluster.services.filed(self.service_of_pod)

    def skipped(self) -> Iterable[str]:
        """The label of every annotated pod that has no name."""
        for pod in self.cluster.pods.filed(self.cluster.wanted):
            skip = self._skip(pod)
            if skip is not None:
                yield skip.label

    def missing(self) -> int:
        """How many pods have no name that answers with their addresses, though nothing but our work stands between them."""
        return sum(not self.answers(pod) and self._skip(pod) is None for pod in self.cluster.pods.filed(self.cluster.wanted))

    def answers(self, pod: Pod) -> bool:
        """Whether a pod's Service and EndpointSlices are there, with all its addresses."""
        namespace, name = pod.metadata.namespace, service_name(pod.metadata.name, self.cluster.config)
        if not _stands_for(self.cluster.services.get(Key(namespace, name)), pod):
            return False
        missing = set(pod.addresses)
        for family in FAMILIES:
            found = self.cluster.slices.get(Key(namespace, children.slice_name(name, family)))
            if found is not None and missing and _stands_for(found, pod):
                missing.difference_update(address for endpoint in found.endpoints or () for address in endpoint.addresses)
        return not missing

    def orphaned(self) -> int:
        """How many Services of this installation no pod should have any more."""
        return sum(not self._is_asked_for(service) for service in self.owned())

    def _skip(self, pod: Pod) -> Skip | None:
        key = pod.metadata.key
        occupant = self.cluster.services.get(Key(key.namespace, service_name(key.name, self.cluster.config)))
        return why_skipped(pod, occupant, self.cluster.config) or (CONFLICT if key in self.cluster.memory.conflicts else None)

    def _is_asked_for(self, service: Service) -> bool:
        key = children.pod_key(service.metadata)
        pod = self.cluster.pods.get(key) if key is not None else None
        if pod is None:
            # Another installation sees other pods, and takes care of their Services.
            return service.metadata.labels.get(model.INSTANCE_LABEL, self.cluster.instance) != self.cluster.instance
        return is_wanted(pod, self.cluster.config) and not pod.is_over and children.belongs_to(service.metadata, pod)


def _stands_for(child: Service | EndpointSlice | None, pod: Pod) -> bool:
    return child is not None and child.metadata.deletion_timestamp is None and children.belongs_to(child.metadata, pod)
