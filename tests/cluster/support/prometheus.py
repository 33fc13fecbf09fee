"""The Prometheus that `ci/cluster up --monitoring` installs, asked through the API server, so that it works on any cluster."""

import math
from dataclasses import dataclass
from typing import Any

import pykube

SERVICE = "prometheus:9090"
NAMESPACE = "monitoring"


@dataclass(frozen=True)
class Prometheus:
    """Its HTTP API."""

    client: pykube.HTTPClient

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer. Raises: requests.HTTPError when Prometheus refuses a query."""
        answer = self.client.get(url=f"services/{SERVICE}/proxy/api/v1/{path}", namespace=NAMESPACE, version="v1", params=parameters, timeout=20)
        self.client.raise_for_status(answer)
        return answer.json()["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found

    def numbers(self, expression: str) -> list[float]:
        """The values of an instant query that are numbers at all."""
        values = (float(series["value"][1]) for series in self.query(expression))
        return [value for value in values if not math.isnan(value)]

    def targets(self, job: str, namespace: str) -> list[dict[str, Any]]:
        """The targets of a job that stand in a namespace."""
        active = self.get("targets", state="active")["activeTargets"]
        return [target for target in active if (target["labels"].get("job"), target["labels"].get("namespace")) == (job, namespace)]

    def alerts(self, namespace: str) -> dict[str, dict[str, Any]]:
        """Every alerting rule of the PrometheusRules of a namespace, by its name."""
        groups = [group for group in self.get("rules", type="alert")["groups"] if f"/{namespace}-" in group["file"]]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def firing(self, selector: str) -> list[dict[str, Any]]:
        """The alerts that fire, of those a selector such as `{alertname="..."}` matches."""
        return [series for series in self.query(f"ALERTS{selector}") if series["metric"]["alertstate"] == "firing"]
