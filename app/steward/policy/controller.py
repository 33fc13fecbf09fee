"""Which change wakes a policy, and what is looked at: the pods that changed, and all of them only when the policy did."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Iterable
from typing import Any

from steward.governance.model import PODS, Pod
from steward.governance.namespaces import BY_NAMESPACE, SystemNamespaces
from steward.governance.policies import AUDIT_RESULTS, POLICIES, AuditRecord, AuditViolation, DevOpsPolicy
from steward.governance.rules import evaluate
from steward.governance.violations import SEVERITIES
from steward.policy import metrics, model
from steward.policy.config import Config
from steward.policy.decision import State, is_due, reconcile
from steward.policy.ledger import Evaluation, Ledger
from steward.policy.model import REPORTS, REPORTS_OF_POLICY, RESULTS_OF_POLICY, Report
from steward.policy.remediation.controller import Summary
from steward.policy.remediation.controller import controller as remediate
from steward.policy.results import MESSAGE_LIMIT, Findings
from steward.policy.status import NOTHING_MENDED
from steward.runtime.backoff import in_slices
from steward.runtime.component import Context
from steward.runtime.controller import Controller, Watch
from steward.runtime.plan import Outcome, Plan, UpdateStatus
from steward.runtime.resource import Key
from steward.runtime.store import Change, Store

_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


class Cluster:
    """The stores, and what was made of them.

    Args:
        context: Where they come from.

    Attributes:
        mended: What remediation did in a namespace.
    """

    def __init__(self, context: Context[Config]) -> None:
        self.config = context.config
        self.pods: Store[Pod] = context.store(PODS, BY_NAMESPACE)
        self.policies: Store[DevOpsPolicy] = context.store(POLICIES, BY_NAMESPACE)
        self.records: Store[AuditRecord] | None = None
        if self.config.audit_results.enabled:
            self.records = context.store(AUDIT_RESULTS, RESULTS_OF_POLICY)
        self.reports: Store[Report] | None = context.store(REPORTS, REPORTS_OF_POLICY) if self.config.open_reports.enabled else None
        self.counters = metrics.Counters(context.instruments)
        self.mended: Callable[[str], Summary | None] = lambda _: NOTHING_MENDED
        self._own_namespace, self._system = context.own_namespace, SystemNamespaces(self.config.system_namespaces)
        self._ledgers: dict[Key, Ledger] = {}
        self._dirty: dict[Key, set[Key]] = {}
        self._looks: dict[Key, metrics.Look] = {}
        self._written: dict[tuple[str, Key], dt.datetime] = {}

    def looks(self) -> Iterable[metrics.Look]:
        """Every policy with its last evaluation; callable from any thread."""
        return list(self._looks.values())

    def pod_changed(self, change: Change[Pod]) -> None:
        """Note which pod is to be looked at, by policies that have looked at the others."""
        key = change.object.metadata.key
        for policy in self.pod_keys(change):
            if policy in self._dirty:
                self._dirty[policy].add(key)

    def pod_keys(self, change: Change[Pod]) -> Iterable[Key]:
        """A pod wakes the policies of its namespace, unless nothing has changed that a policy looks at."""
        if change.old is not None and change.new is not None and _seen(change.old) == _seen(change.new):
            return ()
        return [policy.metadata.key for policy in self.policies.by(BY_NAMESPACE, change.object.metadata.namespace)]

    async def observe(self, key: Key, now: dt.datetime) -> State | None:
        """What its pods add up to; None for a policy that is gone."""
        policy = self.policies.get(key)
        if policy is None:
            for known in (self._ledgers, self._dirty, self._looks):
                known.pop(key, None)
            for what in ("status", "results"):
                self._written.pop((what, key), None)
            return None
        ledger = await self._current(policy, now)
        found = ledger.evaluation(now)
        before = self._looks.get(key)
        self._looks[key] = metrics.Look(policy, found, before.told if before is not None else found.at)
        state = self._state(policy, found, now, None)
        return self._state(policy, found, now, await self._findings(policy, ledger, now)) if is_due(state) else state

    def learn(self, state: State, _: Plan, outcome: Outcome, seconds: float) -> bool:
        """Remember when something was written. What is written is in the stores, so only a spec that changed meanwhile needs another look."""
        key, at = state.policy.metadata.key, state.found.at
        for action, error in outcome.results:
            if error is None:
                self._written["status" if isinstance(action, UpdateStatus) else "results", key] = at
        if not outcome.errors and key in self._looks:
            self._looks[key] = self._looks[key]._replace(told=at)
        self.counters.reconciled(outcome, seconds)
        policy = self.policies.get(key)
        return policy is not None and policy.metadata.generation == state.policy.metadata.generation

    async def _current(self, policy: DevOpsPolicy, now: dt.datetime) -> Ledger:
        """The ledger as of now: the pods that changed, and those that time may have changed, looked at again."""
        key = policy.metadata.key
        ledger = self._ledgers.get(key)
        if ledger is None or not ledger.fits(policy, now):
            ledger = Ledger(policy, self.config, now, is_let_through=key.namespace == self._own_namespace or key.namespace in self._system)
            # From here on changes are noted, while the pods there are now are looked at in slices.
            self._dirty[key] = set()
            changed: Iterable[Key] = [pod.metadata.key for pod in self.pods.by(BY_NAMESPACE, key.namespace)]
        else:
            noted, self._dirty[key] = self._dirty.get(key, set()), set()
            changed = noted | ledger.pending.keys()
        number = 0
        async for pod in in_slices(changed):
            ledger.put(pod, self.pods.get(pod), now)
            number += 1
        self._ledgers[key] = ledger
        self.counters.scanned(number)
        return ledger

    def _state(self, policy: DevOpsPolicy, found: Evaluation, now: dt.datetime, findings: Findings | None) -> State:
        uid, key = policy.metadata.uid, policy.metadata.key
        records, reports = self.records, self.reports
        return State(
            policy=policy,
            found=found,
            findings=findings,
            records=tuple(records.by(RESULTS_OF_POLICY, uid)) if records is not None else (),
            report=next(iter(reports.by(REPORTS_OF_POLICY, uid)), None) if reports is not None else None,
            has_results=records is not None and records.served,
            has_reports=reports is not None and reports.served,
            mended=self.mended(key.namespace),
            since_status=(now - self._written.get(("status", key), _LONG_AGO)).total_seconds(),
            since_results=(now - self._written.get(("results", key), _LONG_AGO)).total_seconds(),
            config=self.config,
        )

    async def _findings(self, policy: DevOpsPolicy, ledger: Ledger, now: dt.datetime) -> Findings:
        """The violations one by one, the most severe first, as many as anybody wants to list."""
        most = max(self.config.audit_results.max_violations, self.config.open_reports.max_results)
        number, worst = 0, list[tuple[int, tuple[str, str, str]]]()
        async for key, entry in in_slices(ledger.entries.items()):
            number += len(entry.found)
            worst += ((SEVERITIES.index(place.severity), (key.name, place.container, place.check)) for place in entry.found)
            if len(worst) > 2 * most:
                worst = heapq.nsmallest(most, worst)
        worst = heapq.nsmallest(most, worst)
        found: dict[tuple[str, str, str], AuditViolation] = {}
        async for name in in_slices(dict.fromkeys(pod for _, (pod, _, _) in worst)):
            pod = self.pods.get(Key(policy.metadata.namespace, name))
            verdict = evaluate(pod, ledger.spec, now=now, injected=self.config.injected_containers) if pod is not None else None
            for one in verdict.violations if verdict is not None else ():
                found[name, one.container, one.check] = AuditViolation(
                    pod_name=name,
                    container_name=one.container,
                    violation_type=one.check,
                    severity=one.severity,
                    message=one.message[:MESSAGE_LIMIT],
                )
        listed = tuple(found[place] for _, place in worst if place in found)
        return Findings(listed, number - len(worst))


def _seen(pod: Pod) -> tuple[object, ...]:
    """What rules look at in a pod."""
    meta = pod.metadata
    return pod.spec, pod.status, meta.labels, meta.owner_references, meta.deletion_timestamp


def controllers(context: Context[Config]) -> tuple[Controller[Any], ...]:
    """Make the controllers of the component: the one of policies, and where it is enabled that of remediation."""
    cluster = Cluster(context)
    mending: tuple[Controller[Any], ...] = ()
    if context.config.remediation.enabled:
        config = context.config
        made, remediation = remediate(context, config.remediation, PODS, injected=config.injected_containers, system=config.system_namespaces)
        cluster.mended, mending = remediation.summary, (made,)
    for gauge in metrics.STATES:
        context.expose(gauge, cluster.looks)
    watches: list[Watch[Any]] = [
        Watch(cluster.policies, lambda change: (change.object.metadata.key,)),
        Watch(cluster.pods, cluster.pod_keys, seen=cluster.pod_changed),
    ]
    watches += [Watch(store, lambda change: model.owner_key(change.object)) for store in (cluster.records, cluster.reports) if store is not None]
    policies = Controller("policy", watches=tuple(watches), observe=cluster.observe, reconcile=reconcile, concluded=cluster.learn)
    return (policies, *mending)
