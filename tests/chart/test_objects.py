"""The objects fit together, and Kubernetes would accept them."""

import kubernetes_validate
import pytest
import yaml

from support import helm
from support.paths import merge

CI = sorted((helm.CHART / "ci").glob("*-values.yaml"))
VERSIONS = ("1.29", "1.33", "1.36")
MONITORING = "monitoring.coreos.com/v1"


def values_of(path):
    """The values of a file that chart-testing installs."""
    return yaml.safe_load(path.read_text()) or {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [helm.ENABLED, *map(values_of, CI)], ids=["everything", *(path.stem for path in CI)])
def test_kubernetes_knows_every_field(values, version):
    """Each object is valid by the schemas of the oldest supported Kubernetes, one between, and the newest; unknown fields are errors."""
    objects = [found for found in helm.render(values) if found["apiVersion"] != MONITORING]

    assert objects
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)


def test_selectors_never_change():
    """A Deployment's selector cannot be changed by an upgrade, so nothing but the names of release, chart and component is in it."""
    odd = {
        "commonLabels": {"app.kubernetes.io/component": "x", "team": "y", "app.kubernetes.io/version": "z"},
        "podLabels": {"app.kubernetes.io/instance": "x", "steward.dev/job": "x"},
        "image": {"tag": "9"},
        "replicas": 2,
    }
    plain, changed = (helm.only(helm.render(values), "Deployment") for values in ({}, odd))
    expected = {"app.kubernetes.io/name": "steward", "app.kubernetes.io/instance": "steward", "app.kubernetes.io/component": "headless"}

    assert plain["spec"]["selector"] == changed["spec"]["selector"] == {"matchLabels": expected}
    assert expected.items() <= changed["spec"]["template"]["metadata"]["labels"].items()


def test_everything_that_selects_pods_selects_the_components():
    """Service, NetworkPolicy and PodDisruptionBudget select the pods of the Deployment, and not those of the tests."""
    objects = helm.render(helm.ENABLED)
    labels = helm.only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    test = helm.only(objects, "Pod")["metadata"]["labels"]
    selectors = [
        helm.only(objects, "Service")["spec"]["selector"],
        helm.only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        helm.only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]

    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= test.items()


def test_common_labels_and_annotations_reach_everything():
    """Every object and every pod carries them; the chart's own labels are not overwritten."""
    values = merge(helm.ENABLED, {"commonLabels": {"team": "a"}, "commonAnnotations": {"owner": "b"}})
    objects = helm.render(values)

    for metadata in [one["metadata"] for one in objects] + [pod["metadata"] for _, pod in helm.pods(objects)]:
        assert metadata["labels"]["team"] == "a"
        assert metadata["annotations"]["owner"] == "b"


def test_extra_objects_of_both_forms():
    """Maps and texts are templates, and stand beside the chart's own objects."""
    name = '{{ include "steward.fullname" . }}-extra'
    objects = helm.render(
        {
            "extraObjects": [
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}},
                f"apiVersion: v1\nkind: Endpoints\nmetadata: {{name: '{name}'}}\n",
            ]
        }
    )

    assert helm.only(objects, "Secret")["metadata"]["name"] == "steward-extra"
    assert helm.only(objects, "Endpoints")["metadata"]["name"] == "steward-extra"
