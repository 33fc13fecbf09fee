"""Whether a pod gets a name, and which. Pure."""

from __future__ import annotations

import msgspec

from steward.headless import children, model, names, reasons
from steward.headless.config import Config
from steward.headless.model import Pod, Service
from steward.runtime.plan import Reason
from steward.runtime.resource import OwnerReference


class Skip(msgspec.Struct, frozen=True):
    """Why an annotated pod has no name: the label of the metric, and the Event if its owner should know."""

    label: str
    event: Reason | None = None
    note: str = ""


def is_wanted(pod: Pod, config: Config) -> bool:
    """Whether the pod asks for a name, and we may give it one."""
    annotations = pod.metadata.annotations
    # Asked a dozen times for every change of a pod: a loop, no generator.
    for name in (config.annotation, *config.legacy_annotations):
        if annotations.get(name) in names.TRUE:
            return pod.metadata.namespace not in config.exclude_namespaces
    return False


def service_name(pod_name: str, config: Config) -> str:
    """The name of a pod's Service: the pod's, or a hashed one where that cannot be and the user wants it."""
    return names.hashed(pod_name) if config.long_names == "hash" and not names.is_service_name(pod_name) else pod_name


def why_skipped(pod: Pod, occupant: Service | None, config: Config) -> Skip | None:
    """The first fact that stands against a name, or None."""
    name = service_name(pod.metadata.name, config)
    if pod.is_over:
        return Skip("terminated")
    unfit = _unfit_name(name)
    if unfit is not None:
        return unfit
    if pod.spec.host_network and config.host_network == "deny":
        return Skip("host_network")
    if occupant is not None and children.pod_key(occupant.metadata) != pod.metadata.key:
        note = f"Service {occupant.metadata.key} is not this pod's: {_whose(occupant)}. It is left alone; rename the pod, or delete the Service."
        return Skip("conflict", reasons.NAME_CONFLICT, note)
    return _unfit_address(pod)


def _unfit_name(name: str) -> Skip | None:
    if names.is_too_long(name):
        note = f"{name} has {len(name)} characters, a Service's name at most {names.NAME_LIMIT}. Shorten it, or set longNames to hash."
        return Skip("name_too_long", reasons.NAME_TOO_LONG, note)
    if not names.is_service_name(name):
        note = f"{name} cannot be a Service's name: only a-z, 0-9 and -, and a letter first. Rename the pod, or set longNames to hash."
        return Skip("invalid_name", reasons.INVALID_NAME, note)
    return None


def _unfit_address(pod: Pod) -> Skip | None:
    if not pod.addresses:
        return Skip("no_ip")
    if not children.addresses(pod):
        note = f"no EndpointSlice takes {', '.join(pod.addresses)}: it is no IP address, or one that each machine understands as its own."
        return Skip("invalid_ip", reasons.INVALID_ADDRESS, note)
    return None


def _whose(service: Service) -> str:
    owner: OwnerReference | None = service.metadata.controller
    if owner is not None:
        return f"{owner.kind} {owner.name} controls it"
    manager = service.metadata.labels.get(model.MANAGED_BY_LABEL, model.MANAGED_BY)
    return f"{manager} manages it" if manager != model.MANAGED_BY else "no pod controls it"
