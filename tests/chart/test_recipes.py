"""The recipes of the chart's README do what they say. The second word after a fence says how a block is run."""

import json
import re
import subprocess

import pytest
import yaml

from support import crds, helm, recipes
from support.kubeconform import Kubeconform

META = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
PUBLISHED = f"oci://ghcr.io/steward-dev/charts/steward --version {META['version']}"
MIRRORED = {"global": {"imageRegistry": "registry.example.com"}}


def each(blocks):
    """A test for each of some blocks."""
    return pytest.mark.parametrize("text", blocks.values(), ids=blocks)


@pytest.fixture
def shell(tmp_path):
    """Runs a block as a user would who has the packaged chart instead of the registry, and a values file."""
    (tmp_path / "my-values.yaml").write_text(json.dumps(MIRRORED))

    def run(text):
        assert PUBLISHED in text
        command = text.replace(PUBLISHED, str(helm.CHART))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_no_block_escapes():
    """Each is of a kind that a test below takes up."""
    assert recipes.kinds() == {("yaml", "values"), ("yaml", "manifest"), ("yaml", "prometheus"), ("yaml", None), ("sh", "offline"), ("sh", None)}


@pytest.mark.parametrize("values", recipes.values().values(), ids=recipes.values())
def test_the_chart_takes_the_values(values):
    """The schema is strict, so a value that is gone fails here."""
    assert helm.of_kind(helm.render(values), "Deployment")


def test_the_chart_takes_the_values_of_the_first_page():
    """Those that the README of the repository calls realistic."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (helm.CHART.parent / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (values,) = (block for block in map(yaml.safe_load, blocks) if "serviceMonitor" in block)

    assert helm.of_kind(helm.render(values), "ServiceMonitor")


@each(recipes.blocks("yaml", "manifest"))
def test_manifests_lead_to_where_the_release_is_pushed(text):
    """With its version."""
    documents = list(yaml.safe_load_all(text))
    address, _, version = PUBLISHED.removeprefix("oci://").partition(" --version ")
    where = [
        (f"{spec['source']['repoURL']}/{spec['source']['chart']}", spec["source"]["targetRevision"])
        if "source" in spec
        else (spec["url"].removeprefix("oci://"), spec["ref"]["tag"])
        for spec in (document["spec"] for document in documents)
        if "source" in spec or "url" in spec
    ]
    assert where == [(address, version)]


def test_flux_takes_its_manifests(tmp_path):
    """Every field is one of its custom resources; Argo CD's definition comes in a module of 58 MB, so its manifest was checked by hand."""
    documents = [one for text in recipes.blocks("yaml", "manifest").values() for one in yaml.safe_load_all(text) if one["kind"] in crds.definitions()]

    assert {one["kind"] for one in documents} == {"OCIRepository", "HelmRelease"}
    assert Kubeconform(tmp_path, "1.34").problems({"flux": documents}) == {"flux": []}


@each(recipes.blocks("yaml", None))
def test_what_others_are_told_is_yaml(text):
    """Values of other charts, which are not at hand here."""
    assert isinstance(yaml.safe_load(text), dict)


@each(recipes.blocks("sh", None))
def test_helm_takes_the_commands(text, shell):
    """Run as far as a cluster is not needed."""
    commands = text.replace("\\\n", " ").splitlines()
    installs = [command for command in commands if command.startswith("helm install ")]

    assert installs
    for command in installs:
        assert "STATUS: pending-install" in shell(f"{command} --dry-run=client")


def test_kube_prometheus_stack_selects_all():
    """Every object that its Prometheus looks for carries the label."""
    objects = helm.render(recipes.values()["kube-prometheus-stack 1"])
    found = [*helm.of_kind(objects, "ServiceMonitor"), *helm.of_kind(objects, "PrometheusRule")]

    assert len(found) >= 2
    assert {one["metadata"]["labels"]["release"] for one in found} == {"kube-prometheus-stack"}


