"""One judgement for all replicas: they share their specification, so what the rules find in one they find in each.

Only restarts, and being pending for too long, are a pod's own. A pod with one of them, and one without an owner, is judged by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any, Generic, NamedTuple, TypeVar

from steward.governance.model import TEMPLATE_HASH_LABEL, Pod
from steward.governance.rules import INJECTED, Rules, Verdict, evaluate

R = TypeVar("R")

LIMIT = 4096
"""Judgements that are remembered before starting over. There are about two for each workload, and one costs a few hundred bytes besides its pod's."""


class _Known(NamedTuple, Generic[R]):
    """What was made of a verdict, and the objects it was found in: as long as they are held, no other has their identity."""

    result: R
    held: tuple[Any, ...]


class Judge(Generic[R]):
    """:func:`~steward.governance.rules.evaluate` for one set of rules, many times. The result is the same, and shared by those who have the same.

    Replicas are known by the identity of what they share (:mod:`steward.runtime.sharing`); pods that share nothing are judged one by one.
    Callable from several threads.

    Args:
        rules: What is asked of pods.
        of: What is made of a verdict; pure.
        injected: Names of containers that nobody wrote.
    """

    def __init__(self, rules: Rules, of: Callable[[Verdict], R], *, injected: Collection[str] = INJECTED) -> None:
        self._rules = rules
        self._injected = injected
        self._of = of
        self._by_labels = any(exemption.match_labels for exemption in rules.exemptions)
        self._ends = sorted(exemption.expires for exemption in rules.exemptions)
        self._known: dict[tuple[Any, ...], _Known[R]] = {}

    def __call__(self, pod: Pod, now: dt.datetime) -> R | None:
        """What is made of the verdict on a pod; None for a pod that is over."""
        if pod.is_over:
            return None
        meta = pod.metadata
        if not meta.owner_references or self._is_its_own(pod, now):
            return self._judged(pod, now)
        key = (
            id(pod.spec),
            id(meta.owner_references),
            meta.namespace,
            meta.labels.get(TEMPLATE_HASH_LABEL),
            id(meta.labels) if self._by_labels else 0,
            sum(end <= now for end in self._ends) if self._ends else 0,
            not pod.status.phase,
        )
        known = self._known.get(key)
        if known is None:
            result = self._judged(pod, now)
            assert result is not None, "it is not over"
            if len(self._known) >= LIMIT:
                self._known.clear()
            known = self._known[key] = _Known(result, (pod.spec, meta.owner_references, meta.labels))
        return known.result

    def _judged(self, pod: Pod, now: dt.datetime) -> R | None:
        verdict = evaluate(pod, self._rules, now=now, injected=self._injected)
        return None if verdict is None else self._of(verdict)

    def _is_its_own(self, pod: Pod, now: dt.datetime) -> bool:
        """Whether a finding may be of this pod, and not of its specification."""
        status, most = pod.status, self._rules.max_restart_count
        if most is not None:
            for container in status.container_statuses:
                if container.restart_count > most:
                    return True
            for container in status.init_container_statuses:
                if container.restart_count > most:
                    return True
        if status.phase != "Pending" or self._rules.forbid_pending_duration is None:
            return False
        return pod.created is not None and (now - pod.created).total_seconds() > self._rules.forbid_pending_duration
