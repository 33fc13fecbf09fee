"""The life of one pod's name: which change wakes it, what is looked at, which facts there are, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from steward.headless import children, metrics, model, reasons
from steward.headless.census import Census
from steward.headless.config import Config
from steward.headless.eligibility import is_wanted, service_name, why_skipped
from steward.headless.memory import Attempt, Memory
from steward.headless.model import PODS, SERVICES, SLICES, EndpointSlice, Pod, Service
from steward.headless.waiting import Waiting
from steward.runtime.component import Context
from steward.runtime.controller import Controller, Watch
from steward.runtime.plan import Action, Apply, Create, Delete, Event, Outcome, Plan, Reason, Reference
from steward.runtime.resource import HasMeta, Key
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
        attempts: What became of our writes to children that others have a hand in, by kind and name.
    """

    key: Key
    pod: Pod | None
    name: str
    occupant: Service | None
    services: tuple[Service, ...]
    slices: tuple[EndpointSlice, ...]
    config: Config
    instance: str
    attempts: Mapping[tuple[str, str], Attempt] = {}

    def is_contested(self, observed: Service | EndpointSlice, desired: Service | EndpointSlice) -> bool:
        """Whether others would change what we write to a child once more; a new wish is always worth a try."""
        attempt = self.attempts.get((type(desired).__name__, desired.metadata.name))
        if attempt is None or attempt.desired not in (None, desired):
            return False
        return attempt.is_exhausted or attempt.spoilt == observed.metadata.resource_version


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
    memory: Memory

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
            self.memory.forget(key)
            return None
        name = service_name(key.name, self.config)
        return State(
            key, pod, name, self.services.get(Key(key.namespace, name)), services, slices, self.config, self.instance, self.memory.attempts(key)
        )

    def learn(self, state: State, plan: Plan, outcome: Outcome) -> bool:
        """Remember what the server made of our writes; whether that is what was wanted. Their answers are in the stores."""
        settled = self.memory.learn(state.key, state.pod, outcome, {SERVICES: self.services, SLICES: self.slices})
        is_contested = any(event.reason == reasons.CONTESTED for event in plan.events)
        self.memory.judge(state.key, is_conflict=is_contested or bool(outcome.taken))
        return settled


def _other_names(pod: Pod, config: Config) -> Iterable[str]:
    """The name of the pod's Service where it is not the pod's own."""
    name = service_name(pod.metadata.name, config)
    return (str(Key(pod.metadata.namespace, name)),) if name != pod.metadata.name else ()


