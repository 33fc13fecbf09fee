"""The API server's client and the component's process, as the tests of admission need them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import urllib3
import yaml

from support import helm
from support.certificates import Authority
from support.envtest import ControlPlane, die_with_parent, free_ports

NAMESPACE = "steward"


class Answer(NamedTuple):
    """What the API server said."""

    status: int
    body: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def message(self) -> str:
        """Of a Status."""
        return str(self.body.get("message", ""))


class Api:
    """An administrator's client, with the warnings that kubectl would print."""

    def __init__(self, plane: ControlPlane) -> None:
        self._url = plane.url
        at = plane.directory
        self._pool = urllib3.PoolManager(
            ca_certs=str(at / "ca.crt"), cert_file=str(at / "admin.crt"), key_file=str(at / "admin.key"), timeout=20, retries=False, maxsize=16
        )

    def call(self, method: str, path: str, body: Any = None, *, as_: tuple[str, ...] = (), patch: str = "merge") -> Answer:
        """Ask; ``as_`` are a user and groups to impersonate."""
        headers = urllib3.HTTPHeaderDict({"content-type": f"application/{patch}-patch+json" if method == "PATCH" else "application/json"})
        if as_:
            headers["Impersonate-User"] = as_[0]
            for group in as_[1:]:
                headers.add("Impersonate-Group", group)
        answer = self._pool.request(method, self._url + path, body=None if body is None else json.dumps(body).encode(), headers=headers)
        text = answer.data
        said = tuple(one.split('"', 1)[1].rsplit('"', 1)[0] for one in answer.headers.getlist("warning"))
        return Answer(answer.status, json.loads(text) if text.startswith(b"{") else {"message": text.decode()}, said)

    def must(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Ask for what must be granted."""
        answer = self.call(method, path, body, **options)
        assert answer.status < 300, answer
        return answer.body

    def counted(self, name: str, **labels: str) -> float:
        """The sum of the API server's own counters of this name that have these labels."""
        text = self._pool.request("GET", f"{self._url}/metrics").data.decode()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name}{{") and all(one in line for one in wanted)
        )


class Webhook:
    """One replica, configured by the chart but for its ports and its certificate.

    Args:
        name: As its pod would be named.
        kubeconfig: Of the API server.
        directory: For its configuration and its log.
        authority: Who signed its certificate.
        config: Changes to the component's configuration.
    """

    def __init__(self, name: str, kubeconfig: Path, directory: Path, authority: Authority, config: dict[str, Any] | None = None) -> None:
        self.name = name
        self._log = directory / "log"
        self._path = directory / "config.yaml"
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "POD_NAME": name, "POD_NAMESPACE": NAMESPACE}
        self._http = urllib3.PoolManager(timeout=5, retries=False)
        self.port, self._metrics, health = free_ports(3)
        document = next(
            yaml.safe_load(one["data"]["config.yaml"])
            for one in helm.of_kind(helm.render(component="webhook"), "ConfigMap")
            if one["metadata"]["name"] == "steward-webhook"
        )
        document["http"] = {"metricsPort": self._metrics, "healthPort": health}
        files = {
            "port": self.port,
            "tlsMode": "files",
            "tlsCertFile": str(authority.directory / "webhook.crt"),
            "tlsPrivateKeyFile": str(authority.directory / "webhook.key"),
        }
        document["config"] |= {"serving": document["config"]["serving"] | files} | (config or {})
        self._path.write_text(yaml.safe_dump(document))
        self._process: subprocess.Popen[bytes] | None = None
        self._is_told = False

    def start(self) -> None:
        """Start it, without waiting."""
        self._is_told = False
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).with_name("steward"), "run", "webhook", "--config", self._path],
                stdout=log,
                stderr=log,
                env=self._environment,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls one system call
                start_new_session=True,
            )

    def begin_to_stop(self) -> None:
        """As the kubelet does; nothing if it has begun, or has ended."""
        if self._process is None or self._is_told:
            return
        # Once: a second signal ends it at once.
        self._is_told = True
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """End it in good order; its exit code."""
        if self._process is None:
            return 0
        self.begin_to_stop()
        code = self._process.wait(40)
        self._process = None
        return code

    def kill(self) -> None:
        """End it as the kernel does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def wait_until_ready(self) -> None:
        """Wait for its readiness."""
        eventually(lambda: self.probe("/readyz")[0] == 200, seconds=40, why=self.log)

    def probe(self, path: str) -> tuple[int, str]:
        """Status and body of a health check; 0 when nobody answers."""
        try:
            answer = self._http.request("GET", f"http://127.0.0.1:{self._metrics}{path}")
        except urllib3.exceptions.HTTPError:
            assert self._process is None or self._process.poll() is None, self.log()
            return 0, ""
        return answer.status, answer.data.decode()

    def counted(self, name: str, **labels: str) -> float:
        """The sum of its series of this name that have these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = self.probe("/metrics")[1].splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith((f"kube_devops_webhook_{name}{{", f"kube_devops_webhook_{name} ")) and all(one in line for one in wanted)
        )

    def heard(self, resource: str) -> float:
        """Unix time at which it last heard of these objects; 0 before that."""
        lines = self.probe("/metrics")[1].splitlines()
        of = [one for one in lines if one.startswith("steward_informer_last_event_timestamp_seconds{") and f'resource="{resource}"' in one]
        return max((float(one.rpartition(" ")[2]) for one in of), default=0.0)

    def log(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-4000:]


def stop_all(replicas: Sequence[Webhook]) -> list[int]:
    """End them in good order, all at a time: each goes on serving for seconds; their exit codes."""
    for one in replicas:
        one.begin_to_stop()
    return [one.stop() for one in replicas]


def eventually(condition: Callable[[], Any], *, seconds: float = 20.0, why: Callable[[], Any] = lambda: "") -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s {why()}"
        time.sleep(0.02)
