"""The tests that the original kube-devops lists for its metrics, Services, monitors and dashboard, by their names, against this program and chart.

Its `reconcile` is the component `policy`. Where ours differs on purpose, the test says so: one port 8080 with the metrics of every component,
health checks on another, and metrics with a prefix, whose former names alerts/compatibility records.
"""

import json
import sys
from functools import cache

import pytest
import urllib3
import yaml
from cluster.support.wait import until

from observability import facts
from observability.stage.admission import Admission
from observability.stage.operator import Operator
from observability.stage.process import Process
from support import boards, helm
from support.envtest import free_ports

MONITORED = {"serviceMonitor": {"enabled": True, "interval": "15s"}, "dashboards": {"enabled": True}}
PROTECTED = {**MONITORED, "metrics": {"tls": {"enabled": True}}}
COMPONENTS = ("watch", "policy", "webhook")
each_component = pytest.mark.parametrize("component", COMPONENTS)
METRICS = (
    "kube_devops_cluster_health_score",
    "kube_devops_namespace_health_score",
    "kube_devops_pod_events_total",
    "kube_devops_pods_tracked",
    "devopspolicy_reconcile_total",
    "devopspolicy_reconcile_errors_total",
    "devopspolicy_violations",
    "devopspolicy_health_score",
    "devopspolicy_remediations_applied_total",
    "devopspolicy_remediations_failed_total",
    "devopspolicy_enforcement_mode",
    "devopspolicy_pods_scanned_total",
    "devopspolicy_reconcile_duration_seconds",
    "devopspolicy_audit_results_total",
    "kube_devops_webhook_requests_total",
    "kube_devops_webhook_denials_total",
    "kube_devops_webhook_request_duration_seconds",
)
"""Its 18, two of which are one here: violations have their severity as a label."""
FORMER = (
    "cluster_health_score",
    "namespace_health_score",
    "pod_events_total",
    "pods_tracked_total",
    "devopspolicy_violations_total",
    "devopspolicy_violations_by_severity",
    "webhook_requests_total",
    "webhook_denials_total",
    "webhook_request_duration_seconds_bucket",
    "webhook_request_duration_seconds_count",
    "webhook_request_duration_seconds_sum",
)
"""Names that have changed; of the histogram that of each part. tests/alerts has the values that are recorded."""
KEPT = {
    "devopspolicy_reconcile_total": set(),
    "devopspolicy_reconcile_errors_total": set(),
    "devopspolicy_health_score": {"namespace", "policy"},
    "devopspolicy_remediations_applied_total": set(),
    "devopspolicy_remediations_failed_total": set(),
    "devopspolicy_enforcement_mode": {"namespace", "policy"},
    "devopspolicy_pods_scanned_total": set(),
    "devopspolicy_reconcile_duration_seconds": set(),
    "devopspolicy_audit_results_total": set(),
}
"""Names that have not changed, with the labels of the original."""

http = urllib3.PoolManager(timeout=10)


def get(address, path):
    """Status and body of an answer."""
    answer = http.request("GET", f"http://{address}{path}", retries=False)
    return answer.status, answer.data.decode()


