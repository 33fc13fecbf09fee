"""What a user can configure about the evaluation of policies."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance.namespaces import SYSTEM_NAMESPACES, Patterns, check_patterns
from steward.governance.rules import INJECTED, Injected
from steward.governance.scores import ChosenFormula, SeverityWeighted, Weights
from steward.policy.remediation.config import RemediationConfig


class AuditResults(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The history of findings, as objects of kind PolicyAuditResult."""

    enabled: Annotated[bool, Meta(description="Whether a PolicyAuditResult is written when the findings of a policy change.")] = True
    retention: Annotated[int, Meta(ge=1, le=100, description="How many are kept of each policy.")] = 10
    max_violations: Annotated[int, Meta(ge=1, le=2000, description="Violations listed in each; the most severe come first.")] = 500
    min_interval_seconds: Annotated[int, Meta(ge=1, le=86400, description="At most one is written of a policy in this time.")] = 30


class OpenReports(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The findings as Report of openreports.io, for tools that read those of several policy engines."""

    enabled: Annotated[
        bool, Meta(description="Whether a Report is written for each policy, if the API server has that kind; its definition is not ours to install.")
    ] = False
    max_results: Annotated[int, Meta(ge=1, le=2000, description="Results listed in each; the most severe come first.")] = 500


class Config(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Configuration of the component ``policy``."""

    formula: ChosenFormula = "seed"
    severity_weighted: SeverityWeighted = False
    weights: Weights = Weights()
    injected_containers: Injected = INJECTED
    system_namespaces: Patterns = SYSTEM_NAMESPACES
    interval_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="How often a policy is looked at without a change of a pod, from the cache.")
    ] = 30
    cluster_name: Annotated[str, Meta(max_length=253, description="Name of the cluster, for audit results that are collected from several.")] = ""
    audit_results: AuditResults = AuditResults()
    open_reports: OpenReports = OpenReports()
    remediation: RemediationConfig = RemediationConfig()

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        check_patterns("config.systemNamespaces", self.system_namespaces)
