"""Prometheus scrapes every component once, under one job."""

import pytest

from support import helm

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


@pytest.mark.parametrize(("choice", "kind"), [("ServiceMonitor", "ServiceMonitor"), ("PodMonitor", "PodMonitor"), ("both", "ServiceMonitor")])
def test_one_monitor_is_created(choice, kind):
    """Of two enabled monitors the ServiceMonitor wins: no pod is scraped twice."""
    assert endpoint(helm.render(CHOICES[choice]))[0]["kind"] == kind


def test_the_service_monitor_selects_one_service():
    """Exactly one Service has the labels, the port is one of its ports, and its pods listen on it."""
    objects = helm.render(CHOICES["ServiceMonitor"])
    monitor, found = endpoint(objects)
    selector = monitor["spec"]["selector"]["matchLabels"].items()
    services = [service for service in helm.of_kind(objects, "Service") if selector <= service["metadata"]["labels"].items()]
    container = helm.only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]

    assert len(services) == 1
    (port,) = [port for port in services[0]["spec"]["ports"] if port["name"] == found["port"]]
    assert port["targetPort"] in {port["name"] for port in container["ports"]}


def test_the_pod_monitor_selects_the_pods():
    """The pods of the Deployment have the labels and the port; those of the tests have not."""
    objects = helm.render(CHOICES["PodMonitor"])
    monitor, found = endpoint(objects)
    template = helm.only(objects, "Deployment")["spec"]["template"]
    selector = monitor["spec"]["selector"]["matchLabels"].items()

    assert selector <= template["metadata"]["labels"].items()
    assert not selector <= helm.only(objects, "Pod")["metadata"]["labels"].items()
    assert found["port"] in {port["name"] for port in template["spec"]["containers"][0]["ports"]}


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


def test_a_monitor_is_rendered_whatever_the_cluster_knows():
    """What is enabled is rendered: `helm template` and Argo CD do not know the cluster's kinds."""
    assert "kind: ServiceMonitor" in helm.text(CHOICES["ServiceMonitor"], flags=("--kube-version", "1.29.0"))
