"""The life of one pod's name: which change wakes it, what is looked at, which facts there are, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from steward.headless import children, metrics, model, names, reasons
from steward.headless.config import Config
from steward.headless.model import PODS, SERVICES, SLICES, EndpointSlice, Pod, Service
from steward.runtime.component import Context
from steward.runtime.controller import Controller, Watch
from steward.runtime.plan import Action, Apply, Create, Delete, Event, Plan, Reason, Reference
from steward.runtime.resource import HasMeta, Key, OwnerReference
from steward.runtime.store import Change, Index, Store


class State(msgspec.Struct, frozen=True):
    """All that one decision rests on.

    Attributes:
        key: The pod's key.
        pod: The pod, whether it asks for a name or not; None when it is gone or out of our scope.
        name: The name it should have.
        occupant: The Service that has this name now, whoever owns it.
        services: Services of ours for a pod of this key, of a former one too.
        slices: EndpointSlices of ours, likewise.
        config: What the user configured.
        instance: Which installation of the program we are.
    """

    key: Key
    pod: Pod | None
    name: str
    occupant: Service | None
    services: tuple[Service, ...]
    slices: tuple[EndpointSlice, ...]
    config: Config
    instance: str


class Skip(msgspec.Struct, frozen=True):
    """Why an annotated pod has no name: the label of the metric, and the Event if its owner should know."""

    label: str
    event: Reason | None = None
    note: str = ""


def owners(change: Change[Service] | Change[EndpointSlice]) -> set[Key]:
    """The pods a child belonged to and belongs to: it may just have lost the proof of being ours."""
    keys = (children.pod_key(child.metadata) for child in change if child is not None)
    return {key for key in keys if key is not None}


def _by_pod(item: HasMeta) -> Iterable[str]:
    key = children.pod_key(item.metadata)
    return (str(key),) if key is not None else ()


SERVICE_OF_POD: Index[Service] = Index("pod", _by_pod)
SLICES_OF_POD: Index[EndpointSlice] = Index("pod", _by_pod)


class Cluster(msgspec.Struct, frozen=True):
    """The stores, as one thing to look at."""

    pods: Store[Pod]
    wanted: Index[Pod]
    renamed: Index[Pod]
    services: Store[Service]
    slices: Store[EndpointSlice]
    config: Config
    instance: str

    def pod_keys(self, change: Change[Pod]) -> Iterable[Key]:
        """A pod wakes itself if it asks for a name, or did until now."""
        if any(pod is not None and is_wanted(pod, self.config) for pod in change):
            return (change.object.metadata.key,)
        return ()

    def service_keys(self, change: Change[Service]) -> Iterable[Key]:
        """A Service wakes the pod it belongs to, and the pod whose name it has: it may stand in the way, or have gone out of it."""
        name = change.object.metadata.key
        return {name, *(pod.metadata.key for pod in self.pods.by(self.renamed, str(name))), *owners(change)}

    async def observe(self, key: Key, _now: datetime) -> State | None:
        """What there is about one pod; None when there is nothing, neither wanted nor left over."""
        services = tuple(self.services.by(SERVICE_OF_POD, str(key)))
        slices = tuple(self.slices.by(SLICES_OF_POD, str(key)))
        pod = self.pods.get(key)
        if pod is not None and pod.metadata.namespace in self.config.exclude_namespaces:
            pod = None
        if (pod is None or not is_wanted(pod, self.config)) and not services and not slices:
            return None
        name = service_name(key.name, self.config)
        return State(key, pod, name, self.services.get(Key(key.namespace, name)), services, slices, self.config, self.instance)

    def skipped(self) -> Iterable[str]:
        """The label of every annotated pod that has no name."""
        for pod in self.pods.filed(self.wanted):
            key = pod.metadata.key
            skip = why_skipped(pod, self.services.get(Key(key.namespace, service_name(key.name, self.config))), self.config)
            if skip is not None:
                yield skip.label


def is_wanted(pod: Pod, config: Config) -> bool:
    """Whether the pod asks for a name, and we may give it one."""
    asked = (pod.metadata.annotations.get(name, "") for name in (config.annotation, *config.legacy_annotations))
    return any(value in names.TRUE for value in asked) and pod.metadata.namespace not in config.exclude_namespaces


def service_name(pod_name: str, config: Config) -> str:
    """The name of a pod's Service: the pod's, or a hashed one where that cannot be and the user wants it."""
    return names.hashed(pod_name) if config.long_names == "hash" and not names.is_service_name(pod_name) else pod_name


def _other_names(pod: Pod, config: Config) -> Iterable[str]:
    """The name of the pod's Service where it is not the pod's own."""
    name = service_name(pod.metadata.name, config)
    return (str(Key(pod.metadata.namespace, name)),) if name != pod.metadata.name else ()


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
    if not pod.addresses:
        return Skip("no_ip")
    return None


def _unfit_name(name: str) -> Skip | None:
    if names.is_too_long(name):
        note = f"{name} has {len(name)} characters, a Service's name at most {names.NAME_LIMIT}. Shorten it, or set longNames to hash."
        return Skip("name_too_long", reasons.NAME_TOO_LONG, note)
    if not names.is_service_name(name):
        note = f"{name} cannot be a Service's name: only a-z, 0-9 and -, and a letter first. Rename the pod, or set longNames to hash."
        return Skip("invalid_name", reasons.INVALID_NAME, note)
    return None


def reconcile(state: State) -> Plan:
    """Make the children of one key what they should be."""
    pod = state.pod
    if pod is None or not is_wanted(pod, state.config):
        return Plan(actions=_withdraw(state, keep=()))
    skip = why_skipped(pod, state.occupant, state.config)
    if skip is not None:
        events = (_event(pod, skip.event, skip.note, "Skip"),) if skip.event is not None else ()
        return Plan(actions=_withdraw(state, keep=()), events=events)
    service = children.service(pod, state.name, state.config, state.instance)
    slices = children.slices(pod, state.name, state.config, state.instance)
    wanted = (*_towards_service(state, pod, service), *(action for desired in slices for action in _towards_slice(state, pod, desired)))
    return Plan(
        actions=(*wanted, *_withdraw(state, keep=(service, *slices))),
        events=tuple(_event(pod, reasons.INVALID_ANNOTATION, note, "Read") for note in children.misunderstood(pod)),
        done=_news(state, pod)
        if any(isinstance(action, Create) or (isinstance(action, Apply) and action.resource is SLICES) for action in wanted)
        else None,
    )


def _towards_service(state: State, pod: Pod, desired: Service) -> Iterable[Action]:
    observed = state.occupant
    if observed is None:
        yield Create(SERVICES, desired)
    elif observed.metadata.deletion_timestamp is not None:
        # Its end wakes this key again.
        return
    elif not children.belongs_to(observed.metadata, pod) or children.is_beyond_repair(observed):
        # Of a former pod of this name, or spoilt. Its deletion wakes this key again, and then there is room.
        yield Delete(SERVICES, observed, owned=_owned)
    elif children.service_differs(observed, desired):
        yield Apply(SERVICES, observed, desired, owned=_owned, done=_event(pod, reasons.UPDATED, "the Service was brought up to date", "Update"))


def _towards_slice(state: State, pod: Pod, desired: EndpointSlice) -> Iterable[Action]:
    observed = next((found for found in state.slices if found.metadata.name == desired.metadata.name), None)
    if observed is None:
        note = f"EndpointSlice {desired.metadata.key} is not this pod's. It is left alone; rename the pod, or delete the EndpointSlice."
        yield Create(SLICES, desired, taken=_event(pod, reasons.NAME_CONFLICT, note, "Create"))
    elif observed.metadata.deletion_timestamp is not None:
        return
    elif not children.belongs_to(observed.metadata, pod) or observed.address_type != desired.address_type:
        yield Delete(SLICES, observed, owned=_owned)
    elif children.slice_differs(observed, desired):
        yield Apply(SLICES, observed, desired, owned=_owned)


def _withdraw(state: State, *, keep: tuple[Service | EndpointSlice, ...]) -> tuple[Action, ...]:
    """Delete every child of ours but those to keep.

    What another installation made is left to it, and to the garbage collector: that we do not see the pod, are not asked by it or may not name it
    comes of our configuration, and theirs is another. That a pod is over is so for everybody.
    """
    kept = {(type(child), child.metadata.name) for child in keep}

    def goes(child: Service | EndpointSlice) -> bool:
        if (type(child), child.metadata.name) in kept or child.metadata.deletion_timestamp is not None:
            return False
        if child.metadata.labels.get(model.INSTANCE_LABEL) == state.instance:
            return True
        return state.pod is not None and (state.pod.is_over or not children.belongs_to(child.metadata, state.pod))

    going: list[Action] = []
    for service in state.services:
        if goes(service):
            note = f"{service.metadata.name}.{service.metadata.namespace}.svc is not answered any more"
            done = _event(state.pod, reasons.DELETED, note, "Delete") if state.pod is not None else None
            going.append(Delete(SERVICES, service, owned=_owned, done=done))
    going += [Delete(SLICES, found, owned=_owned) for found in state.slices if goes(found)]
    return tuple(going)


def _news(state: State, pod: Pod) -> Event:
    """What to tell when the name answers with the pod's addresses. It takes a Service and an EndpointSlice to answer at all."""
    there = (*((state.occupant,) if state.occupant is not None else ()), *state.slices)
    kinds = {type(child) for child in there if children.belongs_to(child.metadata, pod)}
    answered = {Service, EndpointSlice} <= kinds
    late = "" if pod.is_ready or children.publishes_not_ready(pod, state.config) else " once the pod is ready"
    note = f"{state.name}.{state.key.namespace}.svc answers with {', '.join(pod.addresses)}{late}"
    return _event(pod, reasons.UPDATED, note, "Update") if answered else _event(pod, reasons.CREATED, note, "Create")


