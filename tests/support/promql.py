"""What an expression of PromQL reads, from its syntax tree."""

from __future__ import annotations

import json
import re
import subprocess
from functools import lru_cache

import promql_parser
import yaml

from support import helm

HISTOGRAM_PARTS = ("bucket", "sum", "count")
OTHERS = {"ALERTS"}
"""Metrics that Prometheus itself makes."""


def selectors(expr: str) -> list[tuple[str, dict[str, str]]]:
    """Each selected metric with the values of its matchers by label.

    Grafana's variables for ranges are replaced first; those inside matchers are texts and need not be.
    """
    found: list[tuple[str, dict[str, str]]] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name or "", {matcher.name: matcher.value for matcher in node.matchers.matchers}))

    promql_parser.walk(promql_parser.parse(re.sub(r"\$__(rate_interval|range|interval)", "5m", expr)), pre_visit=visit)
    return found


def undeclared(expr: str) -> set[str]:
    """Metrics that an expression reads and no component of the program declares."""
    known = declared()
    return {name for name, _ in selectors(expr) if name not in known | OTHERS}


@lru_cache
def declared() -> frozenset[str]:
    """Names of all series of all components, as ``steward describe`` says; a histogram has three."""
    names: set[str] = set()
    for component in yaml.safe_load((helm.CHART / "values.yaml").read_text())["components"]:
        done = subprocess.run(["steward", "describe", component, "-o", "json"], check=True, capture_output=True, text=True)
        for metric in json.loads(done.stdout)["metrics"]:
            parts = HISTOGRAM_PARTS if metric["type"] == "histogram" else ()
            names |= {f"{metric['name']}_{part}" for part in parts} or {metric["name"]}
    return frozenset(names)
