"""Dashboards reach Grafana's sidecar as they are."""

import json

from support import helm
from support.paths import merge

ON = {"dashboards": {"enabled": True}}
FILES = {path.name: json.loads(path.read_text()) for path in (helm.CHART / "files" / "dashboards").glob("*.json")}


def config_maps(values=ON):
    """The ConfigMaps with dashboards."""
    return [found for found in helm.of_kind(helm.render(values), "ConfigMap") if "config.yaml" not in found["data"]]


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
    values = {"label": "board", "labelValue": "yes", "namespace": "grafana", "folder": "Team A", "folderAnnotation": "k8s-sidecar-target-directory"}
    for one in config_maps(merge(ON, {"dashboards": values})):
        assert one["metadata"]["labels"]["board"] == "yes"
        assert "grafana_dashboard" not in one["metadata"]["labels"]
        assert one["metadata"]["namespace"] == "grafana"
        assert one["metadata"]["annotations"] == {"k8s-sidecar-target-directory": "Team A"}
