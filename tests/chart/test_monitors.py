"""Prometheus scrapes every component once, under one job."""

import pytest

from support import helm
from support.paths import merge, nest

CHOICES = {
    "ServiceMonitor": {"serviceMonitor": {"enabled": True}},
    "PodMonitor": {"podMonitor": {"enabled": True}},
    "both": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
}


def endpoint(objects):
    """The one endpoint of the one monitor, and the monitor."""
    (monitor,) = helm.of_kind(objects, "ServiceMonitor") + helm.of_kind(objects, "PodMonitor")
    (found,) = monitor["spec"].get("endpoints", []) + monitor["spec"].get("podMetricsEndpoints", [])
    return monitor, found


NO_SERVICE = {"metrics": {"enabled": False}}
NO_KIND = {"serviceMonitor": {"renderMode": "ifPresent"}}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (CHOICES["ServiceMonitor"], "ServiceMonitor"),
        (CHOICES["PodMonitor"], "PodMonitor"),
        (CHOICES["both"], "ServiceMonitor"),
        (merge(CHOICES["both"], NO_SERVICE), "PodMonitor"),
        (merge(CHOICES["both"], NO_KIND), "PodMonitor"),
    ],
    ids=["service", "pod", "both", "both without a Service", "both without the kind"],
)
def test_one_monitor_is_created(values, kind):
    """Of two enabled monitors the ServiceMonitor wins where it can: no pod is scraped twice, and none is forgotten."""
    assert endpoint(helm.render(values))[0]["kind"] == kind


MONITORED = [name for name, values in helm.SCENARIOS.items() if {"serviceMonitor", "podMonitor"} & values.keys()]


@pytest.mark.parametrize("scenario", MONITORED)
def test_a_monitor_selects_one_service_or_the_pods(scenario):
    """Exactly one Service, or the pods of one Deployment and not those of the tests, have the labels; and they have the port."""
    objects = helm.render(helm.SCENARIOS[scenario], component=None)
    deployments = [pod for name, pod in helm.pods(objects) if name.startswith("Deployment/")]
    monitors = helm.of_kind(objects, "ServiceMonitor") + helm.of_kind(objects, "PodMonitor")

    for monitor in monitors:
        (found,) = monitor["spec"].get("endpoints", []) + monitor["spec"].get("podMetricsEndpoints", [])
        candidates = helm.of_kind(objects, "Service") if monitor["kind"] == "ServiceMonitor" else [pod for _, pod in helm.pods(objects)]
        (selected,) = chosen(monitor["spec"]["selector"]["matchLabels"], candidates)
        pods = chosen(selected["spec"]["selector"], deployments) if monitor["kind"] == "ServiceMonitor" else [selected]
        port = {port["name"]: port["targetPort"] for port in selected["spec"].get("ports", [])}.get(found["port"], found["port"])
        assert [True] == [port in {one["name"] for one in pod["spec"]["containers"][0]["ports"]} for pod in pods]
    assert len(monitors) == len(deployments)


def chosen(labels, objects):
    """Those that have the labels."""
    return [one for one in objects if labels.items() <= one["metadata"]["labels"].items()]


@pytest.mark.parametrize("choice", ["ServiceMonitor", "PodMonitor"])
@pytest.mark.parametrize("release", ["steward", "prod"])
def test_the_job_is_the_same_however_it_is_scraped(choice, release):
    """jobLabel names a label whose value is steward-<component>, on the Service and on the pods."""
    objects = helm.render(CHOICES[choice], release=release)
    monitor, _ = endpoint(objects)
    label = monitor["spec"]["jobLabel"]
    carrier = helm.only(objects, "Service") if choice == "ServiceMonitor" else helm.only(objects, "Deployment")["spec"]["template"]

    assert carrier["metadata"]["labels"][label] == "steward-headless"


