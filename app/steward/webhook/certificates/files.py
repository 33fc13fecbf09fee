"""Certificates in files that somebody else renews: cert-manager, or a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography import x509

from steward.http import pki
from steward.http.tls import Certificate, CertificateFiles, CertificateUnreadable
from steward.runtime.component import Context
from steward.runtime.errors import ConfigError
from steward.webhook.certificates import metrics
from steward.webhook.config import Serving


def from_files(context: Context[Any]) -> Certificate:
    """The certificate of two files, read anew when they change.

    Raises: ConfigError when they cannot be used.
    """
    serving: Serving = context.config.serving
    try:
        files = CertificateFiles(serving.tls_cert_file, serving.tls_private_key_file)
    except CertificateUnreadable as error:
        raise ConfigError(f"config.serving.tlsCertFile: {error} Mount a Secret of type kubernetes.io/tls there.") from error
    for gauge in (metrics.EXPIRY, metrics.NOT_BEFORE):
        context.expose(gauge, lambda: _known(files))
    return files


def _known(files: CertificateFiles) -> Iterable[tuple[str, x509.Certificate]]:
    """The certificate that connections get now, which is not what the files say while those cannot be used."""
    # A call makes it look at the files, which nobody may have done for a while.
    files.context()
    (leaf, *_) = pki.read_certificates(files.shown)
    yield metrics.LEAF, leaf
