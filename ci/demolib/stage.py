"""Everything the demo does to a cluster."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from clusterlib import processes
from clusterlib.cluster import Cluster
from clusterlib.errors import ClusterError
from clusterlib.kube import Kubectl

from demolib import workloads
from demolib.timing import Named, stopwatch
from demolib.workloads import Object

T = TypeVar("T")

RELEASE = NAMESPACE = "steward"
PODS_NAMESPACE = "steward-demo"
RESOLVER = "resolver"
MADE_BY = "steward.dev/made-by"
"""Label of the namespaces that the demo and the tests make, so that each finds what it may remove."""
LABEL = "demo=pods"
POLICY: Object = {
    "apiVersion": "policy.steward.dev/v1alpha1",
    "kind": "DevOpsPolicy",
    "metadata": {"name": "demo"},
    "spec": {"forbidLatestTag": True, "requireReadinessProbe": True, "enforcementMode": "enforce"},
}
"""Of severity high and low; only what is critical or high is denied."""
VALUES = {
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
}
PROMETHEUS = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1"
"""Through the API server, so that it is reached on any cluster."""
# Since its start: all of the demo may be over before the first scrape, and a rate sees nothing of that.
_DURATIONS = "sum by (le) (k8s_headless_service_operator_reconcile_duration_seconds_bucket)"
FIGURES = {
    "targets of job steward-headless that are up": 'sum(up{job="steward-headless"})',
    "leaders": 'sum(steward_leader{component="headless"})',
    "Services managed": "sum(k8s_headless_service_operator_services)",
    "Services created": 'sum(k8s_headless_service_operator_operations_total{operation="create", status="success"})',
    "failed operations": 'sum(k8s_headless_service_operator_operations_total{status="error"})',
    "seconds a reconcile takes, 99 of 100": f"histogram_quantile(0.99, {_DURATIONS})",
    "health score of the cluster, of 100": "max(kube_devops_cluster_health_score)",
}
POD_TIMEOUT, PROMETHEUS_TIMEOUT = 120.0, 120.0


@dataclass(frozen=True)
class Stage:
    """A cluster, the chart, and the programs that bring them together."""

    provider: str
    kubectl: Kubectl
    helm: Path
    chart: Path
    values: str

    @classmethod
    def make(cls, cluster: Cluster, *, helm: Path, kubectl: Path, chart: Path, values: str) -> Self:
        """A stage on a cluster that is up."""
        # The stopwatch calls kubectl by its name.
        env = {**os.environ, "KUBECONFIG": cluster.kubeconfig, "PATH": f"{kubectl.parent}:{os.environ.get('PATH', processes.SYSTEM_PATH)}"}
        return cls(cluster.provider, Kubectl(kubectl, cluster.kubeconfig, env), helm, chart, values)

    def install(self) -> None:
        """The chart, with monitoring, in a namespace with Pod Security *restricted*. Raises: ClusterError with what helm said."""
        self._namespace(NAMESPACE)
        files = ["--values", self.values] if self.values else []
        command: list[str | Path] = [
            self.helm,
            "upgrade",
            "--install",
            RELEASE,
            self.chart,
            "--namespace",
            NAMESPACE,
            "--reset-values",
            *files,
            "--values",
            "-",
        ]
        processes.run([*command, "--wait", "--timeout", "180s"], env=self.kubectl.env, stdin=json.dumps(VALUES))

    def start_pods(self) -> list[Named]:
        """Pods of a Deployment, of a Job and bare ones, in place of those of the last time. Raises: ClusterError, TimeoutError."""
        self._namespace(PODS_NAMESPACE)
        self._run("delete", "deployments,jobs,pods", "--selector", LABEL, "--ignore-not-found", "--wait", "--cascade=foreground")
        spec = workloads.spec(self._image())
        self._apply(workloads.bare(RESOLVER, spec, annotations={}))
        self._run("wait", "pod", RESOLVER, "--for=condition=Ready", f"--timeout={POD_TIMEOUT:.0f}s")
        search = self._run("exec", RESOLVER, "--", "cat", "/etc/resolv.conf").partition("search ")[2].split()
        domain = search[1].removeprefix("svc.")
        wanted = (workloads.deployment("web", spec, 3), workloads.job("report", spec, 1), workloads.bare("db-0", spec), workloads.bare("db-1", spec))
        with stopwatch(self.kubectl.env, namespace=PODS_NAMESPACE, selector=LABEL, resolver=RESOLVER, domain=domain) as watch:
            self._apply(*map(_labelled, wanted))
            return watch.named(6, timeout=POD_TIMEOUT)

    def kinds(self) -> dict[str, str]:
        """What made each pod, by the pod's name."""
        found: dict[str, str] = {}
        for pod in self._get("pods", "--selector", LABEL):
            owners = pod["metadata"].get("ownerReferences")
            found[pod["metadata"]["name"]] = {"ReplicaSet": "Deployment"}.get(owners[0]["kind"], owners[0]["kind"]) if owners else "pod"
        return found

    def judge(self) -> Object:
        """The status of a policy about those pods, once it is about all of them. Raises: ClusterError, TimeoutError."""
        self._apply(POLICY)

        def look() -> Object:
            status: Object = self._get_one("devopspolicies.policy.steward.dev", POLICY["metadata"]["name"]).get("status", {})
            return status if f"across {len(self._get('pods'))} pods" in status.get("message", "") else {}

        return _until("the policy is judged", look)

    def deny(self) -> str:
        """What kubectl says to whoever wants a pod of an image without a tag. Raises: TimeoutError."""
        spec = workloads.spec("registry.example.com/shop/web")
        pod = {**workloads.bare("db-2", spec), "metadata": {"name": "db-2", "namespace": PODS_NAMESPACE}}

        def look() -> str:
            try:
                self.kubectl.run("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
            except ClusterError as error:
                return str(error).partition("Error from server ")[2]
            return ""

        return _until("a pod of an image without a tag is denied", look)

    def figures(self) -> dict[str, float]:
        """What Prometheus scraped, once it has all. Raises: TimeoutError."""

        def look() -> dict[str, float]:
            found = {name: self._number(query) for name, query in FIGURES.items()}
            return {name: number for name, number in found.items() if number is not None} if None not in found.values() else {}

        return _until("Prometheus has all figures", look)

    def alerts(self) -> list[Object]:
        """Our alerting rules as Prometheus evaluated them. Raises: TimeoutError."""

        def look() -> list[Object]:
            groups = self._prometheus("rules", type="alert")["groups"]
            rules = [rule for group in groups for rule in group["rules"] if f"/{NAMESPACE}-{RELEASE}-" in group["file"]]
            return rules if all(rule["health"] == "ok" for rule in rules) else []

        return _until("Prometheus has evaluated the rules", look)

    def _number(self, query: str) -> float | None:
        series = self._prometheus("query", query=query)["result"]
        number = float(series[0]["value"][1]) if series else None
        return None if number != number else number  # noqa: PLR0124 (not a number: nothing was observed yet)

    def _prometheus(self, path: str, **parameters: str) -> Any:
        return json.loads(self.kubectl.run("get", "--raw", f"{PROMETHEUS}/{path}?{urlencode(parameters)}"))["data"]

    def _image(self) -> str:
        deployment = self.kubectl.get("deployment", f"{RELEASE}-headless", "--namespace", NAMESPACE)
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    def _namespace(self, name: str) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted", MADE_BY: "demo"}
        self.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))

    def _apply(self, *objects: Object) -> None:
        items = [{**one, "metadata": {**one["metadata"], "namespace": PODS_NAMESPACE}} for one in objects]
        self.kubectl.apply("\n---\n".join(map(json.dumps, items)))

    def _run(self, *arguments: str) -> str:
        return self.kubectl.run("--namespace", PODS_NAMESPACE, *arguments)

    def _get(self, *arguments: str) -> list[Object]:
        found: list[Object] = self._get_one(*arguments).get("items", [])
        return found

    def _get_one(self, *arguments: str) -> Object:
        return self.kubectl.get("--namespace", PODS_NAMESPACE, *arguments)


def _labelled(workload: Object) -> Object:
    """With the label that finds it again, on it and on its pods."""
    key, _, value = LABEL.partition("=")
    for metadata in (workload["metadata"], workload["spec"].get("template", {}).get("metadata")):
        if metadata is not None:
            metadata["labels"] = {**metadata.get("labels", {}), key: value}
    return workload


def _until(what: str, look: Callable[[], T]) -> T:
    deadline = time.monotonic() + PROMETHEUS_TIMEOUT
    while True:
        why = ""
        try:
            if found := look():
                return found
        except ClusterError as error:
            why = f": {error}"
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PROMETHEUS_TIMEOUT:.0f} s in vain until {what}{why}. See `ci/cluster logs prometheus`")
        time.sleep(1)
