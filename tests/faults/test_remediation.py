"""Workloads that really roll out, mended and left alone: what the audit log says, and what became of their pods."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
import yaml
from prometheus_client import CollectorRegistry

from faults.harness.cluster import NAMESPACE, NODE, RIGHTS
from steward.policy.component import COMPONENT
from steward.policy.remediation.controller import PROPOSALS_LIMIT
from steward.policy.remediation.model import WORKLOADS
from steward.runtime import auth, metrics
from steward.runtime.manager import Manager
from steward.runtime.transport import HTTPTransport
from steward.telemetry.metrics import bind
from support import helm
from support.owners import OWNERS
from support.workloads import container, workload

SECONDS = 60
"""For whatever is waited for: rollouts of pods that kwok carries take a few."""

OBSERVED = 60
"""Seconds that a patched workload is watched: the least that can be configured."""

VALUES = {
    "components": {"policy": {"config": {"remediation": {"enabled": True, "maxPerHour": 100, "observationSeconds": OBSERVED}}}},
}
CRDS = helm.CHART / "files" / "crds"
MENDED = {"pods", *(resource.plural for resource in WORKLOADS.values())}
_numbers = itertools.count(1)


class Team:
    """A namespace with workloads, as its people see it."""

    def __init__(self, cluster) -> None:
        self.cluster = cluster
        self.name = f"team-{next(_numbers)}"
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}})

    def add(self, name: str = "web", **spec) -> None:
        """Make a Deployment of two pods, by ``kubectl create``, and wait until they are available."""
        made = workload("Deployment", container(image="registry.k8s.io/pause:3.10.1"), pod={"nodeName": NODE}, **spec)
        made["metadata"] = {"name": name, "namespace": self.name}
        labels = {"app": name}
        made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = labels
        del made["status"]
        self.cluster.kubectl("create", "-f", "-", stdin=json.dumps(made))
        self.cluster.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={self.name}", f"--timeout={SECONDS}s")

    def get(self, kind: str, name: str = "") -> dict:
        """An object, or a list."""
        return json.loads(self.cluster.kubectl("get", kind, *([name] if name else []), f"--namespace={self.name}", "--output=json"))

    def main(self, name: str = "web") -> dict:
        """The first container of a Deployment's template."""
        return self.get("deployment", name)["spec"]["template"]["spec"]["containers"][0]

    def said(self, name: str = "web") -> set[str]:
        """Reasons of the Events about a Deployment."""
        return {event["reason"] for event in self.get("events.events.k8s.io")["items"] if event["regarding"]["name"] == name}

    def told(self, reason: str) -> set[str]:
        """Names of the objects about which there is an Event of this reason."""
        return {event["regarding"]["name"] for event in self.get("events.events.k8s.io")["items"] if event["reason"] == reason}

    def notes(self) -> str:
        """What all Events say."""
        return "\n".join(event.get("note", "") for event in self.get("events.events.k8s.io")["items"])

    def status(self) -> dict:
        """Of the policy."""
        return self.get("devopspolicies", "p").get("status", {})

    def ask(self, **asked) -> None:
        """Put a policy there that is enforced, and asks for readiness probes if nothing else is said."""
        asked = asked or {"requireReadinessProbe": True, "defaultProbe": {"periodSeconds": 10}}
        spec = {"enforcementMode": "enforce", **asked}
        meta = {"name": "p", "namespace": self.name}
        self.cluster.apply({"apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": meta, "spec": spec})