def _owned(item: HasMeta) -> bool:
    return children.is_ours(item.metadata)


def _whose(service: Service) -> str:
    owner: OwnerReference | None = service.metadata.controller
    if owner is not None:
        return f"{owner.kind} {owner.name} controls it"
    manager = service.metadata.labels.get(model.MANAGED_BY_LABEL, model.MANAGED_BY)
    return f"{manager} manages it" if manager != model.MANAGED_BY else "no pod controls it"


def _event(pod: Pod, reason: Reason, note: str, action: str) -> Event:
    meta = pod.metadata
    return Event(Reference("v1", "Pod", meta.namespace, meta.name, meta.uid), reason, note, action)


def controllers(context: Context[Config]) -> tuple[Controller[State], ...]:
    """The controllers of the component."""
    config = context.config
    wanted: Index[Pod] = Index("wanted", lambda pod: ("",) if is_wanted(pod, config) else ())
    renamed: Index[Pod] = Index("renamed", lambda pod: _other_names(pod, config))
    cluster = Cluster(
        context.store(PODS, wanted, renamed, selector=config.pod_selector),
        wanted,
        renamed,
        context.store(SERVICES, SERVICE_OF_POD),
        context.store(SLICES, SLICES_OF_POD, selector=f"{model.SLICE_MANAGER_LABEL}={model.SLICE_MANAGER}"),
        config,
        context.instance,
    )
    context.expose(metrics.SERVICES, lambda: cluster.services.filed(SERVICE_OF_POD))
    context.expose(metrics.SKIPPED, cluster.skipped)
    counters = metrics.Counters(context.instruments)
    return (
        Controller(
            name="headless",
            watches=(
                Watch(cluster.pods, cluster.pod_keys, seen=counters.pod_changed),
                Watch(cluster.services, cluster.service_keys),
                Watch(cluster.slices, owners),
            ),
            observe=cluster.observe,
            reconcile=reconcile,
            concurrency=32,
            count=counters.reconciled,
        ),
    )
