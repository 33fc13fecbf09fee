"""Where the API server is and how we prove who we are.

Taken from the official client's configuration loaders (kubeconfig with exec plugins, in-cluster token files), which are well kept; its
transport is not used. See ``docs/design`` for why.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import yaml
from kubernetes import config as kubeconfig
from kubernetes.client import Configuration
from kubernetes.client.rest import should_bypass_proxies

from steward.runtime import errors

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts the service account's files (kubernetes.io/docs, "Accessing the Kubernetes API from a Pod")."""

_BROKEN = (kubeconfig.ConfigException, yaml.YAMLError, OSError, AttributeError, KeyError, TypeError, ValueError)
"""What the official loaders raise for a file that is not there, not YAML, or not a kubeconfig."""


class Credentials:
    """Address, headers and TLS settings of one API server.

    Guarantees: a token file that changed is re-read at most a minute later (the official loader's interval); expired exec credentials are
    renewed; CA and client certificate files are noticed when they change.

    Raises:
        ConfigError: The server's or the proxy's address is no URL.

    Not guaranteed: exec plugins of a kubeconfig run inside :meth:`headers`, without a limit of time, and nothing else runs meanwhile. In a
    pod there are none.
    """

    def __init__(self, configuration: Configuration, *, user_agent: str) -> None:
        self._configuration = configuration
        self.user_agent = user_agent
        self.host: str = _checked("server", configuration.host.rstrip("/"), like="https://10.96.0.1:443")
        self.proxy: str | None = None
        if configuration.proxy and not should_bypass_proxies(self.host, configuration.no_proxy or ""):
            named = configuration.proxy if "://" in configuration.proxy else f"http://{configuration.proxy}"
            self.proxy = _checked("proxy", named, like="http://proxy.example:3128")
        self.server_name: str | None = getattr(configuration, "tls_server_name", None)

    def headers(self) -> dict[str, str]:
        """Authorization headers for one request.

        Raises:
            OSError: The token cannot be read now.
        """
        try:
            settings = cast("dict[str, dict[str, str]]", self._configuration.auth_settings())
        except kubeconfig.ConfigException as error:
            raise OSError(f"token cannot be read: {error}") from error
        return {setting["key"]: setting["value"] for setting in settings.values() if setting["in"] == "header" and setting["value"]}

    def tls_generation(self) -> object:
        """A value that changes when a certificate file does."""
        return tuple(_signature(path) for path in (self._configuration.ssl_ca_cert, self._configuration.cert_file, self._configuration.key_file))

    def tls(self) -> ssl.SSLContext:
        """A context of the files as they are now.

        Raises:
            OSError: One of them is missing or broken.
        """
        configuration = self._configuration
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
        # From Python 3.13 on the default asks of a CA what RFC 5280 does not, such as key identifiers. Go, and so kubectl, does not ask it either,
        # and the CA of older clusters has none. Chain, expiry and name are checked as ever.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
        if not configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def load(*, user_agent: str, context: str = "") -> Credentials:
    """Find the API server: in a pod by its service account, elsewhere by kubeconfig.

    Args:
        user_agent: Product and version, as the audit log shall show it.
        context: Context of the kubeconfig; empty takes its current one. Naming one skips the service account.

    Raises:
        ConfigError: Neither is there, or a file is broken.
    """
    configuration = Configuration()
    in_cluster = not context and "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists()
    try:
        if in_cluster:
            kubeconfig.load_incluster_config(client_configuration=configuration)
        else:
            kubeconfig.load_kube_config(context=context or None, client_configuration=configuration)
    except _BROKEN as error:
        raise errors.ConfigError(_explain(error, in_cluster=in_cluster)) from error
    # Taken as given from here on: the loaders set the host anew for each request, and would look through the whole environment for a proxy each time.
    configuration.proxy = configuration.proxy
    return Credentials(configuration, user_agent=user_agent)


def _checked(field: str, text: str, *, like: str) -> str:
    """The text, if it is a URL we can connect to."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and text.isascii() and text.isprintable() and " " not in text
        shown = f"{url.scheme}://{url.netloc.rpartition('@')[2]}" if url.netloc else text
        _ = url.port
    except ValueError:
        usable, shown = False, text.rpartition("@")[2]
    if not usable:
        raise errors.ConfigError(f'{field}: expected a URL like {like}, got "{shown}". Write http:// or https://, a host and a port.')
    return text


def _explain(error: Exception, *, in_cluster: bool) -> str:
    """One line; YAML errors have several."""
    said = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, kubeconfig.ConfigException | yaml.YAMLError | OSError):
        said = f"it has not the shape of a kubeconfig ({type(error).__name__}: {said})"
    if in_cluster:
        return f"no way to reach a Kubernetes API server: the service account in {SERVICE_ACCOUNT}: {said}. Let the pod mount its token."
    where = os.environ.get("KUBECONFIG", "~/.kube/config")
    return (
        f"no way to reach a Kubernetes API server: not in a pod with a service account token, and kubeconfig {where}: {said}. "
        "Set KUBECONFIG to a readable kubeconfig, or run inside a cluster."
    )


def namespace() -> str:
    """The namespace this process runs in: POD_NAMESPACE, else the service account's, else ``default``."""
    named = os.environ.get("POD_NAMESPACE", "")
    file = SERVICE_ACCOUNT / "namespace"
    if not named and file.exists():
        named = file.read_text(encoding="utf-8").strip()
    return named or "default"


def _signature(path: str | None) -> tuple[int, int] | None:
    if not path:
        return None
    try:
        seen = os.stat(path)  # noqa: PTH116 - for each request; a Path costs more than the call
    except OSError:
        # Between unlink and rename of a rotation.
        return None
    return seen.st_mtime_ns, seen.st_ino
