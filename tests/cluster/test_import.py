"""What Grafana's sidecar makes of the dashboards on the cluster, by the rules of kiwigrid/k8s-sidecar.

It takes ConfigMaps by a label and its value from one namespace or all, and writes every key as a file into one folder, or into the one that an
annotation names. Two keys of one name overwrite each other, silently, so they must be unique in the cluster.
"""

import json
from pathlib import PurePosixPath

import pytest

LABEL, FOLDER_ANNOTATION, FOLDER = "grafana_dashboard", "grafana_folder", "/tmp/dashboards"


def imported(cluster, *, value="", namespace=""):
    """The files that the sidecar writes, as (path, text), in the order it sees them."""
    where = ["--namespace", namespace] if namespace else ["--all-namespaces"]
    for found in cluster.select("configmaps", *where, "--selector", f"{LABEL}={value}" if value else LABEL):
        folder = PurePosixPath(FOLDER) / found["metadata"].get("annotations", {}).get(FOLDER_ANNOTATION, "")
        for key, text in found.get("data", {}).items():
            yield str(folder / key), text


@pytest.fixture(scope="module")
def release(releases):
    """A release whose dashboards have a folder of their own, in the namespace of a Grafana that looks nowhere else."""
    release = releases("test-import-steward", component=None)
    release.install({"dashboards": {"enabled": True, "folder": "Platform"}})
    return release


def test_every_dashboard_is_imported_into_its_folder(cluster, release, repository):
    written = {path.name for path in (repository / "dashboards").glob("*.json")}
    files = dict(imported(cluster, value="1", namespace=release.namespace))

    assert {f"{FOLDER}/Platform/{name}" for name in written} == files.keys()


def test_no_file_is_written_twice(cluster, release):
    """Whatever else the cluster holds for the sidecar."""
    paths = [path for path, _ in imported(cluster)]

    assert len(paths) == len(set(paths))


def test_grafana_takes_them_for_different_dashboards(cluster, release):
    """Provisioning refuses two of one uid, and two of one title in a folder; an id would belong to another Grafana's database."""
    boards = [json.loads(text) for _, text in imported(cluster, namespace=release.namespace)]

    for field in ("uid", "title"):
        assert len(boards) == len({board[field] for board in boards})
    assert {None} == {board.get("id") for board in boards}


def test_a_sidecar_that_looks_for_another_value_takes_none(cluster, release):
    assert [] == list(imported(cluster, value="other", namespace=release.namespace))
