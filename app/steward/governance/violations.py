"""What can be wrong with a pod: the checks, how severe each is, and what is said."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Check = Literal["latest_tag", "missing_liveness", "missing_readiness", "high_restarts", "pending", "missing_resources"]
CHECKS: tuple[Check, ...] = get_args(Check)

RUNTIME_CHECKS: frozenset[Check] = frozenset(("high_restarts", "pending"))
"""Checks of what became of a pod: a pod that is made anew has neither, so no new one can be denied for them."""

STATIC_CHECKS: frozenset[Check] = frozenset(CHECKS) - RUNTIME_CHECKS
"""Checks of what is written: what a new pod can be denied for."""

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The most severe first."""


class Severities(msgspec.Struct, frozen=True, rename="camel"):
    """How severe a violation of each check is."""

    latest_tag: Annotated[Severity, Meta(description="An image that is not pinned.")] = "high"
    missing_liveness: Annotated[Severity, Meta(description="A container without a liveness probe.")] = "medium"
    missing_readiness: Annotated[Severity, Meta(description="A container without a readiness probe.")] = "low"
    high_restarts: Annotated[Severity, Meta(description="A container that restarted too often.")] = "critical"
    pending: Annotated[Severity, Meta(description="A pod that is pending for too long.")] = "medium"
    missing_resources: Annotated[Severity, Meta(description="A container without requests and limits.")] = "medium"

    def of(self, check: Check) -> Severity:
        """The severity of one check."""
        severity: Severity = getattr(self, check)
        return severity


class Violation(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        check: What was looked at.
        severity: How bad it is, by the rules.
        container: Name of the container; empty where it is about the whole pod.
        message: What was found, and what to write instead.
        count: How often the weight of the check counts: 1, or the restarts up to :data:`RESTART_CAP`.
    """

    check: Check
    severity: Severity
    container: str
    message: str
    count: int = 1


RESTART_CAP = 5
"""Restarts of a container that count, so that one crash loop does not hide all else. The seed's formula."""
