"""What every rule keeps to, alert or recording: its form from the YAML, its meaning from the syntax tree of its expression.

promtool and pint check what they know; the rest stands here. A rule that is wrong in one of these ways looks right until the day it is needed:
it never fires, or always, or is a new alert each minute.
"""

import re
import subprocess
from collections import Counter

import promql_parser
import pytest
import yaml

from support import helm, promql

ROOT = helm.CHART.parent
FILES = sorted((ROOT / "alerts").glob("**/*.yaml"))
GROUPS = [(path, group) for path in FILES for group in yaml.safe_load(path.read_text())["groups"]]
RULES = [(path, rule) for path, group in GROUPS for rule in group["rules"]]
ALERTS = [(path, rule) for path, rule in RULES if "alert" in rule]
RECORDS = [(path, rule) for path, rule in RULES if "record" in rule]
RECORDED = {rule["record"] for _, rule in RECORDS}

OF_THE_ORIGINAL = {"HighServiceCreationErrorRate", "OperatorDown"}
"""Alerts of the original operator keep their names."""
PREFIX = {"common": "Steward", "headless": "Headless", "watch": "KubeDevops", "policy": "DevOpsPolicy", "webhook": "KubeDevopsWebhook"}
IDENTITY = {
    "cluster", "namespace", "component", "controller", "queue", "resource", "instance", "operation", "reason", "policy", "type", "certificate"
}  # fmt: skip
"""What tells one alert from another. Anything else, such as a version, would make a new alert when it changes."""
OVER_TIME = {"rate", "increase", "deriv", "delta", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time"}
ONLY_TELLS = {"watch", "policy"}
"""Components that report, and that nothing waits for."""
LONGEST_FOR = {"critical": 15 * 60, "warning": 60 * 60, "info": 60 * 60}
"""Seconds. What is critical and waits longer has done its harm when somebody hears of it."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
each_alert = pytest.mark.parametrize(("path", "rule"), ALERTS, ids=[rule["alert"] for _, rule in ALERTS])
each_record = pytest.mark.parametrize(
    ("path", "rule"), RECORDS, ids=[":".join([rule["record"], *rule.get("labels", {}).values()]) for _, rule in RECORDS]
)
each_rule = pytest.mark.parametrize(
    ("path", "rule"), RULES, ids=[rule.get("alert") or ":".join([rule["record"], *rule.get("labels", {}).values()]) for _, rule in RULES]
)


def of_type(expr, *types):
    """The nodes of these types."""
    return [node for node in promql.nodes(expr) if isinstance(node, types)]


def seconds(duration):
    """Seconds of a duration such as 10m."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def windows(expr):
    """The ranges that an expression looks back over, in seconds."""
    return [node.range.total_seconds() for node in of_type(expr, promql_parser.MatrixSelector)]


def bare(expr):
    """Names of the metrics that an expression reads at one moment, outside any function over time."""
    ranged = [node.vector_selector for node in of_type(expr, promql_parser.MatrixSelector)]
    names = Counter(node.name for node in of_type(expr, promql_parser.VectorSelector))
    return names - Counter(node.name for node in ranged)


def unwrapped(node):
    """A node without the parentheses around it."""
    return unwrapped(node.expr) if isinstance(node, promql_parser.ParenExpr) else node


# The form of the files.


@each_file
def test_pint_finds_nothing(path):
    """As tests/alerts/pint.hcl says: annotations, aggregations that keep the cluster and the namespace, comparisons, regular expressions."""
    done = subprocess.run(
        [
            helm.tool("pint"),
            "--no-color",
            "--offline",
            "--config",
            "tests/alerts/pint.hcl",
            "lint",
            "--min-severity=info",
            "--fail-on=info",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_old_and_new_prometheus_read_is_used():
    """Prometheus 2.42 refuses labels of groups; a name outside [a-z_:] needs quotes, which it does not know."""
    for _, group in GROUPS:
        assert group.keys() <= {"name", "rules", "interval"}
    for _, rule in RULES:
        names = [rule.get("record", "x"), *(name for name, _ in promql.selectors(rule["expr"]))]
        assert all(re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name) for name in names)


@each_file
def test_no_threshold_is_lost_to_yaml(path):
    """On one line with its key, or folded, a marker would be a comment of YAML; and each names one number."""
    written = re.findall(r"^ +[^#\n]*[0-9] # \$(\w+)$", path.read_text(), flags=re.MULTILINE)
    read = [marker for _, rule in RULES if _ == path for marker in re.findall(r"# \$(\w+)", rule["expr"])]

    assert written == read
    for _, rule in RULES:
        markers = re.findall(r"(\S+?)\)* # \$(\w+)$", rule["expr"], flags=re.MULTILINE)
        assert len({name for _, name in markers}) == len(markers)
        assert all(re.fullmatch(r"-?[0-9.]+", number) for number, _ in markers)


def test_names_are_unique():
    """The chart changes alerts and groups by name, so a name must mean one of them."""
    assert [name for name, count in Counter(rule["alert"] for _, rule in ALERTS).items() if count > 1] == []
    assert [name for name, count in Counter(group["name"] for _, group in GROUPS).items() if count > 1] == []


# What an alert says.


@each_alert
def test_the_name_begins_with_the_component(path, rule):
    """In CamelCase, so that one sees in a list of all alerts of a company whose it is."""
    assert re.fullmatch(r"([A-Z][a-z]*|API)+", rule["alert"])
    assert rule["alert"].startswith(PREFIX[path.stem]) or rule["alert"] in OF_THE_ORIGINAL


@each_alert
def test_an_alert_waits_or_looks_back(path, rule):
    """What is no event waits; what is one looks back over some time already, and must not end with the window."""
    severity = rule["labels"]["severity"]
    if "for" in rule:
        assert seconds(rule["for"]) <= LONGEST_FOR[severity]
    else:
        assert min(windows(rule["expr"]), default=0) >= 600 or all("slo:" in name for name in bare(rule["expr"]))
        assert "keep_firing_for" in rule or path.parent.name == "slo"


@each_alert
def test_labels_are_fixed_and_few(path, rule):
    """Severity and component. A label that changes makes a new alert each time."""
    assert rule["labels"]["severity"] in LONGEST_FOR
    assert rule["labels"].keys() == ({"severity"} if path.stem == "common" else {"severity", "component"})
    assert rule["labels"].get("component", path.stem) == path.stem
    assert not any("{{" in value for value in rule["labels"].values())


@each_alert
def test_the_texts_say_what_and_where(path, rule):
    """A summary that can stand in a subject line, and a description with what is concerned; numbers as people write them."""
    summary, description = rule["annotations"]["summary"], rule["annotations"]["description"]

    assert rule["annotations"].keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "{{" not in summary
    assert summary.endswith(".")
    assert len(summary) <= 80
    assert "$labels.namespace" in description or rule["expr"].startswith("absent(")
    for name, form in (("ratio", "humanizePercentage"), ("seconds", "humanizeDuration")):
        if f"# ${name}\n" in rule["expr"] + "\n" and "$value" in description:
            assert f"$value | {form}" in description


@each_alert
def test_the_texts_name_no_duration(path, rule):
    """`for` can be changed by a value; a text that repeats it would then lie."""
    texts = rule["annotations"]["summary"] + rule["annotations"]["description"]

    assert not any(unit in texts for unit in ("minute", "second", "hour"))


# What an expression means.


@each_rule
def test_every_metric_is_declared_by_the_program(path, rule):
    """Or recorded by a rule. One on a metric that nobody exports, or no longer under this name, can never fire."""
    assert promql.undeclared(rule["expr"]) - RECORDED == set()


@each_alert
def test_an_alert_is_told_apart_by_where_and_what(path, rule):
    """Each result has its cluster and namespace, and nothing that changes while the trouble lasts. Absence has no labels at all."""
    found = promql.labels(promql.nodes(rule["expr"])[0])
    if rule["expr"].startswith("absent("):
        assert found == set()
        return
    assert found is not None, "a raw series has labels that change, such as a version"
    assert {"cluster", "namespace"} <= found
    assert {label for label in found if not label.startswith("sloth_")} <= IDENTITY
    assert path.stem != "common" or "component" in found


@each_rule
def test_an_aggregation_says_what_it_keeps(path, rule):
    """`without` and a bare sum keep what somebody adds later, or nothing; topk changes its labels all the time."""
    for node in of_type(rule["expr"], promql_parser.AggregateExpr):
        assert str(node.op) not in ("topk", "bottomk", "limitk")
        assert node.modifier is not None
        assert node.modifier.type == promql_parser.AggModifierType.By
        assert "cluster" in node.modifier.labels


@each_rule
def test_a_share_has_a_denominator_above_zero(path, rule):
    """0 / 0 is NaN, which no comparison catches. The error budget is a constant, and never 0."""
    for node in of_type(rule["expr"], promql_parser.BinaryExpr):
        if str(node.op) == "/":
            denominator = unwrapped(node.rhs)
            is_constant = isinstance(denominator, promql_parser.VectorSelector | promql_parser.Call) and "slo:" in str(denominator)
            is_constant |= "count_over_time" in str(denominator)
            assert is_constant or (isinstance(denominator, promql_parser.BinaryExpr) and str(denominator.op) == ">"), denominator


@each_alert
def test_a_share_or_a_quantile_counts_from_some_events_on(path, rule):
    """One error of one event is 100 %, and no reason to call anybody."""
    shares = [node for node in of_type(rule["expr"], promql_parser.BinaryExpr) if str(node.op) == "/" and "rate(" in str(node)]
    quantiles = [node for node in of_type(rule["expr"], promql_parser.Call) if node.func.name == "histogram_quantile"]
    if (shares and "_errors" not in rule["expr"] and 'status="success"' not in rule["expr"]) or quantiles:
        assert re.search(r"increase\(.*\n?.*>= [0-9]+ # \$min", rule["expr"], flags=re.DOTALL)


@each_alert
def test_a_gauge_is_read_over_some_time(path, rule):
    """Read at one moment, one failed scrape would hide a state or make one up. What only says that something exists may be."""
    gauges = {name for name in bare(rule["expr"]) if promql.types().get(name) == "gauge" or name == "up"}

    assert gauges <= {"steward_build_info"}


@each_rule
def test_counters_are_read_as_counters_and_gauges_as_gauges(path, rule):
    """The rate of a gauge is nonsense, and a bare counter tells when the process started."""
    for node in of_type(rule["expr"], promql_parser.Call):
        metrics = {found.vector_selector.name for found in node.args if isinstance(found, promql_parser.MatrixSelector)}
        kinds = {promql.types()[name] for name in metrics if name in promql.types()}
        if node.func.name in ("rate", "increase", "irate"):
            assert kinds == {"counter"} or metrics <= promql.OTHERS
        elif metrics:
            assert "counter" not in kinds
    # What is recorded under an older name is still a counter.
    assert path.parent.name == "compatibility" or [name for name in bare(rule["expr"]) if promql.types().get(name) == "counter"] == []


@each_alert
def test_job_names_are_not_relied_upon(path, rule):
    """A job is called as whoever scrapes likes; our metrics say themselves which component they are of. `up` does not."""
    for metric, matchers in promql.selectors(rule["expr"]):
        assert (metric == "up") is ("job" in matchers)
        assert metric != "up" or rule["alert"] == "StewardTargetDown"


def test_each_component_has_one_alert_on_its_absence():
    """When its metrics are gone all its other alerts are silent. It waits for more than two scrapes of a minute.

    It is critical where the cluster feels it: names that are not written, pods that are admitted unseen or not at all.
    """
    absences = {path.stem: rule for path, rule in ALERTS if "absent(" in rule["expr"]}

    assert absences.keys() == {path.stem for path in FILES} - {"common"}
    for name, rule in absences.items():
        assert rule["expr"] == f'absent(steward_build_info{{component="{name}"}})'
        assert rule["labels"]["severity"] == ("warning" if name in ONLY_TELLS else "critical")
        assert seconds(rule["for"]) > 120


def test_common_alerts_can_be_narrowed():
    """Every selector of the common alerts has the matcher that the chart replaces by the enabled components."""
    for path, rule in ALERTS:
        if path.stem == "common":
            ours = [matchers for metric, matchers in promql.selectors(rule["expr"]) if metric != "up"]
            assert all(matchers.get("component") == ".+" for matchers in ours)
            assert rule["expr"].count('component=~".+"') == len(ours)


@each_record
def test_a_recorded_name_says_its_level_metric_and_operation(path, rule):
    """level:metric:operations, the level being the labels that are kept. Known exceptions: Sloth's names, and those of the original operators."""
    if rule["record"].startswith("slo:") or path.parent.name == "compatibility":
        return
    level, metric, operations = rule["record"].split(":")

    assert level == "_".join(sorted(promql.labels(promql.nodes(rule["expr"])[0]), key=["cluster", "namespace", "component"].index))
    assert not metric.endswith("_total")
    assert operations
