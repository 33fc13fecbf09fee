"""What is written about metrics, and what a running program says of them."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import yaml
from prometheus_client.parser import text_string_to_metric_families

from support import boards, promql
from support.examples import examples

ALERTS = boards.DIRECTORY.parent / "alerts"
TARGET_LABELS = {"cluster", "namespace", "job", "instance", "pod"}
"""Added by Prometheus, not by the program."""


class Family(NamedTuple):
    """One metric as scraped: counters with ``_total``, histograms without the ending of their series."""

    type: str
    help: str
    labels: frozenset[str]
    buckets: tuple[float, ...]


def exported(text: str) -> dict[str, Family]:
    """The metrics of a scrape by name."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        bounds = sorted({float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels} - {float("inf")})
        found[name] = Family(family.type, family.documentation, labels, tuple(bounds))
    return found


@cache
def described(component: str) -> dict[str, dict[str, Any]]:
    """The metrics that a component declares, by name."""
    done = subprocess.run(["steward", "describe", component, "-o", "json"], check=True, capture_output=True, text=True)
    return {metric["name"]: metric for metric in json.loads(done.stdout)["metrics"]}


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of alerts/."""
    for path in sorted(ALERTS.rglob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def expressions() -> Iterator[tuple[str, str]]:
    """Everything written in PromQL, with where it stands: rules, panels, annotations and the examples of the docs."""
    for rule in rules():
        yield f"rule {rule.get('alert') or rule['record']}", rule["expr"]
    for uid, board in boards.boards().items():
        for panel in boards.panels(board):
            for target in panel["targets"]:
                yield f"{uid}: {panel['title']}", target["expr"]
    for example in examples():
        yield f"docs/promql.md: {example.question}", example.expression


def family_of(series: str, known: set[str]) -> str:
    """The metric that a series belongs to."""
    part = re.sub(r"_(bucket|sum|count)$", "", series)
    return part if part in known else series


def shown() -> set[str]:
    """Series on panels."""
    targets = [target for board in boards.boards().values() for panel in boards.panels(board) for target in panel["targets"]]
    return {name for target in targets for name, _ in promql.selectors(target["expr"])}


def not_shown() -> set[str]:
    """Metrics that are left out on purpose. Read from its file: by name, ``dashboards`` are the tests beside this directory."""
    return set(runpy.run_path(str(boards.DIRECTORY / "not_shown.py"))["NOT_SHOWN"])
