"""Prometheus Operator and a real Prometheus, on what the chart says to them."""

import json
import re
import subprocess
import time

import pytest
import yaml
from cluster.support.cluster import REPOSITORY, run
from cluster.support.prometheus import NAMESPACE, SERVICE
from cluster.support.wait import until
from demolib import workloads

from support import boards
from support.examples import examples

JOB = "steward-headless"
MONITORED = {
    "serviceMonitor": {"enabled": True, "interval": "2s"},
    "prometheusRule": {
        "enabled": True,
        # All else is as in production; only the patience is shorter.
        "rules": {"StewardComponentAbsent": {"for": "5s"}, "OperatorDown": {"for": "5s"}},
    },
    "dashboards": {"enabled": True},
}
OTHER = {
    "podMonitor": {"enabled": True, "interval": "2s"},
    # Two releases share a cluster when each has its own pods.
    "components": {"headless": {"config": {"podSelector": "served-by=other"}}},
}

EVERY = {"forbidLatestTag": True, "requireLivenessProbe": True, "requireReadinessProbe": True, "maxRestartCount": 3, "forbidPendingDuration": 300}
EXEMPTION = {"checks": ["missing_readiness"], "containers": ["sidecar"], "reason": "it has a check of its own", "expires": "2099-01-01T00:00:00Z"}
POLICIES = tuple(
    {"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": name}, "spec": spec}
    for name, spec in (
        ("audited", {**EVERY, "exemptions": [EXEMPTION]}),
        ("enforced", {"forbidLatestTag": True, "severityOverrides": {"latestTag": "critical"}, "enforcementMode": "enforce"}),
    )
)


@pytest.fixture(scope="module")
def release(releases, team, prometheus):
    """A release of all components that is scraped by ServiceMonitors, and has had something to do since."""
    release = releases("test-monitoring-steward", component=None)
    release.install(MONITORED)
    until_scraped(prometheus, release.namespace)
    team.apply(*POLICIES, workloads.bare("web", team.spec))
    team.until_answered("web", team.address("web"))
    until("a pod of an image without a tag is denied", lambda: is_denied(team))
    return release


def is_denied(team) -> bool:
    """Whether nobody can have a pod of an image without a tag; whoever asks before the policy is known gets one."""
    pod = json.dumps(workloads.bare("late", workloads.spec("registry.example.com/shop/web")))
    ended = run(["kubectl", "--namespace", team.namespace, "create", "-f", "-"], env=team.cluster.env, stdin=pod)
    team.delete("pod", "late")
    return "Denied by DevOpsPolicy" in ended.stderr


def until_scraped(prometheus, namespace):
    """The one target of a namespace, once its scrapes succeed."""

    def look():
        (target,) = prometheus.targets(JOB, namespace)
        assert "up" == target["health"], target["lastError"]
        return target

    def found():
        return look() if prometheus.targets(JOB, namespace) else None

    return until(f"job {JOB} has a target in {namespace} that is up", found, timeout=120)


def test_the_service_monitor_makes_a_target_that_is_up(prometheus, release):
    """Under the job that rules and dashboards expect, whatever the release is called, and once."""
    target = until_scraped(prometheus, release.namespace)

    assert target["scrapePool"].startswith(f"serviceMonitor/{release.namespace}/")


def test_the_pod_monitor_of_a_second_release_makes_a_target_that_is_up(prometheus, releases, release):
    """The same job, another way; the first release is scraped as before."""
    other = releases("test-monitoring-other", name="other")
    other.install(OTHER)

    target = until_scraped(prometheus, other.namespace)
    # Its target goes before its monitor: only then its series end at once, else Prometheus shows them for five minutes more.
    other.scale(0)
    until("its series have ended", lambda: not prometheus.query(f'steward_build_info{{namespace="{other.namespace}"}}'))
    other.uninstall()

    assert target["scrapePool"].startswith(f"podMonitor/{other.namespace}/")
    assert 1 == len(prometheus.targets(JOB, release.namespace))


def queries():
    """Every query of every dashboard, with the panel it stands in."""
    for uid, board in boards.boards().items():
        for panel in boards.panels(board):
            for target in panel["targets"]:
                yield pytest.param(target["expr"], id=f"{uid}: {panel['title']}, {target['refId']}")


@pytest.mark.parametrize("expression", list(queries()))
def test_every_query_of_a_dashboard_returns_data(prometheus, release, expression):
    """At least one series, and it has a number."""
    filled = boards.filled(expression)

    until(f"there is data for {filled}", lambda: prometheus.numbers(filled), timeout=60)


