"""The cluster that peers work for: the fake API server, or a real one, both moved by the same program (bench/load)."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.peers import made
from harness.plan import FAKE, REAL
from support.envtest import ControlPlane

CALL_SECONDS = 1800
"""Filling a real cluster with 50k pods takes minutes."""


@dataclass(frozen=True)
class Batch:
    """What became of the last annotated pods. Times are milliseconds, moments seconds since 1970."""

    pods: int
    done: int
    p50: float
    p99: float
    max: float
    firstTold: float  # noqa: N815 - as bench/load writes it
    lastTold: float  # noqa: N815
    lastDone: float  # noqa: N815


@dataclass(frozen=True)
class Told:
    """When the change of a pod was sent, in seconds since 1970."""

    namespace: str
    at: float


@dataclass(frozen=True)
class Write:
    """A request that writes, and when it was read."""

    verb: str
    resource: str
    key: str
    bytes: int
    at: float


class Cluster:
    """See bench/load/internal/control for what the calls do."""

    def __init__(self, name: str, control: str, kubeconfig: str, plane: ControlPlane | None = None) -> None:
        self.name = name
        self.kubeconfig = kubeconfig
        self._control = control
        self._plane = plane

    def fill(self, count: int) -> None:
        """Make the number of pods that ask for nothing this."""
        self._call("POST", "fill", count=count)

    def add(self, count: int, *, running: bool) -> None:
        """Add annotated pods, pending or running."""
        self._call("POST", "add", count=count, running=str(running).lower())

    def run(self, rate: float) -> None:
        """Give the pending pods of the last :meth:`add` their addresses, so many a second."""
        self._call("POST", "run", rate=rate)

    def reset(self) -> None:
        """Remove annotated pods and what peers made. No peer is running."""
        self._call("POST", "reset")
        if self._plane is not None:
            self._plane.compact()

    def outage(self, seconds: int) -> None:
        """Begin an outage and return."""
        self._call("POST", "outage", seconds=seconds)

    def batch(self) -> Batch:
        """What became of the last :meth:`add`."""
        return Batch(**self._call("GET", "batch"))

    def requests(self) -> dict[str, int]:
        """Requests since the last reset, by verb and resource; of the fake server only."""
        return dict(self._call("GET", "requests") or {})

    def put(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Make objects, or lay them over those that are there (RFC 7386); of the fake server only, as what follows."""
        self._call("POST", "put", json.dumps(objects).encode())

    def change(self, count: int, *, rate: float) -> list[Told]:
        """Make further pods break a rule, so many a second."""
        return [Told(**one) for one in self._call("POST", "change", count=count, rate=rate)]

    def expire(self) -> None:
        """End every watch, and make whoever watched list anew."""
        self._call("POST", "expire")

    def objects(self, resource: str) -> list[dict[str, Any]]:
        """All that there are of a resource."""
        return list(self._call("GET", "objects", resource=resource) or ())

    def writes(self) -> list[Write]:
        """Requests that write, since the last reset."""
        return [Write(**one) for one in self._call("GET", "writes") or ()]

    def _call(self, method: str, path: str, body: bytes | None = None, **query: object) -> Any:
        request = urllib.request.Request(f"{self._control}/{path}?{urllib.parse.urlencode(query)}", data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")  # else it is a form, which has no body left
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            return json.load(answer)


@contextmanager
def fake(directory: Path, *, speed: float = 1, before: Sequence[str] = ()) -> Iterator[Cluster]:
    """The fake API server of bench/load, with writes of 3 ms; its command line may begin with another program."""
    with _load(directory, f"-speed={speed}", before=before) as (control, kubeconfig):
        yield Cluster(FAKE, control, kubeconfig)


@contextmanager
def real(directory: Path) -> Iterator[Cluster]:
    """etcd and kube-apiserver, without nodes and controllers."""
    plane = ControlPlane(directory)
    plane.start()
    try:
        admin = directory / "admin.kubeconfig"
        admin.write_text(kubeconfig(plane))
        with _load(directory, f"-kubeconfig={admin}") as (control, path):
            yield Cluster(REAL, control, path, plane)
    finally:
        plane.stop()


@contextmanager
def _load(directory: Path, *arguments: str, before: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    command = [*before, str(made() / "bin" / "load"), f"-directory={directory}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            where = json.loads(process.stdout.readline())
            yield where["control"], where["kubeconfig"]
        finally:
            process.stdin.close()


def kubeconfig(plane: ControlPlane) -> str:
    """That of an administrator."""
    at = plane.directory
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": {"server": plane.url, "certificate-authority": str(at / "ca.crt")}}],
            "users": [{"name": "admin", "user": {"client-certificate": str(at / "admin.crt"), "client-key": str(at / "admin.key")}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "admin"}}],
            "current-context": "bench",
        }
    )
