"""The stage with all who are on it, and the play: an hour's worth of operators' lives in a minute or some."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.support.wait import until

from observability.stage import policies
from observability.stage.admission import Admission
from observability.stage.kube import Kube, kubeconfig
from observability.stage.load import Load
from observability.stage.operator import COMPONENTS, NAMESPACE, Operator, stop_all
from observability.stage.policies import Teams
from observability.stage.prometheus import CLUSTER, Prometheus
from support.envtest import ControlPlane

VALUES = {
    "prometheusRule": {
        "enabled": True,
        "compatibilityRules": True,
        # All else is as in production; only the patience is shorter.
        "rules": {"HighServiceCreationErrorRate": {"for": "3s"}},
    },
}
SUFFIXES = ("5d8f7c9b64-2xkqp", "5d8f7c9b64-tz7hn")
"""Of the pods of a Deployment."""
PODS = 150


@dataclass(frozen=True)
class Stage:
    """What a test sees.

    Attributes:
        prometheus: It has scraped the play, and scrapes on.
        operators: Those that were scraped.
        load: Has ended; the pods that were there then still are.
        teams: The same, of what governance judges.
        kube: The API server.
        kubeconfig: Of its administrator.
        began: Unix time of the first scrape.
        ended: Unix time of the end of the play.
    """

    prometheus: Prometheus
    operators: list[Operator]
    load: Load
    teams: Teams
    kube: Kube
    kubeconfig: Path
    began: float
    ended: float

    def working(self, component: str) -> Operator:
        """A replica of a component that works: the leader, if it has one."""
        return until(f"{component} works", lambda: next((one for one in self.operators if one.component == component and one.works), None))


@contextmanager
def stage(directory: Path, *, seconds: float) -> Iterator[Stage]:
    """Start all, and play for so long."""
    with ExitStack() as stack:
        plane = ControlPlane(directory)
        plane.start()
        stack.callback(plane.stop)
        kube = Kube(plane)
        kube.namespace(NAMESPACE)
        policies.install(kube)
        access = kubeconfig(plane, directory / "admin.kubeconfig")
        admission = Admission(directory)
        operators = [
            Operator(f"steward-{name}-{suffix}", access, directory, component=name, settings=admission.settings() if name == "webhook" else None)
            for name in COMPONENTS
            for suffix in SUFFIXES
        ]
        started: list[Operator] = []
        stack.callback(stop_all, started)
        for operator in operators:
            operator.start()
            started.append(operator)
        prometheus = Prometheus(directory, VALUES)
        prometheus.start([(operator.address, labels(operator)) for operator in operators], apiserver=plane)
        stack.callback(prometheus.stop)
        load, teams = Load(kube, pods=PODS), Teams(kube)
        load.begin()
        for operator in operators:
            until(f"{operator.name} is ready", lambda operator=operator: operator.is_ready)
        if "webhook" in COMPONENTS:
            admission.configure(kube)
        teams.begin()
        until(
            "Prometheus scrapes all",
            lambda: prometheus.is_ready and prometheus.numbers('up{job=~"steward-.+"}') == [1] * len(operators),
        )
        began = time.time()
        _play(operators, load, seconds)
        load.end()
        teams.end()
        yield Stage(prometheus, operators, load, teams, kube, access, began, time.time())


def labels(operator: Operator) -> dict[str, str]:
    """Those of a target."""
    return {"cluster": CLUSTER, "namespace": NAMESPACE, "job": f"steward-{operator.component}", "pod": operator.name}


def _play(operators: list[Operator], load: Load, seconds: float) -> None:
    """A quiet time, a policy that refuses Services, a leader that is replaced, and a quiet time again."""
    _, refused, allowed, replaced, end = (time.monotonic() + seconds * share for share in (0, 0.3, 0.5, 0.65, 1))
    _wait(refused)
    load.refuse()
    _wait(allowed)
    load.allow()
    _wait(replaced)
    headless = [operator for operator in operators if operator.component == "headless"]
    leader = until("one leads", lambda: next((operator for operator in headless if operator.works), None))
    leader.stop()
    leader.start()
    _wait(end)


def _wait(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