LOOKS_FOR_TROUBLE = re.compile(
    r"[<>]=? |== |offset 1d|30d:|code=|code!~|\"error\"|ALERTS|relists|retries_total|python_gc|k8s_headless_service_operator_skipped|delete"
)
"""Examples that are empty in a release that is well and young."""


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.question)
def test_every_example_of_the_docs_is_answered(prometheus, release, example):
    """Without an error; with data too, unless it looks for what a healthy release does not have."""
    if LOOKS_FOR_TROUBLE.search(example.expression):
        prometheus.query(example.expression)
    else:
        until(f"there is data for {example.expression}", lambda: prometheus.query(example.expression), timeout=60)


def test_every_rule_is_loaded_and_evaluates(prometheus, release):
    """All alerts of alerts/, no more and no less, and Prometheus has no word against any."""
    written = {
        rule["alert"]
        for path in (REPOSITORY / "alerts").glob("**/*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }

    def look():
        loaded = prometheus.alerts(release.namespace)
        assert written == loaded.keys()
        assert {("ok", "")} == {(rule["health"], rule.get("lastError", "")) for rule in loaded.values()}
        return True

    until("the rules are loaded and were evaluated", look, timeout=120)


@pytest.fixture
def through_the_api_server(cluster):
    """A way to Prometheus for a program on this machine, as a user without a port-forward has it."""
    proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], env=cluster.env, stdout=subprocess.PIPE, text=True)
    address = re.search(r"[\d.]+:\d+", proxy.stdout.readline())[0]
    yield f"http://{address}/api/v1/namespaces/{NAMESPACE}/services/{SERVICE}/proxy"
    proxy.terminate()
    proxy.communicate()


def test_steward_verify_finds_all_of_it(cluster, release, through_the_api_server):
    """Targets, rules, metrics, and the dashboards as they stand in the cluster."""
    dashboards = cluster.kubectl("get", "configmaps", "--namespace", release.namespace, "--selector", "grafana_dashboard", "--output", "json")

    def look():
        found = json.loads(
            cluster.run("steward", "verify", "--prometheus", through_the_api_server, "--dashboards", "-", "-o", "json", stdin=dashboards)
        )
        assert {"targets", "rules", "metrics", "dashboards"} == {finding["check"] for finding in found}
        assert "warning" not in {finding["status"] for finding in found}
        return True

    until("it has nothing to say", look, timeout=120)


def test_steward_verify_fails_for_what_is_not_there(cluster, release, through_the_api_server, tmp_path):
    """A query that the server refuses, as one from a newer version of the dashboards may be."""
    (tmp_path / "dashboard.json").write_text('{"title": "Newer", "panels": [{"title": "Rate", "targets": [{"expr": "no_such_function(up)"}]}]}')

    ended = run(["steward", "verify", "--prometheus", through_the_api_server, "--dashboards", tmp_path / "dashboard.json"], env=cluster.env)

    assert 1 == ended.code
    assert re.fullmatch(r"steward: 1 of \d+ checks failed\n", ended.stderr)
    assert "unknown function" in ended.stdout


@pytest.mark.timeout(600, func_only=True)
def test_a_component_that_stops_makes_the_alerts_on_absence_fire_until_it_is_back(prometheus, release, figure):
    """The pod goes, the series go with it, and both alerts tell: the one that knows where, and the one that knows no history."""
    alerts = [f'{{alertname="StewardComponentAbsent", component="headless", namespace="{release.namespace}"}}', '{alertname="OperatorDown"}']
    until("the rules are loaded", lambda: {"StewardComponentAbsent", "OperatorDown"} <= prometheus.alerts(release.namespace).keys(), timeout=120)
    others = f'steward_build_info{{namespace!="{release.namespace}"}}'
    until("nothing is left of another release that was scraped a while ago", lambda: not prometheus.query(others), timeout=330)
    assert [[], []] == [prometheus.firing(alert) for alert in alerts]

    began = time.monotonic()
    release.scale(0)
    for alert in alerts:
        until(f"{alert} fires", lambda alert=alert: prometheus.firing(alert), timeout=120)
    figure(f"from the component's stop to both alerts on its absence, `for` 5 s: {time.monotonic() - began:.0f} s")

    release.scale(1)
    for alert in alerts:
        until(f"{alert} is over", lambda alert=alert: not prometheus.firing(alert), timeout=120)
