"""Certificates of the admission webhook: an authority of our own that is replaced without one refused call, or files that others renew.

A walk: ``stored`` is what stands in the Secret; ``rotation`` decides what becomes of it, pure; ``leader`` does what is decided; ``replica`` shows a
certificate of it, which is ``leaf``.
"""

from __future__ import annotations

from steward.http.tls import Certificate
from steward.runtime.component import Context, Right
from steward.runtime.lease import LEASES
from steward.webhook.certificates import metrics, reasons
from steward.webhook.certificates.model import CONFIGURATIONS, SECRETS, SLICES
from steward.webhook.config import Config

__all__ = ["RIGHTS", "SELF", "certificate", "metrics", "reasons"]

SELF = "serving.tlsMode=self"
"""When certificates are made here. Only then is there anything to tell in Events."""

SECRET = "serving.secretName"  # noqa: S105 - the name of a field

RIGHTS = (
    Right(
        SECRETS,
        "list watch create patch",
        why="has the authority of the certificates; created by apply, so that the right is to this one alone",
        own_namespace=True,
        when=SELF,
        named=SECRET,
    ),
    Right(CONFIGURATIONS, "list watch patch", why="is told which authority to trust", when=SELF, named="serving.configurationName"),
    Right(SLICES, "list watch", why="replicas that are called have to show a new certificate first", own_namespace=True, when=SELF),
    Right(LEASES, "create", why="one replica rotates certificates", own_namespace=True, when=SELF),
    Right(LEASES, "get patch", why="one replica rotates certificates", own_namespace=True, when=SELF, named=SECRET),
)
"""What mode ``self`` does at the API server."""


def certificate(context: Context[Config]) -> Certificate:
    """The certificate of the configured mode; in mode ``self`` also what rotates it. Raises: ConfigError."""
    if context.config.serving.tls_mode == "files":
        from steward.webhook.certificates.files import from_files

        return from_files(context)
    from steward.webhook.certificates.own import rotated

    return rotated(context)
