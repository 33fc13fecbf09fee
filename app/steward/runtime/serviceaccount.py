"""What the kubelet gives a pod to reach the API server: address, certificate authority and token.

As client-go's ``rest.InClusterConfig`` and ``transport.cachingTokenSource`` read it; unlike them, a missing ``ca.crt`` is said at once and not at
the first handshake. The official Python client is not asked, for importing it costs a pod a tenth of a second and 12 MB.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from steward.telemetry.logging import get_logger
from steward.telemetry.secret import Secret

DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts the files (kubernetes.io/docs, "Accessing the Kubernetes API from a Pod")."""

TOKEN_SECONDS = 50.0
"""Seconds a token is used before its file is read again: client-go's minute, less its leeway of ten seconds. The kubelet writes a new one when a
fifth of its life is left (kubernetes/pkg/kubelet/token/token_manager.go)."""

log = get_logger(__name__)


class ServiceAccount:
    """The service account of this pod.

    Guarantees: a token that cannot be read again is used as it is for another while, and its loss is logged once.

    Args:
        directory: Where its files are.
        environment: Where the kubelet says the API server is, and the cluster's owner which proxy to take.

    Raises:
        OSError: A file cannot be read; the message names it.
        ValueError: A variable or the token is empty.

    Attributes:
        host: URL of the API server.
        ssl_ca_cert: File of its certificate authority.
        proxy: URL of the proxy for https, if any.
        no_proxy: What is reached without.
    """

    cert_file: str | None = None
    key_file: str | None = None
    tls_server_name: str | None = None
    verify_ssl = True

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        host, port = (environment.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
        if not host or not port:
            raise ValueError("KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is empty")
        self.host = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        self.proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
        self.no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy")
        self._token_file = directory / "token"
        self._headers = self._read()
        self._next_look = time.monotonic() + TOKEN_SECONDS
        self._failure = ""
        authority = directory / "ca.crt"
        if not authority.stat().st_size:
            raise ValueError(f"{authority} is empty")
        self.ssl_ca_cert: str | None = str(authority)

    def headers(self) -> Mapping[str, Secret]:
        """The headers that prove who we are."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + TOKEN_SECONDS
            try:
                self._headers, self._failure = self._read(), ""
            except (OSError, ValueError) as error:
                if str(error) != self._failure:
                    log.warning("token cannot be read, going on with the former one", reason=str(error))
                self._failure = str(error)
        return self._headers

    def _read(self) -> Mapping[str, Secret]:
        token = self._token_file.read_text(encoding="utf-8").strip()
        if not token:
            raise ValueError(f"{self._token_file} is empty")
        return {"authorization": Secret(f"Bearer {token}")}
