"""The Service and the EndpointSlices a pod should have, and how to tell whether one is ours. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from steward.headless import model
from steward.headless.config import Config
from steward.headless.model import ContainerPort, EndpointSlice, Pod, Service
from steward.headless.names import as_bool, container_ports, endpoint_address, parse_ports
from steward.runtime.plan import Reference
from steward.runtime.resource import ChildMeta, Key, ObjectMeta, OwnerReference

PORTS_ANNOTATION = "steward.dev/headless-service-ports"
PUBLISH_ANNOTATION = "steward.dev/publish-not-ready"
HASH_ANNOTATION = "steward.dev/desired-hash"
"""Digest of all we want of a Service. An apply that only takes something away shows in no field of the observed object; it shows here."""

LABELS = {model.MANAGED_BY_LABEL: model.MANAGED_BY, model.OPERATOR_LABEL: model.OPERATOR}


def is_ours(meta: ObjectMeta) -> bool:
    """Whether an object carries our labels and is controlled by a pod."""
    owner = meta.controller
    return owner is not None and owner.kind == "Pod" and all(meta.labels.get(name) == value for name, value in LABELS.items())


def pod_key(meta: ObjectMeta) -> Key | None:
    """The pod a child of ours belongs to, or None when it is not ours."""
    owner = meta.controller
    return Key(meta.namespace, owner.name) if owner is not None and is_ours(meta) else None


def belongs_to(meta: ObjectMeta, pod: Pod) -> bool:
    """Whether a child of ours belongs to this very pod, not to a former one of its name."""
    owner = meta.controller
    return owner is not None and owner.uid == pod.metadata.uid


def ports(pod: Pod) -> tuple[ContainerPort, ...]:
    """The ports to publish: those of the annotation, or those of the containers where it is absent or not understood."""
    wanted = pod.metadata.annotations.get(PORTS_ANNOTATION)
    if wanted is None:
        return container_ports(pod)
    try:
        return parse_ports(wanted)
    except ValueError:
        return container_ports(pod)


def publishes_not_ready(pod: Pod, config: Config) -> bool:
    """Whether the name is answered before the pod is ready, as the annotation says, or the configuration."""
    said = as_bool(pod.metadata.annotations.get(PUBLISH_ANNOTATION, ""))
    return config.publish_not_ready_addresses if said is None else said


def addresses(pod: Pod) -> dict[str, list[str]]:
    """The addresses to publish, by the type of EndpointSlice that takes them."""
    found: dict[str, list[str]] = {}
    for address in pod.addresses:
        published = endpoint_address(address)
        if published is not None:
            found.setdefault(published[0], []).append(published[1])
    return found


def misunderstood(pod: Pod) -> Iterator[str]:
    """A sentence about each annotation that is not understood and counts as absent."""
    annotations = pod.metadata.annotations
    if PORTS_ANNOTATION in annotations:
        try:
            parse_ports(annotations[PORTS_ANNOTATION])
        except ValueError as error:
            yield f"{PORTS_ANNOTATION}: {error}. The ports of the containers are published."
    said = annotations.get(PUBLISH_ANNOTATION, "true")
    if as_bool(said) is None:
        yield f'{PUBLISH_ANNOTATION}: "{said}" is neither true nor false. The operator\'s configuration decides.'


def service(pod: Pod, name: str, config: Config, instance: str) -> Service:
    """The Service of a pod."""
    copied = {name: pod.metadata.annotations[name] for name in config.copy_annotations if name in pod.metadata.annotations}
    spec = model.ServiceSpec(
        cluster_ip="None",
        publish_not_ready_addresses=publishes_not_ready(pod, config),
        ports=tuple(
            model.ServicePort(name=port.name, protocol=port.protocol, port=port.container_port, target_port=port.container_port)
            for port in ports(pod)
        ),
    )
    digest = hashlib.sha256(msgspec.json.encode((sorted(copied.items()), spec))).hexdigest()[:16]
    return Service(metadata=_meta(pod, name, LABELS | {model.INSTANCE_LABEL: instance}, copied | {HASH_ANNOTATION: digest}), spec=spec)


def slice_name(name: str, family: str) -> str:
    """The name of the EndpointSlice of a Service for the addresses of one family."""
    return f"{name}-{family.lower()}"


def slices(pod: Pod, name: str, config: Config, instance: str) -> tuple[EndpointSlice, ...]:
    """The EndpointSlices of a pod: one for each family of its addresses."""
    labels = {**LABELS, model.INSTANCE_LABEL: instance, model.SERVICE_NAME_LABEL: name, model.SLICE_MANAGER_LABEL: model.SLICE_MANAGER}
    meta = pod.metadata
    return tuple(
        EndpointSlice(
            metadata=_meta(pod, slice_name(name, family), labels, {}),
            address_type=family,
            endpoints=(
                model.Endpoint(
                    addresses=tuple(published),
                    conditions=model.EndpointConditions(ready=publishes_not_ready(pod, config) or pod.is_ready),
                    hostname=name,
                    node_name=pod.spec.node_name,
                    target_ref=Reference(kind="Pod", namespace=meta.namespace, name=meta.name, uid=meta.uid),
                ),
            ),
            ports=tuple(model.EndpointPort(name=port.name, protocol=port.protocol, port=port.container_port) for port in ports(pod)),
        )
        for family, published in sorted(addresses(pod).items())
    )


def is_beyond_repair(observed: Service) -> bool:
    """Whether no apply could make a Service headless again: an address cannot change, and the selector of another manager stays."""
    return observed.spec.cluster_ip != "None" or bool(observed.spec.selector)


def differences(observed: Service | EndpointSlice, desired: Service | EndpointSlice) -> tuple[str, ...]:
    """The fields in which something we want of a child is not so. What others added to a Service does not count; a slice's lists are atomic."""
    fields = list(_meta_differences(observed.metadata, desired.metadata))
    match observed, desired:
        case Service(), Service():
            fields += _service_differences(observed, desired)
        case EndpointSlice(), EndpointSlice():
            fields += _slice_differences(observed, desired)
    return tuple(fields)


