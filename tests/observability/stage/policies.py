"""What governance judges: policies, workloads with faults and without, and pods that admission denies."""

import itertools
import random
import threading
from collections import deque
from datetime import UTC, datetime, timedelta

import yaml

from observability.stage.kube import Kube, Object, Refused
from support import helm

POLICIES = "/apis/policy.steward.dev/v1alpha1/namespaces/{}/devopspolicies"
AUDITED, ENFORCED = "crm", "bank"
"""Namespaces with a policy that audits, and with one that enforces."""

TURN_SECONDS = 0.25
PODS = 60
GOOD: Object = {
    "name": "main",
    "image": "registry.example.com/idle:1.4.2",
    "livenessProbe": {"tcpSocket": {"port": 8080}},
    "readinessProbe": {"tcpSocket": {"port": 8080}},
    "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
}
BAD: Object = {"name": "main", "image": "registry.example.com/idle"}


def install(kube: Kube) -> None:
    """Give the API server the definitions of the chart, and policies in two namespaces."""
    for path in sorted((helm.CHART / "files" / "crds").glob("*.yaml")):
        definition = yaml.safe_load(path.read_text())
        kube.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        kube.until_served(definition)
    for namespace in (AUDITED, ENFORCED):
        kube.namespace(namespace)
    every = {"forbidLatestTag": True, "requireLivenessProbe": True, "requireReadinessProbe": True, "maxRestartCount": 3, "forbidPendingDuration": 5}
    _policy(kube, AUDITED, "baseline", every | {"exemptions": [_exemption("sidecar", 90), _exemption("migration", 3), _exemption("trial", -1)]})
    _policy(kube, ENFORCED, "restricted", every | {"enforcementMode": "enforce", "severityOverrides": {"missingLiveness": "high"}})


def _policy(kube: Kube, namespace: str, name: str, spec: Object) -> None:
    kube.ask("POST", POLICIES.format(namespace), {
        "apiVersion": "policy.steward.dev/v1alpha1", "kind": "DevOpsPolicy", "metadata": {"name": name}, "spec": spec,
    })  # fmt: skip


def _exemption(container: str, days: float) -> Object:
    ends = datetime.now(UTC) + timedelta(days=days)
    return {
        "checks": ["missing_readiness"],
        "containers": [container],
        "reason": f"{container} has a check of its own",
        "expires": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class Teams:
    """Those who make pods in the two namespaces, from :meth:`begin` to :meth:`end`: good ones, bad ones, and some that restart or wait."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._numbers = itertools.count(1)
        self._alive: deque[tuple[str, str]] = deque()
        self._random = random.Random(11)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teams", daemon=True)
        self._error: BaseException | None = None
        self.denied = 0

    def begin(self) -> None:
        """Go on in a thread of its own."""
        for number in range(12):
            self._make(AUDITED, BAD if number % 4 else GOOD)
        self._thread.start()

    def end(self) -> None:
        """Make no more pods. Raises: whatever made it end before."""
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._over.wait(TURN_SECONDS):
                namespace = self._random.choice((AUDITED, ENFORCED))
                self._make(namespace, self._random.choice((GOOD, GOOD, BAD)), dry=self._random.random() < 0.2)
        except Exception as error:  # noqa: BLE001 - raised by end()
            self._error = error

    def _make(self, namespace: str, container: Object, *, dry: bool = False) -> None:
        name = f"{namespace}-{next(self._numbers):05}"
        body = {"metadata": {"name": name}, "spec": {"containers": [container]}}
        try:
            self._kube.ask("POST", f"/api/v1/namespaces/{namespace}/pods{'?dryRun=All' if dry else ''}", body)
        except Refused as refusal:
            if "Denied by DevOpsPolicy" not in str(refusal):
                raise
            self.denied += 1
            return
        if dry:
            return
        self._alive.append((namespace, name))
        self._kube.ask("PATCH", f"/api/v1/namespaces/{namespace}/pods/{name}/status", {"status": self._fate()}, patch="merge")

        if len(self._alive) > PODS:
            namespace, name = self._alive.popleft()
            self._kube.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")

    def _fate(self) -> Object:
        """Most run, some restart, some wait for a node."""
        drawn = self._random.random()
        if drawn < 0.1:
            return {"phase": "Pending"}
        restarts = 7 if drawn < 0.25 else 0
        state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        status = {"name": "main", "image": "x", "imageID": "x", "ready": True, "started": True, "restartCount": restarts, "state": state}
        return {"phase": "Running", "containerStatuses": [status]}
