"""Program, rules, panels and docs agree about metrics: each compared with what a running program exports, both ways."""

import re
import subprocess

import pytest
from cluster.support.wait import until
from prometheus_client.parser import text_string_to_metric_families

from observability import facts
from observability.stage import policies
from observability.stage.admission import Admission
from observability.stage.operator import COMPONENTS, Operator, stop_all
from support import boards, helm, promql
from support.examples import examples

RECORDED = {rule["record"] for rule in facts.rules() if "record" in rule}
WRITTEN = list(facts.expressions())
ALERTS = {rule["alert"]: rule for rule in facts.rules() if "alert" in rule}
OF_THE_SCRAPE = {"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"}
"""What Prometheus itself adds to every target."""
each_component = pytest.mark.parametrize("component", COMPONENTS)
each_alert = pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)


@pytest.fixture(scope="module")
def scrapes(played):
    """What a replica of each component that works exports after the play, as text."""
    return {component: played.working(component).scrape() for component in COMPONENTS}


@pytest.fixture(scope="module")
def newborn(played, tmp_path_factory):
    """What a replica of each component exports that has done nothing yet."""
    directory = tmp_path_factory.mktemp("newborn")
    texts, started = {}, []
    for component in COMPONENTS:
        settings = Admission(directory).settings() if component == "webhook" else None
        operator = Operator(f"steward-{component}-newborn", played.kubeconfig, directory, component=component, settings=settings)
        operator.start()
        started.append(operator)
        until("it is ready", lambda operator=operator: operator.is_ready)
        texts[component] = operator.scrape()
        operator.begin_to_stop()
    stop_all(started)
    return texts


def samples(text):
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_what_is_written_about_is_exported(scrapes):
    """A panel, a rule or an example that reads a metric that nobody exports says nothing, and says it quietly."""
    exported = {sample.name for text in scrapes.values() for sample in samples(text)} | RECORDED | promql.OTHERS | OF_THE_SCRAPE

    assert [f"{where}: {name}" for where, expr in WRITTEN for name, _ in promql.selectors(expr) if name not in exported] == []


def test_what_is_exported_is_shown_or_left_out_on_purpose(scrapes):
    """A metric on no panel is found by nobody who is woken at night."""
    exported = {name for text in scrapes.values() for name in facts.exported(text)}
    shown = {facts.family_of(series, exported) for series in facts.shown()}

    assert exported - shown - facts.not_shown() == set()
    assert facts.not_shown() - exported == set(), "left out, but not exported any more"
    assert facts.not_shown() & shown == set(), "left out, but shown"


@each_component
def test_metrics_are_as_they_are_declared(scrapes, component):
    """Name, type, help, labels and buckets, of all that are declared and no others."""
    declared = facts.described(component)
    exported = facts.exported(scrapes[component])

    assert exported.keys() == declared.keys()
    for name, family in exported.items():
        fact = declared[name]
        assert (family.type, family.help) == (fact["type"], fact["help"]), name
        # A family without a series now has no labels to be seen.
        assert not family.labels or family.labels == set(fact["labels"]), name
        assert family.buckets == tuple(fact.get("buckets", ())), name


