"""A real Prometheus on the loopback interface, with the chart's rules."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3
import yaml

from observability.stage.process import Process
from support import helm
from support.envtest import ControlPlane, find, free_ports

CLUSTER = "prod-eu"
SCRAPE_SECONDS = 2
LOOKBACK_SECONDS = 30
"""A series that ends without a word, because its process was killed, is shown so much longer (--query.lookback-delta)."""

Target = tuple[str, Mapping[str, str]]
"""Address and labels."""

Series = dict[str, Any]


class QueryError(Exception):
    """Prometheus refused a query; the text is what it said."""


class Prometheus:
    """From :meth:`start` to :meth:`stop`.

    Args:
        directory: For its configuration, its data and its log.
        values: Of the chart, for the rules.
    """

    def __init__(self, directory: Path, values: Mapping[str, Any]) -> None:
        self._directory = directory
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._http = urllib3.PoolManager(timeout=30)
        self._listen = f"127.0.0.1:{port}"
        groups = [group for rule in helm.of_kind(helm.render(values, component=None), "PrometheusRule") for group in rule["spec"]["groups"]]
        # Recorded as often as scraped: what stands in a panel is then there within the minutes of a run.
        quick = [{**group, "interval": f"{SCRAPE_SECONDS}s"} for group in groups]
        (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": quick}))

    def start(self, targets: Iterable[Target], *, apiserver: ControlPlane) -> None:
        """Start it on these targets, and on what the API server says of webhooks, without waiting."""
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [
                {
                    "job_name": "steward",
                    "honor_labels": True,
                    "static_configs": [{"targets": [address], "labels": dict(labels)} for address, labels in targets],
                },
                _apiserver(apiserver),
            ],
        }
        path = self._directory / "prometheus.yaml"
        path.write_text(yaml.safe_dump(configuration))
        self._process = Process(
            [
                find("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={self._directory / 'data'}",
                f"--web.listen-address={self._listen}", f"--query.lookback-delta={LOOKBACK_SECONDS}s",
            ],
            self._directory / "prometheus.log",
        )  # fmt: skip

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    @property
    def is_ready(self) -> bool:
        """Whether it answers. Raises: RuntimeError with the end of its log if it ended."""
        if not self._process.is_alive:
            raise RuntimeError(f"prometheus ended:\n{self._process.last_words()}")
        try:
            return self._http.request("GET", f"{self.url}/-/ready", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def query(self, expr: str, *, at: float | None = None) -> list[Series]:
        """The series of an instant query. Raises: QueryError."""
        return self._result("query", query=expr, **({} if at is None else {"time": f"{at:.3f}"}))

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> list[Series]:
        """The series of a range query; ``step`` in seconds. Raises: QueryError."""
        return self._result("query_range", query=expr, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step:g}")

    def numbers(self, expr: str) -> list[float]:
        """The values of an instant query that are numbers at all. Raises: QueryError."""
        values = (float(series["value"][1]) for series in self.query(expr))
        return [value for value in values if not math.isnan(value)]

    def metadata(self) -> dict[str, list[dict[str, str]]]:
        """Type and help of every scraped metric."""
        found: dict[str, list[dict[str, str]]] = self._get("metadata")
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _result(self, path: str, **parameters: str) -> list[Series]:
        data = self._get(path, **parameters)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        found: list[Series] = data["result"]
        return found

    def _get(self, path: str, **parameters: str) -> Any:
        answer = json.loads(self._http.request("GET", f"{self.url}/api/v1/{path}", fields=parameters).data)
        if answer["status"] != "success":
            raise QueryError(f"{parameters.get('query', path)}: {answer['error']}")
        return answer["data"]


def _apiserver(plane: ControlPlane) -> dict[str, Any]:
    at = plane.directory
    return {
        "job_name": "apiserver",
        "scheme": "https",
        "tls_config": {"ca_file": str(at / "ca.crt"), "cert_file": str(at / "admin.crt"), "key_file": str(at / "admin.key")},
        "static_configs": [{"targets": [f"127.0.0.1:{plane.port}"], "labels": {"cluster": CLUSTER, "namespace": "default"}}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "apiserver_admission_webhook_.+", "action": "keep"}],
    }


def names(series: Sequence[Series]) -> set[str]:
    """The metrics that series belong to."""
    return {one["metric"]["__name__"] for one in series}
