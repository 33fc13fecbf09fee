"""Asks the node's API server while it starts. Starting kubectl ten times a second would take the processor from what is waited for."""

import http.client
import json
import ssl
from typing import Any

from clusterlib.node.settings import API_PORT, NODE_NAME, Settings

_TIMEOUT_SECONDS = 2.0


class Api:
    """One server, as the administrator."""

    def __init__(self, settings: Settings) -> None:
        pki = settings.state / "pki"
        self._address = str(settings.node_ip)
        self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        return self._get("/readyz")[0] == 200

    def node_is_ready(self) -> bool:
        """Whether the node's condition Ready is true."""
        node = self._object(f"/api/v1/nodes/{NODE_NAME}")
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in node.get("status", {}).get("conditions", []))

    def _object(self, path: str) -> dict[str, Any]:
        status, body = self._get(path)
        found: dict[str, Any] = json.loads(body) if status == 200 else {}
        return found

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(self._address, API_PORT, timeout=_TIMEOUT_SECONDS, context=self._context)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()
