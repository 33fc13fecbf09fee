"""Where the kinds that make pods have their pod template."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_TEMPLATE = ("spec", "template")
TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("", "Pod"): (),
        ("", "PodTemplate"): ("template",),
        ("", "ReplicationController"): _TEMPLATE,
        ("apps", "Deployment"): _TEMPLATE,
        ("apps", "StatefulSet"): _TEMPLATE,
        ("apps", "DaemonSet"): _TEMPLATE,
        ("apps", "ReplicaSet"): _TEMPLATE,
        ("batch", "Job"): _TEMPLATE,
        ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    }
)
"""Path of the pod template, by API group and kind; a pod is its own."""


def without_nulls(value: Any) -> Any:
    """JSON without its nulls: what is null is as good as absent to the API server, and many programs write it."""
    match value:
        case dict():
            return {key: without_nulls(one) for key, one in value.items() if one is not None}
        case list():
            return [without_nulls(one) for one in value]
    return value
