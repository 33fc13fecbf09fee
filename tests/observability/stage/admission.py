"""The API server's way to the replicas of `webhook`, which have no Service here."""

import base64
from pathlib import Path
from typing import Any

from observability.stage.kube import Kube
from support import helm
from support.certificates import Authority
from support.envtest import free_ports

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


class Admission:
    """A certificate that replicas show on the loopback interface, and the configuration that makes the API server call them.

    Args:
        directory: For the certificate.
    """

    def __init__(self, directory: Path) -> None:
        self._authority = Authority(directory / "admission")
        self._authority.issue("leaf", "/CN=webhook", usage="server")
        self._ports: list[int] = []

    def settings(self) -> dict[str, Any]:
        """What the next replica is told."""
        (port,) = free_ports(1)
        self._ports.append(port)
        at = self._authority.directory
        files = {"tlsMode": "files", "tlsCertFile": str(at / "leaf.crt"), "tlsPrivateKeyFile": str(at / "leaf.key")}
        return {"config": {"serving": {"port": port, **files}}}

    def configure(self, kube: Kube) -> None:
        """Let the API server call the first replica, by what the chart says of all else; and the second, for another path, so that both work."""
        (found,) = helm.of_kind(helm.render(component=None), "ValidatingWebhookConfiguration")
        bundle = base64.b64encode(self._authority.ca.read_bytes()).decode()
        for number, webhook in enumerate(found["webhooks"]):
            path = webhook["clientConfig"]["service"]["path"]
            webhook["clientConfig"] = {"url": f"https://127.0.0.1:{self._ports[number % len(self._ports)]}{path}", "caBundle": bundle}
        kube.ask("POST", CONFIGURATIONS, found)