@each_component
def test_prometheus_has_nothing_against_the_metrics(scrapes, component):
    """promtool's own lint: names, types, units, help."""
    done = subprocess.run([helm.tool("promtool"), "check", "metrics"], input=scrapes[component], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@each_component
def test_prometheus_keeps_type_and_help(played, component):
    """What the query editor of Grafana shows beside a metric."""
    known = played.prometheus.metadata()
    # In OpenMetrics, which Prometheus asks for, a counter's family has no _total.
    found = {name: known.get(name) or known[name.removesuffix("_total")] for name in facts.described(component)}

    assert {name: (one[0]["type"], one[0]["help"]) for name, one in found.items()} == {
        name: (fact["type"], fact["help"]) for name, fact in facts.described(component).items()
    }


def test_every_rule_is_evaluated_without_a_word(played):
    """Alerts and recording rules, by a real Prometheus on real series."""
    rules = until("all were evaluated", lambda: (found := played.prometheus.rules()) and all(rule["health"] != "unknown" for rule in found) and found)

    assert {(rule["name"], rule.get("lastError", "")) for rule in rules if rule["health"] != "ok"} == set()
    assert {rule["name"] for rule in rules} == set(ALERTS) | RECORDED


@each_alert
def test_buckets_reach_beyond_the_thresholds(scrapes, rule):
    """A quantile is never more than the last bucket: a threshold above it would never be crossed."""
    exported = {name: family for text in scrapes.values() for name, family in facts.exported(text).items()}
    thresholds = [float(number) for number in re.findall(r"histogram_quantile\(.*?>=?\s*([0-9.eE+-]+)", rule["expr"], re.DOTALL)]
    ours = {name for name, _ in promql.selectors(rule["expr"]) if name.endswith("_bucket")} - promql.OTHERS
    for bucket in ours if thresholds else ():
        assert exported[bucket.removesuffix("_bucket")].buckets[-1] > max(thresholds)


def test_bounds_that_are_selected_exist(scrapes):
    """le="5" is not le="5.0" to Prometheus."""
    there = {(sample.name, sample.labels["le"]) for text in scrapes.values() for sample in samples(text) if "le" in sample.labels}
    asked = {(where, name, matchers["le"]) for where, expr in WRITTEN for name, matchers in promql.selectors(expr) if "le" in matchers}

    assert [one for one in asked if not any(name == one[1] and re.fullmatch(one[2], bound) for name, bound in there)] == []


@each_alert
def test_counters_of_alerts_exist_from_the_start(newborn, rule):
    """`increase()` does not see the first increment of a series that is born with it: what an alert counts is there at 0 before."""
    there = [sample for text in newborn.values() for sample in samples(text)]
    for name, matchers in promql.selectors(rule["expr"]):
        if not name.endswith("_total") or name in BORN_LATE or name in promql.OTHERS:
            continue
        own = {label: value for label, value in matchers.items() if label not in facts.TARGET_LABELS}
        assert any(
            sample.name == name and all(re.fullmatch(value, sample.labels.get(label, "")) for label, value in own.items()) for sample in there
        ), f"{name}{own}"


BORN_LATE = {"steward_kube_api_requests_total": "nobody knows before what the API server will answer; its alert has a ratio over many answers"}
"""Counters whose label sets cannot be known, with the reason."""


GOVERNANCE = [one for one in examples() if re.search(r"kube_devops_|devopspolicy_", one.expression)]
LOOKS_FOR_TROUBLE = re.compile(r"[<>]=? \d|fail_open_count")
"""Examples that are empty where all is well."""


@pytest.mark.parametrize("example", GOVERNANCE, ids=lambda example: example.question)
def test_an_example_about_governance_is_answered(played, example):
    """tests/cluster asks the others; on this stage pods are denied, policies are violated, and exemptions end."""
    found = played.prometheus.numbers(example.expression)

    assert found or LOOKS_FOR_TROUBLE.search(example.expression)


def test_two_replicas_count_a_pod_and_a_violation_once(played):
    """What a panel shows is what one of them says."""
    shown = {panel["title"]: panel["targets"][0]["expr"] for panel in boards.panels(boards.boards()["steward-governance"])}
    pods = played.working("watch").value("kube_devops_pods_tracked")
    audited = 'devopspolicy_enforcement_mode{namespace="crm",policy="baseline"}'

    assert len([one for one in played.operators if one.component == "watch"]) == 2
    assert played.prometheus.numbers(boards.filled(shown["Pods Tracked"])) == [pods]
    assert played.working("policy").value(audited) == 0
    assert sorted(played.prometheus.numbers(boards.filled(shown["Enforcement Mode"]))) == [0, 1]


def test_pods_are_denied_by_the_policy_that_enforces_alone(played):
    """As the API server says to those who make them, and as the metrics count it."""
    denied = {series["metric"]["namespace"] for series in played.prometheus.query("kube_devops_webhook_denials_total")}

    assert played.teams.denied
    assert denied == {policies.ENFORCED}
    assert played.prometheus.numbers('sum(kube_devops_webhook_requests_total{allowed="false"})') == [played.teams.denied]


def test_who_elects_no_leader_says_nothing_of_one(scrapes):
    """At 0 it would fire StewardNoLeader for ever."""
    leaders = {component: [sample.value for sample in samples(text) if sample.name == "steward_leader"] for component, text in scrapes.items()}

    assert leaders == {"headless": [1], "watch": [], "policy": [1], "webhook": []}


def test_series_vanish_with_what_they_are_about(played):
    """State is read at scrape time: when the last pod of a namespace is gone, so is the series of the namespace."""
    leader = played.working("headless")
    series = 'k8s_headless_service_operator_services{namespace="mail"}'
    assert leader.value(series)

    played.load.remove_namespace("mail")

    until(f"{series} is gone from the scrape", lambda: leader.value(series) is None)
    until("and from Prometheus", lambda: not played.prometheus.query(series), timeout=90)


def test_series_of_a_policy_vanish_with_it(played):
    """Those of its state, on every replica; what was counted stays."""
    policy = played.working("policy")
    series = 'devopspolicy_enforcement_mode{namespace="crm",policy="baseline"}'
    assert policy.value(series) == 0

    played.kube.ask("DELETE", f"{policies.POLICIES.format(policies.AUDITED)}/baseline")

    until(f"{series} is gone from the scrape", lambda: policy.value(series) is None)
    assert [line for line in policy.scrape().splitlines() if 'policy="baseline"' in line] == []
