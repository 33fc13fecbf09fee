"""The objects fit together, and Kubernetes would accept them."""

import pytest

from support import helm
from support.kubeconform import Kubeconform
from support.paths import merge

VERSIONS = ("1.29", "1.33", "1.36")
"""The oldest supported Kubernetes, one between, and the newest."""


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """What kubeconform has against the objects of each scenario, by version."""
    files = {name: helm.render(values, component=None) for name, values in helm.SCENARIOS.items()}
    return {version: Kubeconform(tmp_path_factory.mktemp("kubeconform"), version).problems(files) for version in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scenario", helm.SCENARIOS)
def test_every_field_is_known(problems, scenario, version):
    """Each object is valid by the schemas of Kubernetes and of the operators that own its kind; unknown fields are errors."""
    assert problems[version][scenario] == []


def test_an_unknown_field_is_a_problem(tmp_path):
    """The check above can fail: on a field of Kubernetes, and on one of an operator."""
    objects = helm.render({"serviceMonitor": {"enabled": True}})
    helm.only(objects, "Deployment")["spec"]["replica"] = 1
    helm.only(objects, "ServiceMonitor")["spec"]["endpoints"][0]["honorLabel"] = True

    (of_monitor, of_deployment) = sorted(Kubeconform(tmp_path, "1.36").problems({"spoiled": objects})["spoiled"], reverse=True)
    assert "'replica' not allowed" in of_deployment
    assert "'honorLabel' not allowed" in of_monitor


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


def test_extra_objects_by_name():
    """As a map they can be said in several values files, and taken back by null; they come in the order of their names."""
    secret, kept = ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}} for name in ("b", "a"))
    objects = helm.render({"extraObjects": {"2": secret, "1": kept, "3": None}})

    assert ["a", "b"] == [found["metadata"]["name"] for found in helm.of_kind(objects, "Secret")]


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
