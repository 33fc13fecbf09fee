"""The registry of a process: nothing global, and the process's own metrics in it."""

from __future__ import annotations

from collections.abc import Iterable

import prometheus_client
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def create_registry() -> prometheus_client.CollectorRegistry:
    """A registry with ``process_*``, ``python_info`` and ``python_gc_*``.

    The ``_created`` series are off: they double the number of series and no rule of ours reads them. The library has only a switch for the
    whole process.
    """
    prometheus_client.disable_created_metrics()
    registry = prometheus_client.CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def library_metrics() -> Iterable[Metric]:
    """The families that the library itself exports on this platform."""
    return create_registry().collect()
