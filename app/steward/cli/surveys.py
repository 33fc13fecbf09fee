"""What the pods of a cluster score, namespace by namespace."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from steward.governance.model import Pod
from steward.governance.namespaces import SystemNamespaces
from steward.governance.rules import Rules, Verdict, evaluate
from steward.governance.scores import Contribution, Formula, Tally, classify


class Part:
    """Pods that are judged together: of a namespace, of a cluster, of several.

    Attributes:
        tally: What they score.
        severities: Their violations by severity.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.severities: Counter[str] = Counter()

    def add(self, verdict: Verdict, one: Contribution) -> None:
        """Count a pod."""
        self.tally.add(one)
        self.severities.update(violation.severity for violation in verdict.violations)

    def merge(self, other: Part, *, under: str | None = None) -> None:
        """Count all pods of another part; ``under`` is its cluster, where there are several."""
        self.tally.merge(other.tally, under=under)
        self.severities += other.severities

    def score(self, formula: Formula) -> float | None:
        """Its score; None where there is nothing to judge."""
        return self.tally.score(formula)

    def report(self, formula: Formula) -> dict[str, Any]:
        """For machines."""
        score = self.score(formula)
        return {
            "score": score,
            "class": None if score is None else classify(score),
            "pods": self.tally.pods,
            "violations": self.severities.total(),
            "severities": dict(sorted(self.severities.items())),
            "points": self.tally.points,
        }


class Survey:
    """One cluster.

    Attributes:
        context: Its name in the kubeconfig; empty for the current one.
        namespaces: Those that have pods, sorted.
        total: All of them together.
    """

    def __init__(self, context: str, namespaces: dict[str, Part]) -> None:
        self.context = context
        self.namespaces = dict(sorted(namespaces.items()))
        self.total = merged(self.namespaces.values())

    @classmethod
    def of(
        cls,
        context: str,
        pods: Iterable[Pod],
        rules: Rules,
        counter: Callable[[Verdict], Contribution],
        *,
        now: dt.datetime,
        system: SystemNamespaces | None = None,
    ) -> Survey:
        """Judge the pods of a cluster.

        Args:
            context: Name of the cluster.
            pods: All of its pods.
            rules: What is asked of them.
            counter: What a verdict adds to a score.
            now: Decides about pending pods and exemptions.
            system: Namespaces that are left out.
        """
        found: dict[str, Part] = {}
        for pod in pods:
            namespace = pod.metadata.namespace
            if system is not None and namespace in system:
                continue
            verdict = evaluate(pod, rules, now=now)
            if verdict is not None:
                found.setdefault(namespace, Part()).add(verdict, counter(verdict))
        return cls(context, found)


def merged(parts: Iterable[Part]) -> Part:
    """The namespaces of a cluster as one."""
    whole = Part()
    for part in parts:
        whole.merge(part)
    return whole


def merged_clusters(surveys: Iterable[Survey]) -> Part:
    """Clusters as one; a workload of one is not that of another, whatever their names."""
    whole = Part()
    for survey in surveys:
        whole.merge(survey.total, under=survey.context)
    return whole
