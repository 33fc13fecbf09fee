"""The pods of a cluster as they change: what happened to each, and what all of them score at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal, NamedTuple

from steward.cli.surveys import Part, Survey
from steward.governance.model import Pod
from steward.governance.namespaces import SystemNamespaces
from steward.governance.rules import Rules, Verdict, evaluate
from steward.governance.scores import Contribution
from steward.runtime.resource import Key
from steward.runtime.store import Change

Kind = Literal["added", "updated", "deleted"]


class PodEvent(NamedTuple):
    """What happened to a pod; ``verdict`` is what is said of it now, or None when it is over or gone."""

    at: dt.datetime
    kind: Kind
    pod: Key
    verdict: Verdict | None


class _Entry(NamedTuple):
    pod: Pod
    verdict: Verdict | None
    contribution: Contribution | None


class Ledger:
    """Judges each pod when it changes, so that a look at all of them only adds up.

    Args:
        rules: What is asked of pods.
        counter: What a verdict adds to a score.
        system: Namespaces that are left out; None for none.
    """

    def __init__(self, rules: Rules, counter: Callable[[Verdict], Contribution], system: SystemNamespaces | None) -> None:
        self._rules = rules
        self._counter = counter
        self._system = system
        self._entries: dict[Key, _Entry] = {}

    def change(self, change: Change[Pod], now: dt.datetime) -> PodEvent | None:
        """Take note of a change; None when nobody would see a difference."""
        key = change.object.metadata.key
        if self._system is not None and key.namespace in self._system:
            return None
        old = self._entries.pop(key, None)
        if change.new is None:
            return PodEvent(now, "deleted", key, None)
        new = self._entries[key] = self._judged(change.new, now)
        if old is None:
            return PodEvent(now, "added", key, new.verdict)
        same = old.verdict == new.verdict and old.pod.status.phase == new.pod.status.phase
        return None if same else PodEvent(now, "updated", key, new.verdict)

    def survey(self, context: str, now: dt.datetime) -> Survey:
        """What the pods score. A pod that is pending is looked at anew: that becomes a violation without a change."""
        found: dict[str, Part] = {}
        for key, entry in self._entries.items():
            one = self._judged(entry.pod, now) if entry.pod.status.phase == "Pending" else entry
            if one.verdict is not None and one.contribution is not None:
                found.setdefault(key.namespace, Part()).add(one.verdict, one.contribution)
        return Survey(context, found)

    def _judged(self, pod: Pod, now: dt.datetime) -> _Entry:
        verdict = evaluate(pod, self._rules, now=now)
        return _Entry(pod, verdict, self._counter(verdict) if verdict is not None else None)
