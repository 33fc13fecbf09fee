"""Prometheus Operator, one Prometheus and one Alertmanager, in a namespace of ours."""

import shutil
from pathlib import Path
from string import Template

from clusterlib import progress
from clusterlib.errors import ClusterError
from clusterlib.images import infrastructure
from clusterlib.kube import Kubectl
from clusterlib.tools.build import Tools

NAMESPACE = "monitoring"
OWNER = "app.kubernetes.io/managed-by=steward-ci"
_MANIFESTS = Path(__file__).parent / "manifests" / "monitoring"
_CRD = "prometheuses.monitoring.coreos.com"
_CLUSTER_WIDE = "customresourcedefinitions,clusterroles,clusterrolebindings"
_READY_TIMEOUT = "--timeout=300s"
"""Seconds; on kind and on an existing cluster the images are pulled."""


def install(kubectl: Kubectl, tools: Tools, scratch: Path) -> None:
    """Have all of them, ready. Raises: ClusterError when the cluster has a Prometheus Operator of somebody else's, which is left alone."""
    _require_none_of_others(kubectl)
    if not _operator_is_current(kubectl, tools):
        with progress.step("installing Prometheus Operator", "Prometheus Operator is ready"):
            _install_operator(kubectl, tools, scratch / "monitoring")
    with progress.step("starting Prometheus and Alertmanager", "Prometheus and Alertmanager are ready"):
        kubectl.apply(_render("prometheus.yaml", tools))
        kubectl.apply(_render("alertmanager.yaml", tools))
        kubectl.run("wait", "--for=condition=Available", "prometheus/main", "alertmanager/main", f"--namespace={NAMESPACE}", _READY_TIMEOUT)
    address = kubectl.get("service", "prometheus", f"--namespace={NAMESPACE}")["spec"]["clusterIP"]
    progress.say(f"Prometheus: http://{address}:9090 on the node provider, else kubectl --namespace {NAMESPACE} port-forward service/prometheus 9090")


def _install_operator(kubectl: Kubectl, tools: Tools, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    shutil.copy(tools.source("prometheus-operator") / "bundle.yaml", directory)
    for name in ("kustomization.yaml", "namespace.yaml"):
        (directory / name).write_text(_render(name, tools))
    kubectl.apply(kubectl.run("kustomize", str(directory)))
    kubectl.run("wait", "--for=condition=Established", "--all", "crd", _READY_TIMEOUT)
    kubectl.run("rollout", "status", "deployment/prometheus-operator", f"--namespace={NAMESPACE}", _READY_TIMEOUT)


def _operator_is_current(kubectl: Kubectl, tools: Tools) -> bool:
    """Whether this very version runs: its Deployment is the last thing that is applied, so all before it is there."""
    deployment = kubectl.get("deployment", "prometheus-operator", f"--namespace={NAMESPACE}")
    wanted = infrastructure.reference(tools, "prometheus-operator")
    running = [container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]] if deployment else []
    return running == [wanted] and deployment["status"].get("availableReplicas") == 1


def uninstall(kubectl: Kubectl) -> None:
    """Remove what `install` made, and nothing else."""
    if kubectl.get("namespaces", f"--selector={OWNER}").get("items"):
        with progress.step("removing Prometheus and its operator", "removed them"):
            kubectl.run("delete", "namespace", NAMESPACE, "--wait")
            kubectl.run("delete", _CLUSTER_WIDE, f"--selector={OWNER}")


def _require_none_of_others(kubectl: Kubectl) -> None:
    for kind, name in (("namespace", NAMESPACE), ("crd", _CRD)):
        labels = kubectl.get(kind, name).get("metadata", {"labels": None}).get("labels", {})
        key, _, value = OWNER.partition("=")
        if labels is not None and labels.get(key) != value:
            raise ClusterError(
                f"the cluster has a {kind} {name} already, and it is not ours",
                "Run without --monitoring, or remove it",
            )


def _render(name: str, tools: Tools) -> str:
    images = {f"{short}_image": infrastructure.reference(tools, image) for short, image in _IMAGES.items()}
    versions = {f"{name}_version": f"v{tools.catalogue[name].release}" for name in ("prometheus", "alertmanager")}
    return Template((_MANIFESTS / name).read_text()).substitute(images, **versions)


_IMAGES = {"operator": "prometheus-operator", "reloader": "prometheus-config-reloader", "prometheus": "prometheus", "alertmanager": "alertmanager"}
