"""The life of one workload under remediation: which change wakes it, what is looked at, and what is remembered of the outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from steward.governance.model import Pod
from steward.governance.namespaces import BY_NAMESPACE, SYSTEM_NAMESPACES, SystemNamespaces
from steward.governance.policies import DevOpsPolicy, Proposal
from steward.governance.rules import INJECTED
from steward.policy.remediation import guards, history, metrics, model, ownership, pace
from steward.policy.remediation.config import RemediationConfig
from steward.policy.remediation.decision import Decision, State, decide, is_watched, path
from steward.policy.remediation.history import Record
from steward.policy.remediation.memory import Memory, Refusal, Standing
from steward.policy.remediation.model import WORKLOADS, Workload
from steward.policy.remediation.stores import BY_CONTROLLER, BY_UID, TRIED, Stores, follow
from steward.policy.remediation.surroundings import AnyAutoscaler
from steward.policy.remediation.waiting import until_exemption_ends
from steward.runtime import errors
from steward.runtime.component import Context
from steward.runtime.controller import Controller, Watch
from steward.runtime.plan import Contribute, Outcome, Plan
from steward.runtime.resource import HasMeta, Key, OwnerReference, Resource
from steward.runtime.store import Change, Store

PROPOSALS_LIMIT, WORKLOADS_LIMIT = 20, 100
"""What a policy's status holds of either; an object at the server has at most 1.5 MB."""


class Summary(NamedTuple):
    """How it is with the workloads of a namespace, for the status of its policies; in a stable order.

    Attributes:
        applied: Workloads that are mended.
        failed: Workloads whose last patch was refused, contested or taken back.
        workloads: The mended ones, as ``deployment/namespace/name``.
        proposals: Patches that were not applied.
    """

    applied: int
    failed: int
    workloads: tuple[str, ...]
    proposals: tuple[Proposal, ...]


class Case(msgspec.Struct, frozen=True):
    """A state, and the decision about it."""

    state: State
    decision: Decision | None


def key_of(kind: str, meta: Key) -> Key:
    """The key of a workload: the three kinds share a queue, so that one patch at a time is decided on."""
    return Key(meta.namespace, f"{kind.lower()}/{meta.name}")


_KINDS = {kind.lower(): kind for kind in WORKLOADS}