@pytest.mark.parametrize("choice", ["ServiceMonitor", "PodMonitor"])
def test_labels_are_honoured_and_intervals_are_prometheus_own(choice):
    """`namespace` stays the object's; the scrape interval is nobody's business but Prometheus'."""
    assert endpoint(helm.render(CHOICES[choice]))[1] == {"port": "metrics", "path": "/metrics", "honorLabels": True}


@pytest.mark.parametrize("key", ["serviceMonitor", "podMonitor"])
def test_a_monitor_elsewhere_still_looks_here(key):
    """A monitor in Prometheus' namespace selects in the namespace of the pods."""
    monitor, _ = endpoint(helm.render({key: {"enabled": True, "namespace": "monitoring", "additionalLabels": {"release": "kps"}}}, namespace="ops"))

    assert monitor["metadata"]["namespace"] == "monitoring"
    assert monitor["metadata"]["labels"]["release"] == "kps"
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["ops"]}


@pytest.mark.parametrize("key", ["serviceMonitor", "podMonitor"])
def test_further_fields_are_merged_as_data(key):
    """endpointAdditionalProperties adds fields, and wins over those that have a value of their own."""
    extra = {"interval": "15s", "honorLabels": False, "params": {"name[]": ["up"]}}
    _, found = endpoint(helm.render({key: {"enabled": True, "interval": "30s", "endpointAdditionalProperties": extra}}))

    assert found == {"port": "metrics", "path": "/metrics", **extra}


KINDS = {"serviceMonitor": "ServiceMonitor", "podMonitor": "PodMonitor", "prometheusRule": "PrometheusRule"}


def has(kind):
    """What helm is told of a cluster that has a kind of Prometheus Operator."""
    return "--api-versions", f"monitoring.coreos.com/v1/{kind}"


@pytest.mark.parametrize(("key", "kind"), KINDS.items())
@pytest.mark.parametrize(
    ("mode", "present", "rendered"), [("always", False, True), ("ifPresent", False, False), ("ifPresent", True, True), ("failIfMissing", True, True)]
)
def test_when_a_kind_is_rendered(key, kind, mode, present, rendered):
    """By default in any case: `helm template` and Argo CD do not know the cluster's kinds. Another kind of the group does not count."""
    text = helm.text({key: {"enabled": True, "renderMode": mode}}, flags=has(kind) if present else has("Probe"))

    assert (f"kind: {kind}\n" in text) is rendered


@pytest.mark.parametrize(("key", "kind"), KINDS.items())
def test_a_missing_kind_can_be_an_error(key, kind):
    """Said with the mend."""
    with pytest.raises(
        helm.RenderError, match=f"{key}.renderMode: the cluster has no kind monitoring.coreos.com/v1/{kind}. Install Prometheus Operator"
    ):
        helm.render({key: {"enabled": True, "renderMode": "failIfMissing"}})


SECRET = {"name": "scrape", "key": "token"}
ENDPOINT = {
    "interval": "1m30s",
    "scrapeTimeout": "90s",
    "scheme": "https",
    "tlsConfig": {"insecureSkipVerify": True, "serverName": "steward", "ca": {"secret": SECRET}},
    "authorization": {"type": "Bearer", "credentials": SECRET},
    "basicAuth": {"username": SECRET, "password": SECRET},
    "params": {"name[]": ["up"]},
    "relabelings": [{"action": "labeldrop", "regex": "pod"}],
    "metricRelabelings": [{"sourceLabels": ["__name__"], "regex": "python_.*", "action": "drop"}],
    "honorLabels": False,
}
SPEC = {
    "podTargetLabels": ["team"],
    "sampleLimit": 10000,
    "targetLimit": 2,
    "labelLimit": 20,
    "labelNameLengthLimit": 64,
    "labelValueLengthLimit": 256,
    "bodySizeLimit": "10MB",
    "keepDroppedTargets": 5,
}
OF_SERVICES = {"serviceMonitor": ({"bearerTokenFile": "/token"}, {"targetLabels": ["team"]}), "podMonitor": ({}, {})}
"""What only a ServiceMonitor has: fields of the endpoint, and of the specification."""


