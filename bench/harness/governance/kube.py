"""A real kube-apiserver, without nodes and controllers, and requests to it."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.cluster import kubeconfig
from harness.governance.plan import NAMESPACE
from support.envtest import ControlPlane


class Server:
    """Requests of an administrator.

    Attributes:
        url: Where the server is.
        root: What it is trusted by.
        identity: Certificate and key of the administrator.
        kubeconfig: With all of that.
        pods: Where pods are created for nothing.
    """

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.root = directory / "ca.crt"
        self.identity = directory / "admin.crt", directory / "admin.key"
        self.kubeconfig = directory / "admin.kubeconfig"
        self.pods = f"{url}/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All"
        self._context = ssl.create_default_context(cafile=self.root)
        self._context.load_cert_chain(*self.identity)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
        """One request. Raises: HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30, context=self._context) as answer:
            text: str = answer.read().decode()
        return text

    def denies(self) -> bool:
        """Whether a pod that breaks the policy is refused."""
        pod = {"metadata": {"name": "bad"}, "spec": {"containers": [{"name": "app", "image": "registry.example.com/app"}]}}
        try:
            self.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", pod)
        except urllib.error.HTTPError as refused:
            with refused:
                if refused.code in (403, 422):
                    return True
                raise
        return False

    def spent(self, pattern: str) -> tuple[float, float]:
        """Sum and count of a histogram of the server's."""
        text = self.ask("GET", "/metrics")
        total, count = (sum(map(float, re.findall(f"^{pattern % part}$", text, re.MULTILINE))) for part in ("sum", "count"))
        return total, count


@contextmanager
def server(directory: Path) -> Iterator[Server]:
    """Start one, with a namespace for the pods."""
    directory.mkdir(parents=True)
    plane = ControlPlane(directory)
    plane.start()
    try:
        made = Server(plane.url, directory)
        made.kubeconfig.write_text(kubeconfig(plane))
        made.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        yield made
    finally:
        plane.stop()
