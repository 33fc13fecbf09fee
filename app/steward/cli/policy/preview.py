"""What would be denied: the pods of a cluster under policies that are enforced."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from steward.cli.cluster import read_all
from steward.cli.output import SEVERE, colored, table
from steward.cli.policy.changes import COLORS, Marker
from steward.cli.policy.manifest import MANIFESTS, Manifest, to_policy
from steward.governance.model import PODS, Pod, Workload, owner_of
from steward.governance.policies import DevOpsPolicy
from steward.governance.preview import denied_anew, enforced
from steward.governance.violations import Check, Severity
from steward.runtime.errors import ConfigError, StewardError

if TYPE_CHECKING:
    from steward.runtime.client import Client


class Denial(NamedTuple):
    """One thing for which pods of a workload would be denied."""

    workload: Workload
    container: str
    check: Check
    severity: Severity
    policies: tuple[str, ...]
    message: str


class Row(NamedTuple):
    """A denial, how many pods it meets, and whether it is new; markers as of ``policy diff --cluster``."""

    marker: Marker
    denial: Denial
    pods: int

    def report(self) -> dict[str, Any]:
        """For machines."""
        workload = self.denial.workload
        return {
            "marker": self.marker,
            "namespace": workload.namespace,
            "kind": workload.kind,
            "name": workload.name,
            "pods": self.pods,
            **{key: value for key, value in self.denial._asdict().items() if key != "workload"},
        }


async def denials(client: Client, given: Sequence[Manifest], namespaces: Collection[str]) -> list[Row]:
    """What would be denied in these namespaces.

    Args:
        client: The cluster.
        given: Policies that would be added, or take the place of their namesakes, and be enforced; none: those of the cluster would be.
        namespaces: Where to look; one that is empty means all.

    Raises: APIError, TransportError; StewardError when a policy of the cluster cannot be understood.
    """
    now = dt.datetime.now(dt.UTC)
    before: Counter[Denial] = Counter()
    after: Counter[Denial] = Counter()
    for namespace in sorted(namespaces):
        there = [_policy(one) for one in await read_all(client, MANIFESTS, namespace=namespace)]
        then = {one.metadata.key: one if given else enforced(one) for one in there}
        then |= {one.key: enforced(_policy(one)) for one in given}
        for pod in await read_all(client, PODS, namespace=namespace):
            before.update(_denied(pod, there, now))
            after.update(_denied(pod, then.values(), now))
    rows = [Row("=" if _place(one) in set(map(_place, before)) else "+", one, count) for one, count in after.items()]
    kept = {_place(one) for one in after}
    rows += [Row("!", one, count) for one, count in before.items() if _place(one) not in kept]
    return sorted(rows, key=lambda row: (row.denial.workload, row.denial.container, row.denial.check))


def text(rows: Iterable[Row]) -> str:
    """For people."""
    cells = [
        (
            click.style(row.marker, fg=COLORS[row.marker] or None),
            row.denial.workload.namespace,
            f"{row.denial.workload.kind}/{row.denial.workload.name}",
            row.pods,
            row.denial.container,
            row.denial.check,
            colored(row.denial.severity, SEVERE),
            ", ".join(row.denial.policies),
        )
        for row in rows
    ]
    columns = ("", "NAMESPACE", "WORKLOAD", "PODS", "CONTAINER", "CHECK", "SEVERITY", "POLICY")
    return table(columns, cells) if cells else "nothing would be denied"


def _policy(manifest: Manifest) -> DevOpsPolicy:
    """A policy as a component of this version reads it; those of files were read strictly before."""
    try:
        return to_policy(manifest, f"policy {manifest.key}", strict=False)
    except ConfigError as error:
        raise StewardError(f"{error} It was written for another version of Steward.") from error


def _denied(pod: Pod, policies: Iterable[DevOpsPolicy], now: dt.datetime) -> Iterable[Denial]:
    asked = [one for one in policies if one.metadata.namespace == pod.metadata.namespace]
    owner = owner_of(pod)
    return [
        Denial(owner, one.container, one.check, one.severity, tuple(opinion.policy for opinion in one.opinions if opinion.denies), one.message)
        for one in denied_anew(pod, asked, now=now, workload=owner)
    ]


def _place(denial: Denial) -> tuple[Workload, str, Check]:
    return denial.workload, denial.container, denial.check