def _service_differences(observed: Service, desired: Service) -> Iterator[str]:
    if observed.spec.cluster_ip != desired.spec.cluster_ip:
        yield "spec.clusterIP"
    if observed.spec.selector:
        yield "spec.selector"
    if bool(observed.spec.publish_not_ready_addresses) != desired.spec.publish_not_ready_addresses:
        yield "spec.publishNotReadyAddresses"
    if not set(desired.spec.ports) <= set(observed.spec.ports):
        yield "spec.ports"


def _slice_differences(observed: EndpointSlice, desired: EndpointSlice) -> Iterator[str]:
    if observed.address_type != desired.address_type:
        yield "addressType"
    if (observed.endpoints or ()) != desired.endpoints:
        yield "endpoints"
    if (observed.ports or ()) != desired.ports:
        yield "ports"


def _meta(pod: Pod, name: str, labels: dict[str, str], annotations: dict[str, str]) -> ChildMeta:
    owner = OwnerReference(api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid, controller=True)
    return ChildMeta(name=name, namespace=pod.metadata.namespace, labels=labels, annotations=annotations, owner_references=(owner,))


def _meta_differences(observed: ObjectMeta, desired: ObjectMeta) -> Iterator[str]:
    # Installations whose scopes overlap want the same children; which of them made one is no reason to write.
    labels = {name: value for name, value in desired.labels.items() if name != model.INSTANCE_LABEL}
    if not labels.items() <= observed.labels.items():
        yield "metadata.labels"
    if not desired.annotations.items() <= observed.annotations.items():
        yield "metadata.annotations"
    if not set(desired.owner_references) <= set(observed.owner_references):
        yield "metadata.ownerReferences"
