"""Teams that are governed: their namespaces, pods good and bad, and what the installed components say of them."""

import base64
import json
from collections.abc import Callable

from cluster.support.cluster import run
from demolib import workloads

from steward.http import pki

GROUP = "policy.steward.dev"
SERVES = "import http.server as h; h.HTTPServer(('', 8000), h.SimpleHTTPRequestHandler).serve_forever()"
PROBE = {"tcpSocket": {"port": "http"}, "periodSeconds": 2}


class Shop:
    """A team's namespace."""

    def __init__(self, cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def apply(self, *objects) -> None:
        self.cluster.apply(*({**one, "metadata": {**one["metadata"], "namespace": self.namespace}} for one in objects))

    def create(self, one, *arguments: str):
        """kubectl create; what it said, and whether it was refused."""
        words = ["kubectl", "create", "--namespace", self.namespace, "-f", "-", *arguments]
        return run(words, env=self.cluster.env, stdin=json.dumps(one))

    def get(self, kind: str, name: str):
        return self.cluster.get(kind, name, "--namespace", self.namespace)

    def status(self, name: str):
        return (self.get(f"devopspolicies.{GROUP}", name) or {}).get("status", {})

    def events(self, reason: str) -> list[str]:
        found = self.cluster.select("events", "--namespace", self.namespace, "--field-selector", f"reason={reason}")
        return [event["message"] for event in found]


def policy(name: str = "standard", **spec):
    """A policy."""
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": name}, "spec": spec}


def metrics(release, component: str) -> str:
    """What the component exports, by way of the API server."""
    service = f"{release.fullname}-{component}-metrics"
    return release.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{release.namespace}/services/{service}:metrics/proxy/metrics")


def series(release, component: str, selector: str) -> dict[str, float]:
    """Lines of the metrics that contain all parts of a selector such as `name{label="value"`."""
    lines = [line for line in metrics(release, component).splitlines() if all(part in line for part in selector.split("|"))]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def mentions(release, component: str, namespace: str) -> list[str]:
    """The series of a component about a namespace."""
    return sorted(series(release, component, f'namespace="{namespace}"'))


def good(cluster, program: str = workloads.IDLE):
    """A pod's spec that nothing is wrong with."""
    spec = workloads.spec(cluster.image, program)
    spec["containers"][0] |= {"livenessProbe": PROBE, "readinessProbe": PROBE, "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}}}
    return spec


def without(spec, *fields: str):
    """A pod's spec whose container lacks fields."""
    (container,) = spec["containers"]
    return {**spec, "containers": [{key: value for key, value in container.items() if key not in fields}]}


def bad(cluster, program: str = workloads.IDLE):
    """One without probes."""
    return without(good(cluster, program), "livenessProbe", "readinessProbe")


def latest(cluster):
    """One whose image may change with every pull; here it is never pulled."""
    spec = bad(cluster)
    spec["containers"][0] |= {"image": "registry.example:5000/shop/web", "imagePullPolicy": "Never"}
    return spec


def bundles(release) -> set[str]:
    """Whom the API server trusts to be the webhook."""
    return {hook["clientConfig"].get("caBundle") for one in release.objects("validatingwebhookconfigurations") for hook in one["webhooks"]}


def authority_secret(release) -> str:
    """Name of the Secret with the webhook's authority, which the component makes."""
    secrets = release.cluster.select("secrets", "--namespace", release.namespace)
    (name,) = (name for one in secrets if "webhook" in (name := one["metadata"]["name"]))
    return name


def gate_of(shop: Shop, spec) -> Callable[[], bool]:
    """Whether a pod with such a spec is denied in a shop; whoever asks gets an answer within seconds, whatever happened to the webhook."""
    pod = workloads.bare("late", spec, {})

    def is_shut() -> bool:
        said = shop.create(pod, "--dry-run=server", "--request-timeout=10s")
        assert said.code == 0 or "Denied by DevOpsPolicy" in said.stderr, said.stderr
        return bool(said.code)

    return is_shut


def give_authority(release, pair: pki.Pair) -> str:
    """Have the Secret hold an authority and the API server trust it, as if it had been so all the time; its `caBundle`."""
    texts = {"ca.crt": pki.pem([pair.certificate]), "ca.key": pair.key_pem().reveal()}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    (configuration,) = release.objects("validatingwebhookconfigurations")
    paths = [f"/webhooks/{at}/clientConfig/caBundle" for at in range(len(configuration["webhooks"]))]
    trusting = [{"op": "replace", "path": path, "value": data["ca.crt"]} for path in paths]
    kubectl = release.cluster.kubectl
    kubectl("patch", "secret", authority_secret(release), "--namespace", release.namespace, "--type=merge", "-p", json.dumps({"data": data}))
    kubectl("patch", "validatingwebhookconfiguration", configuration["metadata"]["name"], "--type=json", "-p", json.dumps(trusting))
    return data["ca.crt"]