class Alone:
    """A replica without an API server, until one is started where it looks for it."""

    def __init__(self, component, directory):
        (self._port,) = free_ports(1)
        self._directory = directory
        self._api = None
        access = directory / "kubeconfig"
        cluster = {"name": "gone", "cluster": {"server": f"http://127.0.0.1:{self._port}"}}
        context = {"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}
        access.write_text(
            json.dumps({"clusters": [cluster], "contexts": [context], "users": [{"name": "nobody", "user": {}}], "current-context": "gone"})
        )
        settings = Admission(directory).settings() if component == "webhook" else None
        self.operator = Operator(f"steward-{component}-alone", access, directory, component=component, settings=settings)

    def start(self):
        """It runs, and knows nothing."""
        self.operator.start()
        until("it answers", lambda: self.operator.value(f'steward_component_ready{{component="{self.operator.component}"}}') is not None)

    def start_api(self):
        fake = [sys.executable, "-m", "support.fakeapi", "--port", self._port]
        tests = boards.DIRECTORY.parent / "tests"
        self._api = Process(fake, self._directory / "fakeapi.log", {"PYTHONPATH": str(tests), "PATH": "/usr/bin:/bin"})

    def stop(self):
        self.operator.stop()
        if self._api:
            self._api.stop()


@pytest.fixture
def alone(request, tmp_path):
    """A replica of the component that the test names, `policy` if it names none."""
    one = Alone(getattr(request, "param", "policy"), tmp_path)
    one.start()
    yield one
    one.stop()


def of_component(kind, component, values=MONITORED):
    """The objects of a kind that belong to a component."""
    return [
        one
        for one in helm.of_kind(helm.render(values, component=None), kind)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    ]


def container_ports(service):
    """The ports of the pods that a Service sends to, by their names."""
    templates = [one["spec"]["template"] for one in helm.of_kind(helm.render(MONITORED, component=None), "Deployment")]
    (template,) = [one for one in templates if service["spec"]["selector"].items() <= one["metadata"]["labels"].items()]
    return {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}


def check_services(component, expected):
    """Labels of a component's Services, and their ports with those of the pods that they lead to."""
    services = of_component("Service", component)
    ports = {port["name"]: (port["port"], container_ports(one)[port["targetPort"]]) for one in services for port in one["spec"]["ports"]}

    assert all(one["metadata"]["labels"]["app.kubernetes.io/name"] == "steward" for one in services)
    assert ports == expected


def check_monitor(component, values=MONITORED):
    """The endpoint of a component's ServiceMonitor, which selects one Service, of that component, that has the port."""
    (monitor,) = of_component("ServiceMonitor", component, values)
    selector = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = [one for one in helm.of_kind(helm.render(values, component=None), "Service") if selector <= one["metadata"]["labels"].items()]
    (endpoint,) = monitor["spec"]["endpoints"]

    assert service in of_component("Service", component, values)
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert (endpoint["path"], endpoint["interval"], endpoint["honorLabels"]) == ("/metrics", "15s", True)
    return endpoint


@cache
def board():
    """The ConfigMap of the dashboard, and the dashboard in it."""
    (found,) = [one for one in helm.of_kind(helm.render(MONITORED, component=None), "ConfigMap") if "steward-governance.json" in one["data"]]
    return found, json.loads(found["data"]["steward-governance.json"])


def panels():
    """Every panel, those of closed rows too."""
    _, found = board()
    return [one for panel in found["panels"] for one in (panel, *panel.get("panels", [])) if one["type"] != "row"]


def declared(component, name):
    """What a component says of one of its metrics."""
    return facts.described(component)[name]


def test_reconcile_healthz_returns_ok(played):
    assert get(played.working("policy").health, "/healthz")[0] == 200


def test_reconcile_readyz_when_ready(played):
    """With filled caches; not, as in the original, after a first policy: a cluster may have none."""
    assert get(played.working("policy").health, "/readyz")[0] == 200


def test_reconcile_readyz_when_not_ready(alone):
    """It is alive all the same: a restart would not bring the API server back."""
    assert get(alone.operator.health, "/readyz")[0] == 503
    assert get(alone.operator.health, "/healthz")[0] == 200


def test_reconcile_metrics_returns_ok(played):
    status, body = get(played.working("policy").address, "/metrics")

    assert status == 200
    assert "devopspolicy_reconcile_total{" in body


def test_reconcile_unknown_route_returns_404(played):
    """On both ports."""
    policy = played.working("policy")

    assert [get(address, "/unknown")[0] for address in (policy.address, policy.health)] == [404, 404]


@each_component
def test_every_component_answers_at_its_endpoints(played, component):
    """Each has a server of its own, so what `policy` does proves nothing of the others."""
    one = played.working(component)
    status, body = get(one.address, "/metrics")

    assert {path: get(one.health, path)[0] for path in ("/healthz", "/readyz", "/unknown")} == {"/healthz": 200, "/readyz": 200, "/unknown": 404}
    assert status == 200
    assert facts.described(component).keys() == facts.exported(body).keys()
    assert get(one.address, "/unknown")[0] == 404


@pytest.mark.parametrize("alone", COMPONENTS, indirect=True)
def test_readiness_comes_with_the_api_server(alone):
    """In one process, which waits for it: not ready, alive, and ready as soon as it has read what it needs."""
    one = alone.operator
    born = one.value("process_start_time_seconds")
    before = {path: get(one.health, path)[0] for path in ("/healthz", "/readyz")}
    alone.start_api()
    until("it is ready", lambda: get(one.health, "/readyz")[0] == 200)

    assert before == {"/healthz": 200, "/readyz": 503}
    assert get(one.health, "/healthz")[0] == 200
    assert one.value("process_start_time_seconds") == born


def test_pods_scanned_metric_registered(played):
    """And it counts: the policies of the play have pods."""
    scanned = played.working("policy").value("devopspolicy_pods_scanned_total")

    assert declared("policy", "devopspolicy_pods_scanned_total")["type"] == "counter"
    assert scanned > 0


def test_reconcile_duration_metric_registered(played):
    measured = played.working("policy").value("devopspolicy_reconcile_duration_seconds_count")

    assert declared("policy", "devopspolicy_reconcile_duration_seconds")["type"] == "histogram"
    assert measured > 0


def test_pods_tracked_metric_registered(played):
    """A gauge, so without _total; that name is recorded for dashboards that know it."""
    assert declared("watch", "kube_devops_pods_tracked")["type"] == "gauge"
    assert played.working("watch").value("kube_devops_pods_tracked") > 0
    assert played.prometheus.numbers("pods_tracked_total")[0] > 0


def test_webhook_duration_metric_registered(played):
    measured = sum(one.value("kube_devops_webhook_request_duration_seconds_count") for one in played.operators if one.component == "webhook")

    assert declared("webhook", "kube_devops_webhook_request_duration_seconds")["type"] == "histogram"
    assert measured > 0


def test_service_watch_fields():
    check_services("watch", {"metrics": (8080, 8080)})


def test_service_reconcile_fields():
    """On 8080 as all components; the original had 9090 here."""
    check_services("policy", {"metrics": (8080, 8080)})


def test_service_webhook_fields():
    """Admission has TLS and a port of its own, 443 for the API server; metrics are where all components have them."""
    check_services("webhook", {"https": (443, 8443), "metrics": (8080, 8080)})


def test_service_monitor_watch_fields():
    assert check_monitor("watch").get("scheme", "http") == "http"


def test_service_monitor_reconcile_fields():
    assert check_monitor("policy").get("scheme", "http") == "http"


def test_service_monitor_webhook_uses_https():
    """Where metrics are protected, for this component as for all.

    A certificate that pods make themselves cannot be proved by Prometheus; one of cert-manager is, which the original never did.
    """
    issued = {**PROTECTED, "metrics": {"tls": {"enabled": True, "mode": "certManager", "certManager": {"issuerRef": {"name": "ca"}}}}}

    assert check_monitor("webhook", PROTECTED)["scheme"] == "https"
    assert check_monitor("webhook", PROTECTED)["tlsConfig"]["insecureSkipVerify"] is True
    assert "insecureSkipVerify" not in check_monitor("webhook", issued)["tlsConfig"]
    assert check_monitor("webhook", issued)["tlsConfig"]["ca"]["secret"]["key"] == "ca.crt"


@each_component
def test_all_services_parseable_yaml(component):
    """What helm prints is read, and read again the same."""
    services = of_component("Service", component)

    assert services
    assert yaml.safe_load(yaml.safe_dump(services)) == services
    assert {(one["apiVersion"], one["kind"]) for one in services} == {("v1", "Service")}


@each_component
def test_all_service_monitors_parseable_yaml(component):
    """tests/chart proves them against the schema of Prometheus Operator."""
    (monitor,) = of_component("ServiceMonitor", component)

    assert yaml.safe_load(yaml.safe_dump(monitor)) == monitor
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "ServiceMonitor")


