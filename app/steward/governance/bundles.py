"""Rules that are ready to use. ``standard`` is what is asked where nobody says otherwise; the others are the seed's bundles."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from steward.governance.rules import Rules
from steward.governance.violations import Severities

Bundle = Literal["standard", "baseline", "restricted", "permissive"]

STANDARD = Rules(
    forbid_latest_tag=True,
    require_liveness_probe=True,
    require_readiness_probe=True,
    require_resources=True,
    max_restart_count=3,
    forbid_pending_duration=300,
)

BASELINE = Rules(forbid_latest_tag=True, require_readiness_probe=True)

RESTRICTED = replace(
    STANDARD,
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

BUNDLES: Mapping[str, Rules] = MappingProxyType(
    {"standard": STANDARD, "baseline": BASELINE, "restricted": RESTRICTED, "permissive": PERMISSIVE},
)
