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
import operator
from collections.abc import Hashable, Iterable
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from steward.governance.model import Workload
from steward.governance.rules import Verdict
from steward.governance.violations import CHECKS, SEVERITIES, Check, Severity

Formula = Literal["seed", "float", "ratio"]
FORMULAS: tuple[Formula, ...] = get_args(Formula)

ChosenFormula = Annotated[
    Formula, Meta(description="How points become a score: an integer, the same without rounding, or the part of the checks that passed.")
]
SeverityWeighted = Annotated[bool, Meta(description="Whether points count 3 times for critical violations and twice for high ones.")]
"""As components let a user choose them."""

Class = Literal["Healthy", "Stable", "Degraded", "Critical"]

MULTIPLIERS: dict[Severity, int] = dict(zip(SEVERITIES, (3, 2, 1, 1), strict=True))
"""What a severity is worth where severities count. The seed's."""

Weight = Annotated[int, Meta(ge=0, le=1000)]


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Points of one violation. The seed's; it had no check for resources, so that one costs nothing unless a weight is given."""

    latest_tag: Annotated[Weight, Meta(description="For an image that is not pinned.")] = 5
    missing_liveness: Annotated[Weight, Meta(description="For a container without a liveness probe.")] = 3
    missing_readiness: Annotated[Weight, Meta(description="For a container without a readiness probe.")] = 2
    high_restarts: Annotated[Weight, Meta(description="For each restart, up to 5, of a container that restarted too often.")] = 6
    pending: Annotated[Weight, Meta(description="For a pod that is pending for too long.")] = 4
    missing_resources: Annotated[Weight, Meta(description="For a container without requests and limits.")] = 0


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


_NOTHING: tuple[int, ...] = (0,) * (len(CHECKS) + 1)
"""Points by check, and last the number of pods: one value, replaced whole."""


class Tally:
    """Contributions, added up and taken away one at a time: who counts many can stop in between, and who follows them counts what changed.

    Attributes:
        workloads: Of each workload the weight that passed, the weight that applies, both over all its pods, and how many those are.
    """

    def __init__(self) -> None:
        self._sums = _NOTHING
        self.workloads: dict[Hashable, tuple[int, int, int]] = {}

    @property
    def pods(self) -> int:
        """How many there are."""
        return self._sums[-1]

    @property
    def points(self) -> dict[Check, int]:
        """Points by check. In ``seed`` and ``float`` their sum, divided by the pods, is what is missing to 100, up to 100."""
        return dict(zip(CHECKS, self._sums, strict=False))

    def copy(self) -> Tally:
        """Another one of the same pods."""
        other = Tally()
        other._sums, other.workloads = self._sums, self.workloads.copy()
        return other

    def add(self, one: Contribution) -> None:
        """Count one more pod."""
        self._sums = tuple(map(operator.add, self._sums, (*one.points, 1)))
        self._add_workload(one.workload, one.passed, one.applicable, 1)

    def remove(self, one: Contribution) -> None:
        """Take away a pod that was counted."""
        self._sums = tuple(map(operator.sub, self._sums, (*one.points, 1)))
        self._add_workload(one.workload, -one.passed, -one.applicable, -1)

    def _add_workload(self, workload: Hashable, passed: int, applicable: int, pods: int) -> None:
        old = self.workloads.get(workload, (0, 0, 0))
        new = (old[0] + passed, old[1] + applicable, old[2] + pods)
        if new[2]:
            self.workloads[workload] = new
        else:
            self.workloads.pop(workload, None)

    def merge(self, other: Tally, *, under: Hashable = None) -> None:
        """Count all pods of another tally: those of a namespace into its cluster, or of a cluster, whose name is ``under``, into several."""
        self._sums = tuple(map(operator.add, self._sums, other._sums))
        for workload, (passed, applicable, pods) in other.workloads.copy().items():
            self._add_workload((under, workload), passed, applicable, pods)

    def score(self, formula: Formula = "seed") -> float | None:
        """The score, from 0 to 100; None where there is nothing to judge by."""
        *points, pods = self._sums
        match formula:
            case "seed":
                return 100 - min(sum(points) // pods, 100) if pods else 100
            case "float":
                return 100 - min(sum(points) / pods, 100.0) if pods else None
            case "ratio":
                # fsum is exact, so the order of the workloads cannot matter.
                workloads = list(self.workloads.values())
                applicable = math.fsum(all_ / pods for _, all_, pods in workloads)
                passed = math.fsum(passed / pods for passed, _, pods in workloads)
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
