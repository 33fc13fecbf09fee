"""Dashboards reach Grafana's sidecar as they are."""

import json

import pytest

from support import helm
from support.paths import merge

ON = {"dashboards": {"enabled": True}}
FILES = {path.name: json.loads(path.read_text()) for path in (helm.CHART / "files" / "dashboards").glob("*.json")}


def config_maps(values=ON):
    """The ConfigMaps with dashboards."""
    return [found for found in helm.of_kind(helm.render(values, component=None), "ConfigMap") if "config.yaml" not in found["data"]]


def test_every_dashboard_has_a_config_map_of_its_own():
    """One each, because a ConfigMap has a size limit; the key is the file's name, because the sidecar puts all of them into one folder."""
    found = {key: json.loads(text) for one in config_maps() for key, text in one["data"].items()}

    assert found == FILES
    assert all(len(one["data"]) == 1 for one in config_maps())
    assert all(len(json.dumps(one)) < 200_000 for one in config_maps())


def test_the_label_is_a_text():
    """The sidecar of kube-prometheus-stack looks for grafana_dashboard="1"."""
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "1" for one in config_maps())


def test_label_folder_and_namespace_can_be_chosen():
    """The names that a sidecar was configured with, the folder, and the namespace it looks in."""
    values = {
        "additionalLabels": {"team": "a"},
        "label": "board",
        "labelValue": "yes",
        "namespace": "grafana",
        "folder": "Team A",
        "folderAnnotation": "k8s-sidecar-target-directory",
    }
    for one in config_maps(merge(ON, {"dashboards": values})):
        assert one["metadata"]["labels"]["board"] == "yes"
        assert one["metadata"]["labels"]["team"] == "a"
        assert "grafana_dashboard" not in one["metadata"]["labels"]
        assert one["metadata"]["namespace"] == "grafana"
        assert one["metadata"]["annotations"] == {"k8s-sidecar-target-directory": "Team A"}


def grafana_dashboards(**values):
    """The GrafanaDashboards for values of grafanaOperator."""
    values = merge(ON, {"dashboards": {"namespace": "grafana", "folder": "Team A", "grafanaOperator": {"enabled": True, **values}}})
    return helm.of_kind(helm.render(values, component=None), "GrafanaDashboard")


def test_grafana_operator_reads_the_config_maps():
    """Each refers to the ConfigMap of the same name in its own namespace, because the operator looks nowhere else."""
    maps = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): set(one["data"])
        for one in config_maps(merge(ON, {"dashboards": {"namespace": "grafana"}}))
    }
    found = grafana_dashboards(matchLabels={"dashboards": "grafana"}, resyncPeriod="1h")

    assert len(found) == len(FILES)
    for one in found:
        reference = one["spec"]["configMapRef"]
        assert {reference["key"]} == maps[one["metadata"]["namespace"], reference["name"]]
        assert one["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}
        assert one["spec"]["allowCrossNamespaceImport"] is True
        assert one["spec"]["resyncPeriod"] == "1h"


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, {"folder": "Team A"}), ({"folderUID": "abc"}, {"folderUID": "abc"}), ({"folderRef": "team-a"}, {"folderRef": "team-a"})],
    ids=["name", "uid", "reference"],
)
def test_grafana_operator_takes_one_folder(values, expected):
    """The name that the sidecar takes too, or what says it more exactly; the operator refuses two."""
    for one in grafana_dashboards(**values):
        assert {key: value for key, value in one["spec"].items() if key.startswith("folder")} == expected


def test_without_labels_every_grafana_is_selected():
    """An empty map, which the operator takes for all; the field itself must be there."""
    assert all(one["spec"]["instanceSelector"] == {"matchLabels": {}} for one in grafana_dashboards())


@pytest.mark.parametrize("name", [name.removeprefix("steward-").removesuffix(".json") for name in FILES])
def test_each_dashboard_can_be_left_out(name):
    """Only that one is gone."""
    found = {key for one in config_maps(merge(ON, {"dashboards": {"disabled": {name: True}}})) for key in one["data"]}

    assert found == FILES.keys() - {f"steward-{name}.json"}


@pytest.mark.parametrize(
    ("component", "left_out"), [("headless", "governance"), ("watch", "headless")], ids=["of several components", "of one component"]
)
def test_a_dashboard_goes_with_the_last_of_its_components(component, left_out):
    """A board of what is not installed would be empty for ever."""
    found = {key for one in config_maps(merge(ON, helm.alone(component))) for key in one["data"]}

    assert found == FILES.keys() - {f"steward-{left_out}.json"}


def test_an_unknown_dashboard_fails_the_render():
    """A typo would leave the dashboard where it was."""
    with pytest.raises(helm.RenderError, match=r"dashboards\.disabled\.headles: no such dashboard\. There are: .*headless"):
        helm.render({"dashboards": {"disabled": {"headles": True}}})
