"""What a user can configure about health scores."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from steward.governance.bundles import Bundle
from steward.governance.namespaces import SYSTEM_NAMESPACES, Patterns, check_patterns
from steward.governance.rules import INJECTED, Injected
from steward.governance.scores import ChosenFormula, SeverityWeighted, Weights


class Config(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Configuration of the component ``watch``."""

    bundle: Annotated[Bundle, Meta(description="Rules that pods are judged by.")] = "standard"
    formula: ChosenFormula = "seed"
    severity_weighted: SeverityWeighted = False
    weights: Weights = Weights()
    injected_containers: Injected = INJECTED
    system_namespaces: Patterns = SYSTEM_NAMESPACES

    def __post_init__(self) -> None:
        """Refuse what would silently never match. Raises: ConfigError."""
        check_patterns("config.systemNamespaces", self.system_namespaces)