def test_dashboard_configmap_valid_json():
    _, found = board()

    assert (found["uid"], found["schemaVersion"]) == ("steward-governance", 39)


def test_dashboard_has_panels():
    """Its 18 and the 3 of its last version, by their titles; and more."""
    titles = {panel["title"] for panel in panels()}

    assert len(titles) > len(ITS_PANELS)
    assert set(ITS_PANELS) - titles == set()


SCORE = "red, 40 orange, 60 yellow, 80 green"
ABOVE_ZERO = "green, 1e-09 red"
ITS_PANELS = {
    "Cluster Health Score": ("Overview", "stat", "percent", SCORE),
    "Reconcile Cycles": ("Overview", "timeseries", "ops", "green"),
    "Webhook Requests": ("Overview", "timeseries", "reqps", "green"),
    "Namespace Health Scores": ("Watch", "timeseries", "percent", SCORE),
    "Pod Events Rate": ("Watch", "timeseries", "ops", "green"),
    "Pods Tracked": ("Watch", "stat", "short", "blue"),
    "Violations by Namespace": ("Reconcile", "timeseries", "short", "green"),
    "Health Scores": ("Reconcile", "timeseries", "percent", SCORE),
    "Reconcile Rate": ("Reconcile", "timeseries", "ops", "green"),
    "Reconcile Errors": ("Reconcile", "timeseries", "ops", ABOVE_ZERO),
    "Reconcile Duration": ("Reconcile", "timeseries", "s", "green"),
    "Pods Scanned": ("Reconcile", "stat", "short", "blue"),
    "Remediations Applied": ("Reconcile", "timeseries", "ops", "green"),
    "Remediations Failed": ("Reconcile", "timeseries", "ops", ABOVE_ZERO),
    "Enforcement Mode": ("Reconcile", "stat", "none", "green"),
    "Allow/Deny Rate": ("Webhook", "timeseries", "reqps", "green"),
    "Denial Breakdown": ("Webhook", "timeseries", "reqps", "green"),
    "Request Latency": ("Webhook", "timeseries", "s", "green, 0.5 orange, 1 red"),
    "Violations by Severity": ("Severity & Audit", "timeseries", "short", "green"),
    "Audit Results Over Time": ("Severity & Audit", "timeseries", "short", "green"),
    "Critical Violations": ("Severity & Audit", "stat", "short", "green, 1 red"),
}
"""Row, type, unit and colours, the first from below and each other from its value upwards. Most of the original's had no unit and one scale, on
which a health of 80 was red."""


