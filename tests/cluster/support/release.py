"""Our chart, installed by helm."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from cluster.support.cluster import Cluster
from demolib.workloads import Object

from support.paths import merge

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Release:
    """One release of the chart.

    Attributes:
        cluster: Where it is, or is to be.
        chart: Path of the chart.
        name: Of the release.
        namespace: Of the release.
        component: The only one that is installed: each takes its share of a small node. None installs those that the values enable.
    """

    cluster: Cluster
    chart: str
    name: str
    namespace: str
    component: str | None = "headless"

    @property
    def fullname(self) -> str:
        """First part of the names of its objects."""
        return self.name if "steward" in self.name else f"{self.name}-steward"

    @property
    def workload(self) -> str:
        """Name of the Deployment, the ServiceAccount, the Lease and the Role."""
        return f"{self.fullname}-{self.component or 'headless'}"

    @property
    def selector(self) -> str:
        """Selects the objects of the release, or its pods."""
        return f"app.kubernetes.io/name=steward,app.kubernetes.io/instance={self.name}"

    def install(self, values: Values | None = None) -> str:
        """`helm install`; returns when the pods are ready, with what helm said."""
        return self._helm("install", values)

    def upgrade(self, values: Values | None = None) -> str:
        """`helm upgrade`, likewise. The values are those given: without the flag, none at all would mean those of before."""
        return self._helm("upgrade", values, "--reset-values")

    def test(self) -> str:
        """`helm test`; what it said."""
        return self.cluster.run("helm", "test", self.name, "--namespace", self.namespace, "--timeout", "120s", "--logs")

    def uninstall(self) -> None:
        """`helm uninstall`; returns when the objects are gone. No harm where nothing is installed."""
        self.cluster.run("helm", "uninstall", self.name, "--namespace", self.namespace, "--ignore-not-found", "--wait", "--timeout", "120s")

    def objects(self, kind: str) -> list[Object]:
        """The release's objects of a kind, in its namespace or of the whole cluster."""
        return self.cluster.select(kind, "--namespace", self.namespace, "--selector", self.selector)

    def scale(self, replicas: int) -> None:
        """Scale its Deployment by hand."""
        self.cluster.kubectl("scale", "deployment", self.workload, "--namespace", self.namespace, f"--replicas={replicas}")

    def _helm(self, verb: str, values: Values | None, *flags: str) -> str:
        files = ["--values", self.cluster.values] if self.cluster.values else []
        where = [*flags, "--namespace", self.namespace, "--wait", "--timeout", "180s", *files, "--values", "-"]
        return self.cluster.run("helm", verb, self.name, self.chart, *where, stdin=json.dumps(merge(self._alone(), values or {})))

    def _alone(self) -> dict[str, Any]:
        """Values that switch off the other components; an older chart has fewer of them."""
        if self.component is None:
            return {}
        components = yaml.safe_load(self.cluster.run("helm", "show", "values", self.chart))["components"]
        return {"components": {name: {"enabled": name == self.component} for name in components}}
