"""What ``steward verify`` looks at: targets, rules, metrics and the queries of dashboards, each with a verdict in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from steward.cli.panels import Query
from steward.runtime.metrics import BUILD_INFO, LEADER, READY

Status = Literal["ok", "warning", "failed"]

ALWAYS = frozenset((BUILD_INFO.name, LEADER.name, READY.name))
"""Metrics that a component which declares them exports from its first moment on."""

_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PARTS = ("_bucket", "_sum", "_count")


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        check: ``targets``, ``rules``, ``metrics`` or ``dashboards``.
        subject: What was looked at.
        message: What was seen.
        fix: What to do about it; empty when all is well.
    """

    status: Status
    check: str
    subject: str
    message: str
    fix: str = ""


class Source(Protocol):
    """What is asked: :class:`steward.cli.prometheus.Prometheus`."""

    def targets(self) -> list[dict[str, Any]]:
        """The active targets."""

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with its group's name."""

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression."""


def job_of(component: str) -> str:
    """The scrape job of a component, which the label ``steward.dev/job`` of its Service and pods gives to Prometheus."""
    return f"steward-{component}"


def targets(component: str, found: Iterable[dict[str, Any]]) -> Finding:
    """Whether Prometheus scrapes the component, and gets an answer from each of its pods."""
    job = job_of(component)
    ours = [target for target in found if target["labels"].get("job") == job]
    if not ours:
        return Finding(
            "failed",
            "targets",
            job,
            "Prometheus has no such target",
            "Enable serviceMonitor or podMonitor in the chart's values, and give the monitor the labels that your Prometheus selects by "
            "(spec.serviceMonitorSelector; for kube-prometheus-stack `release: <its release>`).",
        )
    down = [target for target in ours if target["health"] != "up"]
    if down:
        waiting = all(target["health"] == "unknown" for target in down)
        errors = "; ".join(sorted({f"{target['scrapeUrl']}: {target['lastError'] or 'not scraped yet'}" for target in down}))
        fix = "Wait for the first scrape and ask again." if waiting else "See that the pod runs, and that no NetworkPolicy keeps Prometheus from it."
        return Finding("warning" if waiting else "failed", "targets", job, f"{len(down)} of {len(ours)} not up: {errors}", fix)
    return Finding("ok", "targets", job, f"{len(ours)} of {len(ours)} up")


def rules(names: Sequence[str], found: Iterable[dict[str, Any]]) -> Iterator[Finding]:
    """Whether the rules that read these metrics are loaded and can be evaluated."""
    ours = [rule for rule in found if reads(rule["query"], names)]
    if not ours:
        yield Finding(
            "failed",
            "rules",
            "rules",
            "Prometheus has loaded none that reads Steward's metrics",
            "Enable prometheusRule in the chart's values, and give it the labels that your Prometheus selects by (spec.ruleSelector).",
        )
        return
    bad = [rule for rule in ours if rule["health"] == "err"]
    for rule in bad:
        yield Finding(
            "failed",
            "rules",
            rule["name"],
            f"cannot be evaluated: {rule.get('lastError') or 'no reason given'}",
            "If the rule is the chart's, reinstall it with the version that the image has; if it is yours, mend its expression.",
        )
    waiting = sum(rule["health"] == "unknown" for rule in ours)
    if waiting:
        yield Finding("warning", "rules", "rules", f"{waiting} of {len(ours)} not evaluated yet", "Wait for an evaluation interval and ask again.")
    elif not bad:
        alerts = sum(rule["type"] == "alerting" for rule in ours)
        yield Finding("ok", "rules", "rules", f"{alerts} alerts and {len(ours) - alerts} recording rules are evaluated")


def metrics(component: str, declared: Sequence[str], found: Iterable[dict[str, Any]], source: Source) -> Iterator[Finding]:
    """Whether every metric that a rule reads, and those that are always there, have series of this component.

    Args:
        component: Name of the component.
        declared: Names of the metrics that it declares.
        found: The rules that are loaded.
        source: Prometheus.
    """
    read = {name for rule in found for name in reads(rule["query"], declared)}
    required = sorted(read | ALWAYS.intersection(declared))
    parts = "|".join(f"{re.escape(name)}(?:{'|'.join(_PARTS)})?" for name in required)
    selector = f"{{job={json.dumps(job_of(component))}, __name__=~{json.dumps(parts)}}}"
    present = {series["metric"]["__name__"] for series in source.query(f"count by (__name__) ({selector})")}
    missing = [name for name in required if not {name, f"{name}_bucket"} & present]
    for name in missing:
        yield Finding(
            "failed",
            "metrics",
            name,
            f"no series of job {job_of(component)}",
            "See that chart and image are of one version, and that no metricRelabelings drop it.",
        )
    if not missing:
        yield Finding("ok", "metrics", job_of(component), f"all {len(required)} that rules need have series")


def dashboards(queries: Iterable[Query], source: Source) -> Iterator[Finding]:
    """Whether Prometheus answers the queries of each dashboard. An empty answer is worth a look, and often right."""
    from steward.cli.prometheus import PrometheusError

    counts: dict[str, list[str]] = {}
    failed = set()
    for query in queries:
        empty = counts.setdefault(query.dashboard, [])
        try:
            series = source.query(query.expression)
        except PrometheusError as error:
            failed.add(query.dashboard)
            yield Finding("failed", "dashboards", f"{query.dashboard} / {query.panel}", str(error), "Install dashboards and image of one version.")
            continue
        if not series:
            empty.append(query.panel)
    for title, empty in counts.items():
        if empty:
            panels = ", ".join(dict.fromkeys(empty))
            yield Finding("warning", "dashboards", title, f"no data for: {panels}", "Normal where nothing of the kind has happened yet.")
        elif title not in failed:
            yield Finding("ok", "dashboards", title, "every query has an answer")


def reads(expression: str, names: Iterable[str]) -> set[str]:
    """Which of these metrics an expression reads; a part of a histogram counts as the histogram."""
    words = set(_WORD.findall(expression))
    words |= {word.removesuffix(part) for word in words for part in _PARTS}
    return words.intersection(names)
