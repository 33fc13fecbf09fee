"""Several policies of a namespace as one: what all of them say about a pod, in an order that does not depend on theirs.

Each policy judges by itself, with its own exemptions: an exemption is part of the rules it stands in, and excuses from no others. What several
find in the same place is one finding with several opinions. It is as severe as the severest of them, and denied if one that is enforced would
deny it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Generator, Iterable
from typing import NamedTuple, TypeVar

import msgspec

from steward.governance.model import Pod, Workload
from steward.governance.policies import DevOpsPolicy
from steward.governance.rules import INJECTED, Exempted, evaluate
from steward.governance.violations import CHECKS, SEVERITIES, Check, Severity

R = TypeVar("R")

DENIED: tuple[Severity, ...] = ("critical", "high")
"""Severities that a policy in mode enforce denies. The seed's."""


class Opinion(NamedTuple):
    """What one policy says about a finding."""

    policy: str
    severity: Severity
    message: str
    is_enforced: bool

    @property
    def denies(self) -> bool:
        """Whether the policy alone would deny the pod for it."""
        return self.is_enforced and self.severity in DENIED


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong in one place, by at least one policy.

    Attributes:
        check: What was looked at.
        container: Name of the container; empty where it is about the whole pod.
        opinions: Of each policy that finds it; first those that deny, then the severest, then by name.
    """

    check: Check
    container: str
    opinions: tuple[Opinion, ...]

    @property
    def severity(self) -> Severity:
        """The severest."""
        return min((one.severity for one in self.opinions), key=SEVERITIES.index)

    @property
    def message(self) -> str:
        """Of the first opinion."""
        return self.opinions[0].message

    @property
    def policies(self) -> tuple[str, ...]:
        """Who finds it."""
        return tuple(one.policy for one in self.opinions)

    @property
    def is_denied(self) -> bool:
        """Whether a pod that has it is denied."""
        return self.opinions[0].denies


class Excused(NamedTuple):
    """A violation that an exemption covers, or did, and the policy both belong to."""

    policy: str
    exempted: Exempted


class Combined(msgspec.Struct, frozen=True):
    """What the policies of a namespace say about one pod.

    Attributes:
        findings: What is wrong: first what is denied, then the severest, then by check and container.
        excused: What would be wrong, but for an exemption; sorted.
        expired: Violations that an exemption covered until it ended; sorted.
    """

    findings: tuple[Finding, ...]
    excused: tuple[Excused, ...]
    expired: tuple[Excused, ...] = ()

    @property
    def denied(self) -> tuple[Finding, ...]:
        """The findings that deny the pod."""
        return tuple(one for one in self.findings if one.is_denied)


def judge(
    pod: Pod, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, workload: Workload | None = None, injected: Collection[str] = INJECTED
) -> Combined | None:
    """Judge one pod by all of these policies; arguments as of :func:`steward.governance.rules.evaluate`.

    Returns: None for a pod that is over.
    """
    return finished(judging(pod, policies, now=now, workload=workload, injected=injected))


def finished(steps: Generator[None, None, R]) -> R:
    """The result of something that is done in steps, when nobody else waits for a turn."""
    while True:
        try:
            next(steps)
        except StopIteration as over:
            result: R = over.value
            return result


def judging(
    pod: Pod, policies: Iterable[DevOpsPolicy], *, now: dt.datetime, workload: Workload | None = None, injected: Collection[str] = INJECTED
) -> Generator[None, None, Combined | None]:
    """:func:`judge` in steps: yields between two policies, so that whoever asks can let others run, or give up."""
    opinions: dict[tuple[Check, str], list[Opinion]] = {}
    excused: list[Excused] = []
    expired: list[Excused] = []
    for number, policy in enumerate(policies):
        if number:
            yield
        verdict = evaluate(pod, policy.spec, now=now, workload=workload, injected=injected)
        if verdict is None:
            return None
        name = policy.metadata.name
        for found in verdict.violations:
            opinion = Opinion(name, found.severity, found.message, policy.spec.is_enforced)
            opinions.setdefault((found.check, found.container), []).append(opinion)
        excused += (Excused(name, one) for one in verdict.exempted)
        expired += (Excused(name, one) for one in verdict.expired)
    findings = [Finding(check, container, tuple(sorted(several, key=_weight))) for (check, container), several in opinions.items()]
    return Combined(tuple(sorted(findings, key=_rank)), tuple(sorted(excused, key=_place)), tuple(sorted(expired, key=_place)))


def _weight(opinion: Opinion) -> tuple[bool, int, str]:
    return not opinion.denies, SEVERITIES.index(opinion.severity), opinion.policy


def _rank(finding: Finding) -> tuple[bool, int, int, str]:
    return not finding.is_denied, SEVERITIES.index(finding.severity), CHECKS.index(finding.check), finding.container


def _place(excused: Excused) -> tuple[str, int, str]:
    violation = excused.exempted.violation
    return excused.policy, CHECKS.index(violation.check), violation.container