@pytest.mark.parametrize("key", OF_SERVICES)
def test_every_field_of_a_monitor(key):
    """Each value stands in the field that Prometheus Operator has under the same name."""
    of_endpoint, of_spec = OF_SERVICES[key]
    monitor, found = endpoint(helm.render({key: {"enabled": True, **ENDPOINT, **SPEC, **of_endpoint, **of_spec}}))

    assert found == {"port": "metrics", "path": "/metrics", **ENDPOINT, **of_endpoint}
    assert merge(monitor["spec"], {**SPEC, **of_spec}) == monitor["spec"]


@pytest.mark.parametrize("key", ["targetLabels", "bearerTokenFile", "tlsConfig.caFile"])
def test_a_pod_monitor_has_no_files_and_no_labels_of_services(key):
    """Its kind does not have these fields, so neither has the schema."""
    with pytest.raises(helm.RenderError, match=key.rpartition(".")[2]):
        helm.render(nest(["podMonitor", *key.split(".")], "x"))


@pytest.mark.parametrize("key", ["serviceMonitor", "podMonitor"])
def test_further_fields_of_the_specification(key):
    """What has no value of its own is merged as data, and wins."""
    monitor, _ = endpoint(
        helm.render({key: {"enabled": True, "sampleLimit": 1, "specAdditionalProperties": {"scrapeClass": "tls", "sampleLimit": 2}}})
    )

    assert (monitor["spec"]["scrapeClass"], monitor["spec"]["sampleLimit"]) == ("tls", 2)


@pytest.mark.parametrize("key", KINDS)
def test_labels_have_two_names(key):
    """additionalLabels and labels are the same; other charts have the one or the other."""
    for name in ("additionalLabels", "labels"):
        objects = helm.render({key: {"enabled": True, name: {"release": "kps"}}})
        assert all(found["metadata"]["labels"]["release"] == "kps" for found in helm.of_kind(objects, KINDS[key]))


@pytest.mark.parametrize("key", ["serviceMonitor", "podMonitor"])
def test_the_job_can_come_from_another_label(key):
    """Any that what is scraped has; or from none, then the operator's default holds."""
    other, _ = endpoint(helm.render({key: {"enabled": True, "jobLabel": "app.kubernetes.io/name"}}))
    none, _ = endpoint(helm.render({key: {"enabled": True, "jobLabel": ""}}))

    assert other["spec"]["jobLabel"] == "app.kubernetes.io/name"
    assert "jobLabel" not in none["spec"]


def annotations(values):
    """Annotations of the Service that a Prometheus without the operator looks for."""
    service = helm.only(helm.render(values), "Service")
    return {key: value for key, value in service["metadata"].get("annotations", {}).items() if key.startswith("prometheus.io/")}


@pytest.mark.parametrize(
    ("values", "annotated"),
    [
        ({}, True),
        *((choice, False) for choice in CHOICES.values()),
        ({"metrics": {"prometheusAnnotations": False}}, False),
        (merge(CHOICES["ServiceMonitor"], NO_KIND), True),
    ],
    ids=["alone", *CHOICES, "not wanted", "monitor left out"],
)
def test_a_plain_prometheus_finds_the_service(values, annotated):
    """Where a monitor is created there is no annotation: two ways would scrape twice."""
    expected = {"scrape": "true", "scheme": "http", "port": "8080", "path": "/metrics"}

    assert annotations(values) == ({f"prometheus.io/{key}": value for key, value in expected.items()} if annotated else {})


def test_an_annotation_of_the_user_wins():
    """Such as that of somebody who scrapes by other means."""
    assert annotations({"metrics": {"service": {"annotations": {"prometheus.io/scrape": "false"}}}})["prometheus.io/scrape"] == "false"


def test_the_service_of_a_dual_stack_cluster():
    """Families as Kubernetes has them."""
    families = {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"]}
    service = helm.only(helm.render({"metrics": {"service": families}}), "Service")

    assert merge(service["spec"], families) == service["spec"]
    assert not families.keys() & helm.only(helm.render(), "Service")["spec"].keys()
