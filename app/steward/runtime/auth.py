"""Where the API server is and how we prove who we are.

In a pod that is told by its service account. Elsewhere it is read from a kubeconfig by the official client's loaders (contexts, exec plugins), which
are well kept and loaded only then; the official client's transport is not used. See ``docs/design`` for why.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import yaml

from steward.runtime import errors
from steward.runtime.serviceaccount import DIRECTORY, ServiceAccount
from steward.telemetry.secret import Secret

SERVICE_ACCOUNT = DIRECTORY

HEADER_SECONDS = 1.0
"""Seconds the headers of a kubeconfig are used before its loader is asked again: that takes 20 us, more than the rest of writing a request."""


class Settings(Protocol):
    """What is read of a service account, and of the official client's ``Configuration``."""

    host: str
    ssl_ca_cert: str | None
    cert_file: str | None
    key_file: str | None
    verify_ssl: bool
    proxy: str | None
    no_proxy: str | None


class Credentials:
    """Address, headers and TLS settings of one API server.

    Guarantees: a token file that changed is re-read at most a minute later; expired exec credentials are renewed; CA and client certificate files
    are noticed when they change.

    Raises:
        ConfigError: The server's or the proxy's address is no URL.

    Not guaranteed: exec plugins of a kubeconfig run inside :meth:`headers`, without a limit of time, and nothing else runs meanwhile. In a
    pod there are none.
    """

    def __init__(self, settings: Settings, *, user_agent: str) -> None:
        self._settings = settings
        self._headers: Callable[[], Mapping[str, Secret]] = settings.headers if isinstance(settings, ServiceAccount) else _Headers(settings)
        self.user_agent = user_agent
        self.host: str = _checked("server", settings.host.rstrip("/"), like="https://10.96.0.1:443")
        self.proxy: str | None = None
        if settings.proxy and not _is_near(self.host, settings.no_proxy or ""):
            named = settings.proxy if "://" in settings.proxy else f"http://{settings.proxy}"
            self.proxy = _checked("proxy", named, like="http://proxy.example:3128")
        self.server_name: str | None = getattr(settings, "tls_server_name", None)

    def headers(self) -> Mapping[str, Secret]:
        """Authorization headers for one request.

        Raises:
            OSError: The token cannot be read now.
        """
        return self._headers()

    def tls_generation(self) -> object:
        """A value that changes when a certificate file does."""
        return tuple(_signature(path) for path in (self._settings.ssl_ca_cert, self._settings.cert_file, self._settings.key_file))

    def tls(self) -> ssl.SSLContext:
        """A context of the files as they are now.

        Raises:
            OSError: One of them is missing or broken.
        """
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ssl_ca_cert or None)
        # From Python 3.13 on the default asks of a CA what RFC 5280 does not, such as key identifiers. Go, and so kubectl, does not ask it either,
        # and the CA of older clusters has none. Chain, expiry and name are checked as ever.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        if not settings.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _Headers:
    """The headers of the official client's configuration, which renews exec credentials and tokens when it is asked for them."""

    def __init__(self, configuration: Any) -> None:
        self._configuration = configuration
        self._known: Mapping[str, Secret] = {}
        self._next_look = 0.0

    def __call__(self) -> Mapping[str, Secret]:
        now = time.monotonic()
        if now >= self._next_look:
            from kubernetes.config import ConfigException

            try:
                settings: dict[str, dict[str, str]] = self._configuration.auth_settings()
            except ConfigException as error:
                raise OSError(f"token cannot be read: {error}") from error
            found = {setting["key"]: setting["value"] for setting in settings.values() if setting["in"] == "header"}
            self._known = {name: Secret(value) for name, value in found.items() if value}
            self._next_look = now + HEADER_SECONDS
        return self._known


def load(*, user_agent: str, context: str = "", kubeconfig: str = "") -> Credentials:
    """Find the API server: in a pod by its service account, elsewhere by kubeconfig.

    Args:
        user_agent: Product and version, as the audit log shall show it.
        context: Context of the kubeconfig; empty takes its current one. Naming one skips the service account.
        kubeconfig: File to read; empty takes KUBECONFIG, or ``~/.kube/config``. Naming one skips the service account.

    Raises:
        ConfigError: Neither is there, or a file is broken.
    """
    if is_in_cluster(context=context, kubeconfig=kubeconfig):
        try:
            account = ServiceAccount(SERVICE_ACCOUNT, os.environ)
        except (OSError, ValueError) as error:
            said = f"no way to reach a Kubernetes API server: the service account in {SERVICE_ACCOUNT}: {error}. Let the pod mount its token."
            raise errors.ConfigError(said) from error
        return Credentials(account, user_agent=user_agent)
    return Credentials(_kubeconfig(context, kubeconfig), user_agent=user_agent)


def is_in_cluster(*, context: str = "", kubeconfig: str = "") -> bool:
    """Whether the API server is that of the cluster around us: we are in a pod with a token, and nobody names a kubeconfig or a context."""
    return not context and not kubeconfig and "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists()


class Context(NamedTuple):
    """One context of a kubeconfig: a cluster, who we are there, and a namespace, which may be empty."""

    name: str
    cluster: str
    user: str
    namespace: str
    is_current: bool


def contexts(kubeconfig: str = "") -> list[Context]:
    """The contexts of a kubeconfig, or of several that are merged as kubectl merges them.

    Args:
        kubeconfig: File to read; empty takes KUBECONFIG, or ``~/.kube/config``.

    Raises:
        ConfigError: There is none, or it is broken.
    """
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

    with _read(kubeconfig):
        merged = KubeConfigMerger(kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION).config
        if merged is None:
            raise ConfigException("no such file")
        current = merged.value.get("current-context") or ""
        found = [(node["name"], node["context"] or {}) for node in (context.value for context in merged.value["contexts"])]
        return [Context(name, of.get("cluster", ""), of.get("user", ""), of.get("namespace", ""), name == current) for name, of in found]


def _kubeconfig(context: str, file: str) -> Settings:
    from kubernetes.client import Configuration
    from kubernetes.config import load_kube_config

    configuration = Configuration()
    with _read(file):
        load_kube_config(config_file=file or None, context=context or None, client_configuration=configuration)
    return configuration


@contextmanager
def _read(file: str) -> Iterator[None]:
    """What the loaders raise for a file that is not there, not YAML, or not a kubeconfig, as one line; YAML errors have several."""
    from kubernetes.config import ConfigException

    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, ConfigException | yaml.YAMLError | OSError):
            said = f"it has not the shape of a kubeconfig ({type(error).__name__}: {said})"
        where = file or os.environ.get("KUBECONFIG", "~/.kube/config")
        raise errors.ConfigError(
            f"no way to reach a Kubernetes API server: not in a pod with a service account token, and kubeconfig {where}: {said}. "
            "Set KUBECONFIG to a readable kubeconfig, or run inside a cluster."
        ) from error


def _is_near(server: str, no_proxy: str) -> bool:
    """Whether a server is reached without a proxy: ``*``, addresses, networks, or domains with all below them, with a port or without."""
    url = urlsplit(server)
    host, place = (url.hostname or "").lower(), url.netloc.lower()
    for entry in (entry.strip().lower() for entry in no_proxy.split(",")):
        domain = entry.lstrip(".")
        if entry == "*" or (domain and any(name == domain or name.endswith(f".{domain}") for name in (host, place))):
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


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
