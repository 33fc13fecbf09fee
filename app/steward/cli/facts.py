"""Everything that is declared about a component, as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from steward.runtime.component import Component, Right
from steward.telemetry.metrics import Histogram, Metric, exported_labels, kind_of
from steward.telemetry.registry import library_metrics


def facts_of(component: Component[Any]) -> dict[str, Any]:
    """Everything that is declared about a component, as JSON-able data."""
    return {
        "name": component.name,
        "summary": component.summary,
        "config": msgspec.json.schema(component.config),
        "rights": [_right(right) for right in component.all_rights],
        "metrics": [_metric(metric) for metric in component.all_metrics] + list(_library_metrics()),
        "reasons": [{"name": reason.name, "type": reason.type, "help": reason.help} for reason in component.reasons],
    }


def _right(right: Right) -> dict[str, Any]:
    return {
        "group": right.resource.group,
        "resource": right.plural,
        "verbs": right.verbs.split(),
        "namespaced": right.own_namespace,
        "when": right.when,
        "named": right.named,
        "why": right.why,
    }


def _metric(metric: Metric) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": metric.name, "type": kind_of(metric), "help": metric.help, "labels": list(exported_labels(metric))}
    if isinstance(metric, Histogram):
        facts["buckets"] = list(metric.buckets)
    return facts


def _library_metrics() -> Iterator[dict[str, Any]]:
    """What the client library exports about the process."""
    for family in library_metrics():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = sorted({label for sample in family.samples for label in sample.labels})
        yield {"name": name, "type": family.type, "help": family.documentation, "labels": labels}
