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
OTHERS = {
    "ALERTS",
    "up",
    "apiserver_admission_webhook_admission_duration_seconds_bucket",
    "apiserver_admission_webhook_admission_duration_seconds_count",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
}
"""Metrics that Prometheus itself makes, and those in which the API server tells how it fares with webhooks."""


def nodes(expr: str) -> list[promql_parser.Expr]:
    """Every node of the syntax tree, the root first."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expr), pre_visit=found.append)
    return found


def labels(expr: promql_parser.Expr) -> set[str] | None:
    """The labels of the series an expression gives, as far as it says so: None stands for all that the metric has."""
    match expr:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return labels(expr.expr)
        case promql_parser.AggregateExpr():
            return _aggregated(expr)
        case promql_parser.BinaryExpr():
            return _matched(expr)
        case promql_parser.Call():
            return _called(expr)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return set()
    return None


def _aggregated(expr: promql_parser.AggregateExpr) -> set[str] | None:
    if expr.modifier is None:
        return set()
    if expr.modifier.type == promql_parser.AggModifierType.By:
        return set(expr.modifier.labels)
    inner = labels(expr.expr)
    return None if inner is None else inner - set(expr.modifier.labels)


def _matched(expr: promql_parser.BinaryExpr) -> set[str] | None:
    is_scalar = isinstance(expr.lhs, promql_parser.NumberLiteral) or (isinstance(expr.lhs, promql_parser.Call) and expr.lhs.func.name == "time")
    return labels(expr.rhs if is_scalar else expr.lhs)


def _called(expr: promql_parser.Call) -> set[str] | None:
    if expr.func.name in ("absent", "absent_over_time", "vector", "scalar", "time"):
        return set()
    vectors = [argument for argument in expr.args if not isinstance(argument, promql_parser.NumberLiteral | promql_parser.StringLiteral)]
    inner = labels(vectors[0]) if vectors else set()
    return inner - {"le"} if inner is not None and expr.func.name == "histogram_quantile" else inner


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


def declared() -> frozenset[str]:
    """Names of all series of all components, as ``steward describe`` says; a histogram has three."""
    return frozenset(types())


@lru_cache
def types() -> dict[str, str]:
    """Type of each series of all components: ``counter`` or ``gauge``; the parts of a histogram are counters."""
    found: dict[str, str] = {}
    for component in yaml.safe_load((helm.CHART / "values.yaml").read_text())["components"]:
        done = subprocess.run(["steward", "describe", component, "-o", "json"], check=True, capture_output=True, text=True)
        for metric in json.loads(done.stdout)["metrics"]:
            if metric["type"] == "histogram":
                found |= {f"{metric['name']}_{part}": "counter" for part in HISTOGRAM_PARTS}
            else:
                found[metric["name"]] = metric["type"]
    return found
