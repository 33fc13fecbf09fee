"""What is in a namespace, and which belong to the system: what runs there is its owners' business, and no score or policy speaks of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta

from steward.runtime.errors import ConfigError
from steward.runtime.store import Index

BY_NAMESPACE: Index[Any] = Index("namespace", lambda item: (item.metadata.namespace,))
"""Objects of any kind, by their namespace."""

SYSTEM_NAMESPACES = ("kube-*", "*-system", "cert-manager", "istio-system", "monitoring", "observability", "argocd")
"""The seed's list. The release's own namespace is not in it: who runs Steward elsewhere sees its pods judged too."""

_PATTERN = re.compile(r"[-a-z0-9*]{1,63}")

# Only told in the schema: what reads the configuration refuses by check_patterns, which says what to write.
Pattern = Annotated[str, Meta(extra_json_schema={"pattern": f"^{_PATTERN.pattern}$"})]
Patterns = Annotated[
    tuple[Pattern, ...],
    Meta(description="Names of system namespaces, or patterns with *. Nothing is denied or patched there, and health scores leave their pods out."),
]


class SystemNamespaces:
    """Answers for one list of patterns, remembered for each namespace.

    Args:
        patterns: Names; ``*`` stands for any characters, none too.
    """

    def __init__(self, patterns: Sequence[str] = SYSTEM_NAMESPACES) -> None:
        alternatives = "|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
        matches = re.compile(alternatives).fullmatch
        self._is_one = lru_cache(maxsize=4096)(lambda name: bool(patterns) and matches(name) is not None)

    def __contains__(self, namespace: str) -> bool:
        return self._is_one(namespace)


def check_patterns(field: str, patterns: Iterable[str]) -> None:
    """Refuse patterns that no namespace can match: they would silently do nothing.

    Raises: ConfigError, which names the entry.
    """
    for index, pattern in enumerate(patterns):
        if _PATTERN.fullmatch(pattern) is None:
            raise ConfigError(f'{field}[{index}]: "{pattern}" matches no namespace. Write a name such as monitoring, or a pattern such as kube-*.')
