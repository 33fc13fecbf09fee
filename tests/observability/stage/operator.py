"""Steward as a process, configured by the chart."""

import os
import sys
from pathlib import Path
from typing import Any

import urllib3
import yaml
from observability.stage.process import Process

from support import helm
from support.envtest import free_ports

COMPONENT = "headless"
NAMESPACE = "steward"


class Operator:
    """One replica. Its ports stay when it is started again, as a target of Prometheus does in a StatefulSet.

    Args:
        name: As its pod would be named.
        kubeconfig: Of the API server.
        directory: For its configuration and its log.
        values: Of the chart.
    """

    def __init__(self, name: str, kubeconfig: Path, directory: Path, values: dict[str, Any] | None = None) -> None:
        self.name = name
        self._kubeconfig = kubeconfig
        self._log = directory / f"{name}.log"
        self._path = directory / f"{name}.yaml"
        self._http = urllib3.PoolManager(timeout=10)
        port, health = free_ports(2)
        self.address = f"127.0.0.1:{port}"
        (config,) = (one["data"]["config.yaml"] for one in helm.of_kind(helm.render(values), "ConfigMap") if "config.yaml" in one["data"])
        self._path.write_text(yaml.safe_dump({**yaml.safe_load(config), "http": {"metricsPort": port, "healthPort": health}}))

    def start(self) -> None:
        """Start it, without waiting."""
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig), "POD_NAME": self.name, "POD_NAMESPACE": NAMESPACE}
        program = Path(sys.executable).with_name("steward")
        self._process = Process([program, "run", COMPONENT, "--config", self._path], self._log, environment)

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
        return self.value(f'steward_component_ready{{component="{COMPONENT}"}}') == 1

    @property
    def leads(self) -> bool:
        """Whether it says that it is the leader."""
        return self.value(f'steward_leader{{component="{COMPONENT}"}}') == 1
