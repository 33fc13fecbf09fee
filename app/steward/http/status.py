"""The status page: what a person who opens the port of a component wants to know first.

It shows what ``/metrics`` exports, read from the same registry at the same moment, so the two cannot disagree; besides, the health
checks, the last Events, and the last warnings and errors. Plain HTML: no script, nothing from elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from flask import Response, render_template_string
from prometheus_client import CollectorRegistry

from steward.telemetry.probes import Probe, Verdict

EVENTS = 20
"""Events shown; all that are kept stand at ``/events``."""

TABLES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "Caches",
        "resource",
        {
            "synced": "steward_informer_synced",
            "served": "steward_informer_api_served",
            "objects": "steward_informer_objects",
            "unreadable": "steward_informer_unreadable_objects",
            "last heard": "steward_informer_last_event_timestamp_seconds",
        },
    ),
    (
        "Queues",
        "queue",
        {
            "waiting": "steward_workqueue_depth",
            "added": "steward_workqueue_adds_total",
            "retried": "steward_workqueue_retries_total",
            "longest in work (s)": "steward_workqueue_longest_running_processor_seconds",
        },
    ),
    ("Reconciles", "result", {"since the start": "steward_reconcile_total"}),
    ("Answers of the API server", "code", {"since the start": "steward_kube_api_requests_total"}),
)
"""Title, label that names a row, and columns with the metric each shows, added up over all other labels."""

_PAGE = Path(__file__).with_name("status.html").read_text(encoding="utf-8")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Samples:
    """What a registry exports now, to be looked up by name."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in registry.collect():
            for sample in family.samples:
                self._found.setdefault(sample.name, []).append((sample.labels, sample.value))

    def labels(self, name: str) -> dict[str, str]:
        """The labels of the first series; empty when there is none."""
        return next((labels for labels, _ in self._found.get(name, ())), {})

    def value(self, name: str) -> float | None:
        """The value of the first series; None when there is none."""
        return next((value for _, value in self._found.get(name, ())), None)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Values added up by a label."""
        sums: dict[str, float] = {}
        for labels, value in self._found.get(name, ()):
            if label in labels:
                sums[labels[label]] = sums.get(labels[label], 0.0) + value
        return sums


def page(
    *,
    registry: CollectorRegistry,
    probes: Sequence[tuple[Probe, Callable[[], Verdict]]],
    paths: Iterable[str],
    events: Callable[[], bytes],
    trouble: Callable[[], list[str]],
) -> Response:
    """The page as it is now.

    Args:
        registry: What ``/metrics`` exports.
        probes: Health checks, each with what judges it.
        paths: Where else to look.
        events: The last recorded Events as JSON lines, oldest first.
        trouble: The last warnings and errors, newest first.
    """
    samples = Samples(registry)
    build = samples.labels("steward_build_info")
    started = samples.value("process_start_time_seconds")
    body = render_template_string(
        _PAGE,
        build=build,
        leader=samples.value("steward_leader"),
        ready=samples.value("steward_component_ready"),
        up=None if started is None else _ago(time.time() - started),
        memory=samples.value("process_resident_memory_bytes"),
        checks=[(probe.name, judge()) for probe, judge in probes],
        tables=[table for table in (_table(samples, *spec) for spec in TABLES) if table["rows"]],
        events=[msgspec.json.decode(line) for line in reversed(events().splitlines()[-EVENTS:])],
        trouble=trouble(),
        paths=paths,
    )
    response = Response(body, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _table(samples: Samples, title: str, label: str, columns: dict[str, str]) -> dict[str, Any]:
    values = [samples.by(metric, label) for metric in columns.values()]
    names = sorted({name for column in values for name in column})
    rows = [[name, *(_shown(metric, column.get(name)) for metric, column in zip(columns.values(), values, strict=True))] for name in names]
    return {"title": title, "head": [label, *columns], "rows": rows}


def _shown(metric: str, value: float | None) -> str:
    if value is None:
        return "-"
    if metric.endswith("_timestamp_seconds"):
        return f"{_ago(time.time() - value)} ago"
    if metric.endswith(("_synced", "_served")):
        return "yes" if value else "no"
    return f"{value:.1f}" if metric.endswith("_seconds") else f"{value:,.0f}"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{max(seconds, 0):.0f} s"