class Cluster:
    """The stores as one thing to look at, and what is remembered."""

    def __init__(
        self, stores: Stores, config: RemediationConfig, context: Context[Any], *, injected: tuple[str, ...], system: tuple[str, ...]
    ) -> None:
        self.memory = Memory()
        self._injected = injected
        self._stores = stores
        self._config = config
        self._protected = SystemNamespaces((*system, *config.protected_namespaces))
        self._counters = {metric.name: context.instruments[metric] for metric in metrics.ALL}

    def workload_keys(self, kind: str, change: Change[Workload]) -> Iterable[Key]:
        """A workload wakes itself."""
        return (key_of(kind, change.object.metadata.key),)

    def policy_keys(self, change: Change[DevOpsPolicy]) -> Iterable[Key]:
        """A policy wakes the workloads of its namespace when what it asks changes."""
        if change.old is not None and change.new is not None and change.old.spec == change.new.spec and change.old is not change.new:
            return ()
        return tuple(key_of(kind, one.metadata.key) for kind, one in self._in(change.object.metadata.namespace))

    def pod_keys(self, change: Change[Pod]) -> Iterable[Key]:
        """A pod wakes its workload while that is watched."""
        if model.PATCHED_BY not in change.object.metadata.annotations:
            return ()
        top = ownership.top_controller(change.object, self._find)
        if not isinstance(top, Workload):
            return ()
        record = self._record(top)
        if record is None or record.result != "applied":
            return ()
        kind = next(kind for kind, store in self._stores.workloads.items() if store.by(BY_UID, top.metadata.uid))
        return (key_of(kind, top.metadata.key),)

    def target_keys(self, change: Change[AnyAutoscaler]) -> Iterable[Key]:
        """An autoscaler that comes, goes or changes wakes what it scales, and what it scaled before."""
        if change.old is not None and change.new is not None and change.old.spec == change.new.spec:
            return ()
        targets = dict.fromkeys(one.target.workload for one in change if one is not None)
        return tuple(key_of(kind, Key(change.object.metadata.namespace, name)) for kind, name in targets if kind in WORKLOADS)

    async def observe(self, key: Key, now: dt.datetime) -> Case | None:
        """All that there is to know about one workload, and what follows from it; None when it is gone or cannot be read."""
        word, _, name = key.name.partition("/")
        kind = _KINDS[word]
        store, at = self._stores.workloads[kind], Key(key.namespace, name)
        workload = store.get(at)
        if workload is None:
            self.memory.forget(key)
        if workload is None or at in store.unreadable:
            return None
        state = self._state(WORKLOADS[kind], workload, now)
        decision = decide(state)
        if decision is not None and decision.is_attempt:
            # Only now, for it is a look at everything that was ever patched.
            state = self._paced(state)
            decision = decide(state)
        return Case(state, decision)

    def _state(self, resource: Resource[Workload], workload: Workload, now: dt.datetime) -> State:
        meta, record = workload.metadata, self._record(workload)
        untouchable = guards.reckoned_with(
            resource.kind,
            meta.name,
            hpas=self._stores.hpas.by(BY_NAMESPACE, meta.namespace),
            vpas=self._stores.vpas.by(BY_NAMESPACE, meta.namespace),
            scaled=self._stores.scaled.by(BY_NAMESPACE, meta.namespace),
        )
        return State(
            resource=resource,
            workload=workload,
            policies=tuple(self._stores.policies.by(BY_NAMESPACE, meta.namespace)),
            is_told=not any(key.namespace in ("", meta.namespace) for key in self._stores.policies.unreadable),
            record=record,
            refusal=self.memory.refusal(meta.uid),
            is_protected=meta.namespace in self._protected,
            is_plain=self.memory.is_plain(meta.uid),
            restarts=self._restarts(workload, record) if record is not None and record.result == "applied" else 0,
            budgets=tuple(self._stores.budgets.by(BY_NAMESPACE, meta.namespace)),
            untouchable=untouchable,
            injected=self._injected,
            config=self._config,
            now=now,
        )

    def _paced(self, state: State) -> State:
        """The same with what there is to know about other workloads."""
        meta, now = state.workload.metadata, state.now
        others = (one for _, one in self._in(meta.namespace) if one.metadata.uid != meta.uid)
        busy = sum(is_watched(self._record(other), other, self._config, now) for other in others)
        return msgspec.structs.replace(state, busy=busy, recent=self._recent(now))

    def concluded(self, case: Case, _plan: Plan, outcome: Outcome, _seconds: float) -> bool:
        """Remember and count what became of a plan."""
        state, decision = case.state, case.decision
        meta = state.workload.metadata
        key = key_of(state.resource.kind, meta.key)
        if decision is None:
            self.memory.stands(key, meta.uid, Standing())
            return False
        is_news = self.memory.stands(key, meta.uid, decision.standing)
        if is_news and decision.standing.label:
            self._counters[metrics.SKIPPED.name].labels(decision.standing.label).inc()
        for action, error in outcome.results:
            if isinstance(action, Contribute) and decision.record is not None:
                if error is None:
                    self._wrote(state, decision, decision.record)
                else:
                    self._refused(state, decision, error)
        return False

    def summary(self, namespace: str) -> Summary | None:
        """How it is with a namespace's workloads; None while not all have been looked at."""
        standings = self.memory.standings(namespace)
        there = {key_of(kind, one.metadata.key): path(WORKLOADS[kind], one) for kind, one in self._in(namespace)}
        if not there.keys() <= standings.keys():
            return None
        found = [(there[key], standings[key]) for key in sorted(there)]
        mended = tuple(name for name, standing in found if standing.mended)
        proposals = tuple(standing.proposal for _, standing in found if standing.proposal is not None)
        failed = sum(standing.failed for _, standing in found)
        return Summary(len(mended), failed, mended[:WORKLOADS_LIMIT], proposals[:PROPOSALS_LIMIT])

    def _wrote(self, state: State, decision: Decision, record: Record) -> None:
        self.memory.wrote(state.workload.metadata.uid, record)
        if record.result == "applied":
            self._count(metrics.APPLIED.name, decision)
        elif record.result == "reverted":
            self._counters[metrics.REVERTED.name].labels().inc()
            self._count(metrics.FAILED.name, decision)

    def _refused(self, state: State, decision: Decision, error: Exception) -> None:
        meta, record = state.workload.metadata, decision.record
        if isinstance(error, errors.Conflict) and not decision.is_attempt:
            # Nothing of ours can be in conflict when it is taken back, but for the record.
            self.memory.leave_record(meta.uid)
        elif isinstance(error, errors.Conflict | errors.Unproved | errors.Invalid) and record is not None:
            note = f"{error}." if not str(error).endswith(".") else str(error)
            refusal = Refusal(record.patch, meta.generation, state.now, note, for_generation=isinstance(error, errors.Conflict))
            if self.memory.refuse(meta.uid, refusal):
                self._count(metrics.FAILED.name, decision)

    def _count(self, name: str, decision: Decision) -> None:
        for check in decision.checks:
            self._counters[name].labels(check).inc()

    def _record(self, workload: Workload) -> Record | None:
        return history.newest(self.memory.record(workload.metadata.uid), history.read(workload))

    def _recent(self, now: dt.datetime) -> tuple[dt.datetime, ...]:
        """When workloads were patched: as we remember, and of those we do not, a former leader's, as the records say that are ours."""
        remembered = [(uid, at) for uid, at in self.memory.patched if pace.is_recent(at, now)]
        known = {uid for uid, _ in remembered}
        others = (one for one in self._tried() if one.metadata.uid not in known and history.is_ours(one))
        records = [record for record in map(history.read, others) if record is not None]
        return (*(at for _, at in remembered), *(record.at for record in records))

    def _tried(self) -> list[Workload]:
        return [one for store in self._stores.workloads.values() for one in store.by(TRIED, "")]

    def _restarts(self, workload: Workload, record: Record) -> int:
        """Restarts of the containers we patched, in pods that were made since."""
        meta = workload.metadata
        owners = [meta.uid, *(one.metadata.uid for one in self._stores.replica_sets.by(BY_CONTROLLER, meta.uid))]
        pods = [pod for uid in owners for pod in self._stores.pods.by(BY_CONTROLLER, uid)]
        names = {name.split(".")[0] for name in record.fields}
        young = (
            pod for pod in pods if pod.created is not None and record.may_have_made(pod.created) and model.PATCHED_BY in pod.metadata.annotations
        )
        return sum(status.restart_count for pod in young for status in pod.status.container_statuses if status.name in names)

    def _find(self, reference: OwnerReference) -> HasMeta | None:
        """The owner with this uid, of the kinds that are followed."""
        stores: tuple[Store[Any], ...] = (*self._stores.workloads.values(), self._stores.replica_sets)
        for store in stores:
            for found in store.by(BY_UID, reference.uid):
                owner: HasMeta = found
                return owner
        return None

    def _in(self, namespace: str) -> list[tuple[str, Workload]]:
        return [(kind, one) for kind, store in self._stores.workloads.items() for one in store.by(BY_NAMESPACE, namespace)]


