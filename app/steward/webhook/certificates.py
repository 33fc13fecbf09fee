"""What the port of admission shows."""

from __future__ import annotations

from steward.http.tls import Certificate, CertificateFiles, CertificateUnreadable
from steward.runtime.component import Context
from steward.runtime.errors import ConfigError
from steward.webhook.config import Config


def certificate(context: Context[Config]) -> Certificate:
    """The certificate of the configured mode. Raises: ConfigError."""
    serving = context.config.serving
    if serving.tls_mode == "self":
        from steward.http.self_signed import SelfSigned

        return SelfSigned()
    try:
        return CertificateFiles(serving.tls_cert_file, serving.tls_private_key_file)
    except CertificateUnreadable as error:
        raise ConfigError(f"config.serving.tlsCertFile: {error} Mount a Secret of type kubernetes.io/tls there.") from error
