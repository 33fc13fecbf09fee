"""What makes an operator work: pods that come, get an address, move and go, and some that can have no name."""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from observability.stage.kube import Kube, Object

NAMESPACES = {"shop": 5, "search": 3, "payments": 2, "mail": 1}
"""Namespaces of teams, and their share of the pods."""

REFUSING = "payments"
"""Where :meth:`Load.refuse` refuses."""

TURN_SECONDS = 0.25
LIFE_SECONDS = (10.0, 50.0)
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICY = "frozen"


class Load:
    """From :meth:`begin` to :meth:`end`.

    Args:
        kube: The API server.
        pods: That are there before the first comes or goes.
    """

    def __init__(self, kube: Kube, *, pods: int) -> None:
        self._kube = kube
        self._pods = pods
        self._numbers = itertools.count(1)
        self._random = random.Random(7)
        self._alive: list[tuple[float, str, str]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Make namespaces and the first pods, and go on in a thread of its own."""
        for namespace in NAMESPACES:
            self._kube.namespace(namespace)
        self._odd_ones()
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(lambda _: self._add(0.0), range(self._pods)))
        self._thread.start()

    def end(self) -> None:
        """Let pods be as they are from now on. Raises: whatever made it end before."""
        self._over.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def refuse(self) -> None:
        """From now on the API server refuses every new Service in one of the namespaces, as a policy of its owners would."""
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}]
        where = {"matchLabels": {"kubernetes.io/metadata.name": REFUSING}}
        spec = {
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "false", "message": "Services are made by another pipeline here."}],
        }
        self._kube.ask("POST", f"{ADMISSION}/validatingadmissionpolicies", {"metadata": {"name": POLICY}, "spec": spec})
        binding = {"policyName": POLICY, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": where}}
        self._kube.ask("POST", f"{ADMISSION}/validatingadmissionpolicybindings", {"metadata": {"name": POLICY}, "spec": binding})

    def allow(self) -> None:
        """The opposite."""
        self._kube.ask("DELETE", f"{ADMISSION}/validatingadmissionpolicybindings/{POLICY}")

    def remove_namespace(self, namespace: str) -> None:
        """Delete all pods of a namespace, once the load has ended."""
        self._kube.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods?gracePeriodSeconds=0")

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(8) as workers:
                for turn in self._turns():
                    going = [one for one in self._alive if one[0] <= turn]
                    self._alive = [one for one in self._alive if one[0] > turn]
                    # Never the same rate twice: a straight line would not tell a panel that is read wrongly.
                    coming = self._random.choice((0, 1, 1, 2, 3))
                    jobs = [workers.submit(self._add, turn) for _ in range(coming)]
                    jobs += [workers.submit(self._remove, namespace, name) for _, namespace, name in going]
                    if self._alive and self._random.random() < 0.3:
                        jobs.append(workers.submit(self._move, *self._random.choice(self._alive)[1:]))
                    for job in jobs:
                        job.result()
        except Exception as error:  # noqa: BLE001 - raised by end()
            self._error = error

    def _turns(self) -> Iterator[float]:
        for number in itertools.count():
            if self._over.wait(TURN_SECONDS):
                return
            yield number * TURN_SECONDS

    def _add(self, now: float) -> None:
        namespace = self._random.choices(list(NAMESPACES), list(NAMESPACES.values()))[0]
        name = f"{namespace}-{next(self._numbers):05}"
        self._kube.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod(name))
        self._move(namespace, name)
        self._alive.append((now + self._random.uniform(*LIFE_SECONDS), namespace, name))

    def _move(self, namespace: str, name: str) -> None:
        """Give a pod an address that no other has."""
        number = next(self._numbers)
        self._status(namespace, name, f"10.64.{number >> 8 & 255}.{number & 255}")

    def _remove(self, namespace: str, name: str) -> None:
        self._kube.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}?gracePeriodSeconds=0")

    def _status(self, namespace: str, name: str, address: str, phase: str = "Running") -> None:
        ready = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
        status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}
        self._kube.ask("PATCH", f"/api/v1/namespaces/{namespace}/pods/{name}/status", {"status": status}, patch="merge")

    def _odd_ones(self) -> None:
        """Pods that get no name, each for a reason of its own."""
        pods = "/api/v1/namespaces/shop/pods"
        port = {"port": 80, "protocol": "TCP"}
        self._kube.ask("POST", "/api/v1/namespaces/shop/services", {"metadata": {"name": "taken"}, "spec": {"clusterIP": "None", "ports": [port]}})
        for name in ("9-lives", f"{'long-' * 13}name", "taken"):
            self._kube.ask("POST", pods, pod(name))
            self._status("shop", name, "10.65.0.1")
        self._kube.ask("POST", pods, pod("pending"))
        self._kube.ask("POST", pods, pod("ended"))
        self._status("shop", "ended", "10.65.0.2", "Succeeded")


def pod(name: str) -> Object:
    """A pod that asks for a name."""
    metadata = {"name": name, "annotations": {"steward.dev/headless-service": "true"}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "example.com/idle"}]}}
