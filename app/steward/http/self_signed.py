"""A certificate made by the process itself, for ports whose clients want no proof of who answers."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import tempfile
import threading
import time

from steward.http.tls import server_context

VALID_DAYS = 90
"""Of one certificate. Nobody has to trust it, so it costs nothing to make another."""

RENEWED_AFTER = 2 / 3
"""Part of that time after which a new one is made: cert-manager's default."""

SKEW = dt.timedelta(minutes=5)
"""How far a client's clock may be behind ours."""


class SelfSigned:
    """Makes a certificate when it is first asked for, and a new one long before that ends. The key is never outside of memory and /tmp."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._renew_at = 0.0
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """See :class:`steward.http.tls.Certificate`."""
        with self._lock:
            if self._context is None or time.monotonic() >= self._renew_at:
                self._context = _make()
                self._renew_at = time.monotonic() + VALID_DAYS * RENEWED_AFTER * 24 * 3600
            return self._context


def _make() -> ssl.SSLContext:
    context = server_context()
    # OpenSSL reads files only.
    with tempfile.NamedTemporaryFile() as file:
        file.write(_pem(socket.gethostname()))
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _pem(host: str) -> bytes:
    """A new key and a certificate for it."""
    # Only who asks for this pays for the import: 10 MB and a tenth of a second.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)
