"""The fields we add to containers: as data, as a patch, and as what is ours of a workload already. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import yaml

from steward.policy.remediation.model import MANAGER, PATCHED_BY, Container, OwnedContainer, Probe, Workload
from steward.runtime.resource import Resource

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""Written by ``kubectl rollout restart``: the template means the same as before."""


class Addition(msgspec.Struct, frozen=True):
    """What is added to one container; what is empty is not."""

    container: str
    readiness: Probe | None = None
    liveness: Probe | None = None
    requests: Mapping[str, str] = {}
    limits: Mapping[str, str] = {}

    @property
    def probes(self) -> dict[str, Probe]:
        """The probes by their fields."""
        both = (("readinessProbe", self.readiness), ("livenessProbe", self.liveness))
        return {name: probe for name, probe in both if probe is not None}

    @property
    def fields(self) -> tuple[str, ...]:
        """The name of each field."""
        found = list(self.probes)
        found += [f"resources.requests.{name}" for name in sorted(self.requests)]
        found += [f"resources.limits.{name}" for name in sorted(self.limits)]
        return tuple(f"{self.container}.{name}" for name in found)

    @property
    def body(self) -> dict[str, Any]:
        """The container of a patch."""
        resources = {name: dict(values) for name, values in (("requests", self.requests), ("limits", self.limits)) if values}
        return {
            "name": self.container,
            **{name: msgspec.to_builtins(probe) for name, probe in self.probes.items()},
            **({"resources": resources} if resources else {}),
        }


Patch = tuple[Addition, ...]
"""Additions that are not empty, in the order of the containers."""


def fields(patch: Patch) -> tuple[str, ...]:
    """The names of all fields."""
    return tuple(name for addition in patch for name in addition.fields)


def digest(patch: Patch) -> str:
    """Tells patches apart."""
    return _digest([addition.body for addition in patch])


def template(patch: Patch) -> dict[str, Any]:
    """What is applied to the pod template; nothing for an empty patch."""
    if not patch:
        return {}
    return {"metadata": {"annotations": {PATCHED_BY: MANAGER}}, "spec": {"containers": [addition.body for addition in patch]}}


def manifest(resource: Resource[Workload], workload: Workload, patch: Patch) -> str:
    """The patch as YAML, for the people who keep the workload's manifest."""
    meta = workload.metadata
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": meta.name, "namespace": meta.namespace},
        "spec": {"template": {"spec": {"containers": [addition.body for addition in patch]}}},
    }
    text: str = yaml.safe_dump(body, sort_keys=False)
    return text


def owned(workload: Workload) -> Patch:
    """What is ours of a workload, with its values: the server knows it (KEP-555)."""
    found = (_owned(container, _ours(workload, container)) for container in workload.spec.template.spec.containers)
    return tuple(addition for addition in found if addition.fields)


def merged(first: Patch, second: Patch, order: Iterable[Container]) -> Patch:
    """Both patches as one. They have no field in common."""
    one, two = ({addition.container: addition for addition in patch} for patch in (first, second))
    nothing = (Addition(container.name) for container in order)
    found = (joined(one.get(none.container, none), two.get(none.container, none)) for none in nothing)
    return tuple(addition for addition in found if addition.fields)


def joined(one: Addition, two: Addition) -> Addition:
    """Both additions to a container as one. They have no field in common."""
    return Addition(
        one.container, one.readiness or two.readiness, one.liveness or two.liveness, {**one.requests, **two.requests}, {**one.limits, **two.limits}
    )


def fingerprint(workload: Workload) -> str:
    """Tells templates apart by what is read of them, without what is ours: a template is the same before and after a patch."""
    spec, meta = workload.spec.template.spec, workload.spec.template.metadata
    ours = {addition.container: addition for addition in owned(workload)}
    annotations = {name: value for name, value in meta.annotations.items() if name not in (PATCHED_BY, RESTARTED_AT)}
    containers = [_without(container, ours.get(container.name, Addition(container.name))) for container in spec.containers]
    return _digest([sorted(meta.labels.items()), sorted(annotations.items()), containers, spec.init_containers, spec.host_network, spec.resources])


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:16]


def _ours(workload: Workload, container: Container) -> OwnedContainer:
    key = f'k:{{"name":{msgspec.json.encode(container.name).decode()}}}'
    return workload.metadata.ours.spec.template.spec.containers.get(key, OwnedContainer())


def _owned(container: Container, ours: OwnedContainer) -> Addition:
    readiness, liveness = container.readiness_probe, container.liveness_probe
    resources = container.resources
    return Addition(
        container.name,
        # How often it may fail is the server's default, and not ours.
        readiness=msgspec.structs.replace(readiness, failure_threshold=0) if readiness is not None and ours.readiness_probe is not None else None,
        liveness=liveness if ours.liveness_probe is not None else None,
        requests={name: str(value) for name, value in resources.requests.items() if f"f:{name}" in ours.resources.requests},
        limits={name: str(value) for name, value in resources.limits.items() if f"f:{name}" in ours.resources.limits},
    )


def _without(container: Container, ours: Addition) -> object:
    resources = container.resources
    return (
        container.name,
        container.image,
        container.command,
        container.args,
        container.ports,
        container.readiness_probe if ours.readiness is None else None,
        container.liveness_probe if ours.liveness is None else None,
        {name: str(value) for name, value in resources.requests.items() if name not in ours.requests},
        {name: str(value) for name, value in resources.limits.items() if name not in ours.limits},
    )
