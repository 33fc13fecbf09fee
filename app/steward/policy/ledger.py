"""What each pod of a namespace adds to what one policy says about it, so that a change of one pod costs the evaluation of one pod.

Of a verdict only that is kept which sums are made of; it is the same for the replicas of a workload, and kept once for all of them. What is told
about a single violation is found out again when it is written.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from typing import NamedTuple

import msgspec

from steward.governance.combining import DENIED
from steward.governance.memo import Judge
from steward.governance.model import Pod, Workload
from steward.governance.policies import DevOpsPolicy, Exemptions, PolicySpec, Preview
from steward.governance.rules import Verdict
from steward.governance.scores import Contribution, Tally, contribution
from steward.governance.violations import STATIC_CHECKS, Check, Severity
from steward.policy.config import Config
from steward.runtime.resource import Key

PASSING = frozenset(("Pod", "Job", "Workflow", "TaskRun"))
"""Kinds of workloads that come and go by themselves, each run with another name: bare pods, Jobs (of a CronJob too, which a pod does not tell),
those of Argo Workflows and Tekton. They count, but that one came or went is no news: it would be at each run of each CronJob for ever."""

EXPIRING = dt.timedelta(days=7)
"""How long before its end an exemption is told to end."""

PREVIEWED = 20
"""Workloads named in a preview."""


class Place(NamedTuple):
    """Where something is wrong in a pod."""

    check: Check
    severity: Severity
    container: str


class Entry(NamedTuple):
    """What is kept of one verdict."""

    contribution: Contribution
    found: tuple[Place, ...]
    passed: int
    excused: int

    @property
    def would_be_denied(self) -> bool:
        """Whether the policy, enforced, would deny the pod if it were made anew."""
        return any(one.severity in DENIED and one.check in STATIC_CHECKS for one in self.found)


class Evaluation(msgspec.Struct, frozen=True):
    """The sums at one moment.

    Attributes:
        at: The moment.
        pods: Pods that were judged.
        counts: Violations by check and severity; those of a check that is asked for and found nowhere are 0.
        score: From 0 to 100; None where there is nothing to judge.
        fingerprint: Of what is wrong where, by workload: equal as long as that is the same, however many replicas and whatever their names.
            Nothing of workloads that are :data:`PASSING`.
        passed: Checks that passed.
        excused: Violations that an exemption covers.
        exemptions: How many exemptions there are.
        preview: What would be denied if it were enforced; None where it is, and where nothing ever is.
        is_let_through: Whether admission lets all pods of its namespace through.
        waits: Seconds until time alone may change the sums; None when it cannot.
    """

    at: dt.datetime
    pods: int
    counts: tuple[tuple[Check, Severity, int], ...]
    score: float | None
    fingerprint: str
    passed: int
    excused: int
    exemptions: Exemptions
    preview: Preview | None
    is_let_through: bool
    waits: float | None

    @property
    def violations(self) -> int:
        """All of them."""
        return sum(number for _, _, number in self.counts)


class Ledger:
    """The entries of one policy.

    Args:
        policy: The policy; a change of its spec needs another ledger.
        config: How points are counted.
        now: The time: exemptions that end later need another ledger then.
        is_let_through: Whether admission lets all pods of its namespace through.
    """

    def __init__(self, policy: DevOpsPolicy, config: Config, now: dt.datetime, *, is_let_through: bool = False) -> None:
        self.uid = policy.metadata.uid
        self.spec: PolicySpec = policy.spec
        self.entries: dict[Key, Entry] = {}
        self.pending: dict[Key, dt.datetime] = {}
        self._config = config
        self._is_let_through = is_let_through
        self._judge = Judge(self.spec, self._entry, injected=config.injected_containers)
        self._until = min((one.expires for one in self.spec.exemptions if one.expires > now), default=None)
        self._equal: dict[Entry, Entry] = {}
        self._copies: Counter[Entry] = Counter()
        self._tally = Tally()
        self._fingerprint: str | None = None

    def fits(self, policy: DevOpsPolicy, now: dt.datetime) -> bool:
        """Whether the entries still say what the policy says."""
        return (self.uid, self.spec) == (policy.metadata.uid, policy.spec) and (self._until is None or now < self._until)

    def put(self, key: Key, pod: Pod | None, now: dt.datetime) -> None:
        """Take note of a pod as it is now; None when it is gone."""
        entry = self._judge(pod, now) if pod is not None else None
        self.pending.pop(key, None)
        if pod is not None and entry is not None and pod.status.phase == "Pending":
            self._wait(key, pod, now)
        old = self.entries.pop(key, None)
        if entry is not None:
            self._add(key, self._equal.setdefault(entry, entry))
        if old is not None:
            self._remove(old)

    def evaluation(self, now: dt.datetime) -> Evaluation:
        """The sums as they stand."""
        counts: Counter[tuple[Check, Severity]] = Counter()
        passed = excused = 0
        for entry, copies in self._copies.items():
            passed, excused = passed + entry.passed * copies, excused + entry.excused * copies
            for place in entry.found:
                counts[place.check, place.severity] += copies
        for check in asked(self.spec):
            counts.setdefault((check, self.spec.severity_overrides.of(check)), 0)
        return Evaluation(
            at=now,
            pods=self._tally.pods,
            counts=tuple((*place, number) for place, number in sorted(counts.items())),
            score=self._tally.score(self._config.formula),
            fingerprint=self._told(),
            passed=passed,
            excused=excused,
            exemptions=exemptions_of(self.spec, now),
            preview=None if self.spec.is_enforced or self._is_let_through else self._preview(),
            is_let_through=self._is_let_through,
            waits=self._waits(now),
        )

    def _entry(self, verdict: Verdict) -> Entry:
        counted = contribution(verdict, weights=self._config.weights, severity_weighted=self._config.severity_weighted)
        found = tuple(Place(one.check, one.severity, one.container) for one in verdict.violations)
        passed = len(verdict.applied) - len(found) - len(verdict.exempted)
        return Entry(counted, found, passed, len(verdict.exempted))

    def _add(self, key: Key, entry: Entry) -> None:
        self.entries[key] = entry
        self._copies[entry] += 1
        self._tally.add(entry.contribution)
        if self._copies[entry] == 1:
            self._fingerprint = None

    def _remove(self, entry: Entry) -> None:
        self._tally.remove(entry.contribution)
        self._copies[entry] -= 1
        if not self._copies[entry]:
            del self._copies[entry], self._equal[entry]
            self._fingerprint = None

    def _wait(self, key: Key, pod: Pod, now: dt.datetime) -> None:
        if self.spec.forbid_pending_duration is None or pod.created is None:
            return
        due = pod.created + dt.timedelta(seconds=self.spec.forbid_pending_duration)
        if due >= now:
            self.pending[key] = due

    def _waits(self, now: dt.datetime) -> float | None:
        times = [*self.pending.values(), *(() if self._until is None else (self._until,))]
        # A pod is late after its time, not at it.
        return max((min(times) - now).total_seconds(), 0.0) + 0.001 if times else None

    def _told(self) -> str:
        if self._fingerprint is None:
            lasting = (entry for entry in self._copies if entry.contribution.workload.kind not in PASSING)
            wrong = sorted({(*entry.contribution.workload, *place) for entry in lasting for place in entry.found})
            self._fingerprint = hashlib.blake2b(msgspec.json.encode(wrong), digest_size=16).hexdigest()
        return self._fingerprint

    def _preview(self) -> Preview:
        denied: Counter[Workload] = Counter()
        for entry, copies in self._copies.items():
            if entry.would_be_denied:
                denied[entry.contribution.workload] += copies
        return Preview(denied_pods=sum(denied.values()), workloads=tuple(sorted(map(named, denied)))[:PREVIEWED])


def asked(spec: PolicySpec) -> tuple[Check, ...]:
    """The checks that a policy asks for."""
    wanted: tuple[tuple[Check, bool], ...] = (
        ("latest_tag", spec.forbid_latest_tag),
        ("missing_liveness", spec.require_liveness_probe),
        ("missing_readiness", spec.require_readiness_probe),
        ("high_restarts", spec.max_restart_count is not None),
        ("pending", spec.forbid_pending_duration is not None),
        ("missing_resources", spec.require_resources),
    )
    return tuple(check for check, is_asked in wanted if is_asked)


def exemptions_of(spec: PolicySpec, now: dt.datetime) -> Exemptions:
    """How many exemptions a policy has."""
    active = [one for one in spec.exemptions if one.is_active(now)]
    return Exemptions(
        active=len(active),
        expiring=sum(not one.is_active(now + EXPIRING) for one in active),
        expired=len(spec.exemptions) - len(active),
    )


def named(workload: Workload) -> str:
    """A workload as the seed's status names it."""
    return f"{workload.kind.lower()}/{workload.namespace}/{workload.name}"