def reconcile(case: Case) -> Plan:
    """What was decided, and another look when an exemption of the workload ends."""
    state, plan = case.state, case.decision.plan if case.decision is not None else Plan(skip="as asked")
    ends = until_exemption_ends(state.resource.kind, state.workload, state.policies, state.now)
    waits = [seconds for seconds in (plan.requeue_after, ends) if seconds is not None]
    return msgspec.structs.replace(plan, requeue_after=min(waits, default=None))


def controller(
    context: Context[Any],
    config: RemediationConfig,
    pods: Resource[Pod],
    *,
    injected: tuple[str, ...] = INJECTED,
    system: tuple[str, ...] = SYSTEM_NAMESPACES,
) -> tuple[Controller[Case], Cluster]:
    """The controller of remediation, and what the status of policies is read from.

    Args:
        context: What the component is built from.
        config: What the user configured.
        pods: As the component follows them.
        injected: Names of containers that a mesh and the like put beside those of the team.
        system: System namespaces, whose workloads are never patched.
    """
    stores = follow(context, pods)
    cluster = Cluster(stores, config, context, injected=injected, system=system)
    watches: list[Watch[Any]] = [
        Watch(store, lambda change, kind=kind: cluster.workload_keys(kind, change))  # type: ignore[misc]
        for kind, store in stores.workloads.items()
    ]
    watches += [Watch(stores.policies, cluster.policy_keys), Watch(stores.pods, cluster.pod_keys)]
    watches += [Watch(store, cluster.target_keys) for store in (stores.hpas, stores.vpas, stores.scaled)]
    made = Controller(
        name="remediation",
        watches=tuple(watches),
        observe=cluster.observe,
        reconcile=reconcile,
        # One decision at a time: the rates count what the one before has done.
        concurrency=1,
        concluded=cluster.concluded,
    )
    return made, cluster
