"""Namespaces with workloads that remediation may mend, and the component at work."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from faults.harness.audit import Request
from faults.harness.cluster import NAMESPACE, NODE, Cluster
from prometheus_client import CollectorRegistry

from steward.policy.component import COMPONENT
from steward.policy.remediation.model import WORKLOADS
from steward.runtime import auth, metrics
from steward.runtime.manager import Manager
from steward.runtime.transport import HTTPTransport
from steward.telemetry.metrics import Counter, bind
from support.workloads import container, workload

SECONDS = 60
"""For whatever is waited for: rollouts of pods that kwok carries take a few."""

OBSERVED = 60
"""Seconds that a patched workload is watched: the least that can be configured."""

TOUCHABLE = {"pods", "replicasets", "jobs", "cronjobs", *(resource.plural for resource in WORKLOADS.values())}
_numbers = itertools.count(1)


class Work:
    """The component at work, with no other rights than its own.

    Args:
        plane: The cluster.
        kubeconfig: With its token.
        config: Its configuration.
    """

    def __init__(self, plane: Cluster, kubeconfig: str, config: Any) -> None:
        self._registry, self._audit, self._mark = CollectorRegistry(), plane.audit, plane.audit.mark()
        self._transport = HTTPTransport(auth.load(user_agent="steward/tests", kubeconfig=kubeconfig))
        self._manager = Manager(
            COMPONENT,
            config,
            transport=self._transport,
            instruments=bind((*metrics.ALL, *COMPONENT.metrics), self._registry, component=COMPONENT.name),
            identity="steward-0",
            instance="steward.policy",
            lease=None,
            own_namespace=NAMESPACE,
        )
        self._task: asyncio.Task[None] | None = asyncio.create_task(self._manager.run())

    def written(self, *, dry: bool = True) -> list[Request]:
        """What it has written to workloads and pods, and if asked for tried."""
        seen = (request for request in self._audit.since(self._mark) if request.is_write and request.resource in TOUCHABLE)
        return [request for request in seen if dry or not request.is_dry_run]

    def sample(self, metric: Counter, *labels: str) -> float:
        """The value of a counter."""
        return self._registry.get_sample_value(metric.name, dict(zip(metric.labels, labels, strict=True))) or 0.0

    async def stop(self) -> None:
        """End it, once; nothing that it asked for was denied."""
        if self._task is None:
            return
        denied = [request for request in self._audit.since(self._mark) if request.code == 403 and not request.is_dry_run]
        self._manager.stop()
        await self._task
        self._task = None
        await self._transport.close()
        assert [] == denied


class Team:
    """A namespace with workloads, as its people see it."""

    def __init__(self, cluster: Cluster, name: str = "") -> None:
        self.cluster = cluster
        self.name = name or f"team-{next(_numbers)}"
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name}})

    def add(self, name: str = "web", **spec: Any) -> None:
        """Make a Deployment of two pods, by ``kubectl create``, and wait until they are available."""
        made = workload("Deployment", container(image="registry.k8s.io/pause:3.10.1"), pod={"nodeName": NODE}, **spec)
        made["metadata"] = {"name": name, "namespace": self.name}
        labels = {"app": name}
        made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = labels
        del made["status"]
        self.cluster.kubectl("create", "-f", "-", stdin=json.dumps(made))
        self.rolled_out(name)

    def rolled_out(self, name: str = "web") -> None:
        """Wait until the pods of a Deployment are of its present template, and available."""
        self.cluster.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={self.name}", f"--timeout={SECONDS}s")

    def replace(self, whole: dict) -> None:
        """Write a whole object over what is there."""
        self.cluster.kubectl("replace", "-f", "-", stdin=json.dumps(whole))

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

    def ask(self, **asked: Any) -> None:
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


def bare(kind: str, name: str, namespace: str, meta: dict[str, Any]) -> dict:
    """A workload without pods: whose it is comes before how it is."""
    made = workload(kind, container(image="registry.k8s.io/pause:3.10.1"), pod={"nodeSelector": {"nowhere": "true"}}, meta={"name": name})
    made["metadata"] = {"name": name, "namespace": namespace, **meta}
    del made["status"]
    if kind != "DaemonSet":
        made["spec"]["replicas"] = 0
    return made
