"""Steward as a process, configured by the chart."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3
import yaml

from observability.stage.process import Process
from support import helm
from support.envtest import free_ports
from support.paths import merge

NAMESPACE = "steward"
COMPONENTS = tuple(yaml.safe_load((helm.CHART / "values.yaml").read_text())["components"])


class Operator:
    """One replica. Its ports stay when it is started again, as a target of Prometheus does in a StatefulSet.

    Args:
        name: As its pod would be named.
        kubeconfig: Of the API server.
        directory: For its configuration and its log.
        values: Of the chart.
        component: Which it is.
        settings: Laid over what the chart tells the process, by the key of its file.
    """

    def __init__(
        self,
        name: str,
        kubeconfig: Path,
        directory: Path,
        values: Mapping[str, Any] | None = None,
        *,
        component: str = "headless",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.component = component
        self._kubeconfig = kubeconfig
        self._log = directory / f"{name}.log"
        self._path = directory / f"{name}.yaml"
        self._http = urllib3.PoolManager(timeout=10)
        port, health = free_ports(2)
        self.address, self.health = (f"127.0.0.1:{one}" for one in (port, health))
        ports = {"http": {"metricsPort": port, "healthPort": health}}
        self._path.write_text(yaml.safe_dump(merge(configuration(component, values), ports, settings or {})))

    def start(self) -> None:
        """Start it, without waiting."""
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig), "POD_NAME": self.name, "POD_NAMESPACE": NAMESPACE}
        program = Path(sys.executable).with_name("steward")
        self._process = Process([program, "run", self.component, "--config", self._path], self._log, environment)

    def begin_to_stop(self) -> None:
        """Tell it to end in good order, without waiting."""
        self._process.begin_to_stop()

    def stop(self) -> None:
        """End it in good order."""
        self._process.stop()

    def scrape(self) -> str:
        """What it exports, as text. Raises: RuntimeError with the end of its log if it ended, urllib3's errors if it does not answer."""
        if not self._process.is_alive:
            raise RuntimeError(f"{self.name} ended:\n{self._process.last_words()}")
        return self._http.request("GET", f"http://{self.address}/metrics", retries=False).data.decode()

    def value(self, series: str) -> float | None:
        """The value of one of its series, written as it exports it; None if there is none, or no answer."""
        try:
            lines = self.scrape().splitlines()
        except urllib3.exceptions.HTTPError:
            return None
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), None)

    @property
    def is_ready(self) -> bool:
        """Whether it says that it can work."""
        return self.value(f'steward_component_ready{{component="{self.component}"}}') == 1

    @property
    def works(self) -> bool:
        """Whether it is the leader, or one of a component that elects none."""
        return self.value(f'steward_leader{{component="{self.component}"}}') in (1, None) and self.is_ready


def stop_all(operators: Sequence[Operator]) -> None:
    """End them in good order, all at a time: some go on serving for seconds."""
    for one in operators:
        one.begin_to_stop()
    for one in operators:
        one.stop()


def configuration(component: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the chart tells the processes of a component."""
    maps = [one for one in helm.of_kind(helm.render(values, component=None), "ConfigMap") if "config.yaml" in one["data"]]
    (own,) = (one for one in maps if one["metadata"]["labels"]["app.kubernetes.io/component"] == component)
    found: dict[str, Any] = yaml.safe_load(own["data"]["config.yaml"])
    return found