async def until(condition: Callable[[], object], what: str, *, seconds: float = SECONDS) -> None:
    """Look four times a second, beside what runs on the loop."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await asyncio.to_thread(condition):
        assert asyncio.get_running_loop().time() < deadline, f"after {seconds} s: no {what}"
        await asyncio.sleep(0.25)


@pytest.fixture(scope="module")
def chart() -> list[dict]:
    """What the chart renders with remediation switched on."""
    return helm.render(VALUES, namespace=NAMESPACE, component="policy")


@pytest.fixture(scope="module")
def plane(cluster, chart):
    """The cluster, with the definitions and the rights of the component as the chart has them."""
    definitions = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.policy.steward.dev.yaml"))]
    cluster.apply(*definitions, *(found for found in chart if found["kind"] in RIGHTS))
    names = [f"crd/{one['metadata']['name']}" for one in definitions]
    cluster.kubectl("wait", "--for=condition=Established", *names, f"--timeout={SECONDS}s")
    return cluster


@pytest.fixture
async def at_work(plane, chart, tmp_path) -> AsyncIterator[Callable[[], list]]:
    """The component at work with no other rights than its own; answers what it has written to workloads and pods since."""
    account = helm.only(chart, "ServiceAccount")["metadata"]["name"]
    token = plane.kubectl("create", "token", account, f"--namespace={NAMESPACE}", "--duration=1h").strip()
    plane.kubeconfig(tmp_path / "kubeconfig", token=token)
    settings = yaml.safe_load(helm.only(chart, "ConfigMap")["data"]["config.yaml"])
    transport = HTTPTransport(auth.load(user_agent="steward/tests", kubeconfig=str(tmp_path / "kubeconfig")))
    manager = Manager(
        COMPONENT,
        msgspec.convert(settings["config"], COMPONENT.config),
        transport=transport,
        instruments=bind((*metrics.ALL, *COMPONENT.metrics), CollectorRegistry(), component=COMPONENT.name),
        identity="steward-0",
        instance="steward.policy",
        lease=None,
        own_namespace=NAMESPACE,
    )
    mark = plane.audit.mark()
    task = asyncio.create_task(manager.run())

    def written() -> list:
        return [request for request in plane.audit.since(mark) if request.is_write and request.resource in MENDED]

    yield written
    denied = [request for request in plane.audit.since(mark) if request.code == 403 and not request.is_dry_run]
    manager.stop()
    await task
    await transport.close()
    assert [] == denied


async def test_a_deployment_without_a_probe_is_mended_and_becomes_healthy(plane, at_work):
    team = Team(plane)
    team.add()
    team.ask()

    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    await asyncio.to_thread(plane.kubectl, "rollout", "status", "deployment/web", f"--namespace={team.name}", f"--timeout={SECONDS}s")
    await until(lambda: "RemediationApplied" in team.said(), "Event")
    await until(lambda: [f"deployment/{team.name}/web"] == team.status().get("remediatedWorkloads"), "status of the policy")
    pods = [pod for pod in team.get("pods")["items"] if "deletionTimestamp" not in pod["metadata"]]
    deployment = team.get("deployment", "web")

    assert {"port": 8080} == team.main()["readinessProbe"]["tcpSocket"]
    assert {"kube-devops-operator"} == {pod["metadata"]["annotations"]["policy.steward.dev/patched-by"] for pod in pods}
    assert (2, 2) == (deployment["status"]["availableReplicas"], deployment["status"]["updatedReplicas"])
    assert [("patch", "deployments", True), ("create", "pods", True), ("patch", "deployments", False)] == [
        (request.verb, request.resource, request.is_dry_run) for request in at_work()
    ]


@pytest.mark.long
async def test_liveness_comes_once_readiness_has_proved_itself(plane, at_work):
    team = Team(plane)
    team.add(progressDeadlineSeconds=OBSERVED)
    team.ask(requireReadinessProbe=True, requireLivenessProbe=True, defaultProbe={"periodSeconds": 10})
    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    first = team.main()
    await until(lambda: "RemediationSucceeded" in team.said(), "Event", seconds=2 * OBSERVED)
    await until(lambda: "livenessProbe" in team.main(), "liveness probe")
    await asyncio.to_thread(plane.kubectl, "rollout", "status", "deployment/web", f"--namespace={team.name}", f"--timeout={SECONDS}s")

    assert "livenessProbe" not in first
    assert first["readinessProbe"] == team.main()["readinessProbe"]
    assert 2 == team.get("deployment", "web")["status"]["availableReplicas"]
    assert 3 == sum(not request.is_dry_run for request in at_work())


async def test_what_belongs_to_somebody_else_is_not_written_and_not_even_tried(plane, at_work):
    """Every owner, every kind."""
    team = Team(plane)
    for manager, applies in {(owner.manager, owner.applies) for owner in OWNERS.values()}:
        made = [
            _bare(kind, f"{name}-{kind.lower()}", team.name, owner.meta(kind, team.name, f"{name}-{kind.lower()}"))
            for kind in WORKLOADS
            for name, owner in OWNERS.items()
            if (owner.manager, owner.applies) == (manager, applies)
        ]
        how = ("apply", "--server-side") if applies else ("create",)
        plane.kubectl(*how, f"--field-manager={manager or 'kubectl'}", "-f", "-", stdin=yaml.safe_dump_all(made))
    team.ask()

    wanted = {f"{name}-{kind.lower()}" for kind in WORKLOADS for name in OWNERS}
    await until(lambda: wanted == team.told("RemediationProposed"), f"Event about each of {len(wanted)} workloads")
    await until(lambda: PROPOSALS_LIMIT == len(team.status().get("proposals", [])), "patches in the status of the policy")
    assert [] == at_work()
    assert all("readinessProbe" in proposal["patch"] for proposal in team.status()["proposals"])


def _bare(kind: str, name: str, namespace: str, meta: dict) -> dict:
    """A workload without pods: whose it is comes before how it is."""
    made = workload(kind, container(image="registry.k8s.io/pause:3.10.1"), pod={"nodeSelector": {"nowhere": "true"}}, meta={"name": name})
    made["metadata"] = {"name": name, "namespace": namespace, **meta}
    del made["status"]
    if kind != "DaemonSet":
        made["spec"]["replicas"] = 0
    return made


async def test_a_patch_whose_pods_a_quota_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": team.name}, "spec": {"hard": {"pods": "2"}}}
    plane.apply(quota)
    await until(lambda: team.get("resourcequota", "full").get("status", {}).get("used", {}).get("pods") == "2", "count of the quota")
    team.ask()

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "readinessProbe" not in team.main()
    assert all(request.is_dry_run for request in at_work())
    assert "exceeded quota: full" in team.notes()


async def test_a_patch_whose_pods_a_limit_range_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    limits = {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]}
    plane.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": team.name}, "spec": limits})
    team.ask(requireResources=True, defaultResources={"memoryRequest": "128Mi", "memoryLimit": "256Mi"})

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "resources" not in team.main() or not team.main()["resources"]
    assert all(request.is_dry_run for request in at_work())
    assert "maximum memory usage per Container is 100Mi" in team.notes()


async def test_a_patch_whose_pods_pod_security_refuses_is_not_written(plane, at_work):
    team = Team(plane)
    team.add()
    plane.kubectl("label", "namespace", team.name, "pod-security.kubernetes.io/enforce=restricted")
    team.ask()

    await until(lambda: "RemediationRefused" in team.said(), "Event")
    assert "readinessProbe" not in team.main()
    assert all(request.is_dry_run for request in at_work())
    assert "violates PodSecurity" in team.notes()


async def test_a_patch_after_which_pods_restart_is_taken_back(plane, at_work):
    team = Team(plane)
    team.add()
    before = team.get("deployment", "web")["spec"]
    team.ask()
    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    await asyncio.to_thread(plane.kubectl, "rollout", "status", "deployment/web", f"--namespace={team.name}", f"--timeout={SECONDS}s")
    patched = [
        pod["metadata"]["name"] for pod in team.get("pods")["items"] if "policy.steward.dev/patched-by" in pod["metadata"].get("annotations", {})
    ]
    status = {"name": "main", "image": "x", "imageID": "x", "ready": False, "restartCount": 2}
    restarted = json.dumps({"status": {"containerStatuses": [status]}})
    plane.kubectl("patch", "pod", patched[0], f"--namespace={team.name}", "--subresource=status", "--patch", restarted)

    await until(lambda: "RemediationReverted" in team.said(), "Event")
    assert before == team.get("deployment", "web")["spec"]
    assert 2 == sum(not request.is_dry_run for request in at_work())


async def test_an_opponent_that_reverts_sees_one_patch(plane, at_work):
    team = Team(plane)
    team.add()
    original = team.get("deployment", "web")
    team.ask()
    await until(lambda: "readinessProbe" in team.main(), "readiness probe")
    await asyncio.to_thread(plane.kubectl, "rollout", "status", "deployment/web", f"--namespace={team.name}", f"--timeout={SECONDS}s")
    for made in ("uid", "resourceVersion", "generation", "creationTimestamp"):
        original["metadata"].pop(made, None)
    plane.kubectl("replace", "-f", "-", stdin=json.dumps(original))

    await until(lambda: "RemediationContested" in team.said(), "Event")
    assert "readinessProbe" not in team.main()
    assert 1 == sum(not request.is_dry_run for request in at_work())
