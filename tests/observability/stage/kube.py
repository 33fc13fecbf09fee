"""Writes to the API server of the stage: JSON over HTTP, by its administrator."""

import json
from pathlib import Path
from typing import Any

import urllib3
from cluster.support.wait import until

from support.envtest import ControlPlane

Object = dict[str, Any]


class Refused(Exception):
    """The API server said no."""


class Kube:
    """A client for several threads.

    Args:
        plane: The API server, started.
    """

    def __init__(self, plane: ControlPlane) -> None:
        at = plane.directory
        self._url = plane.url
        self._http = urllib3.PoolManager(
            maxsize=16, timeout=30, ca_certs=str(at / "ca.crt"), cert_file=str(at / "admin.crt"), key_file=str(at / "admin.key")
        )

    def ask(self, method: str, path: str, body: Object | None = None, *, patch: str = "") -> Object:
        """Send a request; ``patch`` is the kind of a PATCH, such as ``merge``. Raises: Refused."""
        headers = {"Content-Type": f"application/{patch}-patch+json" if patch else "application/json"}
        answer = self._http.request(method, self._url + path, json=body, headers=headers) if body else self._http.request(method, self._url + path)
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {answer.data[:300]!r}")
        found: Object = answer.json()
        return found

    def until_served(self, definition: Object) -> None:
        """Wait until the API server answers for a kind that it has just been told of."""
        spec, name = definition["spec"], definition["metadata"]["name"]
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        until(f"{name} is served", lambda: self._http.request("GET", self._url + path).status == 200)

    def namespace(self, name: str) -> None:
        """Make a namespace."""
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})


def kubeconfig(plane: ControlPlane, path: Path) -> Path:
    """Write the kubeconfig of the administrator; its path."""
    at = plane.directory
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stage", "cluster": {"server": plane.url, "certificate-authority": str(at / "ca.crt")}}],
        "users": [{"name": "admin", "user": {"client-certificate": str(at / "admin.crt"), "client-key": str(at / "admin.key")}}],
        "contexts": [{"name": "stage", "context": {"cluster": "stage", "user": "admin"}}],
        "current-context": "stage",
    }
    path.write_text(json.dumps(document))
    return path