def colours(panel):
    """Its thresholds, as :data:`ITS_PANELS` writes them."""
    first, *others = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert first["value"] is None
    return ", ".join([first["color"], *(f"{step['value']:g} {step['color']}" for step in others)])


def rows():
    """The title of each panel's row."""
    _, found = board()
    title, by_panel = "", {}
    for panel in found["panels"]:
        if panel["type"] == "row":
            title = panel["title"]
        by_panel |= {one["title"]: title for one in (panel, *panel.get("panels", []))}
    return by_panel


@pytest.mark.parametrize("title", ITS_PANELS)
def test_a_panel_of_the_original_has_its_row_type_unit_and_colours(title):
    (panel,) = [one for one in panels() if one["title"] == title]

    assert (rows()[title], panel["type"], panel["fieldConfig"]["defaults"]["unit"], colours(panel)) == ITS_PANELS[title]


@pytest.mark.parametrize("title", [title for title, expected in ITS_PANELS.items() if ABOVE_ZERO in expected])
def test_a_line_of_failures_is_red_above_zero_alone(title):
    """By the highest that is shown, so one that is over stays red as long as it is seen."""
    (panel,) = [one for one in panels() if one["title"] == title]

    assert panel["fieldConfig"]["defaults"]["color"] == {"mode": "thresholds", "seriesBy": "max"}
    assert panel["fieldConfig"]["overrides"] == []


@pytest.mark.parametrize("title", [title for title, expected in ITS_PANELS.items() if SCORE in expected])
def test_a_health_score_is_shown_from_0_to_100(title):
    (panel,) = [one for one in panels() if one["title"] == title]

    assert [panel["fieldConfig"]["defaults"][end] for end in ("min", "max")] == [0, 100]


def test_the_enforcement_mode_is_shown_by_its_name():
    """The metric has 0 and 1."""
    (panel,) = [one for one in panels() if one["title"] == "Enforcement Mode"]
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]

    assert mapping["type"] == "value"
    assert {value: shown["text"] for value, shown in mapping["options"].items()} == {"0": "audit", "1": "enforce"}


def test_dashboard_configmap_has_grafana_label():
    found, _ = board()

    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_a_former_name_is_kept_or_recorded():
    """Never both, which would be two metrics in one."""
    recorded = {rule["record"] for rule in facts.rules() if "record" in rule}

    assert len(KEPT) + len({name.removesuffix("_bucket") for name in FORMER if not name.endswith(("_count", "_sum"))}) == 18
    assert set(FORMER) - recorded == set()
    assert set(KEPT) & recorded == set()


@pytest.mark.parametrize("name", KEPT)
def test_a_label_that_a_kept_name_has_more_is_written_beside_the_rules(name):
    """A panel of the original's time shows several lines for it, and no rule can sum a metric into its own name."""
    text = (boards.DIRECTORY.parent / "alerts" / "compatibility" / "policy.yaml").read_text()
    more = set(declared("policy", name)["labels"]) - KEPT[name]

    assert KEPT[name] <= set(declared("policy", name)["labels"])
    assert [label for label in more if f"{name}{{{label}}}" not in text] == []


def test_dashboard_references_all_metrics():
    """All that it had, and under which names they can be had for dashboards of its time."""
    asked = " ".join(target["expr"] for panel in panels() for target in panel["targets"])

    assert [name for name in METRICS if name not in asked] == []
