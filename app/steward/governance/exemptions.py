"""Exemptions: which violations somebody answers for, why, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance.model import Workload
from steward.governance.violations import Check, Violation


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A workload by its name."""

    kind: Annotated[str, Meta(min_length=1, description="Kind of the workload, such as Deployment.")]
    name: Annotated[str, Meta(min_length=1, description="Its name.")]


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """Part of the rules. It covers what fits all that it names; who it covers is never taken from a pod's own name, which changes."""

    checks: Annotated[tuple[Check, ...], Meta(min_length=1, description="Checks that are exempt.")]
    reason: Annotated[str, Meta(min_length=1, description="Why; shown wherever the exemption acts.")]
    expires: Annotated[dt.datetime, Meta(tz=True, description="When it ends, such as 2027-01-31T00:00:00Z.")]
    workload: Annotated[Target | None, Meta(description="The workload that is exempt; every one when empty.")] = None
    match_labels: Annotated[dict[str, str], Meta(description="Labels that the pod must have.")] = {}
    containers: Annotated[
        tuple[str, ...], Meta(description="Names of the containers that are exempt, such as istio-proxy; every one when empty.")
    ] = ()
    approved_by: Annotated[str, Meta(description="Who agreed; shown beside the reason.")] = ""

    def covers(self, violation: Violation, workload: Workload, labels: Mapping[str, str]) -> bool:
        """Whether a violation is meant, whatever the time."""
        return (
            violation.check in self.checks
            and (not self.containers or violation.container in self.containers)
            and (self.workload is None or (self.workload.kind, self.workload.name) == (workload.kind, workload.name))
            and all(labels.get(name) == value for name, value in self.match_labels.items())
        )

    def is_active(self, now: dt.datetime) -> bool:
        """Whether it has not ended yet."""
        return now < self.expires
