"""The queries of the dashboards: about our metrics, of what was chosen, and in the way counters and histograms are read.

What grafana/dashboard-linter asks for in its rules panel-datasource, panel-no-targets, target-promql, target-rate-interval, target-job and
target-counter-agg; the others of its rules are in test_dashboards.py.
"""

import re

import pytest
import yaml

from support import boards, promql

BOARDS = boards.boards()
TARGETS = [(uid, panel, target) for uid, board in BOARDS.items() for panel in boards.panels(board) for target in panel["targets"]]
RAW_COUNTERS = {"steward_informer_relists_total": "begins at 1 with the first list, so a rate would miss it"}
"""Counters that are shown as they are, with the reason."""

RECORDED = {
    rule["record"]
    for path in (boards.DIRECTORY.parent / "alerts").rglob("*.yaml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
}

each_target = pytest.mark.parametrize(
    ("panel", "target"),
    [(panel, target) for _, panel, target in TARGETS],
    ids=[f"{uid}-{panel['title']}-{target['refId']}" for uid, panel, target in TARGETS],
)


@each_target
def test_the_source_is_the_chosen_one(panel, target):
    assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@each_target
def test_series_are_named_by_labels_that_they_have(panel, target):
    """A label that was summed away is an empty name."""
    kept = {label for labels in re.findall(r"\bby \(([^)]*)\)", target["expr"]) for label in labels.split(", ")} | {"none"}

    assert target["legendFormat"]
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept


@each_target
def test_metrics_are_exported_and_of_the_chosen_clusters_and_jobs(panel, target):
    """Alerts have no job: they are made by Prometheus itself. What is recorded about objectives has none either, and the budget is one for all."""
    assert promql.undeclared(target["expr"]) <= RECORDED
    for name, matchers in promql.selectors(target["expr"]):
        if name == "slo:error_budget:ratio":
            continue
        assert matchers["cluster"] == "$cluster"
        assert name in promql.OTHERS or name.startswith("slo:") or matchers["job"] == "$job"


@each_target
def test_rates_fit_the_scrape(panel, target):
    """Over Grafana's own interval, which is four scrapes at least; what counts over the shown time takes all of it."""
    windows = set(re.findall(r"\b(?:rate|irate)\([^()]*\[([^\]]+)\]", target["expr"]))

    assert windows <= {"$__rate_interval"}
    assert set(re.findall(r"\bincrease\([^()]*\[([^\]]+)\]", target["expr"])) <= {"$__range"}


@each_target
def test_counters_are_read_as_rates(panel, target):
    """A counter as it is says how old the process is."""
    for counter in re.findall(r"\b(\w+(?:_total|_bucket|_sum|_count))\{", target["expr"]):
        assert counter in RAW_COUNTERS or re.search(rf"\b(rate|increase)\({counter}\{{", target["expr"])


@each_target
def test_quantiles_keep_the_bounds_of_buckets(panel, target):
    """Without `le` there is no quantile."""
    for by in re.findall(r"histogram_quantile\([0-9.]+, sum by \(([^)]*)\)", target["expr"]):
        assert "le" in by.split(", ")


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_annotations_read_our_metrics(board):
    """Lines in the graphs come from metrics that exist."""
    assert board["annotations"]["list"]
    for annotation in board["annotations"]["list"]:
        assert promql.undeclared(annotation["expr"]) == set()
