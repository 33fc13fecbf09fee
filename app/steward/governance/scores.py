"""From verdicts to a number from 0 to 100, for a namespace, a cluster and several clusters.

============ =======================================================================================================
``seed``     ``100 - min(floor(points / pods), 100)``, an integer; 100 without pods
``float``    the same without the floor; none without pods
``ratio``    of all checks that apply to a workload the part that passed, in percent; none without any
============ =======================================================================================================

Points are weight times count, summed. A cluster's score, and that of several clusters, is the score of all their pods: no mean of
means, so that a namespace with one pod does not speak as loudly as one with a thousand, and an empty one is silent. ``ratio`` weighs
a check by its severity (3, 2, 1, 1); replicas of a workload speak with one voice, and what is exempt does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from steward.governance.model import Workload
from steward.governance.rules import Verdict
from steward.governance.violations import CHECKS, SEVERITIES, Severity

Formula = Literal["seed", "float", "ratio"]
FORMULAS: tuple[Formula, ...] = get_args(Formula)

Class = Literal["Healthy", "Stable", "Degraded", "Critical"]

MULTIPLIERS: dict[Severity, int] = dict(zip(SEVERITIES, (3, 2, 1, 1), strict=True))
"""What a severity is worth where severities count. The seed's."""

Weight = Annotated[int, Meta(ge=0, le=1000)]


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Points of one violation. The seed's; it had no check for resources, so that one costs nothing unless a weight is given."""

    latest_tag: Weight = 5
    missing_liveness: Weight = 3
    missing_readiness: Weight = 2
    high_restarts: Weight = 6
    pending: Weight = 4
    missing_resources: Weight = 0


DEFAULT_WEIGHTS = Weights()


class Contribution(NamedTuple):
    """What one pod adds to a score.

    Attributes:
        workload: What it belongs to.
        points: Points by check, in the order of :data:`CHECKS`.
        passed: Weight of the checks that it passed.
        applicable: Weight of the checks that apply to it.
    """

    workload: Workload
    points: tuple[int, ...]
    passed: int
    applicable: int


def contribution(verdict: Verdict, *, weights: Weights = DEFAULT_WEIGHTS, severity_weighted: bool = False) -> Contribution:
    """Count one verdict.

    Args:
        verdict: What the rules said.
        weights: Points of a violation.
        severity_weighted: Whether the points of a violation are multiplied by its severity's worth.
    """
    points = dict.fromkeys(CHECKS, 0)
    failed = 0
    for violation in verdict.violations:
        worth = MULTIPLIERS[violation.severity]
        points[violation.check] += getattr(weights, violation.check) * violation.count * (worth if severity_weighted else 1)
        failed += worth
    exempt = sum(MULTIPLIERS[one.violation.severity] for one in verdict.exempted)
    applicable = sum(MULTIPLIERS[severity] for _, severity in verdict.applied) - exempt
    return Contribution(verdict.workload, tuple(points.values()), applicable - failed, applicable)


class Tally:
    """Contributions, added up one at a time, so that whoever counts many can stop in between.

    Attributes:
        pods: How many there are.
        workloads: Of each workload the weight that passed, the weight that applies, both over all its pods, and how many those are.
    """

    def __init__(self) -> None:
        self.pods = 0
        self._points = [0] * len(CHECKS)
        self.workloads: dict[Hashable, list[int]] = {}

    @property
    def points(self) -> dict[str, int]:
        """Points by check. In ``seed`` and ``float`` their sum, divided by the pods, is what is missing to 100, up to 100."""
        return dict(zip(CHECKS, self._points, strict=True))

    def add(self, one: Contribution) -> None:
        """Count one more pod."""
        self.pods += 1
        for position, points in enumerate(one.points):
            self._points[position] += points
        self._add_workload(one.workload, one.passed, one.applicable, 1)

    def _add_workload(self, workload: Hashable, passed: int, applicable: int, pods: int) -> None:
        sums = self.workloads.setdefault(workload, [0, 0, 0])
        sums[0] += passed
        sums[1] += applicable
        sums[2] += pods

    def merge(self, other: Tally, *, under: Hashable = None) -> None:
        """Count all pods of another tally: those of a namespace into its cluster, or of a cluster, whose name is ``under``, into several."""
        self.pods += other.pods
        for position, points in enumerate(other.points.values()):
            self._points[position] += points
        for workload, (passed, applicable, pods) in other.workloads.items():
            self._add_workload((under, workload), passed, applicable, pods)

    def score(self, formula: Formula = "seed") -> float | None:
        """The score, from 0 to 100; None where there is nothing to judge by."""
        points = sum(self._points)
        match formula:
            case "seed":
                return 100 - min(points // self.pods, 100) if self.pods else 100
            case "float":
                return 100 - min(points / self.pods, 100.0) if self.pods else None
            case "ratio":
                # fsum is exact, so the order of the workloads cannot matter.
                applicable = math.fsum(all_ / pods for _, all_, pods in self.workloads.values())
                passed = math.fsum(passed / pods for passed, _, pods in self.workloads.values())
                return 100 * (passed / applicable) if applicable else None


def tally(contributions: Iterable[Contribution]) -> Tally:
    """Add up contributions."""
    result = Tally()
    for one in contributions:
        result.add(one)
    return result


def classify(score: float) -> Class:
    """The class of a score: Healthy from 80, Stable from 60, Degraded from 40, else Critical. The seed's."""
    if score >= 80:
        return "Healthy"
    if score >= 60:
        return "Stable"
    return "Degraded" if score >= 40 else "Critical"


def summary(violations: int, pods: int, score: float | None) -> str:
    """A sentence for people: the seed's status message."""
    return f"{_many(violations, 'violation')} across {_many(pods, 'pod')} — " + (
        "nothing to judge" if score is None else f"{classify(score)} ({shown(score)})"
    )


def shown(score: float) -> str:
    """A score for people: with at most one decimal, cut, so that it never reaches the next class."""
    return f"{math.floor(score * 10) / 10:g}"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