def test_plain_prometheus_finds_the_metrics(tmp_path):
    """promtool takes the job, and the labels and ports that it selects by are on the Service."""
    (text,) = recipes.blocks("yaml", "prometheus").values()
    (tmp_path / "prometheus.yml").write_text(text)
    subprocess.run([helm.tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml")], check=True, capture_output=True)
    service = helm.only(helm.render(), "Service")
    labels = {"__meta_kubernetes_service_label_" + re.sub(r"\W", "_", key): value for key, value in service["metadata"]["labels"].items()}
    keep, job, *_ = yaml.safe_load(text)["scrape_configs"][0]["relabel_configs"]

    assert keep["regex"] == f"{labels[keep['source_labels'][0]]};{service['spec']['ports'][0]['name']}"
    assert labels[job["source_labels"][0]] == "steward-headless"


def test_plain_prometheus_takes_the_rules(shell, tmp_path):
    """The command writes a file of rules."""
    shell(recipes.blocks("sh", "offline")["Plain Prometheus 1"])

    subprocess.run([helm.tool("promtool"), "check", "rules", str(tmp_path / "steward-rules.yaml")], check=True, capture_output=True)


def test_dashboards_go_to_grafana_and_into_a_folder():
    """The namespace, the label and the annotation that the sidecar is told of."""
    settings = yaml.safe_load(recipes.blocks("yaml", None)["Grafana's sidecar 1"])
    found = helm.of_kind(helm.render(recipes.values()["Grafana's sidecar 2"]), "ConfigMap")
    dashboards = [one for one in found if "grafana_dashboard" in one["metadata"]["labels"]]

    assert dashboards
    assert {one["metadata"]["namespace"] for one in dashboards} == {"grafana"}
    assert {one["metadata"]["annotations"][settings["sidecar"]["dashboards"]["folderAnnotation"]] for one in dashboards} == {"Steward"}


def test_grafana_operator_imports_every_dashboard():
    """One GrafanaDashboard for each ConfigMap, for the selected Grafanas, in the folder."""
    objects = helm.render(recipes.values()["grafana-operator 1"])
    imports = [one["spec"] for one in helm.of_kind(objects, "GrafanaDashboard")]

    assert {spec["configMapRef"]["name"] for spec in imports} == {
        one["metadata"]["name"] for one in helm.of_kind(objects, "ConfigMap") if "grafana_dashboard" in one["metadata"]["labels"]
    }
    assert {(spec["instanceSelector"]["matchLabels"]["dashboards"], spec["folder"]) for spec in imports} == {("grafana", "Steward")}


def test_openshift_assigns_the_ids_and_answers_names():
    """No user or group is asked for, and egress reaches the port that its DNS listens on."""
    objects = helm.render(recipes.values()["OpenShift 1"])

    for _, pod in helm.pods(objects):
        contexts = [pod["spec"].get("securityContext", {}), *(container.get("securityContext", {}) for container in pod["spec"]["containers"])]
        assert not [key for context in contexts for key in ("runAsUser", "runAsGroup", "fsGroup") if key in context]
    ports = [port["port"] for rule in helm.only(objects, "NetworkPolicy")["spec"]["egress"] for port in rule.get("ports", ())]
    assert 5353 in ports


def test_the_list_of_images_is_whole(shell):
    """What the command prints are the images of all pods, those of hooks and tests too."""
    printed = shell(recipes.blocks("sh", "offline")["Air gap 1"]).split()
    rendered = {container["image"] for _, pod in helm.pods(helm.render(MIRRORED)) for container in pod["spec"]["containers"]}

    assert set(printed) == rendered
    assert len(printed) == len(rendered)


def test_every_image_comes_from_the_mirror():
    """And every pod has the Secret to pull it."""
    for _, pod in helm.pods(helm.render(recipes.values()["Air gap 1"])):
        assert {"name": "registry-credentials"} in pod["spec"]["imagePullSecrets"]
        assert all(container["image"].startswith("registry.example.com/steward-dev/steward:") for container in pod["spec"]["containers"])
