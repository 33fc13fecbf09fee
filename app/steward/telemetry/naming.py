"""The rules a metric's name, labels and buckets keep, as functions.

Sources: Prometheus "Metric and label naming" and "Instrumentation"; OpenMetrics 1.0 for the suffixes. ``bind`` refuses a
declaration that breaks a rule, and the tests run the same functions over every declaration of every component.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Snake case without doubled underscores. Colons are reserved for recording rules."""

RESERVED_SUFFIXES = ("_bucket", "_count", "_sum", "_created")
"""What the exposition format adds to the series of a family; a family of that name could not be told from a series."""

UNBASED = {
    "milliseconds": "seconds",
    "microseconds": "seconds",
    "nanoseconds": "seconds",
    "ms": "seconds",
    "minutes": "seconds",
    "hours": "seconds",
    "days": "seconds",
    "kilobytes": "bytes",
    "megabytes": "bytes",
    "mb": "bytes",
    "percent": "ratio",
    "percentage": "ratio",
}
"""Units that are not base units, and the one to use."""

TARGET_LABELS = frozenset({"job", "instance", "component", "endpoint", "container", "service"})
"""Labels of the target or added by ``bind``. A metric that exports one is renamed to ``exported_…`` by Prometheus, or hides it."""

FORMAT_LABELS = frozenset({"le", "quantile"})
"""Labels of the exposition format itself."""

UNBOUNDED_LABELS = frozenset({"pod", "pod_name", "name", "uid", "ip", "pod_ip", "message", "path", "url"})
"""Labels whose values grow with the cluster or with what users write: one series per pod costs more than the pod's object."""


def name_problems(name: str, kind: str) -> list[str]:
    """What is wrong with a metric's name.

    Args:
        name: Full name as exported, for counters with ``_total``.
        kind: ``counter``, ``gauge`` or ``histogram``.
    """
    found = []
    if not NAME.fullmatch(name):
        found.append("a name is snake_case: small letters, digits, single underscores")
    if kind == "counter" and not name.endswith("_total"):
        found.append("a counter ends with _total")
    if kind != "counter" and name.endswith("_total"):
        found.append(f"only counters end with _total, this is a {kind}")
    stem = name.removesuffix("_total")
    found += [f"{suffix} is a suffix of the exposition format" for suffix in RESERVED_SUFFIXES if stem.endswith(suffix)]
    words = stem.split("_")
    found += [f"{word} is not a base unit, use {UNBASED[word]}" for word in words if word in UNBASED]
    if kind == "histogram" and words[-1] not in {"seconds", "bytes", "ratio"} and "duration" in words:
        found.append("a duration is in seconds and ends with _seconds")
    if "timestamp" in words and not stem.endswith("_timestamp_seconds"):
        found.append("a point in time ends with _timestamp_seconds")
    return found


def label_problems(labels: Sequence[str]) -> list[str]:
    """What is wrong with the labels of a metric."""
    found = [f"label {label}: snake_case is expected" for label in labels if not NAME.fullmatch(label)]
    found += [f"label {label}: belongs to the exposition format" for label in labels if label in FORMAT_LABELS]
    found += [f"label {label}: belongs to the target" for label in labels if label in TARGET_LABELS]
    found += [f"label {label}: unbounded, every value is a series" for label in labels if label in UNBOUNDED_LABELS]
    if len(set(labels)) != len(labels):
        found.append(f"labels {', '.join(labels)}: one is there twice")
    return found


def help_problems(text: str) -> list[str]:
    """What is wrong with a help text: one sentence, as it is printed in every scrape."""
    if not text or not text[0].isupper() or not text.endswith(".") or "\n" in text:
        return ["help is one sentence that starts with a capital and ends with a full stop"]
    return []


def bucket_problems(buckets: Sequence[float]) -> list[str]:
    """What is wrong with the upper bounds of a histogram; +Inf is added by the library and must not be named."""
    found = []
    if len(buckets) < 2:
        found.append("a histogram has at least two buckets")
    if any(not math.isfinite(bound) or bound <= 0 for bound in buckets):
        found.append("bounds of buckets are finite and above 0")
    if list(buckets) != sorted(set(buckets)):
        found.append("bounds of buckets rise")
    return found