def reconcile(state: State) -> Plan:
    """Make the children of one key what they should be."""
    pod = state.pod
    if pod is None or not is_wanted(pod, state.config):
        return Plan(actions=_withdraw(state, keep=()), skip="pod_gone" if pod is None else "not_annotated")
    skip = why_skipped(pod, state.occupant, state.config)
    if skip is not None:
        events = (_event(pod, skip.event, skip.note, "Skip"),) if skip.event is not None else ()
        return Plan(actions=_withdraw(state, keep=()), events=events, skip=skip.label)
    service = children.service(pod, state.name, state.config, state.instance)
    slices = children.slices(pod, state.name, state.config, state.instance)
    wanted = (*_towards_service(state, pod, service), *(action for desired in slices for action in _towards_slice(state, pod, desired)))
    return Plan(
        actions=(*wanted, *_withdraw(state, keep=(service, *slices))),
        events=(
            *(_event(pod, reasons.INVALID_ANNOTATION, note, "Read") for note in children.misunderstood(pod)),
            *_contested(state, pod, (service, *slices)),
        ),
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
    elif not children.belongs_to(observed.metadata, pod):
        # Of a former pod of this name. Its deletion wakes this key again, and then there is room.
        yield Delete(SERVICES, observed, owned=_owned)
    elif not children.differences(observed, desired) or state.is_contested(observed, desired):
        return
    elif children.is_beyond_repair(observed):
        yield Delete(SERVICES, observed, owned=_owned)
    else:
        yield Apply(SERVICES, observed, desired, owned=_owned, done=_event(pod, reasons.UPDATED, "the Service was brought up to date", "Update"))


def _towards_slice(state: State, pod: Pod, desired: EndpointSlice) -> Iterable[Action]:
    observed = next((found for found in state.slices if found.metadata.name == desired.metadata.name), None)
    if observed is None:
        note = f"EndpointSlice {desired.metadata.key} is not this pod's. It is left alone; rename the pod, or delete the EndpointSlice."
        yield Create(SLICES, desired, taken=_event(pod, reasons.NAME_CONFLICT, note, "Create"))
    elif observed.metadata.deletion_timestamp is not None:
        return
    elif not children.belongs_to(observed.metadata, pod):
        yield Delete(SLICES, observed, owned=_owned)
    elif not children.differences(observed, desired) or state.is_contested(observed, desired):
        return
    elif observed.address_type != desired.address_type:
        yield Delete(SLICES, observed, owned=_owned)
    else:
        yield Apply(SLICES, observed, desired, owned=_owned)


def _contested(state: State, pod: Pod, wanted: tuple[Service | EndpointSlice, ...]) -> Iterable[Event]:
    """What to tell about children that others do not leave as we write them."""
    found: tuple[Service | EndpointSlice, ...] = (*state.services, *state.slices)
    there = {(type(child), child.metadata.name): child for child in found}
    for desired in wanted:
        observed = there.get((type(desired), desired.metadata.name))
        if observed is None or not children.belongs_to(observed.metadata, pod) or not state.is_contested(observed, desired):
            continue
        fields = ", ".join(children.differences(observed, desired))
        if fields:
            kind = type(desired).__name__
            note = (
                f"{kind} {desired.metadata.key}: something else, such as an admission policy or a controller, changes {fields} whenever it is "
                f"written. It is left so; exempt what is labelled {model.OPERATOR_LABEL}={model.OPERATOR}, then delete the {kind}."
            )
            yield _event(pod, reasons.CONTESTED, note, "Skip")


def _withdraw(state: State, *, keep: tuple[Service | EndpointSlice, ...]) -> tuple[Action, ...]:
    """Delete every child of ours but those to keep.

    What another installation made is left to it, and to the garbage collector: that we do not see the pod, are not asked by it or may not name it
    comes of our configuration, and theirs is another. That a pod is over is so for everybody.
    """
    kept = {(type(child), child.metadata.name) for child in keep}

    def goes(child: Service | EndpointSlice) -> bool:
        if (type(child), child.metadata.name) in kept or child.metadata.deletion_timestamp is not None:
            return False
        if child.metadata.labels.get(model.INSTANCE_LABEL, state.instance) == state.instance:
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
    answers = ", ".join(address for published in children.addresses(pod).values() for address in published)
    note = f"{state.name}.{state.key.namespace}.svc answers with {answers}{late}"
    return _event(pod, reasons.UPDATED, note, "Update") if answered else _event(pod, reasons.CREATED, note, "Create")


def _owned(item: HasMeta) -> bool:
    return children.is_ours(item.metadata)


def _event(pod: Pod, reason: Reason, note: str, action: str) -> Event:
    return Event(Reference.to(PODS, pod.metadata), reason, note, action)


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
        Memory(),
    )
    census = Census(cluster, SERVICE_OF_POD)
    context.expose(metrics.SERVICES, census.owned)
    context.expose(metrics.SKIPPED, census.skipped)
    context.expose(metrics.MISSING, census.missing)
    context.expose(metrics.ORPHANED, census.orphaned)
    counters = metrics.Counters(context.instruments)
    waiting = Waiting(config)

    def pod_changed(change: Change[Pod]) -> None:
        counters.pod_changed(change)
        waiting.pod_changed(change)

    def concluded(state: State, plan: Plan, outcome: Outcome, seconds: float) -> bool:
        counters.reconciled(state, plan, outcome, seconds)
        settled = cluster.learn(state, plan, outcome)
        delay = waiting.answered(state.key) if state.pod is not None and census.answers(state.pod) else None
        # A name that was right already is the work of a leader before us.
        if delay is not None and plan.actions:
            counters.named(delay)
        return settled

    return (
        Controller(
            name="headless",
            watches=(
                Watch(cluster.pods, cluster.pod_keys, seen=pod_changed),
                Watch(cluster.services, cluster.service_keys),
                Watch(cluster.slices, owners),
            ),
            observe=cluster.observe,
            reconcile=reconcile,
            concurrency=32,
            concluded=concluded,
        ),
    )
