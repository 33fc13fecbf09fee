"""TLS on a port: the certificate, renewed without a restart, and connections that lose patience as plain ones do."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from steward.http.sockets import PATIENCE_SECONDS
from steward.telemetry.logging import get_logger

_log = get_logger(__name__)


class CertificateUnreadable(Exception):
    """A certificate or its key cannot be used; the message says which file, and why."""


class Certificate(Protocol):
    """What a port shows. Called from several threads."""

    def context(self) -> ssl.SSLContext:
        """A context with the certificate as it is now."""


class CertificateFiles:
    """A certificate and its key in files that somebody else renews, such as a mounted Secret.

    Guarantees: a connection made after a renewal gets the new certificate. While the files cannot be used, as in the middle of a renewal, it gets
    the one before; that is logged once.

    Args:
        certificate: PEM file with the chain, the server's own certificate first.
        key: PEM file with its private key.

    Attributes:
        shown: What the first file said when the present context was made.

    Raises:
        CertificateUnreadable: One of them is missing or broken, or they do not belong together.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._certificate, self._key = certificate, key
        self.shown = ""
        self._seen = self._generation()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """See :class:`Certificate`."""
        found = self._generation()
        if found != self._seen:
            self._seen = found
            try:
                self._context = self._load()
                _log.info("certificate renewed", file=self._certificate)
            except CertificateUnreadable as error:
                _log.error("certificate not renewed, the one before stays", reason=str(error))
        return self._context

    def _load(self) -> ssl.SSLContext:
        context = server_context()
        try:
            text = Path(self._certificate).read_text(encoding="utf-8", errors="replace")
            context.load_cert_chain(self._certificate, self._key)
        except ssl.SSLError as error:
            pair = f"{self._certificate} and {self._key}"
            raise CertificateUnreadable(f"{pair}: not a PEM certificate and its private key ({error.reason or 'no PEM'}).") from error
        except OSError as error:
            unreadable = next((path for path in (self._certificate, self._key) if not os.access(path, os.R_OK)), self._certificate)
            raise CertificateUnreadable(f"{unreadable}: cannot be read: {error.strerror}.") from error
        self.shown = text
        return context

    def _generation(self) -> object:
        """Changes with either file: the kubelet swaps a link, which changes the inode; others write in place."""
        return tuple(_signature(path) for path in (self._certificate, self._key))


def server_context() -> ssl.SSLContext:
    """A context without a certificate: TLS 1.2 or newer (RFC 8996), HTTP/1.1 only, connections of :class:`Connection`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = Connection
    return context


class Connection(ssl.SSLSocket):
    """A server's side of a connection. The handshake is made by the first read, so that accepting one waits for nobody."""

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as in the base class
        """Blocking has an end: OpenSSL's reads begin anew when the kernel's limit of time ends them."""
        self.settimeout(PATIENCE_SECONDS if flag else 0.0)

    def shutdown(self, how: int) -> None:
        """Say so to the peer before, without waiting for its answer (RFC 8446, 6.1): else it cannot tell an end from a cut."""
        self.settimeout(0.0)
        with suppress(OSError, ValueError):
            self.unwrap()
        super().shutdown(how)


def _signature(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - for each connection; a Path costs more than the call
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
