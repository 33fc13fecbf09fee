"""Why a workload is not patched now, though it lacks something. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from steward.policy.remediation import rollout
from steward.policy.remediation.model import REMEDIATE, Requirement, Selector, Workload
from steward.policy.remediation.surroundings import Autoscaler, Budget, ScaledObject, Target, VerticalAutoscaler

RESOURCES = ("cpu", "memory")


class Held(NamedTuple):
    """What holds a patch back: a word for metrics and status, and a sentence."""

    label: str
    note: str


LABELS = (
    "owned", "opted_out", "protected", "audit", "nothing_to_add", "paused", "on_delete", "partition", "scaled_to_zero", "rolling_out", "unavailable",
    "no_surge", "disruption_budget", "window", "namespace_busy", "rate", "contested", "backing_off", "refused",
    "admission", "undone",
)  # fmt: skip
"""Every word for why a workload is not patched."""


def is_opted_out(workload: Workload) -> bool:
    """Whether the workload asks to be left alone."""
    return workload.metadata.annotations.get(REMEDIATE) == "false"


def held(workload: Workload, budgets: Iterable[Budget]) -> Held | None:
    """What of the workload itself holds a patch back: a rollout that would not run, would hide until later, or would leave no pod."""
    return next(_holds(workload, budgets), None)


def _holds(workload: Workload, budgets: Iterable[Budget]) -> Iterator[Held]:
    spec, strategy = workload.spec, workload.spec.update_strategy
    if spec.paused:
        yield Held("paused", "it is paused. Resume it: kubectl rollout resume.")
    if strategy.type == "OnDelete":
        yield Held("on_delete", "its update strategy is OnDelete: a patch would hide until somebody deletes pods.")
    if strategy.rolling_update is not None and strategy.rolling_update.partition > 0:
        yield Held("partition", "its rollout stops at a partition: a patch would reach a part of its pods.")
    if rollout.desired(workload) == 0:
        yield Held("scaled_to_zero", "it has no pods: a patch could not be watched.")
    if not rollout.is_settled(workload):
        yield Held("rolling_out", "a rollout runs.")
    if not rollout.is_available(workload):
        yield Held("unavailable", "not all of its pods are available.")
    if _leaves_too_few(workload):
        away = f"{rollout.most_away(workload)} of its {rollout.desired(workload)} pods"
        yield Held("no_surge", f"a rollout may take {away} away at once. Add replicas, or a RollingUpdate that surges or has a lower maxUnavailable.")
    for budget in budgets:
        if (
            budget.spec.selector is not None
            and matches(budget.spec.selector, spec.template.metadata.labels)
            and not budget.status.disruptions_allowed
        ):
            yield Held("disruption_budget", f"PodDisruptionBudget {budget.metadata.name} allows no disruption now.")


def _leaves_too_few(workload: Workload) -> bool:
    """Whether the rollout may take all pods away at once; of a DaemonSet more than half, for none of its pods stands in for another."""
    away, total = rollout.most_away(workload), rollout.desired(workload)
    return 2 * away > total if rollout.is_daemon(workload) else away >= total


def matches(selector: Selector, labels: dict[str, str]) -> bool:
    """Whether a label selector selects these labels. An empty one selects all."""
    return all(labels.get(name) == value for name, value in selector.match_labels.items()) and all(
        _fits(requirement, labels) for requirement in selector.match_expressions
    )


def _fits(requirement: Requirement, labels: dict[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            # Of an operator that is yet to be invented nothing is known: rather one budget too many than one too few.
            return True


def reckoned_with(
    kind: str, name: str, *, hpas: Iterable[Autoscaler], vpas: Iterable[VerticalAutoscaler], scaled: Iterable[ScaledObject]
) -> frozenset[str]:
    """The resources of a workload that an autoscaler reckons with: requests are the denominator of utilization, and what a VPA writes itself."""

    def is_it(target: Target) -> bool:
        return target.workload == (kind, name)

    if any(is_it(vpa.target) for vpa in vpas):
        return frozenset(RESOURCES)
    sources = (source for hpa in hpas if is_it(hpa.target) for metric in hpa.spec.metrics for source in (metric.resource, metric.container_resource))
    names = {source.name for source in sources if source is not None}
    names |= {trigger.type for one in scaled if is_it(one.target) for trigger in one.spec.triggers}
    return frozenset(names & set(RESOURCES))
