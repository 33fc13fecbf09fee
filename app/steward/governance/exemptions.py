"""Exemptions: which violations somebody answers for, why, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance.model import Workload
from steward.governance.violations import CHECKS, Check, Violation

_SET = {"x-kubernetes-list-type": "set"}

NO_CONTAINER = "pending is about the whole pod: leave containers out, or write an exemption of its own for it"


class Target(msgspec.Struct, frozen=True, rename="camel"):
    """A workload by its name."""

    kind: Annotated[str, Meta(min_length=1, description="Kind of the workload, such as Deployment.")]
    name: Annotated[str, Meta(min_length=1, description="Its name.")]


class Exemption(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """Part of the rules. It covers what fits all that it names; who it covers is never taken from a pod's own name, which changes."""

    checks: Annotated[tuple[Check, ...], Meta(min_length=1, max_length=6, description="Checks that are exempt.", extra_json_schema=_SET)]
    reason: Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"\S", description="Why; shown wherever the exemption acts.")]
    expires: Annotated[dt.datetime, Meta(tz=True, description="When it ends, such as 2027-01-31T00:00:00Z.")]
    workload: Annotated[Target | None, Meta(description="The workload that is exempt; every one when empty.")] = None
    match_labels: Annotated[dict[str, str], Meta(max_length=32, description="Labels that the pod must have.")] = {}
    containers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
        Meta(
            max_length=64, description="Names of the containers that are exempt, such as istio-proxy; every one when empty.", extra_json_schema=_SET
        ),
    ] = ()
    approved_by: Annotated[str, Meta(max_length=256, description="Who agreed; shown beside the reason.")] = ""

    def __post_init__(self) -> None:
        """Refuse what could never act, as the API server does. Raises: ValueError."""
        if "pending" in self.checks and self.containers:
            raise ValueError(NO_CONTAINER)

    def fits(self, workload: Workload, labels: Mapping[str, str]) -> bool:
        """Whether pods of this workload with these labels are meant, whatever the check, the container and the time."""
        return (self.workload is None or (self.workload.kind, self.workload.name) == (workload.kind, workload.name)) and all(
            labels.get(name) == value for name, value in self.match_labels.items()
        )

    def is_active(self, now: dt.datetime) -> bool:
        """Whether it has not ended yet."""
        return now < self.expires


class Coverage:
    """The exemptions of some rules, in order: what does not depend on a pod is done once, and what does not depend on a violation once for a pod.

    There may be a hundred of them, and hundreds of violations in one pod, so nobody goes through all of them for each.
    """

    def __init__(self, exemptions: Iterable[Exemption]) -> None:
        # The one that lasts longest, then by its reason: the order in which they are written must not matter.
        lasting = sorted(exemptions, key=lambda one: (one.expires, one.reason, one.approved_by), reverse=True)
        arranged = [(frozenset(one.containers), one) for one in lasting]
        self._by_check = {check: [pair for pair in arranged if check in pair[1].checks] for check in CHECKS}

    def of(self, workload: Workload, labels: Mapping[str, str]) -> Callable[[Violation], Exemption | None]:
        """What finds the exemption that covers a violation of one pod, whatever the time: of several the one that lasts longest."""
        fitting: dict[Check, list[tuple[frozenset[str], Exemption]]] = {}

        def covering(violation: Violation) -> Exemption | None:
            check, container = violation.check, violation.container
            if check not in fitting:
                fitting[check] = [pair for pair in self._by_check[check] if pair[1].fits(workload, labels)]
            for containers, one in fitting[check]:
                if not containers or container in containers:
                    return one
            return None

        return covering
