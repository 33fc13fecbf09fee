"""Policies that are ready to use. ``standard`` is what is asked where nobody says otherwise; the others are the seed's bundles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from steward.governance.policies import GROUP, DefaultProbe, DefaultResources, DevOpsPolicy, PolicySpec
from steward.governance.violations import Severities
from steward.runtime.resource import ObjectMeta

Bundle = Literal["standard", "baseline", "restricted", "permissive"]

LABEL, VERSION_LABEL = f"{GROUP}/bundle", f"{GROUP}/bundle-version"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""What a policy of a bundle is known by."""

FIELD_MANAGER = "kube-devops-cli"
"""Who applies policies from the command line. The seed's."""

VERSION = "1"
"""Raised with every change of a bundle below, so that policies of an older one can be found."""

STANDARD = PolicySpec(
    forbid_latest_tag=True,
    require_liveness_probe=True,
    require_readiness_probe=True,
    require_resources=True,
    max_restart_count=3,
    forbid_pending_duration=300,
)

BASELINE = PolicySpec(forbid_latest_tag=True, require_readiness_probe=True)

RESTRICTED = replace(
    STANDARD,
    enforcement_mode="enforce",
    default_probe=DefaultProbe(initial_delay_seconds=5, period_seconds=10),
    default_resources=DefaultResources(cpu_request="100m", cpu_limit="500m", memory_request="128Mi", memory_limit="256Mi"),
    severity_overrides=Severities(
        latest_tag="critical", missing_liveness="high", missing_readiness="high", high_restarts="critical", pending="high", missing_resources="high"
    ),
)

PERMISSIVE = replace(
    STANDARD,
    max_restart_count=10,
    forbid_pending_duration=600,
    severity_overrides=Severities(
        latest_tag="low", missing_liveness="low", missing_readiness="low", high_restarts="medium", pending="low", missing_resources="low"
    ),
)

BUNDLES: Mapping[str, PolicySpec] = MappingProxyType(
    {"standard": STANDARD, "baseline": BASELINE, "restricted": RESTRICTED, "permissive": PERMISSIVE},
)


def policy(bundle: str, *, name: str = "", namespace: str = "") -> DevOpsPolicy:
    """A policy of a bundle of :data:`BUNDLES`, labelled with it and its version; called like it, if no name is given."""
    labels = {LABEL: bundle, VERSION_LABEL: VERSION, MANAGED_BY: FIELD_MANAGER}
    return DevOpsPolicy(metadata=ObjectMeta(name=name or bundle, namespace=namespace, labels=labels), spec=BUNDLES[bundle])
